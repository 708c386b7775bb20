import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import KeyvSqlite from '@keyv/sqlite';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import { DELETE, FOR_MANY, INSERT, REPLACE, SET } from '../../src/core/state/sqlite-statements.ts';
import { createWrites, type Query } from '../../src/core/state/sqlite-writes.ts';
import { stateContract } from './contracts/state.ts';

let dir: string | undefined;
const folder = async () => {
  dir ??= await mkdtemp(join(tmpdir(), 'shopper-state-'));
  return dir;
};
const clean = async () => {
  if (dir !== undefined) await rm(dir, { recursive: true });
  dir = undefined;
};

stateContract('SQLite', async () => openSqliteState(await folder()), clean);

describe('a data directory', () => {
  afterEach(clean);

  it('is held by one process, and the second is told what to do', async () => {
    const state = await openSqliteState(await folder());
    await expect(openSqliteState(await folder())).rejects.toThrow(/already running.*SHOPPER_DATA_DIR/s);
    await state.close();
    const again = await openSqliteState(await folder());
    await again.close();
  });

  it('that cannot be made is named in a sentence', async () => {
    const file = join(await folder(), 'file');
    await writeFile(file, '');
    await expect(openSqliteState(join(file, 'data'))).rejects.toThrow(
      /^Cannot create the data directory .*: ENOTDIR/,
    );
  });
});

describe('expiry', () => {
  afterEach(clean);
  it('is seen by listing too', async () => {
    const state = await openSqliteState(await folder());
    const table = state.table<number>('t');
    await table.set('a', 1, -1);
    const keys = [];
    for await (const entry of table.entries()) keys.push(entry);
    expect(keys).toEqual([]);
    await state.close();
  });
});

describe('writes at the same time', () => {
  let connections: KeyvSqlite[] = [];
  afterEach(async () => {
    for (const connection of connections) await connection.disconnect();
    connections = [];
    await clean();
  });

  async function connect(): Promise<Query<{ key: string }>> {
    const connection = new KeyvSqlite({ uri: `sqlite://${join(await folder(), 'writes.sqlite')}` });
    connections.push(connection);
    return (sql, ...parameters) => connection.query(sql, ...parameters) as Promise<{ key: string }[]>;
  }

  const insert = `INSERT INTO keyv (key, value) VALUES (?, '')`;
  const outcomes = (writes: readonly Promise<unknown>[]) =>
    Promise.allSettled(writes).then(all => all.map(({ status }) => status));

  it('wait for the disk together, and one that is refused takes no other with it', async () => {
    const query = await connect();
    const asked: string[] = [];
    const write = createWrites(async (sql, ...parameters) => {
      asked.push(sql);
      return query(sql, ...parameters);
    });
    const done = await outcomes(['a', 'b', 'b', 'c'].map(key => write(insert, key)));
    expect(done).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(asked).toEqual([insert, 'BEGIN IMMEDIATE', insert, insert, insert, 'COMMIT']);
    expect(await (await connect())('SELECT key FROM keyv')).toEqual([
      { key: 'a' },
      { key: 'b' },
      { key: 'c' },
    ]);
  });

  it('of one kind are one statement, and each is told of its own key', async () => {
    const query = await connect();
    const asked: string[] = [];
    const write = createWrites(async (sql, ...parameters) => {
      asked.push(sql.trim().slice(0, 6));
      return query(sql, ...parameters);
    }, FOR_MANY);
    const row = (value: string) => JSON.stringify({ value });
    await write(SET, 'there', row('old'));
    asked.length = 0;
    const now = Date.now();
    const changed = await Promise.all([
      write(SET, 'held', row('up')),
      write(SET, 'a', row('1')),
      write(INSERT, 'there', row('2'), now),
      write(SET, 'b', row('3')),
      write(DELETE, 'nowhere'),
      write(INSERT, 'c', row('4'), now),
      write(DELETE, 'b'),
    ]);
    expect(changed.map(rows => rows.length)).toEqual([1, 1, 0, 1, 0, 1, 1]);
    expect(asked).toEqual(['INSERT', 'BEGIN ', 'INSERT', 'INSERT', 'DELETE', 'COMMIT']);
    const kept = await (await connect())('SELECT key FROM keyv ORDER BY key');
    expect(kept.map(({ key }) => key)).toEqual(['a', 'c', 'held', 'there']);
  });

  it('come out as they would one after the other, whatever they are', async () => {
    const step = fc.record({
      kind: fc.constantFrom(SET, INSERT, DELETE, REPLACE),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('1', '2'),
      expected: fc.constantFrom('1', '2'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        const together = await connect();
        await together('DELETE FROM keyv');
        const alone = new Map<string, string>();
        const expected = steps.map(({ kind, key, value, expected: wanted }) => {
          const before = alone.get(key);
          const takes =
            kind === SET ||
            (kind === INSERT && before === undefined) ||
            (kind === DELETE && before !== undefined) ||
            (kind === REPLACE && before === wanted);
          if (takes && kind === DELETE) alone.delete(key);
          else if (takes) alone.set(key, value);
          return takes ? 1 : 0;
        });
        const write = createWrites(together, FOR_MANY);
        const row = (value: string) => JSON.stringify({ value });
        const more = new Map([
          [SET, () => []],
          [DELETE, () => []],
          [INSERT, () => [0]],
          [REPLACE, (wanted: string) => [row(wanted), 0]],
        ]);
        const changed = await Promise.all(
          steps.map(({ kind, key, value, expected: wanted }) =>
            write(kind, key, ...(kind === DELETE ? [] : [row(value)]), ...(more.get(kind)?.(wanted) ?? [])),
          ),
        );
        expect(changed.map(rows => rows.length)).toEqual(expected);
        const rows = await together('SELECT key, value FROM keyv ORDER BY key');
        expect(rows).toEqual([...alone].sort().map(([key, value]) => ({ key, value: row(value) })));
      }),
      { numRuns: 100 },
    );
  });

  it('are all refused when the disk takes none of them, and later ones are not', async () => {
    const query = await connect();
    let full = true;
    const write = createWrites(async (sql, ...parameters) => {
      if (full && sql === 'COMMIT') throw new Error('SQLITE_FULL');
      return query(sql, ...parameters);
    });
    const done = await outcomes(['a', 'b', 'c'].map(key => write(insert, key)));
    expect(done).toEqual(['fulfilled', 'rejected', 'rejected']);
    full = false;
    expect(await outcomes(['b', 'd'].map(key => write(insert, key)))).toEqual(['fulfilled', 'fulfilled']);
    expect(await (await connect())('SELECT key FROM keyv')).toEqual([
      { key: 'a' },
      { key: 'b' },
      { key: 'd' },
    ]);
  });
});
