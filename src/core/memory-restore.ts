import type Anthropic from '@anthropic-ai/sdk';
import { failureOf, unlessGone } from './errors.ts';
import type { ChangeRef } from './memory-changes.ts';

/** How a memory stood before or after a change; null: it did not exist. */
interface Standing {
  versionId: string;
  path: string;
  sha256: string;
}

/**
 * Takes one change back, or makes it again. False when the memory has changed since, or when the text to go to is
 * no longer kept: then nothing is touched. Done already counts as done.
 */
export async function undoChange(client: Anthropic, ref: ChangeRef): Promise<boolean> {
  return move(client, ref.storeId, ref.memoryId, after(ref), before(ref));
}

export async function redoChange(client: Anthropic, ref: ChangeRef): Promise<boolean> {
  return move(client, ref.storeId, ref.memoryId, before(ref), after(ref));
}

/** Undoing many: what was created goes first, so that what stood at its path before can come back. */
export function undoOrder(refs: readonly ChangeRef[]): ChangeRef[] {
  return [...refs].sort((a, b) => Number(a.beforeVersionId !== null) - Number(b.beforeVersionId !== null));
}

/** Redoing many: what is to be deleted goes first, for the same reason. */
export function redoOrder(refs: readonly ChangeRef[]): ChangeRef[] {
  return [...refs].sort((a, b) => Number(a.afterVersionId !== null) - Number(b.afterVersionId !== null));
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

async function move(
  client: Anthropic,
  storeId: string,
  memoryId: string,
  from: Standing | null,
  to: Standing | null,
): Promise<boolean> {
  const { memories } = client.beta.memoryStores;
  const once = { maxRetries: 0 };
  const content = to === null ? null : await textOf(client, storeId, to.versionId);
  if (to !== null && content === null) return false;
  try {
    if (from === null) {
      if (to === null || content === null) return true;
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
    return true;
  } catch (error) {
    const failure = failureOf(error);
    if (failure.type === 'gone') return to === null;
    if (failure.type !== 'refused' || failure.reason !== 'conflict') throw error;
    return to !== null && (await standsAt(client, storeId, to));
  }
}

/** True when the store holds exactly this text at this path. */
async function standsAt(client: Anthropic, storeId: string, to: Standing): Promise<boolean> {
  const { memories } = client.beta.memoryStores;
  const folder = to.path.slice(0, to.path.lastIndexOf('/') + 1);
  for await (const item of memories.list(storeId, { path_prefix: folder, limit: 100 })) {
    if (item.type === 'memory' && item.path === to.path) return item.content_sha256 === to.sha256;
  }
  return false;
}

/** The text of a version; null when it is no longer kept. */
async function textOf(client: Anthropic, storeId: string, versionId: string): Promise<string | null> {
  const versions = client.beta.memoryStores.memoryVersions;
  const version = await unlessGone(versions.retrieve(versionId, { memory_store_id: storeId }));
  return version?.content ?? null;
}
