import type Anthropic from '@anthropic-ai/sdk';
import { failureOf, unlessGone } from '../errors.ts';
import type { Person } from '../message.ts';
import type { Authors, Intent, OwnChange } from '../preferences/authors.ts';
import { versionsOf } from '../preferences/versions.ts';
import type { ChangeRef } from './memory-changes.ts';

/** How a memory stood before or after a change; null: it did not exist. */
interface Standing {
  versionId: string;
  path: string;
  sha256: string;
}

/**
 * What came of it: `changed`, the memory has changed since; `lost`, the text to go to was forgotten for good or is no longer
 * kept. Then nothing is touched. Done already counts as done.
 */
export type Moved = 'done' | 'changed' | 'lost';

/** Moves a memory between what stood there before a change and what the change left. */
export interface Moves {
  /** Takes one change back. */
  undo(person: Person, ref: ChangeRef, by: OwnChange): Promise<Moved>;
  /** Makes it again. */
  redo(person: Person, ref: ChangeRef, by: OwnChange): Promise<Moved>;
}

export function createMoves({ client, authors }: { client: Anthropic; authors: Authors }): Moves {
  async function attempt(
    person: Person,
    storeId: string,
    change: Intent,
    by: OwnChange,
    work: () => Promise<Moved>,
  ): Promise<Moved> {
    const intent = await authors.intend(person, change, by);
    const moved = await work();
    await (moved === 'done' ? intent.madeIn(storeId) : intent.dropped());
    return moved;
  }

  /** As `move`, but what is gone because the person has moved it to their other store still says what it said. */
  async function moveIn(
    person: Person,
    { storeId, memoryId }: ChangeRef,
    from: Standing | null,
    to: Standing | null,
  ): Promise<Moved> {
    const came = await move(client, storeId, memoryId, from, to);
    if (came !== 'gone') return came;
    for await (const version of versionsOf(client, storeId, { memoryId, atOnce: 1 })) {
      const author = await authors.of(person, version);
      return author.type === 'person' && author.by === 'share' ? 'changed' : 'done';
    }
    return 'done';
  }

  return {
    async undo(person, ref, by) {
      const { storeId, path, beforePath, beforeSha256, beforeIsLost } = ref;
      if (beforeIsLost === true) return 'lost';
      const change = { path: beforePath ?? path, sha256: beforeSha256 };
      return attempt(person, storeId, change, by, () => moveIn(person, ref, after(ref), before(ref)));
    },

    redo(person, ref, by) {
      const { storeId, path, afterSha256 } = ref;
      const change = { path, sha256: afterSha256 };
      return attempt(person, storeId, change, by, () => moveIn(person, ref, before(ref), after(ref)));
    },
  };
}

/**
 * Undoing many (of one memory: given oldest first): a memory that was created goes first, so that what stood at its path
 * before can come back; and of one memory the latest change.
 */
export function undoOrder(refs: readonly ChangeRef[]): ChangeRef[] {
  return withFirst([...refs].reverse(), ref => ref.beforeVersionId === null);
}

/** Redoing many: what is to be deleted goes first, for the same reason; and of one memory the earliest change. */
export function redoOrder(refs: readonly ChangeRef[]): ChangeRef[] {
  return withFirst(refs, ref => ref.afterVersionId === null);
}

/** Memories of which one change is such a one, with all their changes, before the others. */
function withFirst(refs: readonly ChangeRef[], isFirst: (ref: ChangeRef) => boolean): ChangeRef[] {
  const first = new Set(refs.filter(isFirst).map(ref => ref.memoryId));
  return [...refs].sort((a, b) => Number(first.has(b.memoryId)) - Number(first.has(a.memoryId)));
}

function before(ref: ChangeRef): Standing | null {
  const { beforeVersionId, beforePath, beforeSha256, path } = ref;
  if (beforeVersionId === null) return null;
  return { versionId: beforeVersionId, path: beforePath ?? path, sha256: beforeSha256 ?? '' };
}

function after(ref: ChangeRef): Standing | null {
  const { afterVersionId, afterSha256, path } = ref;
  if (afterVersionId === null || afterSha256 === null) return null;
  return { versionId: afterVersionId, path, sha256: afterSha256 };
}

/** `gone`: it was to be deleted, and somebody else has done that. */
async function move(
  client: Anthropic,
  storeId: string,
  memoryId: string,
  from: Standing | null,
  to: Standing | null,
): Promise<Moved | 'gone'> {
  const { memories } = client.beta.memoryStores;
  const once = { maxRetries: 0 };
  const content = to === null ? null : await textOfVersion(client, storeId, to.versionId);
  if (to !== null && content === null) return 'lost';
  try {
    if (from === null) {
      if (to === null || content === null) return 'done';
      await memories.create(storeId, { path: to.path, content }, once);
    } else if (to === null || content === null) {
      await memories.delete(
        memoryId,
        { memory_store_id: storeId, expected_content_sha256: from.sha256 },
        once,
      );
    } else {
      const precondition = { type: 'content_sha256' as const, content_sha256: from.sha256 };
      const moved = from.path === to.path ? {} : { path: to.path };
      await memories.update(memoryId, { memory_store_id: storeId, content, precondition, ...moved }, once);
    }
    return 'done';
  } catch (error) {
    const failure = failureOf(error);
    if (failure.type === 'gone' && from !== null) {
      // One that was taken away and brought back, as it was, has another id.
      const again = await standingAt(client, storeId, from);
      if (again !== null && again !== memoryId) return move(client, storeId, again, from, to);
    } else if (failure.type !== 'gone' && (failure.type !== 'refused' || failure.reason !== 'conflict')) {
      throw error;
    }
    if (to === null) return failure.type === 'gone' ? 'gone' : 'changed';
    return (await standingAt(client, storeId, to)) === null ? 'changed' : 'done';
  }
}

/** Which memory holds exactly this text at this path; null: none does. */
async function standingAt(client: Anthropic, storeId: string, it: Standing): Promise<string | null> {
  const { memories } = client.beta.memoryStores;
  const folder = it.path.slice(0, it.path.lastIndexOf('/') + 1);
  try {
    for await (const item of memories.list(storeId, { path_prefix: folder, limit: 100 })) {
      if (item.type !== 'memory' || item.path !== it.path) continue;
      return item.content_sha256 === it.sha256 ? item.id : null;
    }
  } catch (error) {
    if (failureOf(error).type !== 'gone') throw error;
  }
  return null;
}

/** The text of a version; null when it is no longer kept. */
export async function textOfVersion(
  client: Anthropic,
  storeId: string,
  versionId: string,
): Promise<string | null> {
  const versions = client.beta.memoryStores.memoryVersions;
  const version = await unlessGone(versions.retrieve(versionId, { memory_store_id: storeId }));
  return version?.content ?? null;
}
