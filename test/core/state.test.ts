import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
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
