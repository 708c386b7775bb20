import { type Person, personKey, personKeyOf } from '../message.ts';
import { pause } from '../patience.ts';

/** Keeps anything new from starting for a person while everything about them is being removed. */
export interface Holds {
  /** Returns the way to let go; safe to call twice. */
  hold(person: Person): () => void;
  /**
   * Resolves when nobody holds the owner of this key (a person's or a conversation's); with false when somebody still
   * does, and for too long to wait for.
   */
  free(key: string): Promise<boolean>;
  /** To be asked once it can be seen that work for them has begun: whoever holds them looks for that only once. */
  isHeld(key: string): Promise<boolean>;
}

/** A process that dies while it holds somebody does not keep them waiting for ever. */
const PATIENCE_MS = 120_000;
const POLL_MS = 250;

/** `elsewhere`: whether another process holds this person (by their key); absent where there is none. */
export function createHolds(elsewhere?: (person: string) => Promise<boolean>): Holds {
  /** Each holder of a person, as the promise that it lets go. */
  const held = new Map<string, Set<Promise<void>>>();

  return {
    hold(person) {
      const key = personKey(person);
      let release = () => {};
      const released = new Promise<void>(resolve => {
        release = resolve;
      });
      const holders = held.get(key) ?? new Set();
      held.set(key, holders.add(released));
      return () => {
        if (holders.delete(released) && holders.size === 0) held.delete(key);
        release();
      };
    },

    async isHeld(key) {
      const person = personKeyOf(key);
      return held.has(person) || (elsewhere !== undefined && (await elsewhere(person)));
    },

    async free(key) {
      const person = personKeyOf(key);
      for (let waited = 0; ; waited += POLL_MS) {
        for (let holders = held.get(person); holders !== undefined; holders = held.get(person))
          await Promise.all(holders);
        if (elsewhere === undefined || !(await elsewhere(person))) return true;
        if (waited >= PATIENCE_MS) return false;
        await pause(POLL_MS);
      }
    },
  };
}
