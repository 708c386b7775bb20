import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemory } from '@anthropic-ai/sdk/resources/beta/memory-stores/memories';
import type { BetaManagedAgentsMemoryVersion } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-versions';
import { failureOf } from '../errors.ts';

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
  const list = client.beta.memoryStores.memoryVersions.list(storeId, {
    view: 'full',
    limit: query.atOnce ?? PAGE,
    ...(query.memoryId === undefined ? {} : { memory_id: query.memoryId }),
    ...(query.since === undefined ? {} : { 'created_at[gte]': query.since }),
    ...(query.until === undefined ? {} : { 'created_at[lte]': query.until }),
  });
  try {
    yield* list;
  } catch (error) {
    if (failureOf(error).type !== 'gone') throw error;
  }
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
  try {
    for await (const item of client.beta.memoryStores.memories.list(storeId, { limit: 100 })) {
      if (item.type === 'memory') yield item;
    }
  } catch (error) {
    if (failureOf(error).type !== 'gone') throw error;
  }
}
