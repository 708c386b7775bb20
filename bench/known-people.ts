/**
 * A state that knows many people, without having talked with each. One person is talked with for real; the rows that
 * are left of that are copied under other names, by the store itself: exactly what the bot would have written.
 */

import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { z } from 'zod';

export type StoreKind = 'sqlite' | 'postgres' | 'redis';

/** Whoever is talked with for real; what names them or what is theirs is replaced in the copies. */
export const MODEL_PERSON = 'UMODELPERSON';

export interface Place {
  kind: StoreKind;
  /** For SQLite the folder, otherwise the URL. */
  at: string;
  /** In Redis, what keys begin with. */
  prefix: string;
}

export const personAt = (index: number): string => `UMODEL${String(index).padStart(7, '0')}`;

const rowSchema = z.array(z.object({ key: z.string(), value: z.string() }));
type Rows = z.infer<typeof rowSchema>;

/** Each of them differs from person to person; ends in the same way as `personAt`. */
const OWN = [MODEL_PERSON, 'sesn_bench', 'memstore_bench', 'sevt_bench'] as const;

/** What is to be replaced in a row, and what it begins with in the copy; the number follows. */
function replacements(rows: Rows): [from: string, to: string][] {
  const text = JSON.stringify(rows);
  const ids = new Set(text.match(/(?:sesn|memstore|sevt)_bench\d+/g) ?? []);
  return [[OWN[0], 'UMODEL'], ...[...ids].map((id): [string, string] => [id, `${id.slice(0, -7)}x`])];
}

/** Knows `people` people when it is done. The state must not be open elsewhere. */
export async function addKnownPeople(place: Place, people: number): Promise<void> {
  switch (place.kind) {
    case 'sqlite':
      return sqlite(join(place.at, 'state.sqlite'), people);
    case 'postgres':
      return postgres(place.at, people);
    case 'redis':
      return redis(place, people);
  }
}

interface Sqlite {
  all(sql: string, parameters: unknown[], done: (error: Error | null, rows: unknown) => void): void;
  close(done: () => void): void;
}

async function sqlite(file: string, people: number): Promise<void> {
  const sqlite3: { Database: new (file: string) => Sqlite } = createRequire(import.meta.url)('sqlite3');
  const database = new sqlite3.Database(file);
  const query = (sql: string, parameters: unknown[] = []) =>
    new Promise<unknown>((resolve, reject) => {
      database.all(sql, parameters, (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
  const rows = rowSchema.parse(await query(`SELECT key, value FROM keyv WHERE key LIKE '%${MODEL_PERSON}%'`));
  for (const row of rows) {
    const copied = (column: string) =>
      replacements(rows).reduce(
        (sql, [from, to]) => `replace(${sql}, '${from}', '${to}' || printf('%07d', i))`,
        column,
      );
    await query(
      `WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < ?)
       INSERT OR REPLACE INTO keyv (key, value) SELECT ${copied('?')}, ${copied('?')} FROM numbers`,
      [people, row.key, row.value],
    );
  }
  await new Promise<void>(resolve => database.close(resolve));
  // Otherwise the first write of the bot would have to wait for all of it to reach the disk.
  const written = await open(file);
  await written.sync();
  await written.close();
}

async function postgres(url: string, people: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const found = await client.query(`SELECT key, value FROM shopper_state WHERE key LIKE '%${MODEL_PERSON}%'`);
  const rows = rowSchema.parse(found.rows);
  for (const row of rows) {
    const copied = (column: string) =>
      replacements(rows).reduce(
        (sql, [from, to]) => `replace(${sql}, '${from}', '${to}' || lpad(i::text, 7, '0'))`,
        column,
      );
    await client.query(
      `INSERT INTO shopper_state (key, value)
       SELECT ${copied('$2::text')}, ${copied('$3::text')} FROM generate_series(0, $1::int - 1) AS i`,
      [people, row.key, row.value],
    );
  }
  await client.query('ANALYZE shopper_state');
  await client.end();
}

/** KEYS: index, ends. ARGV: prefix, from, to, end or '', key, value, then pairs of what is replaced. */
const COPY = `
for i = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local key, value = ARGV[5], ARGV[6]
  for pair = 7, #ARGV, 2 do
    local own = ARGV[pair + 1] .. string.format('%07d', i)
    key = string.gsub(key, ARGV[pair], own)
    value = string.gsub(value, ARGV[pair], own)
  end
  if ARGV[4] == '' then redis.call('SET', ARGV[1] .. ':' .. key, value)
  else
    redis.call('SET', ARGV[1] .. ':' .. key, value, 'PXAT', ARGV[4])
    redis.call('ZADD', KEYS[2], ARGV[4], key)
  end
  redis.call('ZADD', KEYS[1], 0, key)
end`;
const AT_A_TIME = 5_000;

async function redis({ at, prefix }: Place, people: number): Promise<void> {
  const client = new Redis(at);
  const keys = await client.zrange(`${prefix}#index`, 0, -1);
  const rows: (Rows[number] & { end: string })[] = [];
  for (const key of keys.filter(key => key.includes(MODEL_PERSON))) {
    const value = await client.get(`${prefix}:${key}`);
    if (value !== null) rows.push({ key, value, end: (await client.zscore(`${prefix}#ends`, key)) ?? '' });
  }
  const pairs = replacements(rows).flat();
  for (const { key, value, end } of rows) {
    for (let from = 0; from < people; from += AT_A_TIME) {
      const to = Math.min(people, from + AT_A_TIME) - 1;
      const names = [`${prefix}#index`, `${prefix}#ends`];
      await client.eval(COPY, 2, ...names, prefix, from, to, end, key, value, ...pairs);
    }
  }
  client.disconnect();
}

/** Removes what a measurement left in Redis. */
export async function clearRedis({ at, prefix }: Place): Promise<void> {
  const client = new Redis(at);
  for await (const keys of client.scanStream({ match: `${prefix}*`, count: 5_000 })) {
    const found = z.array(z.string()).parse(keys);
    if (found.length > 0) await client.unlink(...found);
  }
  client.disconnect();
}
