import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MemoryMount } from '../../src/runtime/ports.ts';
import { collect, type Harness, provision, startHarness, userMessage, watch } from './harness.ts';

/** What the agent's tools get to work with, tried from inside a turn and checked through the API. */
let harness: Harness;
let work: (mount: MemoryMount) => Promise<void>;
let store: string;
let session: string;
beforeAll(async () => {
  harness = await startHarness({
    loop: async input => {
      for (const mount of input.mounts) await work(mount);
      return { type: 'end_turn' };
    },
  });
});
afterAll(() => harness.close());
beforeEach(async () => {
  store = (await harness.client.beta.memoryStores.create({ name: 'Shopper Memory' })).id;
  session = await openSession();
});

async function openSession(access: 'read_write' | 'read_only' = 'read_write'): Promise<string> {
  const resource = { type: 'memory_store' as const, memory_store_id: store, access };
  const created = harness.client.beta.sessions.create({
    ...(await provision(harness.client)),
    resources: [resource],
  });
  return (await created).id;
}

/** Runs `inside` as a turn of the session; rethrows what it throws. */
async function turn(inside: (mount: MemoryMount) => Promise<void>): Promise<void> {
  let failure: unknown;
  let ran = false;
  work = async mount => {
    ran = true;
    await inside(mount).catch(error => {
      failure = error;
    });
  };
  const { events } = harness.client.beta.sessions;
  await watch(harness.client, session, () => events.send(session, { events: [userMessage('go')] }));
  expect(ran).toBe(true);
  if (failure) throw failure;
}

/** Ten thousand writes take a while; the rows they leave do not. */
async function fill(count: number): Promise<void> {
  const db = new sqlite3.Database(join(harness.dataDir, 'runtime.sqlite'));
  const rows = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO memories SELECT 'mem_' || i, '${store}', '/m/' || i, '', '', 0, 'memver_' || i, 0, 0 FROM n`;
  await new Promise<void>((resolve, reject) => db.exec(rows, error => (error ? reject(error) : resolve())));
  await new Promise(resolve => db.close(resolve));
}

const versions = (query: { session_id?: string } = {}) =>
  collect(harness.client.beta.memoryStores.memoryVersions.list(store, { ...query, view: 'full' }));

test('what a session writes is versioned in its name, and only that passes its filter', async () => {
  await harness.client.beta.memoryStores.memories.create(store, { path: '/api.md', content: 'api' });
  await turn(async mount => {
    expect(mount).toMatchObject({ mountPath: '/mnt/memory/shopper-memory', access: 'read_write' });
    await mount.write('/sizes.md', '9');
    await mount.write('/sizes.md', '10');
    await mount.write('/sizes.md', '10');
    await mount.write('/api.md', 'changed');
    await mount.rename('/sizes.md', '/notes/sizes.md');
    await mount.remove('/api.md');
    expect(await mount.read('/notes/sizes.md')).toBe('10');
    expect(await mount.list()).toMatchObject([
      { path: '/notes/sizes.md', sizeBytes: 2, updatedAt: expect.any(Date) },
    ]);
  });
  const mine = await versions({ session_id: session });
  expect(mine.map(v => [v.operation, v.path, v.content])).toEqual([
    ['deleted', '/api.md', null],
    ['modified', '/notes/sizes.md', '10'],
    ['modified', '/api.md', 'changed'],
    ['modified', '/sizes.md', '10'],
    ['created', '/sizes.md', '9'],
  ]);
  expect(mine[0]?.created_by).toEqual({ type: 'session_actor', session_id: session });
  expect(await versions()).toHaveLength(6);
});

test('a rename replaces what was at its target', async () => {
  await turn(async mount => {
    await mount.write('/a', 'new');
    await mount.write('/b', 'old');
    await mount.rename('/a', '/b');
    expect(await mount.read('/b')).toBe('new');
    expect(await mount.list()).toHaveLength(1);
  });
});

test('a failed rename leaves both files as they were', async () => {
  await turn(async mount => {
    await mount.write('/a', 'new');
    await mount.write('/b', 'old');
    await expect(mount.rename('/a', '/b/c')).rejects.toThrow('ENOTDIR');
    expect(await mount.list()).toHaveLength(2);
  });
});

describe('refusals are those of a file system', () => {
  test.each([
    ['a file that is not there', 'ENOENT', (m: MemoryMount) => m.read('/none')],
    ['removing what is not there', 'ENOENT', (m: MemoryMount) => m.remove('/none')],
    ['a file below a file', 'ENOTDIR', (m: MemoryMount) => m.write('/file/below', 'x')],
    ['a file where a directory is', 'EISDIR', (m: MemoryMount) => m.write('/dir', 'x')],
    ['a bad path', 'EINVAL', (m: MemoryMount) => m.write('/a/../b', 'x')],
    ['half a character', 'EINVAL', (m: MemoryMount) => m.write('/x', '\ud800')],
    ['too much at once', 'EFBIG', (m: MemoryMount) => m.write('/x', 'x'.repeat(102_401))],
  ])('%s: %s', async (_what, code, attempt) => {
    await turn(async mount => {
      await mount.write('/file', 'x');
      await mount.write('/dir/file', 'x');
      await expect(attempt(mount)).rejects.toMatchObject({ name: 'MountError', code });
    });
  });

  test('a read_only mount reads and refuses every write', async () => {
    session = await openSession('read_only');
    await harness.client.beta.memoryStores.memories.create(store, { path: '/brand.md', content: 'calm' });
    await turn(async mount => {
      expect(mount.access).toBe('read_only');
      expect(await mount.read('/brand.md')).toBe('calm');
      for (const attempt of [
        () => mount.write('/brand.md', 'loud'),
        () => mount.remove('/brand.md'),
        () => mount.rename('/brand.md', '/x'),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ code: 'EROFS' });
      }
    });
    expect(await versions()).toHaveLength(1);
  });

  test('a store archived or deleted under the session', async () => {
    await turn(async mount => {
      await mount.write('/a', 'x');
      await harness.client.beta.memoryStores.archive(store);
      await expect(mount.write('/a', 'y')).rejects.toMatchObject({ code: 'EROFS' });
      expect(await mount.read('/a')).toBe('x');
      await harness.client.beta.memoryStores.delete(store);
      await expect(mount.read('/a')).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(mount.list()).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  test('the ten-thousand-and-first memory', async () => {
    await fill(9_999);
    await turn(async mount => {
      await mount.write('/last', '');
      await expect(mount.write('/one-more', '')).rejects.toMatchObject({ code: 'ENOSPC' });
      await mount.write('/last', 'still writable');
    });
  });
});
