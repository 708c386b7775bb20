import Anthropic from '@anthropic-ai/sdk';
import * as z from 'zod';
import { failureOf, PersonError } from '../errors.ts';
import { MAX_CONTENT_BYTES, type MemoryFile } from '../memory/memory-files.ts';
import type { Person } from '../message.ts';
import { type Authors, type Intended, type OwnChange, sha256Of } from './authors.ts';
import type { Made, OwnChanges } from './own-changes.ts';

/** What came of a write. Nothing was written unless it says so. */
export type Written =
  | { type: 'written'; memoryId: string }
  /** What is there is not what the write was meant for. */
  | { type: 'changed' }
  | { type: 'gone' }
  /** Another memory is at that path, or above or below it. */
  | { type: 'taken'; memoryId: string | null };

/** A person's own changes to their memory. Each goes through only on the text it was meant for. */
export interface Writes {
  /** `deed`: the same for all writes that are one change to the person; without one, each is one. */
  create(
    person: Person,
    storeId: string,
    path: string,
    content: string,
    by: OwnChange,
    deed?: string,
  ): Promise<Written>;
  /** `path`: the file moves there as well. */
  update(
    person: Person,
    file: MemoryFile,
    change: { content: string; path?: string },
    by: OwnChange,
    deed?: string,
  ): Promise<Written>;
  remove(person: Person, file: MemoryFile, by: OwnChange, deed?: string): Promise<Written>;
}

// A repeated create would find its own path taken, and a repeated update its own precondition failed.
const ONCE = { maxRetries: 0 };

export function createWrites(deps: {
  client: Anthropic;
  authors: Authors;
  ownChanges: OwnChanges;
  /** Called after each change, so that running conversations learn of it. */
  onWritten(person: Person): Promise<void>;
}): Writes {
  const { client, authors } = deps;
  const { memories } = client.beta.memoryStores;

  async function attempt(
    person: Person,
    storeId: string,
    intent: Intended,
    change: Omit<Made, 'memoryId' | 'afterVersionId'>,
    write: () => Promise<{ memoryId: string; versionId: string | null }>,
  ): Promise<Written> {
    let made: { memoryId: string; versionId: string | null };
    try {
      made = await write();
    } catch (error) {
      const refusal = refusalOf(error);
      // Of anything else nobody knows whether it went through: then the intent stays.
      if (refusal === null) throw error;
      await intent.dropped();
      return refusal;
    }
    await (made.versionId === null ? intent.madeIn(storeId) : intent.made(made.versionId));
    await deps.onWritten(person);
    const { memoryId, versionId: afterVersionId } = made;
    await deps.ownChanges.made(person, { ...change, memoryId, afterVersionId });
    return { type: 'written', memoryId };
  }

  return {
    async create(person, storeId, path, content, by, deed) {
      assertFits(content);
      const sha256 = sha256Of(content);
      const intent = await authors.intend(person, { path, sha256 }, by);
      const change = { storeId, path, afterSha256: sha256, before: null, by, deed };
      return attempt(person, storeId, intent, change, async () => {
        const memory = await memories.create(storeId, { path, content }, ONCE);
        return { memoryId: memory.id, versionId: memory.memory_version_id };
      });
    },

    async update(person, file, { content, path = file.path }, by, deed) {
      assertFits(content);
      if (content === file.content && path === file.path) return { type: 'written', memoryId: file.id };
      const sha256 = sha256Of(content);
      const intent = await authors.intend(person, { path, sha256 }, by);
      const change = { storeId: file.storeId, path, afterSha256: sha256, before: file, by, deed };
      const precondition = { type: 'content_sha256' as const, content_sha256: file.sha256 };
      const moved = path === file.path ? {} : { path };
      return attempt(person, file.storeId, intent, change, async () => {
        const memory = await memories.update(
          file.id,
          { memory_store_id: file.storeId, content, precondition, ...moved },
          ONCE,
        );
        return { memoryId: memory.id, versionId: memory.memory_version_id };
      });
    },

    async remove(person, file, by, deed) {
      const intent = await authors.intend(person, { path: file.path, sha256: null }, by);
      const change = { storeId: file.storeId, path: file.path, afterSha256: null, before: file, by, deed };
      return attempt(person, file.storeId, intent, change, async () => {
        const params = { memory_store_id: file.storeId, expected_content_sha256: file.sha256 };
        await memories.delete(file.id, params, ONCE);
        return { memoryId: file.id, versionId: null };
      });
    },
  };
}

/** As in the API's error table: fields beside type and message. */
const pathConflict = z.object({ error: z.object({ conflicting_memory_id: z.string().nullish() }) });

/** Null for errors that leave open what happened, or that no other text would mend. */
function refusalOf(error: unknown): Exclude<Written, { type: 'written' }> | null {
  const failure = failureOf(error);
  if (failure.type === 'gone') return { type: 'gone' };
  if (failure.type !== 'refused' || failure.reason !== 'conflict') return null;
  if (!(error instanceof Anthropic.APIError) || error.type !== 'memory_path_conflict_error') {
    return { type: 'changed' };
  }
  const body = pathConflict.safeParse(error.error).data;
  return { type: 'taken', memoryId: body?.error.conflicting_memory_id ?? null };
}

function assertFits(content: string): void {
  if (Buffer.byteLength(content) <= MAX_CONTENT_BYTES) return;
  throw new PersonError('That is more than one note can hold (100 KB). Please split it into several.');
}

/** "Winter coats" → "/winter-coats.md", "Style: winter coats" → "/style/winter-coats.md" */
export function pathOfTitle(title: string): string {
  const parts = title
    .normalize('NFC')
    .replace(/\.md$/i, '')
    .split(/:\s|\//)
    .map(part =>
      part
        .toLowerCase()
        .replace(/[\p{C}\u2028\u2029]+/gu, '')
        .trim()
        .replace(/[\s_]+/g, '-')
        .replace(/^\.+/, ''),
    )
    .filter(part => part !== '');
  if (parts.length === 0) throw new PersonError('A note needs a title, such as “Occasions”.');
  const path = `/${parts.slice(0, 5).join('/')}.md`;
  if (Buffer.byteLength(path) > 500) throw new PersonError('That title is too long. Please shorten it.');
  return path;
}
