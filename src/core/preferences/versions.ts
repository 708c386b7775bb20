import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemoryVersion } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-versions';
import { failureOf } from '../errors.ts';

export type Version = BetaManagedAgentsMemoryVersion;

/** The most the API gives at once with content. */
const PAGE = 20;

/** Versions with their content, newest first; of one memory, or of all; nothing when the store is gone. */
export async function* versionsOf(
  client: Anthropic,
  storeId: string,
  query: { memoryId?: string; since?: string; until?: string } = {},
): AsyncGenerator<Version, void, void> {
  const list = client.beta.memoryStores.memoryVersions.list(storeId, {
    view: 'full',
    limit: PAGE,
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

/** Null when it is not kept, or belongs to another store. */
export async function versionNamed(
  client: Anthropic,
  storeId: string,
  versionId: string,
): Promise<Version | null> {
  try {
    return await client.beta.memoryStores.memoryVersions.retrieve(versionId, { memory_store_id: storeId });
  } catch (error) {
    if (failureOf(error).type === 'gone') return null;
    throw error;
  }
}

/** What a version says; null when it deleted the memory, or was emptied. */
export function textOf(version: Version): string | null {
  return version.operation === 'deleted' || isEmptied(version) ? null : (version.content ?? '');
}

export function isEmptied(version: Version): boolean {
  return version.redacted_at !== null && version.redacted_at !== undefined;
}
