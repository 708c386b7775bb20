import { type Person, personKey } from './message.ts';

/** Keeps anything new from beginning for a person while what there is of them is being removed. */
export interface Holds {
  /** Returns the way to let go; safe to call twice. */
  hold(person: Person): () => void;
  /** Resolves when nobody holds the owner of this key (a person's or a conversation's). */
  free(key: string): Promise<void>;
}

export function createHolds(): Holds {
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

    async free(key) {
      for (;;) {
        const holder = [...held].find(([owner]) => key === owner || key.startsWith(`${owner}/`));
        if (holder === undefined) return;
        await holder[1].released;
      }
    },
  };
}
