/**
 * What is written to the table of Keyv's SQLite adapter. The first parameter is always the key, and what took effect
 * comes back as a row with it.
 */

/** Read out of what Keyv wrote. */
export const EXPIRES = `json_extract(value, '$.expires')`;

const set = (values: string) =>
  `INSERT INTO keyv(key, value) VALUES ${values} ON CONFLICT(key) DO UPDATE SET value = excluded.value RETURNING key`;

const insert = (values: string, now: number) =>
  `INSERT INTO keyv(key, value) VALUES ${values}
   ON CONFLICT(key) DO UPDATE SET value = excluded.value WHERE json_extract(keyv.value, '$.expires') < ?${now}
   RETURNING key`;

const remove = (keys: string) => `DELETE FROM keyv WHERE key IN (${keys}) RETURNING key`;

export const SET = set('(?1, ?2)');
/** Parameters: key, row, the time now. */
export const INSERT = insert('(?1, ?2)', 3);
export const DELETE = remove('?1');

/** Parameters: key, row, the row that is expected, the time now. */
export const REPLACE = `UPDATE keyv SET value = ?2
  WHERE key = ?1 AND json_extract(value, '$.value') IS json_extract(?3, '$.value')
    AND coalesce(json_extract(value, '$.expires') >= ?4, true)
  RETURNING key`;

/** Parameters: the time now, and how many at most. */
export const SWEEP = `DELETE FROM keyv
  WHERE key IN (SELECT key FROM keyv WHERE ${EXPIRES} < ?1 ORDER BY ${EXPIRES} LIMIT ?2) RETURNING key`;

/** The same for many keys, with the parameters of all of them one after the other. */
export const FOR_MANY: ReadonlyMap<string, (count: number) => string> = new Map([
  [SET, (count: number) => set(list(count, 2, (key, row) => `(?${key}, ?${row})`))],
  [
    INSERT,
    (count: number) =>
      insert(
        list(count, 3, (key, row) => `(?${key}, ?${row})`),
        3 * count,
      ),
  ],
  [DELETE, (count: number) => remove(list(count, 1, key => `?${key}`))],
]);

function list(count: number, width: number, one: (first: number, second: number) => string): string {
  return Array.from({ length: count }, (_, at) => one(at * width + 1, at * width + 2)).join(', ');
}
