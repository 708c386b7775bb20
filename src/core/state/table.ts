import { Keyv, type KeyvStoreAdapter } from 'keyv';
import type { Table } from './state.ts';

export interface Row {
  key: string;
  /** As Keyv writes it: {"value":...,"expires":...}; null where only the key is left of an expired row. */
  value: string | null;
}

/**
 * What each store says in its own words. Keys carry the name of their table. Rows that are written here come
 * without `expires`: the store adds it by its own clock, because the processes' clocks may differ.
 */
export interface Rows {
  store: KeyvStoreAdapter;
  insert(key: string, row: string, ttlMs: number | undefined): Promise<boolean>;
  replace(key: string, expected: string, row: string, ttlMs: number | undefined): Promise<boolean>;
  /** The first `limit` rows in byte order of their keys, from `start` up to and without `end`. */
  page(start: { key: string; inclusive: boolean }, end: string, limit: number): Promise<Row[]>;
  count(from: string, end: string): Promise<number>;
}

const PAGE = 500;

/** What is kept is plain JSON. Keyv's own way also takes buffers, and three times as long; a turn reads some twenty rows. */
const PLAIN_JSON = { serialize: JSON.stringify, deserialize: JSON.parse };

/** Each table is made once: it listens to the store for as long as that lives. */
export function createTables(rows: Rows): <T>(name: string) => Table<T> {
  const tables = new Map<string, unknown>();
  return <T>(name: string) => {
    const known = tables.get(name) ?? createTable<T>(rows, name);
    tables.set(name, known);
    return known as Table<T>;
  };
}

function createTable<T>(rows: Rows, name: string): Table<T> {
  const keyv = new Keyv<T>({ ...PLAIN_JSON, store: rows.store, namespace: name, throwOnErrors: true });
  // Failures reach callers as rejections.
  keyv.on('error', () => {});
  const prefixed = (key: string) => `${name}:${key}`;
  const rowOf = async (value: T) => String(await keyv.serializeData({ value }));
  const bounds = (prefix: string) => ({ from: prefixed(prefix), end: `${prefixed(prefix)}\u{10FFFF}` });

  async function read(row: unknown): Promise<T | undefined> {
    if (typeof row !== 'string') return undefined;
    const data = await keyv.deserializeData<T>(row);
    if (data === undefined || (typeof data.expires === 'number' && data.expires < Date.now()))
      return undefined;
    return data.value;
  }

  return {
    // Not keyv.get(): that deletes what it finds expired, and in between somebody may have inserted it anew.
    get: async key => read(await rows.store.get(prefixed(key))),
    async set(key, value, ttlMs) {
      await keyv.set(key, value, ttlMs);
    },
    delete: key => keyv.delete(key),
    insert: async (key, value, ttlMs) => rows.insert(prefixed(key), await rowOf(value), ttlMs),
    async replace(key, expected, value, ttlMs) {
      return rows.replace(prefixed(key), await rowOf(expected), await rowOf(value), ttlMs);
    },
    count(prefix = '') {
      const { from, end } = bounds(prefix);
      return rows.count(from, end);
    },
    async *entries(prefix = '') {
      const { from, end } = bounds(prefix);
      let start = { key: from, inclusive: true };
      for (;;) {
        const page = await rows.page(start, end, PAGE);
        for (const row of page) {
          const value = await read(row.value);
          if (value !== undefined) yield [row.key.slice(name.length + 1), value];
        }
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) return;
        start = { key: last.key, inclusive: false };
      }
    },
  };
}

/** The row with its end; `at` in milliseconds since 1970. */
export function expiring(row: string, at: number): string {
  return `${row.slice(0, -1)},"expires":${at}}`;
}
