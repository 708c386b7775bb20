import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import KeyvSqlite from '@keyv/sqlite';
import { Keyv } from 'keyv';
import { SetupError } from '../errors.ts';
import type { State, Table } from '../state.ts';

const PAGE = 500;
const BUSY_TIMEOUT_MS = 5_000;

interface Row {
  key: string;
  value: string;
}

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

  let closed = false;
  return {
    table: <T>(name: string) => createTable<T>(store, query, name),
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

function createTable<T>(store: KeyvSqlite, query: Query, name: string): Table<T> {
  const keyv = new Keyv<T>({ store, namespace: name, throwOnErrors: true });
  keyv.on('error', () => {});
  const prefixed = (key: string) => `${name}:${key}`;
  return {
    get: key => keyv.get(key),
    async set(key, value, ttlMs) {
      await keyv.set(key, value, ttlMs);
    },
    delete: key => keyv.delete(key),
    async insert(key, value, ttlMs) {
      const row = await keyv.serializeData({
        value,
        expires: ttlMs === undefined ? undefined : Date.now() + ttlMs,
      });
      const inserted = await query(
        `INSERT INTO keyv(key, value) VALUES (?, ?)
         ON CONFLICT(key) DO UPDATE SET value = excluded.value WHERE json_extract(keyv.value, '$.expires') < ?
         RETURNING key`,
        prefixed(key),
        row,
        Date.now(),
      );
      return inserted.length === 1;
    },
    async *entries(prefix = '') {
      const end = `${prefixed(prefix)}\u{10FFFF}`;
      let after = prefixed(prefix);
      let inclusive = true;
      for (;;) {
        const rows = await query(
          `SELECT key, value FROM keyv WHERE key ${inclusive ? '>=' : '>'} ? AND key < ? ORDER BY key LIMIT ${PAGE}`,
          after,
          end,
        );
        for (const row of rows) {
          const data = await keyv.deserializeData<T>(row.value);
          if (data === undefined || (typeof data.expires === 'number' && data.expires < Date.now())) continue;
          if (data.value !== undefined) yield [row.key.slice(name.length + 1), data.value];
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE) return;
        after = last.key;
        inclusive = false;
      }
    },
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
