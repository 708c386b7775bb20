import { createHash } from 'node:crypto';
import type { BetaManagedAgentsMemory } from '@anthropic-ai/sdk/resources/beta/memory-stores/memories';
import { timestamp } from '../clock.ts';
import type { Reader, Transaction } from '../database.ts';
import { MemoryError } from './error.ts';
import { MAX_MEMORY_BYTES } from './limits.ts';
import { ancestors, descendantRange, pathProblem } from './path.ts';
import type { View } from './versions.ts';

/** A memory as it is stored, and what the API demands of one. */

export interface MemoryRow {
  id: string;
  store_id: string;
  path: string;
  content: string;
  content_sha256: string;
  content_size_bytes: number;
  version_id: string;
  created_at: number;
  updated_at: number;
}

export async function requireStore(
  reader: Reader,
  id: string,
): Promise<{ id: string; archived_at: number | null }> {
  const store = await reader.first<{ id: string; archived_at: number | null }>(
    'SELECT id, archived_at FROM memory_stores WHERE id = ?',
    [id],
  );
  if (store) return store;
  throw new MemoryError('not_found', `There is no memory store ${id}.`);
}

export function memoryAt(reader: Reader, storeId: string, path: string): Promise<MemoryRow | undefined> {
  return reader.first<MemoryRow>('SELECT * FROM memories WHERE store_id = ? AND path = ?', [storeId, path]);
}

export function checkPath(path: string): void {
  const problem = pathProblem(path);
  if (problem) throw new MemoryError('bad_path', `path: ${problem}.`);
}

export function checkContent(content: string): { sha256: string; size: number } {
  if (/\p{Cs}/u.test(content)) throw new MemoryError('bad_content', 'content: must be valid Unicode.');
  const bytes = Buffer.from(content);
  if (bytes.length > MAX_MEMORY_BYTES) {
    throw new MemoryError(
      'too_large',
      `content: a memory holds at most ${MAX_MEMORY_BYTES} bytes, not ${bytes.length}; split it.`,
    );
  }
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
}

/** The path itself, its ancestors and its descendants must be free, but for the memory `exceptId`. */
export async function refuseOverlap(
  tx: Transaction,
  storeId: string,
  path: string,
  exceptId: string | null,
): Promise<void> {
  const below = descendantRange(path);
  const taken =
    (await tx.first<{ id: string; path: string }>(
      `SELECT id, path FROM memories WHERE store_id = ? AND path IN (SELECT value FROM json_each(?))
       AND id IS NOT ? LIMIT 1`,
      [storeId, JSON.stringify([path, ...ancestors(path)]), exceptId],
    )) ??
    (await tx.first<{ id: string; path: string }>(
      'SELECT id, path FROM memories WHERE store_id = ? AND path >= ? AND path < ? AND id IS NOT ? LIMIT 1',
      [storeId, below.from, below.to, exceptId],
    ));
  if (!taken) return;
  const how = taken.path === path ? 'is taken' : `overlaps with the memory at ${taken.path}`;
  throw new MemoryError('path_taken', `The path ${path} ${how} (${taken.id}).`, {
    fields: { conflicting_memory_id: taken.id, conflicting_path: taken.path },
  });
}

export function refuseChanged(row: MemoryRow, expectedSha256: string): void {
  if (row.content_sha256 !== expectedSha256) {
    throw new MemoryError(
      'changed',
      `The memory ${row.id} has changed since it was read; read it and try again.`,
    );
  }
}

export function renderMemory(row: MemoryRow, view: View): BetaManagedAgentsMemory {
  return {
    id: row.id,
    type: 'memory',
    memory_store_id: row.store_id,
    memory_version_id: row.version_id,
    path: row.path,
    content: view === 'full' ? row.content : null,
    content_sha256: row.content_sha256,
    content_size_bytes: row.content_size_bytes,
    created_at: timestamp(row.created_at),
    updated_at: timestamp(row.updated_at),
  };
}
