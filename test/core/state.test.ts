import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import KeyvSqlite from '@keyv/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
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

  async function connect(): Promise<Query<unknown>> {
    const connection = new KeyvSqlite({ uri: `sqlite://${join(await folder(), 'writes.sqlite')}` });
    connections.push(connection);
    return (sql, ...parameters) => connection.query(sql, ...parameters) as Promise<unknown[]>;
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
