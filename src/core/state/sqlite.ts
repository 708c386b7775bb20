import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import KeyvSqlite from '@keyv/sqlite';
import { SetupError } from '../errors.ts';
import type { State, Table } from '../state.ts';
import { createTable, expiring, type Row, type Rows } from './table.ts';

const BUSY_TIMEOUT_MS = 5_000;
const TICKET_BLOCK = 1_000;

type Query = (sql: string, ...parameters: unknown[]) => Promise<Row[]>;

/**
 * State in one SQLite file under `dataDir`. The file is held exclusively: a second process on the same folder
 * is told so at once, because two bots taking turns on one inbox would answer twice.
 */
export async function openSqliteState(dataDir: string): Promise<State> {
  await mkdir(dataDir, { recursive: true }).catch((cause: unknown) => {
    throw new SetupError(`Cannot create the data directory ${dataDir}: ${reason(cause)}`, { cause });
  });
  const lock = await lockDirectory(dataDir);
  const store = new KeyvSqlite({
    uri: `sqlite://${join(dataDir, 'state.sqlite')}`,
    busyTimeout: BUSY_TIMEOUT_MS,
  });
  // Failures reach callers as rejections; an unhandled 'error' event would end the process instead.
  store.on('error', () => {});
  // Every table listens on the one store.
  store.setMaxListeners(0);
  const query: Query = (sql, ...parameters) => store.query(sql, ...parameters) as Promise<Row[]>;
  try {
    // WAL with full sync: what insert() has promised survives kill -9 and a power cut.
    await query('PRAGMA journal_mode=WAL');
    await query('PRAGMA synchronous=FULL');
  } catch (cause) {
    await lock.release();
    throw new SetupError(`Cannot open the state database in ${dataDir}: ${reason(cause)}`, { cause });
  }

  const rows = rowsOf(store, query);
  let closed = false;
  return {
    shared: false,
    table: <T>(name: string) => createTable<T>(rows, name),
    ticket: ticketsOf(createTable<number>(rows, 'ticket')),
    async sweep() {
      const rows = await query(
        `DELETE FROM keyv WHERE json_extract(value, '$.expires') < ? RETURNING key`,
        Date.now(),
      );
      return rows.length;
    },
    async close() {
      if (closed) return;
      closed = true;
      await store.disconnect();
      await lock.release();
    },
  };
}

function rowsOf(store: KeyvSqlite, query: Query): Rows {
  const written = (row: string, ttlMs: number | undefined) =>
    ttlMs === undefined ? row : expiring(row, Date.now() + ttlMs);
  return {
    store,
    async insert(key, row, ttlMs) {
      const inserted = await query(
        `INSERT INTO keyv(key, value) VALUES (?, ?)
         ON CONFLICT(key) DO UPDATE SET value = excluded.value WHERE json_extract(keyv.value, '$.expires') < ?
         RETURNING key`,
        key,
        written(row, ttlMs),
        Date.now(),
      );
      return inserted.length === 1;
    },
    async replace(key, expected, row, ttlMs) {
      const replaced = await query(
        `UPDATE keyv SET value = ?
         WHERE key = ? AND json_extract(value, '$.value') IS json_extract(?, '$.value')
           AND coalesce(json_extract(value, '$.expires') >= ?, true)
         RETURNING key`,
        written(row, ttlMs),
        key,
        expected,
        Date.now(),
      );
      return replaced.length === 1;
    },
    page: (start, end, limit) =>
      query(
        `SELECT key, value FROM keyv WHERE key ${start.inclusive ? '>=' : '>'} ? AND key < ? ORDER BY key LIMIT ?`,
        start.key,
        end,
        limit,
      ),
    async count(from, end) {
      const [row] = await query(`SELECT count(*) AS value FROM keyv WHERE key >= ? AND key < ?`, from, end);
      return Number(row?.value ?? 0);
    },
  };
}

/** Reserves tickets by the block, so that a write to the disk serves many; what a crash leaves of a block is skipped. */
function ticketsOf(table: Table<number>): () => Promise<number> {
  let last = 0;
  let reserved = 0;
  let reserving: Promise<void> | undefined;
  async function reserve(): Promise<void> {
    const from = (await table.get('reserved')) ?? 0;
    await table.set('reserved', from + TICKET_BLOCK);
    last = from;
    reserved = from + TICKET_BLOCK;
  }
  return async () => {
    while (last >= reserved) {
      reserving ??= reserve().finally(() => {
        reserving = undefined;
      });
      await reserving;
    }
    last += 1;
    return last;
  };
}

/** Holds an exclusive transaction on a file of its own; the operating system drops it with the process. */
async function lockDirectory(dataDir: string): Promise<{ release(): Promise<void> }> {
  const holder = new KeyvSqlite({ uri: `sqlite://${join(dataDir, 'state.lock')}` });
  holder.on('error', () => {});
  try {
    await holder.query('BEGIN EXCLUSIVE');
  } catch (cause) {
    await holder.disconnect().catch(() => {});
    if (reason(cause).includes('SQLITE_BUSY')) {
      throw new SetupError(
        `Another shopper is already running on ${dataDir}. Stop it first, or give this one a folder of its own with SHOPPER_DATA_DIR.`,
        { cause },
      );
    }
    throw new SetupError(`Cannot write to the data directory ${dataDir}: ${reason(cause)}`, { cause });
  }
  return { release: () => holder.disconnect() };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
