import { createHash } from 'node:crypto';
import type {
  BetaManagedAgentsMemory,
  BetaManagedAgentsMemoryListItem,
} from '@anthropic-ai/sdk/resources/beta/memory-stores/memories';
import * as z from 'zod';
import { type Clock, timestamp } from '../clock.ts';
import type { Database, Reader, Transaction } from '../database.ts';
import { invalid, notFound } from '../errors.ts';
import { newId } from '../ids.ts';
import { decodeCursor, encodeCursor, type Page } from '../pages.ts';
import { MemoryError } from './error.ts';
import { ancestors, descendantRange, pathProblem } from './path.ts';
import { refuseArchived } from './stores.ts';
import { recordVersion, type View } from './versions.ts';

const MAX_CONTENT_BYTES = 102_400;
const MAX_MEMORIES = 10_000;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal characters');
export const memoryCreateParams = z.strictObject({ path: z.string(), content: z.string().nullable() });
export const memoryUpdateParams = z.strictObject({
  path: z.string().nullish(),
  content: z.string().nullish(),
  precondition: z.strictObject({ type: z.literal('content_sha256'), content_sha256: sha256 }).optional(),
});
export const memoryDeleteQuery = z.object({ expected_content_sha256: sha256.optional() });

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

/**
 * Memories by id for the API and by path for the mounts of sessions, under the same rules. Every change is one
 * version; what changes nothing makes none. Refusals are MemoryErrors.
 */
export interface Memories {
  create(
    storeId: string,
    params: z.infer<typeof memoryCreateParams>,
    view: View,
  ): Promise<BetaManagedAgentsMemory>;
  get(storeId: string, id: string, view: View): Promise<BetaManagedAgentsMemory>;
  list(storeId: string, query: ListQuery): Promise<Page<BetaManagedAgentsMemoryListItem>>;
  update(
    storeId: string,
    id: string,
    params: z.infer<typeof memoryUpdateParams>,
    view: View,
  ): Promise<BetaManagedAgentsMemory>;
  remove(storeId: string, id: string, expectedSha256: string | undefined): Promise<void>;

  /** All memories of a store by path, without content. */
  paths(storeId: string): Promise<Omit<MemoryRow, 'content'>[]>;
  readPath(storeId: string, path: string): Promise<string>;
  /** Creates or replaces, in the name of a session. */
  writePath(storeId: string, path: string, content: string, sessionId: string): Promise<void>;
  removePath(storeId: string, path: string, sessionId: string): Promise<void>;
  /** Replaces a memory that is already at `to`, as a file system does. */
  renamePath(storeId: string, from: string, to: string, sessionId: string): Promise<void>;
}

interface ListQuery {
  limit: number;
  page?: string | undefined;
  view: View;
  depth: 0 | 1;
  path_prefix?: string | undefined;
}

