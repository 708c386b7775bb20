import { DiscordAPIError } from 'discord.js';
import { RetryLater } from '../../core/reply/paced.ts';
import { mayPass } from './api.ts';
import type { Incoming } from './incoming.ts';

/** Keeps a message that can never be taken in from holding up what comes after it in its channel. */
export interface OwnFaults {
  /**
   * Does the work. Rejects as it does, to be tried again; when it has failed often while all else worked, sets the
   * message aside instead.
   */
  contain(message: Incoming, work: () => Promise<void>): Promise<void>;
}

/** A database that fails over may take one write and refuse the next; it does not do so for a minute, as long as this takes. */
const ENOUGH = 8;

export function createOwnFaults(deps: {
  /** Rejects when nothing could be taken in at all. */
  works(message: Incoming): Promise<void>;
  setAside(message: Incoming, error: unknown): Promise<void>;
}): OwnFaults {
  /** Failures in a row after each of which the state took a write. */
  const failures = new Map<string, number>();

  async function isOwn({ id }: Incoming, works: Promise<void>): Promise<boolean> {
    try {
      await works;
    } catch {
      failures.delete(id);
      return false;
    }
    const count = (failures.get(id) ?? 0) + 1;
    failures.set(id, count);
    return count >= ENOUGH;
  }

  return {
    async contain(message, work) {
      try {
        await work();
      } catch (error) {
        const isPlatforms = error instanceof DiscordAPIError || error instanceof RetryLater || mayPass(error);
        if (isPlatforms || !(await isOwn(message, deps.works(message)))) throw error;
        await deps.setAside(message, error);
      }
      failures.delete(message.id);
    },
  };
}
