import { inBatches, type OneByOne } from './in-batches.ts';
import type { Query } from './sqlite-writes.ts';
import type { Row, Rows } from './table.ts';

interface Range {
  start: { key: string; inclusive: boolean };
  end: string;
  limit: number;
}

/** Parameters: ranges of keys as [start, end, whether the start is in it], and how many rows of each. */
const PAGES = `SELECT range.key AS id, keyv.key AS key, keyv.value AS value
  FROM json_each(?1) AS range JOIN keyv ON keyv.key IN (
    SELECT key FROM keyv
    WHERE key >= range.value ->> 0 AND key < range.value ->> 1 AND (range.value ->> 2 OR key > range.value ->> 0)
    ORDER BY key LIMIT ?2)
  ORDER BY range.key, keyv.key`;

/** Parameter: ranges of keys as [start, end]. */
const COUNTS = `SELECT
    (SELECT count(*) FROM keyv WHERE keyv.key >= range.value ->> 0 AND keyv.key < range.value ->> 1) AS count
  FROM json_each(?1) AS range ORDER BY range.key`;

/** Reads rows by ranges of their keys. Ranges that are asked for while the connection is busy are one statement. */
export function createPages(read: Query<Row & { id: number }>, after: OneByOne): Rows['page'] {
  const page = inBatches<Range, Row[]>(after, async batch => {
    const ranges = batch.map(({ work: { start, end } }) => [start.key, end, start.inclusive]);
    const most = Math.max(...batch.map(({ work }) => work.limit));
    const pages: Row[][] = batch.map(() => []);
    for (const { id, key, value } of await read(PAGES, JSON.stringify(ranges), most)) {
      pages[id]?.push({ key, value });
    }
    for (const [index, { work, resolve }] of batch.entries()) {
      resolve(pages[index]?.slice(0, work.limit) ?? []);
    }
  });
  return (start, end, limit) => page({ start, end, limit });
}

/** As `createPages`, for how many rows there are. */
export function createCounts(read: Query<{ count: number }>, after: OneByOne): Rows['count'] {
  const count = inBatches<[string, string], number>(after, async batch => {
    const counts = await read(COUNTS, JSON.stringify(batch.map(({ work }) => work)));
    for (const [index, { resolve }] of batch.entries()) resolve(counts[index]?.count ?? 0);
  });
  return (from, end) => count([from, end]);
}