export function createMemories(db: Database, clock: Clock): Memories {
  async function find(reader: Reader, storeId: string, id: string): Promise<MemoryRow> {
    const row = await reader.first<MemoryRow>('SELECT * FROM memories WHERE id = ? AND store_id = ?', [
      id,
      storeId,
    ]);
    if (row) return row;
    await requireStore(reader, storeId);
    throw notFound('memory', id);
  }

  async function findPath(reader: Reader, storeId: string, path: string): Promise<MemoryRow> {
    const row = await at(reader, storeId, path);
    if (row) return row;
    throw new MemoryError('not_found', `There is no memory at ${path}.`);
  }

  async function insert(
    tx: Transaction,
    storeId: string,
    path: string,
    content: string,
    sessionId: string | null,
  ) {
    checkPath(path);
    const digest = checkContent(content);
    await refuseOverlap(tx, storeId, path, null);
    const count = await tx.first<{ n: number }>('SELECT count(*) AS n FROM memories WHERE store_id = ?', [
      storeId,
    ]);
    if ((count?.n ?? 0) >= MAX_MEMORIES) {
      throw new MemoryError(
        'too_many',
        `The memory store ${storeId} is full: it holds ${MAX_MEMORIES} memories.`,
      );
    }
    const id = newId('mem');
    const now = clock();
    const versionId = await recordVersion(tx, {
      storeId,
      memoryId: id,
      operation: 'created',
      path,
      content,
      ...digest,
      sessionId,
      at: now,
    });
    await tx.run('INSERT INTO memories VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', [
      id,
      storeId,
      path,
      content,
      digest.sha256,
      digest.size,
      versionId,
      now,
      now,
    ]);
    return find(tx, storeId, id);
  }

  async function change(
    tx: Transaction,
    row: MemoryRow,
    wanted: { path: string; content: string },
    sessionId: string | null,
  ): Promise<MemoryRow> {
    if (wanted.path === row.path && wanted.content === row.content) return row;
    checkPath(wanted.path);
    const digest = checkContent(wanted.content);
    if (wanted.path !== row.path) await refuseOverlap(tx, row.store_id, wanted.path, row.id);
    const now = clock();
    const versionId = await recordVersion(tx, {
      storeId: row.store_id,
      memoryId: row.id,
      operation: 'modified',
      ...wanted,
      ...digest,
      sessionId,
      at: now,
    });
    await tx.run(
      `UPDATE memories SET path = ?, content = ?, content_sha256 = ?, content_size_bytes = ?, version_id = ?,
         updated_at = ? WHERE id = ?`,
      [wanted.path, wanted.content, digest.sha256, digest.size, versionId, now, row.id],
    );
    return find(tx, row.store_id, row.id);
  }

  async function drop(tx: Transaction, row: MemoryRow, sessionId: string | null): Promise<void> {
    await tx.run('DELETE FROM memories WHERE id = ?', [row.id]);
    await recordVersion(tx, {
      storeId: row.store_id,
      memoryId: row.id,
      operation: 'deleted',
      path: row.path,
      content: null,
      sha256: null,
      size: null,
      sessionId,
      at: clock(),
    });
  }

  return {
    create(storeId, params, view) {
      return db.write(async tx => {
        refuseArchived(await requireStore(tx, storeId));
        return render(await insert(tx, storeId, params.path, params.content ?? '', null), view);
      });
    },

    async get(storeId, id, view) {
      return render(await find(db, storeId, id), view);
    },

    list: (storeId, query) => list(db, storeId, query),

    update(storeId, id, params, view) {
      return db.write(async tx => {
        const row = await find(tx, storeId, id);
        refuseArchived(await requireStore(tx, storeId));
        const wanted = { path: params.path ?? row.path, content: params.content ?? row.content };
        // A repeat of an update that already happened succeeds, whatever hash it expected.
        const done = wanted.path === row.path && wanted.content === row.content;
        if (!done && params.precondition) refuseChanged(row, params.precondition.content_sha256);
        return render(await change(tx, row, wanted, null), view);
      });
    },

    remove(storeId, id, expectedSha256) {
      return db.write(async tx => {
        const row = await find(tx, storeId, id);
        if (expectedSha256 !== undefined) refuseChanged(row, expectedSha256);
        await drop(tx, row, null);
      });
    },

    async paths(storeId) {
      await requireStore(db, storeId);
      return db.all<MemoryRow>(
        `SELECT id, store_id, path, content_sha256, content_size_bytes, version_id, created_at, updated_at
         FROM memories WHERE store_id = ? ORDER BY path`,
        [storeId],
      );
    },

    async readPath(storeId, path) {
      return (await findPath(db, storeId, path)).content;
    },

    writePath(storeId, path, content, sessionId) {
      return db.write(async tx => {
        refuseArchived(await requireStore(tx, storeId));
        const row = await at(tx, storeId, path);
        if (row) await change(tx, row, { path, content }, sessionId);
        else await insert(tx, storeId, path, content, sessionId);
      });
    },

    removePath(storeId, path, sessionId) {
      return db.write(async tx => {
        refuseArchived(await requireStore(tx, storeId));
        await drop(tx, await findPath(tx, storeId, path), sessionId);
      });
    },

    renamePath(storeId, from, to, sessionId) {
      return db.write(async tx => {
        refuseArchived(await requireStore(tx, storeId));
        const row = await findPath(tx, storeId, from);
        const replaced = from === to ? undefined : await at(tx, storeId, to);
        if (replaced) await drop(tx, replaced, sessionId);
        await change(tx, row, { path: to, content: row.content }, sessionId);
      });
    },
  };
}

