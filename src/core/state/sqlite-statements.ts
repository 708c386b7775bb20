/** What is written to the table of Keyv's SQLite adapter. */

/** Read out of what Keyv wrote. */
export const EXPIRES = `json_extract(value, '$.expires')`;

/** One row, by its key. What `insert` and `replace` do where they do not apply is nothing. */
export type Write =
  | { op: 'set'; key: string; row: string }
  | { op: 'insert'; key: string; row: string }
  | { op: 'replace'; key: string; row: string; expected: string }
  | { op: 'delete'; key: string };

const OPS = {
  set: `INSERT INTO keyv(key, value) VALUES (new.key, new.value)
    ON CONFLICT(key) DO UPDATE SET value = excluded.value`,
  insert: `INSERT INTO keyv(key, value) VALUES (new.key, new.value)
    ON CONFLICT(key) DO UPDATE SET value = excluded.value WHERE json_extract(keyv.value, '$.expires') < new.now`,
  replace: `UPDATE keyv SET value = new.value
    WHERE key = new.key AND json_extract(value, '$.value') IS json_extract(new.expected, '$.value')
      AND coalesce(${EXPIRES} >= new.now, true)`,
  delete: `DELETE FROM keyv WHERE key = new.key`,
} satisfies Record<Write['op'], string>;

/**
 * Once for a connection, so that many writes of whatever kind are one statement there: rows for the view "writes" are
 * carried out by its triggers, in order, and "written" says of each whether it took effect.
 */
export const PREPARE_WRITES: readonly string[] = [
  'PRAGMA temp_store=MEMORY',
  'CREATE TEMP TABLE written(id INTEGER PRIMARY KEY, took INTEGER)',
  'CREATE TEMP VIEW writes(id, op, key, value, expected, now) AS SELECT NULL, NULL, NULL, NULL, NULL, NULL',
  ...Object.entries(OPS).map(
    ([op, sql]) => `CREATE TEMP TRIGGER on_${op} INSTEAD OF INSERT ON writes WHEN new.op = '${op}' BEGIN
      ${sql};
      INSERT OR REPLACE INTO written SELECT new.id, changes();
    END`,
  ),
];

/** Parameters: what `writesOf` makes of the writes, and the time now. Rows: one for each write, with its index. */
export const WRITE = `INSERT INTO writes
  SELECT key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?2 FROM json_each(?1)
  RETURNING id, (SELECT took FROM written WHERE written.id = writes.id) AS took`;

export function writesOf(writes: readonly Write[]): string {
  return JSON.stringify(
    writes.map(write => [
      write.op,
      write.key,
      'row' in write ? write.row : null,
      'expected' in write ? write.expected : null,
    ]),
  );
}

/** Parameters: the time now, and how many at most. */
export const SWEEP = `DELETE FROM keyv
  WHERE key IN (SELECT key FROM keyv WHERE ${EXPIRES} < ?1 ORDER BY ${EXPIRES} LIMIT ?2) RETURNING key`;
