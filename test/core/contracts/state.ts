import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { State } from '../../../src/core/state/state.ts';

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
      const value = { n: 1, text: 'ü ":base64:" \u{1F45F} \u0000 \ud800' };
      await table.set('a', value);
      expect(await table.get('a')).toEqual(value);
      expect(await table.get('b')).toBeUndefined();
    });

    it('gives each of many who ask at the same time their own', async () => {
      const keys = Array.from({ length: 250 }, (_, n) => `k"${n}%2F\u{1F45F}`);
      const isThere = (_: string, index: number) => index % 3 === 0;
      const before = state.table<string>('things');
      await Promise.all(keys.filter(isThere).map(key => before.set(key, `value of ${key}`)));
      await state.close();
      state = await open();
      const table = state.table<string>('things');
      expect(await Promise.all(keys.map(key => table.get(key)))).toEqual(
        keys.map((key, index) => (isThere(key, index) ? `value of ${key}` : undefined)),
      );
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

    it('replaces a value only while it is the expected one, for exactly one of many', async () => {
      const table = state.table<{ by: string; n: number }>('leases');
      const first = { by: 'a "},"expires":12}', n: 1 };
      expect(await table.replace('key', first, first)).toBe(false);
      await table.insert('key', first, 60_000);
      expect(await table.replace('key', { ...first, n: 2 }, first)).toBe(false);
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) => table.replace('key', first, { by: 'b', n }, 60_000)),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      const second = { by: 'b', n: results.indexOf(true) };
      expect(await table.get('key')).toEqual(second);
      expect(await table.replace('key', second, second, -1)).toBe(true);
      expect(await table.get('key')).toBeUndefined();
      expect(await table.replace('key', second, second)).toBe(false);
      expect(await table.insert('key', first)).toBe(true);
      expect(await table.replace('key', first, second)).toBe(true);
      expect(await table.get('key')).toEqual(second);
    });

    it('counts by prefix, for many at the same time', async () => {
      const table = state.table<number>('counted');
      for (const key of ['a', 'a/1', 'a/2', 'b/1']) await table.set(key, 1);
      await state.table<number>('counted2').set('a/3', 1);
      await table.delete('a/2');
      const prefixes = ['', 'a/', 'c', '', 'b', 'a'];
      const counts = await Promise.all(prefixes.map(prefix => table.count(prefix)));
      expect(counts).toEqual([3, 1, 0, 3, 1, 2]);
    });

    it('gives out tickets that only ever grow', async () => {
      const tickets: number[] = [];
      for (let n = 0; n < 100; n += 1) tickets.push(await state.ticket());
      await state.close();
      state = await open();
      tickets.push(await state.ticket());
      expect(tickets).toEqual([...new Set(tickets)].sort((a, b) => a - b));
    });

    it('lists what is there and nothing else, after keys were deleted and inserted at the same time', async () => {
      const table = state.table<number>('busy');
      for (let round = 0; round < 20; round += 1) {
        await Promise.all([
          table.delete('k'),
          table.insert('k', round),
          table.delete('k'),
          table.insert('k', -1),
        ]);
        expect(await entriesOf(table, '')).toEqual((await table.get('k')) === undefined ? [] : ['k']);
      }
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

    it('lists for many at the same time, and each gets its own', async () => {
      const many = state.table<number>('many');
      const few = state.table<number>('few');
      const keys = Array.from({ length: 503 }, (_, n) => `long/${String(n).padStart(3, '0')}`);
      await Promise.all(keys.map((key, n) => many.set(key, n)));
      for (const who of ['ann', 'ben', 'cat']) await few.set(`${who}/1`, 1);
      const lists = await Promise.all([
        entriesOf(few, 'ann/'),
        entriesOf(many, 'long/'),
        entriesOf(few, 'nobody/'),
        entriesOf(few, 'cat/'),
        entriesOf(many, 'long/50'),
        entriesOf(few, 'ann/'),
      ]);
      expect(lists).toEqual([['ann/1'], keys, [], ['cat/1'], keys.slice(500), ['ann/1']]);
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
      await state.table('text').set('like-an-end', '"expires":1}');
      await state.sweep();
      expect(await entriesOf(table, '')).toEqual(['always', 'here']);
      expect(await table.count()).toBe(2);
      expect(await state.table('text').get('like-an-end')).toBe('"expires":1}');
    });

    it('sweeps all of it, however much that is', async () => {
      const table = state.table<number>('many');
      await Promise.all(Array.from({ length: 1_100 }, (_, n) => table.set(`gone/${n}`, 1, -1)));
      await table.set('here', 1);
      await state.sweep();
      expect(await table.count()).toBe(1);
      expect(await entriesOf(table, '')).toEqual(['here']);
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
