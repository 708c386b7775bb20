import { randomBytes } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import type { OpenDispute } from '../linking/memory-copy.ts';
import type { Memory } from '../memory/memory.ts';
import { changedLines } from '../memory/memory-text.ts';
import { type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';
import { type Conflict, titleOfPath } from '../views.ts';
import { revisionOf } from './history.ts';
import { textOf, versionsOf } from './versions.ts';

/** A text that could not be saved yet, and what stood in its place (null: nothing). */
export interface Unsaved {
  /** Null: a store that the person does not have yet. */
  storeId: string | null;
  memoryId: string | null;
  path: string;
  mine: string;
  /** What "theirs" stands for, where that is not simply what is there now. */
  theirs?: string;
  nowSha256: string | null;
}

/** Keeps what a person wrote while they decide between it and what is there. */
export interface Conflicts {
  /** `revision`: of the text the person saw, so that both sides can be shown as changes to it. */
  open(person: Person, unsaved: Unsaved, revision?: string): Promise<Conflict>;
  /** Two answers that a note has now, for the person to choose; null when the note is gone by then. */
  openDispute(
    person: Person,
    dispute: OpenDispute,
    labels: NonNullable<Conflict['labels']>,
  ): Promise<Conflict | null>;
  find(person: Person, id: string): Promise<Unsaved | null>;
  close(person: Person, id: string): Promise<void>;
}

/** How long a form may stay open, and a conflict undecided. */
export const OPEN_MS = 3600_000;

/** What the person saw is among the latest; further back than this nobody waits for it. */
const MOST_VERSIONS = 100;

export function createConflicts(deps: { client: Anthropic; state: State; memory: Memory }): Conflicts {
  const { client, memory } = deps;
  const unsaved = deps.state.table<Unsaved>('unsaved');
  const keyOf = (person: Person, id: string) => `${personKey(person)}/${id}`;

  async function textOfRevision(storeId: string, memoryId: string, revision: string): Promise<string | null> {
    let looked = 0;
    for await (const version of versionsOf(client, storeId, { memoryId })) {
      looked += 1;
      if (looked > MOST_VERSIONS) return null;
      const text = textOf(version);
      if (text !== null && revisionOf(version.content_sha256 ?? '') === revision) return text;
    }
    return null;
  }

  async function open(person: Person, draft: Unsaved, revision?: string): Promise<Conflict> {
    const id = newId();
    await unsaved.set(keyOf(person, id), draft, OPEN_MS);
    const { storeId } = draft;
    const file =
      storeId === null || draft.memoryId === null ? null : await memory.read(storeId, draft.memoryId);
    const now = draft.theirs ?? file?.content ?? null;
    const seen =
      storeId === null || draft.memoryId === null || revision === undefined
        ? null
        : await textOfRevision(storeId, draft.memoryId, revision);
    return {
      id,
      title: titleOfPath(draft.path),
      path: draft.path,
      now,
      mine: draft.mine,
      wanted: changedLines(seen ?? now ?? '', draft.mine),
      meanwhile: seen === null ? [] : changedLines(seen, now ?? ''),
    };
  }

  return {
    open,

    async openDispute(person, { storeId, path, ours, theirs }, labels) {
      const file = (await memory.files([storeId])).find(known => known.path === path);
      if (file === undefined) return null;
      // Seen from what joins: its own answers, and those that stand there.
      const draft = { storeId, memoryId: file.id, path, mine: theirs, theirs: ours, nowSha256: file.sha256 };
      return { ...(await open(person, draft)), labels };
    },

    async find(person, id) {
      return (await unsaved.get(keyOf(person, id))) ?? null;
    },

    async close(person, id) {
      await unsaved.delete(keyOf(person, id));
    },
  };
}

/** Short enough for a button, and nobody else's to guess. */
export function newId(): string {
  return randomBytes(9).toString('base64url');
}
