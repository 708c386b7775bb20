import { inBatches, oneByOne } from './in-batches.ts';
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

/** Reads rows by ranges of their keys. Ranges that are asked for while the connection is busy are one statement. */
export function createPages(read: Query<Row & { id: number }>): Rows['page'] {
  const page = inBatches<Range, Row[]>(oneByOne(), async batch => {
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
