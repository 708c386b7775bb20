import { type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';
import type { Audience } from './store-owner.ts';

/** The newest mark of either kind; 0: none. */
export type Marked = Record<Audience, number>;

/**
 * Marks that a memory was changed, by which a conversation sees that it has not been told. Each is greater than the one
 * before, whoever sets it: what is compared is their order, and never the clocks of two processes.
 *
 * `private`: only what is kept where the person alone reads; `shared`: what may be said anywhere, or nobody knows which.
 */
export interface MemoryMarks {
  of(owner: Person): Promise<Marked>;
  /** `before`: the newest until now. Of two at the same time, one is before the other. */
  mark(owner: Person, audience: Audience): Promise<{ before: number; at: number }>;
}

/** `keepMs`: longer than any session is used. */
export function createMemoryMarks(deps: { state: State; keepMs: number; now: () => number }): MemoryMarks {
  const edits = deps.state.table<number>('memory-edited');
  const keyOf = (owner: Person, audience: Audience) =>
    audience === 'shared' ? personKey(owner) : `${personKey(owner)}/private`;

  return {
    async of(owner) {
      const [shared = 0, own = 0] = await Promise.all([
        edits.get(keyOf(owner, 'shared')),
        edits.get(keyOf(owner, 'private')),
      ]);
      return { shared, private: own };
    },

    async mark(owner, audience) {
      const key = keyOf(owner, audience);
      for (;;) {
        const last = await edits.get(key);
        // By the time, because a mark is forgotten sooner or later, and the next must be greater than that as well.
        const at = Math.max(deps.now(), (last ?? 0) + 1);
        const set =
          last === undefined
            ? await edits.insert(key, at, deps.keepMs)
            : await edits.replace(key, last, at, deps.keepMs);
        if (set) return { before: last ?? 0, at };
      }
    },
  };
}
