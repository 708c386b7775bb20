import { describe, expect, it } from 'vitest';
import { createRowCache } from '../../src/core/state/row-cache.ts';

/** A disk on which everything takes until it is told to be done. */
function createDisk() {
  const rows = new Map<string, string>();
  const cache = createRowCache();
  let loads = 0;
  const gate = () => {
    let open = () => {};
    const opened = new Promise<void>(resolve => {
      open = resolve;
    });
    return { open, opened };
  };
  return {
    get loads() {
      return loads;
    },
    read: (key: string) =>
      cache.get(key, async () => {
        loads += 1;
        return rows.get(key) ?? null;
      }),
    /** What it will say is decided when it begins. */
    beginRead(key: string) {
      const { open, opened } = gate();
      const row = rows.get(key) ?? null;
      const done = cache.get(key, () => opened.then(() => row));
      return { done, open };
    },
    beginWrite(key: string, row: string, fails = false) {
      const { open, opened } = gate();
      const done = cache.write(
        key,
        async () => {
          await opened;
          if (fails) throw new Error('disk full');
          rows.set(key, row);
        },
        () => row,
      );
      return { done, open };
    },
    /** Refused: there is something else, and nobody says what. */
    refuse: (key: string) =>
      cache.write(
        key,
        async () => {},
        () => undefined,
      ),
    put: (key: string, row: string) => void rows.set(key, row),
  };
}

describe('rows that are known already', () => {
  it('are not read again, also where there are none', async () => {
    const disk = createDisk();
    disk.put('a', '1');
    for (let n = 0; n < 3; n += 1) {
      expect(await disk.read('a')).toBe('1');
      expect(await disk.read('b')).toBeNull();
    }
    expect(disk.loads).toBe(2);
  });

  it('are what was written last', async () => {
    const disk = createDisk();
    await disk.read('a');
    const first = disk.beginWrite('a', '1');
    const second = disk.beginWrite('a', '2');
    first.open();
    await first.done;
    second.open();
    await second.done;
    expect(await disk.read('a')).toBe('2');
    expect(disk.loads).toBe(1);
  });

  it('are never from a read that a write overtook', async () => {
    const disk = createDisk();
    disk.put('a', 'old');
    const read = disk.beginRead('a');
    const write = disk.beginWrite('a', 'new');
    write.open();
    await write.done;
    read.open();
    await read.done;
    expect(await disk.read('a')).toBe('new');
  });

  it('are never from a read that began while a write was under way', async () => {
    const disk = createDisk();
    disk.put('a', 'old');
    const write = disk.beginWrite('a', 'new');
    const read = disk.beginRead('a');
    write.open();
    await write.done;
    read.open();
    expect(await read.done).toBe('old');
    expect(await disk.read('a')).toBe('new');
  });

  it('are not what could not be written', async () => {
    const disk = createDisk();
    disk.put('a', 'old');
    await disk.read('a');
    const write = disk.beginWrite('a', 'new', true);
    write.open();
    await expect(write.done).rejects.toThrow('disk full');
    expect(await disk.read('a')).toBe('old');
  });

  it('are read again where a write was refused', async () => {
    const disk = createDisk();
    await disk.read('a');
    disk.put('a', 'theirs');
    await disk.refuse('a');
    expect(await disk.read('a')).toBe('theirs');
  });
});
