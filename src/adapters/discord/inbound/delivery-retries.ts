import { DiscordAPIError } from 'discord.js';
import { pause } from '../../../core/patience.ts';
import { RetryLater } from '../../../core/reply/paced.ts';
import type { Log } from '../../../log.ts';
import { mayPass } from '../connection/api.ts';
import type { Incoming } from './incoming.ts';

/**
 * When a delivery is tried again and when it is given up. The gateway delivers once: what fails (the network, a
 * database that fails over) is tried again, and what comes after it in its channel waits.
 */
export interface DeliveryRetries {
  /** Rejects as the work does once Discord has refused it often, or it would be too old to answer. */
  run(work: () => Promise<void>, until: number): Promise<void>;
  /**
   * Does the work of one message. Rejects as it does, to be tried again; a poison message, which has failed often while
   * all else worked, is set aside instead, so that it holds up nothing.
   */
  contain(
    message: Incoming,
    work: () => Promise<void>,
    setAside: (message: Incoming, error: unknown) => Promise<void>,
  ): Promise<void>;
}

/** What fails more often than this is said in the log; what Discord refuses is not asked again. */
const ATTEMPTS = 5;
const LAST_RETRY_MS = 15_000;
/** A database that fails over may take one write and refuse the next; it does not do so for a minute, as long as this takes. */
const POISON_ATTEMPTS = 8;

export function createDeliveryRetries(deps: {
  /** Before the first repetition; waits double from this. */
  retryMs: number;
  /** Rejects when nothing of this channel could be stored. */
  store(channelId: string): Promise<void>;
  now: () => number;
  stopped: AbortSignal;
  log: Log;
}): DeliveryRetries {
  const { retryMs, now, stopped, log } = deps;
  /** Failures in a row after each of which the state took a write, by message. */
  const failures = new Map<string, number>();

  async function isPoison({ id, channelId }: Incoming): Promise<boolean> {
    try {
      await deps.store(channelId);
    } catch {
      failures.delete(id);
      return false;
    }
    const count = (failures.get(id) ?? 0) + 1;
    failures.set(id, count);
    return count >= POISON_ATTEMPTS;
  }

  return {
    async run(work, until) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await work();
        } catch (error) {
          const isRefused = error instanceof DiscordAPIError && attempt >= ATTEMPTS;
          if (isRefused || now() >= until || stopped.aborted) throw error;
          if (attempt === ATTEMPTS) {
            log.warn(
              { event: 'discord.delivery_delayed', err: error },
              'a message cannot be taken in for now; it is tried again',
            );
          }
          const wait = Math.min(retryMs * 2 ** (attempt - 1), LAST_RETRY_MS);
          await pause(error instanceof RetryLater ? Math.max(error.afterMs, wait) : wait, stopped);
        }
      }
    },

    async contain(message, work, setAside) {
      try {
        await work();
      } catch (error) {
        const isPlatforms = error instanceof DiscordAPIError || error instanceof RetryLater || mayPass(error);
        if (isPlatforms || !(await isPoison(message))) throw error;
        await setAside(message, error);
      }
      failures.delete(message.id);
    },
  };
}
