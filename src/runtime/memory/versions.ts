import type {
  BetaManagedAgentsActor,
  BetaManagedAgentsMemoryVersion,
  BetaManagedAgentsMemoryVersionOperation,
} from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-versions';
import { type Clock, timestamp, timestampOrNull } from '../clock.ts';
import { Conditions, type CreatedAtRange } from '../conditions.ts';
import type { Database, Reader, Transaction } from '../database.ts';
import { notFound } from '../errors.ts';
import { newId } from '../ids.ts';
import { decodeCursor, type Page, pageOf, seqPosition } from '../pages.ts';
import { MemoryError } from './error.ts';
import type { MemoryStores } from './stores.ts';

export type View = 'basic' | 'full';
type Version = BetaManagedAgentsMemoryVersion;

/** The runtime has one principal besides its sessions: whoever calls the API. */
const API_ACTOR: BetaManagedAgentsActor = { type: 'api_actor', api_key_id: 'apikey_local' };

export interface MemoryVersions {
  get(storeId: string, id: string, view: View): Promise<Version>;
  /** Newest first. */
  list(storeId: string, query: ListQuery): Promise<Page<Version>>;
  /** Empties a version for good. The version a memory currently shows cannot be redacted. */
  redact(storeId: string, id: string): Promise<Version>;
}

interface ListQuery extends CreatedAtRange {
  limit: number;
  page?: string | undefined;
  view: View;
  memory_id?: string | undefined;
  session_id?: string | undefined;
  operation?: BetaManagedAgentsMemoryVersionOperation | undefined;
  api_key_id?: string | undefined;
  service_account_id?: string | undefined;
}

interface VersionRow {
  seq: number;
  id: string;
  store_id: string;
  memory_id: string;
  operation: BetaManagedAgentsMemoryVersionOperation;
  path: string | null;
  content: string | null;
  content_sha256: string | null;
  content_size_bytes: number | null;
  session_id: string | null;
  created_at: number;
  redacted_at: number | null;
}

/** What a version records; content, hash and size are null when the memory was deleted. */
export interface Change {
  storeId: string;
  memoryId: string;
  operation: BetaManagedAgentsMemoryVersionOperation;
  path: string;
  content: string | null;
  sha256: string | null;
  size: number | null;
  /** null: made through the API. */
  sessionId: string | null;
  at: number;
}

/** Returns the id of the new version. */
export async function recordVersion(tx: Transaction, change: Change): Promise<string> {
  const id = newId('memver');
  await tx.run(
    `INSERT INTO memory_versions (id, store_id, memory_id, operation, path, content, content_sha256,
       content_size_bytes, session_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      id,
      change.storeId,
      change.memoryId,
      change.operation,
      change.path,
      change.content,
      change.sha256,
      change.size,
      change.sessionId,
      change.at,
    ],
  );
  return id;
}

const COLUMNS = `seq, id, store_id, memory_id, operation, path, content_sha256, content_size_bytes, session_id,
  created_at, redacted_at`;

export function createMemoryVersions(db: Database, clock: Clock, stores: MemoryStores): MemoryVersions {
  async function find(reader: Reader, storeId: string, id: string): Promise<VersionRow> {
    const row = await reader.first<VersionRow>(
      'SELECT * FROM memory_versions WHERE id = ? AND store_id = ?',
      [id, storeId],
    );
    if (row) return row;
    await stores.get(storeId, reader);
    throw notFound('memory version', id);
  }

  return {
    async get(storeId, id, view) {
      const row = await find(db, storeId, id);
      return render(view === 'full' ? row : { ...row, content: null });
    },

    async list(storeId, query) {
      const list = `memory_stores/${storeId}/memory_versions desc`;
      const conditions = new Conditions()
        .where('store_id = ?', storeId)
        .where('session_id = ?', query.session_id)
        .where('memory_id = ?', query.memory_id)
        .where('operation = ?', query.operation)
        .within('created_at', query);
      if (query.service_account_id !== undefined) conditions.whereTrue('false');
      if (query.api_key_id !== undefined) {
        conditions.whereTrue(query.api_key_id === 'apikey_local' ? 'session_id IS NULL' : 'false');
      }
      if (query.page !== undefined) {
        conditions.where('seq < ?', decodeCursor(list, query.page, seqPosition)[0]);
      }
      const limit = query.view === 'full' ? Math.min(query.limit, 20) : query.limit;
      const content = query.view === 'full' ? 'content' : 'NULL AS content';
      const rows = await db.all<VersionRow>(
        `SELECT ${COLUMNS}, ${content} FROM memory_versions ${conditions.sql} ORDER BY seq DESC LIMIT ?`,
        conditions.params(limit + 1),
      );
      if (rows.length === 0) await stores.get(storeId);
      return pageOf(list, rows, limit, render);
    },

    redact(storeId, id) {
      return db.write(async tx => {
        const row = await find(tx, storeId, id);
        if (row.redacted_at !== null) return render(row);
        const live = await tx.first('SELECT id FROM memories WHERE id = ? AND version_id = ?', [
          row.memory_id,
          id,
        ]);
        if (live) {
          throw new MemoryError(
            'live_head',
            `The version ${id} is what the memory ${row.memory_id} holds now; overwrite or delete the memory first.`,
          );
        }
        await tx.run(
          `UPDATE memory_versions SET path = NULL, content = NULL, content_sha256 = NULL,
             content_size_bytes = NULL, redacted_at = ? WHERE id = ?`,
          [clock(), id],
        );
        tx.scrub();
        return render(await find(tx, storeId, id));
      });
    },
  };
}

function render(row: VersionRow): Version {
  const author: BetaManagedAgentsActor =
    row.session_id === null ? API_ACTOR : { type: 'session_actor', session_id: row.session_id };
  return {
    id: row.id,
    type: 'memory_version',
    memory_id: row.memory_id,
    memory_store_id: row.store_id,
    operation: row.operation,
    path: row.path,
    content: row.content,
    content_sha256: row.content_sha256,
    content_size_bytes: row.content_size_bytes,
    created_by: author,
    created_at: timestamp(row.created_at),
    redacted_at: timestampOrNull(row.redacted_at),
    ...(row.redacted_at === null ? {} : { redacted_by: API_ACTOR }),
  };
}
