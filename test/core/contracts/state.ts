import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { State } from '../../../src/core/state.ts';

/** What every store must do. `open` may be called again on the same data after `close`. */
export function stateContract(name: string, open: () => Promise<State>, clean: () => Promise<void>): void {
  describe(`state in ${name}`, () => {
    let state: State;
    beforeEach(async () => {
      state = await open();
    });
    afterEach(async () => {
      await state.close();
      await clean();
    });

    it('gives back what was set, and nothing for what was not', async () => {
      const table = state.table<{ n: number; text: string }>('things');
      await table.set('a', { n: 1, text: 'ü ":base64:" \u{1F45F}' });
      expect(await table.get('a')).toEqual({ n: 1, text: 'ü ":base64:" \u{1F45F}' });
      expect(await table.get('b')).toBeUndefined();
    });

    it('keeps tables apart', async () => {
      await state.table('one').set('k', 1);
      expect(await state.table('two').get('k')).toBeUndefined();
      expect(await entriesOf(state.table('on'), '')).toEqual([]);
    });

    it('lets exactly one of many insert a key', async () => {
      const table = state.table<number>('claims');
      const results = await Promise.all(Array.from({ length: 50 }, (_, n) => table.insert('key', n)));
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await table.get('key')).toBe(results.indexOf(true));
    });

    it('lets a key be inserted again once it is deleted or expired', async () => {
      const table = state.table<number>('claims');
      expect(await table.insert('key', 1)).toBe(true);
      expect(await table.insert('key', 2)).toBe(false);
      expect(await table.delete('key')).toBe(true);
      expect(await table.insert('key', 3)).toBe(true);
      expect(await table.insert('brief', 1, -1)).toBe(true);
      expect(await table.get('brief')).toBeUndefined();
      expect(await table.insert('brief', 2)).toBe(true);
      expect(await table.get('brief')).toBe(2);
    });

    it('lists by prefix in key order, across pages, while rows are deleted', async () => {
      const table = state.table<number>('many');
      const keys = Array.from({ length: 1_203 }, (_, n) => `a/${String(n).padStart(5, '0')}`);
      await Promise.all([...keys, 'b/1', 'a'].map((key, n) => table.set(key, n)));
      const seen: string[] = [];
      for await (const [key] of table.entries('a/')) {
        seen.push(key);
        await table.delete(key);
      }
      expect(seen).toEqual(keys);
      expect(await entriesOf(table, '')).toEqual(['a', 'b/1']);
    });

    it('treats pattern characters in keys as themselves', async () => {
      const table = state.table<number>('odd');
      for (const key of ['a%/1', 'a_/1', 'ab/1', 'a*/1', 'a[/1', 'a\\/1']) await table.set(key, 1);
      for (const prefix of ['a%/', 'a_/', 'a*/', 'a[/', 'a\\/']) {
        expect(await entriesOf(table, prefix)).toEqual([`${prefix}1`]);
      }
    });

    it('sweeps what has expired and nothing else', async () => {
      const table = state.table<number>('ttl');
      await table.set('gone', 1, -1);
      await table.set('here', 1, 60_000);
      await table.set('always', 1);
      await state.sweep();
      expect(await entriesOf(table, '')).toEqual(['always', 'here']);
    });

    it('still holds everything after being closed and opened', async () => {
      await state.table('keep').set('k', { v: 1 });
      await state.close();
      await state.close();
      state = await open();
      expect(await state.table('keep').get('k')).toEqual({ v: 1 });
    });
  });
}

async function entriesOf(
  table: { entries(prefix?: string): AsyncIterable<[string, unknown]> },
  prefix: string,
) {
  const keys: string[] = [];
  for await (const [key] of table.entries(prefix)) keys.push(key);
  return keys;
}
