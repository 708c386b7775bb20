import { DiscordAPIError } from 'discord.js';
import { pause } from '../../core/patience.ts';
import { RetryLater } from '../../core/reply/paced.ts';
import type { Log } from '../../log.ts';

/** What fails more often than this is said in the log; what Discord refuses is not asked again. */
const ATTEMPTS = 5;
const LAST_RETRY_MS = 15_000;

/**
 * The gateway delivers once: what fails (the network, a database that fails over) is tried again, and what comes
 * after it in its channel waits, until it would be too old to answer.
 */
export function createStubbornness(deps: {
  /** Before the first repetition; waits double from this. */
  retryMs: number;
  now: () => number;
  stopped: AbortSignal;
  log: Log;
}): (work: () => Promise<void>, until: number) => Promise<void> {
  const { retryMs, now, stopped, log } = deps;
  return async (work, until) => {
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
  };
}
