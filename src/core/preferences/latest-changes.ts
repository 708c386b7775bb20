import { type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';

/** The last change there was of a memory, whoever made it. */
export type LatestChange =
  /** As the notice with this id says; of a person's own changes there is one, too, that is never shown. */
  | { type: 'notice'; id: string }
  /** One that has a way back of its own, or none. */
  | { type: 'final'; by: FinalChange };

export type FinalChange = 'forget' | 'share' | 'link' | 'unlink';

/** What was changed in a memory last, for whoever asks to have the last change taken back without saying which. */
export interface LatestChanges {
  /** It is the newest now; the same as the newest before stays one. */
  add(owner: Person, change: LatestChange): Promise<void>;
  newest(owner: Person): Promise<LatestChange | null>;
  /** Of all that there is a notice of, newest first. */
  noticeIds(owner: Person): Promise<string[]>;
  /** The change of this notice is no longer there to be taken back. */
  remove(owner: Person, noticeId: string): Promise<void>;
}

/** As long as a notice is kept. */
export const KEEP_MS = 30 * 24 * 3600_000;
/** So many can be taken back one after the other. */
const MOST = 20;

export function createLatestChanges(state: State): LatestChanges {
  const rows = state.table<LatestChange[]>('latest-change');

  async function change(owner: Person, next: (before: LatestChange[]) => LatestChange[]): Promise<void> {
    const key = personKey(owner);
    for (;;) {
      const before = await rows.get(key);
      const after = next(before ?? []);
      if (before === undefined && after.length === 0) return;
      const changed =
        before === undefined
          ? await rows.insert(key, after, KEEP_MS)
          : await rows.replace(key, before, after, KEEP_MS);
      if (changed) return;
    }
  }

  return {
    add: (owner, added) =>
      change(owner, before =>
        [...before.filter((it, at) => !isOne(it, added, at === before.length - 1)), added].slice(-MOST),
      ),
    newest: async owner => (await rows.get(personKey(owner)))?.at(-1) ?? null,
    async noticeIds(owner) {
      const changes = (await rows.get(personKey(owner))) ?? [];
      return changes.flatMap(change => (change.type === 'notice' ? [change.id] : [])).reverse();
    },
    remove: (owner, noticeId) =>
      change(owner, before => before.filter(it => it.type !== 'notice' || it.id !== noticeId)),
  };
}

/** Forgetting, sharing and linking write several times; with something else in between, each counts. */
function isOne(known: LatestChange, added: LatestChange, isNewest: boolean): boolean {
  if (known.type === 'notice') return added.type === 'notice' && added.id === known.id;
  return isNewest && added.type === 'final' && added.by === known.by;
}
