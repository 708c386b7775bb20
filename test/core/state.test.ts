import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import KeyvSqlite from '@keyv/sqlite';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import { PREPARE_WRITES, WRITE, type Write } from '../../src/core/state/sqlite-statements.ts';
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

  it('has nothing in its files of what was deleted, once it is scrubbed', async () => {
    const state = await openSqliteState(await folder());
    const table = state.table<string>('inbox');
    const secret = 'allergic to latex';
    for (const key of ['short', 'long'])
      await table.set(key, key === 'short' ? secret : `${secret} `.repeat(2_000));
    for (const key of ['short', 'long']) await table.delete(key);
    await state.scrub();

    for (const name of await readdir(await folder())) {
      expect((await readFile(join(await folder(), name))).includes(secret), name).toBe(false);
    }
    await state.close();
  });

  it('is for its owner alone where it is made, and stays as it is where it was there before', async () => {
    const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
    const made = join(await folder(), 'made');
    await (await openSqliteState(made)).close();
    expect(await modeOf(made)).toBe(0o700);
    const given = join(await folder(), 'given');
    await mkdir(given);
    await chmod(given, 0o750);
    await (await openSqliteState(given)).close();
    expect(await modeOf(given)).toBe(0o750);
  });

  it.each(['/dev/null', '/proc'])('that cannot be made in %s is named in a sentence', async above => {
    await expect(openSqliteState(join(above, 'data', 'shopper'))).rejects.toThrow(
      /^Cannot create the data directory .*: E.*or set SHOPPER_DATA_DIR to another folder/,
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

  async function connect(): Promise<Query> {
    const connection = new KeyvSqlite({ uri: `sqlite://${join(await folder(), 'writes.sqlite')}` });
    connections.push(connection);
    const query: Query = (sql, ...parameters) => connection.query(sql, ...parameters) as ReturnType<Query>;
    for (const sql of PREPARE_WRITES) await query(sql);
    return query;
  }

  const row = (value: string) => JSON.stringify({ value });
  const set = (key: string, text = row('')): Write => ({ op: 'set', key, row: text });
  const outcomes = (writes: readonly Promise<unknown>[]) =>
    Promise.allSettled(writes).then(all => all.map(({ status }) => status));
  const keys = async () =>
    (await (await connect())('SELECT key FROM keyv ORDER BY key')).map(({ key }) => key);

  it('wait for the disk together, and each is told of its own', async () => {
    const query = await connect();
    const asked: string[] = [];
    const { write } = createWrites(async (sql, ...parameters) => {
      asked.push(sql);
      return query(sql, ...parameters);
    });
    await write(set('there'));
    const changed = await Promise.all(
      [
        set('held'),
        set('a'),
        { op: 'insert' as const, key: 'there', row: row('2') },
        set('b'),
        { op: 'delete' as const, key: 'nowhere' },
        { op: 'insert' as const, key: 'c', row: row('4') },
        { op: 'delete' as const, key: 'b' },
      ].map(write),
    );
    expect(changed).toEqual([true, true, false, true, false, true, true]);
    expect(asked).toEqual([WRITE, WRITE]);
    expect(await keys()).toEqual(['a', 'c', 'held', 'there']);
  });

  it('are written one after the other with what else is asked, and all that wait, however many', async () => {
    const query = await connect();
    let under = 0;
    const { write, query: other } = createWrites(async (sql, ...parameters) => {
      under += 1;
      expect(under).toBe(1);
      const rows = await query(sql, ...parameters);
      under -= 1;
      return rows;
    });
    const many = Array.from({ length: 250 }, (_, index) => write(set(`k${index}`)));
    const counted = other('SELECT count(*) AS many FROM keyv');
    expect(await Promise.all(many)).toEqual(many.map(() => true));
    await counted;
    expect(await other('SELECT count(*) AS many FROM keyv')).toEqual([{ many: 250 }]);
  });

  it('come out as they would one after the other, whatever they are', async () => {
    const step = fc.record({
      op: fc.constantFrom('set' as const, 'insert' as const, 'delete' as const, 'replace' as const),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('1', '2'),
      wanted: fc.constantFrom('1', '2'),
    });
    const query = await connect();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        await query('DELETE FROM keyv');
        const alone = new Map<string, string>();
        const expected = steps.map(({ op, key, value, wanted }) => {
          const before = alone.get(key);
          const takes =
            op === 'set' ||
            (op === 'insert' && before === undefined) ||
            (op === 'delete' && before !== undefined) ||
            (op === 'replace' && before === wanted);
          if (takes && op === 'delete') alone.delete(key);
          else if (takes) alone.set(key, value);
          return takes;
        });
        const { write } = createWrites(query);
        const changed = await Promise.all(
          steps.map(({ op, key, value, wanted }) =>
            write(
              op === 'delete'
                ? { op, key }
                : op === 'replace'
                  ? { op, key, row: row(value), expected: row(wanted) }
                  : { op, key, row: row(value) },
            ),
          ),
        );
        expect(changed).toEqual(expected);
        const rows = await query('SELECT key, value FROM keyv ORDER BY key');
        expect(rows).toEqual([...alone].sort().map(([key, value]) => ({ key, value: row(value) })));
      }),
      { numRuns: 100 },
    );
  });

  it('of which one is refused are tried one by one, and it takes no other with it', async () => {
    const query = await connect();
    const { write } = createWrites(query);
    const broken: Write = { op: 'insert', key: 'broken', row: row('2') };
    // Nothing of ours writes such a row; a damaged file may hold one.
    await write(set('broken', 'no JSON'));
    const done = await outcomes([set('held'), set('a'), broken, set('b')].map(write));
    expect(done).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(await keys()).toEqual(['a', 'b', 'broken', 'held']);
  });

  it('are all refused when the disk takes none of them, and later ones are not', async () => {
    const query = await connect();
    let full = false;
    const { write } = createWrites(async (sql, ...parameters) => {
      if (full) throw new Error('SQLITE_FULL');
      return query(sql, ...parameters);
    });
    await write(set('a'));
    full = true;
    expect(await outcomes(['b', 'c', 'd'].map(key => write(set(key))))).toEqual(
      Array.from({ length: 3 }, () => 'rejected'),
    );
    full = false;
    expect(await outcomes(['b', 'd'].map(key => write(set(key))))).toEqual(['fulfilled', 'fulfilled']);
    expect(await keys()).toEqual(['a', 'b', 'd']);
  });
});
