import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import sqlite3 from 'sqlite3';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import { openRedisState } from '../../core/state/redis.ts';
import type { Network } from './network.ts';

/** As Keyv writes a row (core/state/table). */
const row = z.object({ key: z.string(), value: z.string() });
const content = z.object({ value: z.unknown() });

/**
 * One table of the bot's state, also beside a bot that holds it. The stores' own ways in would lock or set up
 * something; this only reads. Empty where there is no state yet.
 */
export async function readRows(
  config: Config,
  table: string,
  network: Network,
): Promise<Map<string, unknown>> {
  const url = config.databaseUrl;
  if (url === undefined || url.startsWith('sqlite')) {
    return rowsOf(await fromSqlite(join(config.dataDir, 'state.sqlite'), table), table);
  }
  if (url.startsWith('postgres')) return rowsOf(await fromPostgres(url, table, network), table);
  const state = await network.within(openRedisState(url));
  try {
    const found = new Map<string, unknown>();
    for await (const [key, value] of state.table<unknown>(table).entries()) found.set(key, value);
    return found;
  } finally {
    await state.close();
  }
}

const boundsOf = (table: string) => [`${table}:`, `${table}:\u{10FFFF}`];

function rowsOf(raw: readonly unknown[], table: string): Map<string, unknown> {
  return new Map(
    raw.map(it => {
      const { key, value } = row.parse(it);
      return [key.slice(table.length + 1), content.parse(JSON.parse(value)).value];
    }),
  );
}

async function fromSqlite(path: string, table: string): Promise<unknown[]> {
  if (!existsSync(path)) return [];
  // Beside a bot the log of changes is read with the file. With nobody there, reading would leave an empty one behind.
  const address = `${pathToFileURL(path).href}${existsSync(`${path}-wal`) ? '' : '?immutable=1'}`;
  return withSqlite(address, 'SELECT key, value FROM keyv WHERE key >= ? AND key < ?', boundsOf(table));
}

/** Opens for reading only; rejects with SQLite's own error, e.g. SQLITE_BUSY. */
export function withSqlite(
  address: string,
  sql: string,
  parameters: readonly string[] = [],
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(address, sqlite3.OPEN_READONLY | sqlite3.OPEN_URI, opening => {
      if (opening !== null) return reject(opening);
      database.all(sql, parameters, (error, rows) => {
        database.close(() => (error === null ? resolve(rows) : reject(error)));
      });
    });
  });
}

async function fromPostgres(url: string, table: string, network: Network): Promise<unknown[]> {
  return withPostgres(url, network, async query => {
    const [there] = await query(`SELECT to_regclass('public.shopper_state') IS NOT NULL AS there`);
    if (there?.there !== true) return [];
    return query('SELECT key, value FROM public.shopper_state WHERE key >= $1 AND key < $2', boundsOf(table));
  });
}

export type PostgresQuery = (sql: string, parameters?: unknown[]) => Promise<Record<string, unknown>[]>;

/** One connection for the time of `work`, in a transaction that cannot write. */
export async function withPostgres<T>(
  url: string,
  network: Network,
  work: (query: PostgresQuery) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: network.timeoutMs,
    query_timeout: network.timeoutMs,
  });
  // A connection that breaks later would otherwise end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('BEGIN READ ONLY');
    return await work(async (sql, parameters) => (await client.query(sql, parameters)).rows);
  } finally {
    await network.within(client.end()).catch(() => {});
  }
}