async function requireStore(reader: Reader, id: string): Promise<{ id: string; archived_at: number | null }> {
  const store = await reader.first<{ id: string; archived_at: number | null }>(
    'SELECT id, archived_at FROM memory_stores WHERE id = ?',
    [id],
  );
  if (store) return store;
  throw new MemoryError('not_found', `There is no memory store ${id}.`);
}

function at(reader: Reader, storeId: string, path: string): Promise<MemoryRow | undefined> {
  return reader.first<MemoryRow>('SELECT * FROM memories WHERE store_id = ? AND path = ?', [storeId, path]);
}

function checkPath(path: string): void {
  const problem = pathProblem(path);
  if (problem) throw new MemoryError('bad_path', `path: ${problem}.`);
}

function checkContent(content: string): { sha256: string; size: number } {
  if (/\p{Cs}/u.test(content)) throw new MemoryError('bad_content', 'content: must be valid Unicode.');
  const bytes = Buffer.from(content);
  if (bytes.length > MAX_CONTENT_BYTES) {
    throw new MemoryError(
      'too_large',
      `content: a memory holds at most ${MAX_CONTENT_BYTES} bytes, not ${bytes.length}; split it.`,
    );
  }
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
}

/** The path itself, its ancestors and its descendants must be free, but for the memory `exceptId`. */
async function refuseOverlap(
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

function refuseChanged(row: MemoryRow, expectedSha256: string): void {
  if (row.content_sha256 !== expectedSha256) {
    throw new MemoryError(
      'changed',
      `The memory ${row.id} has changed since it was read; read it and try again.`,
    );
  }
}

/** A listed line: a memory, or with depth 1 a prefix (`path` null) that stands for all below it. */
type ListRow = { item: string } & (MemoryRow | { path: null });

/** By path. `item` is what a line is called: the path of a memory or the folded prefix with its slash. */
async function list(
  db: Reader,
  storeId: string,
  query: ListQuery,
): Promise<Page<BetaManagedAgentsMemoryListItem>> {
  const prefix = query.path_prefix ?? '/';
  if (!prefix.startsWith('/') || !prefix.endsWith('/')) {
    throw invalid('path_prefix: must start and end with "/".');
  }
  const limit = query.view === 'full' ? Math.min(query.limit, 20) : query.limit;
  const name = `memory_stores/${storeId}/memories ${query.depth} ${prefix}`;
  const after = query.page === undefined ? '' : decodeCursor(name, query.page, z.tuple([z.string()]))[0];
  const { from, to } = descendantRange(prefix.slice(0, -1));
  // "/a/b/c" below "/a/" is the child "b/", "/a/b" is the child "b".
  const child = `substr(path, length(?1) + 1)`;
  const item =
    query.depth === 0
      ? `?1 || ${child}`
      : `?1 || CASE instr(${child}, '/') WHEN 0 THEN ${child} ELSE substr(${child}, 1, instr(${child}, '/')) END`;
  const rows = await db.all<ListRow>(
    `WITH lines AS (
       SELECT DISTINCT ${item} AS item FROM memories
       WHERE store_id = ?2 AND path >= ?3 AND path < ?4 AND path > ?5
     )
     SELECT lines.item, memories.* FROM lines
     LEFT JOIN memories ON memories.store_id = ?2 AND memories.path = lines.item
     WHERE lines.item > ?5 ORDER BY lines.item LIMIT ?6`,
    [prefix, storeId, from, to, after, limit + 1],
  );
  if (rows.length === 0) await requireStore(db, storeId);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(row =>
      row.path === null ? { type: 'memory_prefix', path: row.item } : render(row, query.view),
    ),
    next_page: rows.length > limit && last ? encodeCursor(name, [last.item]) : null,
  };
}

function render(row: MemoryRow, view: View): BetaManagedAgentsMemory {
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
