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
  const held = new Map<string, { released: Promise<void>; count: number; release: () => void }>();

  return {
    hold(person) {
      const key = personKey(person);
      let entry = held.get(key);
      if (entry === undefined) {
        let release = () => {};
        const released = new Promise<void>(resolve => {
          release = resolve;
        });
        entry = { released, count: 0, release };
        held.set(key, entry);
      }
      const mine = entry;
      mine.count += 1;
      let open = true;
      return () => {
        if (!open) return;
        open = false;
        mine.count -= 1;
        if (mine.count > 0) return;
        held.delete(key);
        mine.release();
      };
    },

    async isHeld(key) {
      const person = personKeyOf(key);
      return held.has(person) || (elsewhere !== undefined && (await elsewhere(person)));
    },

    async free(key) {
      const person = personKeyOf(key);
      for (let waited = 0; ; waited += POLL_MS) {
        let holder = held.get(person);
        while (holder !== undefined) {
          await holder.released;
          holder = held.get(person);
        }
        if (elsewhere === undefined || !(await elsewhere(person))) return true;
        if (waited >= PATIENCE_MS) return false;
        await pause(POLL_MS);
      }
    },
  };
}
