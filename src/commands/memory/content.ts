import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemoryVersion } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-versions';

/** A memory file as commands print it. */
export interface ShownFile {
  id: string;
  path: string;
  content: string;
  sha256: string;
  bytes: number;
  createdAt: string;
  changedAt: string;
}

/** One change as commands print it. What was redacted is null; `content` is absent where it was not asked for. */
export interface ShownVersion {
  id: string;
  at: string;
  operation: 'created' | 'modified' | 'deleted';
  path: string | null;
  memory: string;
  by: Author;
  bytes: number | null;
  sha256: string | null;
  redactedAt: string | null;
  content?: string | null;
}

/** Who made a change, as the API says it: a session is the agent, a key is the bot's or an operator's. */
export interface Author {
  type: 'agent' | 'key' | 'user' | 'service-account' | 'unknown';
  /** The session's, key's, user's or account's id. */
  id: string | null;
}

/** All files of a store with their content, by path. */
export async function readFiles(client: Anthropic, storeId: string): Promise<ShownFile[]> {
  const files: ShownFile[] = [];
  for await (const item of client.beta.memoryStores.memories.list(storeId, { view: 'full', limit: 20 })) {
    if (item.type !== 'memory') continue;
    files.push({
      id: item.id,
      path: item.path,
      content: item.content ?? '',
      sha256: item.content_sha256,
      bytes: item.content_size_bytes,
      createdAt: item.created_at,
      changedAt: item.updated_at,
    });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export interface VersionFilter {
  since?: string | undefined;
  session?: string | undefined;
  key?: string | undefined;
  serviceAccount?: string | undefined;
  content: boolean;
}

/** The changes of a store, newest first. */
export async function* readVersions(
  client: Anthropic,
  storeId: string,
  filter: VersionFilter,
): AsyncGenerator<ShownVersion> {
  const pages = client.beta.memoryStores.memoryVersions.list(storeId, {
    // A page with contents holds 20 at most.
    ...(filter.content ? { view: 'full' as const, limit: 20 } : { limit: 100 }),
    ...(filter.since === undefined ? {} : { 'created_at[gte]': filter.since }),
    ...(filter.session === undefined ? {} : { session_id: filter.session }),
    ...(filter.key === undefined ? {} : { api_key_id: filter.key }),
    ...(filter.serviceAccount === undefined ? {} : { service_account_id: filter.serviceAccount }),
  });
  for await (const version of pages) yield shown(version, filter.content);
}

function shown(version: BetaManagedAgentsMemoryVersion, content: boolean): ShownVersion {
  return {
    id: version.id,
    at: version.created_at,
    operation: version.operation,
    path: version.path ?? null,
    memory: version.memory_id,
    by: authorOf(version.created_by),
    bytes: version.content_size_bytes ?? null,
    sha256: version.content_sha256 ?? null,
    redactedAt: version.redacted_at ?? null,
    ...(content ? { content: version.content ?? null } : {}),
  };
}

function authorOf(actor: BetaManagedAgentsMemoryVersion['created_by']): Author {
  switch (actor?.type) {
    case 'session_actor':
      return { type: 'agent', id: actor.session_id };
    case 'api_actor':
      return { type: 'key', id: actor.api_key_id };
    case 'user_actor':
      return { type: 'user', id: actor.user_id };
    case 'service_account_actor':
      return { type: 'service-account', id: actor.service_account_id };
    default:
      return { type: 'unknown', id: null };
  }
}

/** "agent sesn_1", "key apikey_1" */
export function authorText({ type, id }: Author): string {
  return id === null ? type : `${type} ${id}`;
}
