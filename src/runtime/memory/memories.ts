import type {
  BetaManagedAgentsMemory,
  BetaManagedAgentsMemoryListItem,
} from '@anthropic-ai/sdk/resources/beta/memory-stores/memories';
import * as z from 'zod';
import type { Clock } from '../clock.ts';
import type { Database, Reader, Transaction } from '../database.ts';
import { notFound } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Page } from '../pages.ts';
import { MemoryError } from './error.ts';
import { MAX_MEMORIES } from './limits.ts';
import { listMemories, type MemoryListQuery } from './list.ts';
import {
  checkContent,
  checkPath,
  type MemoryRow,
  memoryAt,
  refuseChanged,
  refuseOverlap,
  renderMemory,
  requireStore,
} from './rules.ts';
import { refuseArchived } from './stores.ts';
import { recordVersion, type View } from './versions.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal characters');
export const memoryCreateParams = z.strictObject({ path: z.string(), content: z.string().nullable() });
export const memoryUpdateParams = z.strictObject({
  path: z.string().nullish(),
  content: z.string().nullish(),
  precondition: z.strictObject({ type: z.literal('content_sha256'), content_sha256: sha256 }).optional(),
});
export const memoryDeleteQuery = z.object({ expected_content_sha256: sha256.optional() });

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
  list(storeId: string, query: MemoryListQuery): Promise<Page<BetaManagedAgentsMemoryListItem>>;
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
    const row = await memoryAt(reader, storeId, path);
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
        return renderMemory(await insert(tx, storeId, params.path, params.content ?? '', null), view);
      });
    },

    async get(storeId, id, view) {
      return renderMemory(await find(db, storeId, id), view);
    },

    list: (storeId, query) => listMemories(db, storeId, query),

    update(storeId, id, params, view) {
      return db.write(async tx => {
        const row = await find(tx, storeId, id);
        refuseArchived(await requireStore(tx, storeId));
        const wanted = { path: params.path ?? row.path, content: params.content ?? row.content };
        // A repeat of an update that already happened succeeds, whatever hash it expected.
        const done = wanted.path === row.path && wanted.content === row.content;
        if (!done && params.precondition) refuseChanged(row, params.precondition.content_sha256);
        return renderMemory(await change(tx, row, wanted, null), view);
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
        const row = await memoryAt(tx, storeId, path);
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
        const replaced = from === to ? undefined : await memoryAt(tx, storeId, to);
        if (replaced) await drop(tx, replaced, sessionId);
        await change(tx, row, { path: to, content: row.content }, sessionId);
      });
    },
  };
}
