import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemory } from '@anthropic-ai/sdk/resources/beta/memory-stores/memories';
import type {
  BetaManagedAgentsMemoryVersion,
  BetaManagedAgentsMemoryVersionsPageCursor,
} from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-versions';
import { allUnlessGone, failureOf } from '../errors.ts';

export type Version = BetaManagedAgentsMemoryVersion;
type Memory = BetaManagedAgentsMemory;

/** The most the API gives at once with content. */
const PAGE = 20;

/** Versions with their content, newest first; of one memory, or of all; nothing when the store is gone. */
export async function* versionsOf(
  client: Anthropic,
  storeId: string,
  query: { memoryId?: string; since?: string; until?: string; atOnce?: number } = {},
): AsyncGenerator<Version, void, void> {
  const { memoryId, since, until } = query;
  const list = client.beta.memoryStores.memoryVersions.list(storeId, {
    view: 'full',
    limit: query.atOnce ?? PAGE,
    ...(memoryId === undefined ? {} : { memory_id: memoryId }),
    ...(since === undefined ? {} : { 'created_at[gte]': since }),
    ...(until === undefined ? {} : { 'created_at[lte]': until }),
  });
  // Forgetting begins here: what a compatible service lists beyond what was asked for is none of it.
  const isAsked = (version: Version) =>
    (memoryId === undefined || version.memory_id === memoryId) &&
    (since === undefined || isSince(version, since)) &&
    (until === undefined || Date.parse(version.created_at) <= Date.parse(until));
  try {
    for await (const version of newestFirst(await list)) if (isAsked(version)) yield version;
  } catch (error) {
    if (failureOf(error).type !== 'gone') throw error;
  }
}

/**
 * As the API lists them; its reference does not promise that, and a compatible service may list them as they were written.
 * Then all are read before the first is given.
 */
async function* newestFirst(
  pages: BetaManagedAgentsMemoryVersionsPageCursor,
): AsyncGenerator<Version, void, void> {
  if (areNewestFirst(pages.data)) {
    yield* pages;
    return;
  }
  const all: Version[] = [];
  for await (const version of pages) all.push(version);
  yield* all.reverse().sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
}

/** Where times are the same, nothing of a memory comes before it was created. */
function areNewestFirst(versions: readonly Version[]): boolean {
  return versions.every((version, index) => {
    const next = versions[index + 1];
    if (next === undefined) return true;
    if (version.operation === 'created' && version.memory_id === next.memory_id) return false;
    return Date.parse(version.created_at) >= Date.parse(next.created_at);
  });
}

/** By the server's clock. True also where that cannot be told: a service may date its versions to the second and its events finer. */
export function isSince(version: Version, at: string): boolean {
  const step = /\.\d/.test(version.created_at) ? 1 : 1_000;
  return Date.parse(version.created_at) >= Math.floor(Date.parse(at) / step) * step;
}

/** The same of several stores. */
export async function* versionsIn(
  client: Anthropic,
  storeIds: readonly string[],
  query: Parameters<typeof versionsOf>[2] = {},
): AsyncGenerator<Version, void, void> {
  const open: { rest: AsyncGenerator<Version, void, void>; next: Version }[] = [];
  const advance = async (rest: AsyncGenerator<Version, void, void>) => {
    const next = await rest.next();
    if (next.done !== true) open.push({ rest, next: next.value });
  };
  for (const storeId of storeIds) await advance(versionsOf(client, storeId, query));
  while (open.length > 0) {
    const newest = open.reduce((a, b) =>
      Date.parse(b.next.created_at) > Date.parse(a.next.created_at) ? b : a,
    );
    open.splice(open.indexOf(newest), 1);
    yield newest.next;
    await advance(newest.rest);
  }
}

/** Null when it is not kept, or belongs to another store than these. */
export async function versionNamed(
  client: Anthropic,
  storeIds: readonly string[],
  versionId: string,
): Promise<Version | null> {
  for (const storeId of storeIds) {
    try {
      const params = { memory_store_id: storeId };
      return await client.beta.memoryStores.memoryVersions.retrieve(versionId, params);
    } catch (error) {
      if (failureOf(error).type !== 'gone') throw error;
    }
  }
  return null;
}

/** What a version says; null when it deleted the memory, or was emptied. */
export function textOf(version: Version): string | null {
  return version.operation === 'deleted' || isEmptied(version) ? null : (version.content ?? '');
}

export function isEmptied(version: Version): boolean {
  return version.redacted_at !== null && version.redacted_at !== undefined;
}

/** What is in a store, without its content; nothing when the store is gone. */
export async function* memoriesOf(client: Anthropic, storeId: string): AsyncGenerator<Memory, void, void> {
  const list = client.beta.memoryStores.memories.list(storeId, { limit: 100 });
  for await (const item of allUnlessGone(list)) if (item.type === 'memory') yield item;
}
