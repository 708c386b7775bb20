import { type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';
import type { ChangeRef } from './memory-changes.ts';

/** What is one change to a person: told, taken back and agreed to as a whole. Texts stay with the API. */
export type ChangeSet = { refs: ChangeRef[] } & (
  | { state: 'made' }
  /** The bot has taken it back, because text by these was read before it; it waits for the person's word. */
  | { state: 'held'; because: string[] }
  /** Kept for whoever presses its button once more. */
  | { state: 'undone' | 'dropped' }
);

/** One that has a way back of its own, or none. */
export type FinalChange = 'forget' | 'share' | 'link' | 'unlink';

/** A change of a memory, by whomever. */
export type Change = ChangeSet | { state: 'final'; by: FinalChange };

/** What was changed in a memory of late: a row for each change, with what became of it. */
export interface ChangeSets {
  /** It is the last there was from now on. */
  add(owner: Person, id: string, change: ChangeSet): Promise<void>;
  /** The same. Of several of one kind only the last counts, because nothing is taken back across it. */
  addFinal(owner: Person, by: FinalChange): Promise<void>;
  /** Of one that is there: what became of it. It keeps its place. */
  update(owner: Person, id: string, change: ChangeSet): Promise<void>;
  /** Null when the owner has none of this id, or no longer. */
  find(owner: Person, id: string): Promise<ChangeSet | null>;
  /** All of them, the last first. */
  list(owner: Person): Promise<{ id: string; change: Change }[]>;
}

/** `order`: the state's ticket, because several processes add and their clocks may differ. */
type Row = Change & { order: number };

const KEEP_MS = 30 * 24 * 3600_000;

export function createChangeSets(state: State): ChangeSets {
  const rows = state.table<Row>('change-set');
  const keyOf = (owner: Person, id: string) => `${personKey(owner)}/${id}`;

  async function put(owner: Person, id: string, change: Change, order: number): Promise<void> {
    await rows.set(keyOf(owner, id), { ...change, order }, KEEP_MS);
  }

  return {
    add: async (owner, id, change) => put(owner, id, change, await state.ticket()),
    addFinal: async (owner, by) => put(owner, by, { state: 'final', by }, await state.ticket()),
    async update(owner, id, change) {
      const row = await rows.get(keyOf(owner, id));
      if (row !== undefined) await put(owner, id, change, row.order);
    },
    async find(owner, id) {
      const row = await rows.get(keyOf(owner, id));
      return row === undefined || row.state === 'final' ? null : row;
    },
    async list(owner) {
      const prefix = keyOf(owner, '');
      const found: { id: string; change: Row }[] = [];
      for await (const [key, change] of rows.entries(prefix))
        found.push({ id: key.slice(prefix.length), change });
      return found.sort((a, b) => b.change.order - a.change.order);
    },
  };
}
