import { createHash } from 'node:crypto';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { collect, type Harness, refusal, startHarness } from './harness.ts';

let harness: Harness;
let stores: Anthropic['beta']['memoryStores'];
let store: string;
beforeAll(async () => {
  harness = await startHarness();
  stores = harness.client.beta.memoryStores;
});
afterAll(() => harness.close());
beforeEach(async () => {
  store = (await stores.create({ name: 'Notes' })).id;
});

const write = (path: string, content = path) => stores.memories.create(store, { path, content });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const versions = () => collect(stores.memoryVersions.list(store));

describe('memories', () => {
  test('create and update answer without content, retrieve with it, view decides otherwise', async () => {
    const made = await write('/sizes.md', 'größe 9');
    expect(made).toMatchObject({
      type: 'memory',
      path: '/sizes.md',
      content: null,
      content_size_bytes: 9,
      content_sha256: sha256('größe 9'),
      memory_store_id: store,
    });
    const id = { memory_store_id: store };
    expect((await stores.memories.retrieve(made.id, id)).content).toBe('größe 9');
    expect((await stores.memories.retrieve(made.id, { ...id, view: 'basic' })).content).toBeNull();
    const full = await stores.memories.update(made.id, { ...id, content: 'new', view: 'full' });
    expect(full.content).toBe('new');
    const [listed] = await collect(stores.memories.list(store, { view: 'full' }));
    expect(listed).toMatchObject({ content: 'new' });
  });

  test('content survives as it was: empty, NUL, emoji, line ends', async () => {
    for (const [i, content] of ['', 'a\0b', '👟\r\n\u2028', ' \n'].entries()) {
      const made = await write(`/c${i}`, content);
      expect((await stores.memories.retrieve(made.id, { memory_store_id: store })).content).toBe(content);
      expect(made.content_sha256).toBe(sha256(content));
    }
  });

  test.each([
    'no-slash',
    '/',
    '/a//b',
    '/a/',
    '/a/./b',
    '/a/../b',
    '/a\u0000b',
    '/a\u200bb',
    '/a\u2028b',
    '/e\u0301',
    `/${'x'.repeat(1024)}`,
    `/${Array.from({ length: 21 }, () => 's').join('/')}`,
  ])('the path %j is refused', async path => {
    const error = await refusal(write(path));
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.apiMessage).toMatch(/^path: /);
  });

  test('the longest path and the largest content are accepted, one byte more is not', async () => {
    await write(`/${'x'.repeat(1023)}`);
    await write('/large', 'x'.repeat(102_400));
    const error = await refusal(write('/larger', 'x'.repeat(102_401)));
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.apiMessage).toContain('102400 bytes');
  });

  test.each([
    ['/a/b', '/a/b'],
    ['/a/b', '/a'],
    ['/a', '/a/b/c'],
  ])('with %s taken, %s is a conflict that says with what', async (taken, path) => {
    const first = await write(taken);
    const error = await refusal(write(path));
    expect(error).toBeInstanceOf(Anthropic.ConflictError);
    expect(error.type).toBe('memory_path_conflict_error');
    expect(error.error).toMatchObject({
      error: { conflicting_memory_id: first.id, conflicting_path: taken },
    });
  });

  test('neighbours of a path are not conflicts', async () => {
    await write('/a/b');
    await write('/a/c');
    await write('/a-b');
    await write('/a.md');
    await write('/A/b');
    expect(await collect(stores.memories.list(store))).toHaveLength(5);
  });

  test('a rename keeps the id, may move below itself, and respects others', async () => {
    const made = await write('/a');
    const other = await write('/other');
    const moved = await stores.memories.update(made.id, { memory_store_id: store, path: '/a/b' });
    expect(moved).toMatchObject({ id: made.id, path: '/a/b', content_sha256: made.content_sha256 });
    const error = await refusal(stores.memories.update(other.id, { memory_store_id: store, path: '/a' }));
    expect(error.type).toBe('memory_path_conflict_error');
  });

  test('a precondition holds the update back, unless it already happened', async () => {
    const made = await write('/a', 'one');
    const update = (content: string, expected: string) =>
      stores.memories.update(made.id, {
        memory_store_id: store,
        content,
        precondition: { type: 'content_sha256', content_sha256: sha256(expected) },
      });
    await update('two', 'one');
    const error = await refusal(update('three', 'one'));
    expect(error).toBeInstanceOf(Anthropic.ConflictError);
    expect(error.type).toBe('memory_precondition_failed_error');
    expect((await update('two', 'one')).content_sha256).toBe(sha256('two'));
    expect(await versions()).toHaveLength(2);
  });

  test('a delete can insist on what it deletes', async () => {
    const made = await write('/a', 'one');
    const id = { memory_store_id: store };
    const stale = stores.memories.delete(made.id, { ...id, expected_content_sha256: sha256('zero') });
    expect((await refusal(stale)).type).toBe('memory_precondition_failed_error');
    const gone = await stores.memories.delete(made.id, { ...id, expected_content_sha256: sha256('one') });
    expect(gone).toMatchObject({ id: made.id, type: 'memory_deleted' });
    expect((await refusal(stores.memories.retrieve(made.id, id))).status).toBe(404);
  });

  test('of fifty creates of one path at once, one wins', async () => {
    const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => write('/one', `${i}`)));
    expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(1);
    expect(await versions()).toHaveLength(1);
  });
});

describe('listing memories', () => {
  beforeEach(async () => {
    for (const path of ['/a.md', '/b/1', '/b/2', '/b/c/3', '/b-side', '/z/deep/er']) await write(path);
  });
  const list = async (query: Parameters<typeof stores.memories.list>[1]) =>
    (await collect(stores.memories.list(store, query))).map(item =>
      item.type === 'memory' ? item.path : `[${item.path}]`,
    );

  test('depth 0 lists everything below a prefix', async () => {
    expect(await list({})).toEqual(['/a.md', '/b-side', '/b/1', '/b/2', '/b/c/3', '/z/deep/er']);
    expect(await list({ path_prefix: '/b/' })).toEqual(['/b/1', '/b/2', '/b/c/3']);
    expect(await list({ path_prefix: '/nothing/' })).toEqual([]);
  });

  test('depth 1 folds what is deeper, and folds count as lines', async () => {
    const folded = ['/a.md', '/b-side', '[/b/]', '[/z/]'];
    expect(await list({ depth: 1 })).toEqual(folded);
    expect(await list({ depth: 1, limit: 1 })).toEqual(folded);
    expect(await list({ depth: 1, path_prefix: '/b/' })).toEqual(['/b/1', '/b/2', '[/b/c/]']);
  });

  test('full pages hold at most 20', async () => {
    for (let i = 0; i < 30; i++) await write(`/many/${i}`);
    const page = await stores.memories.list(store, { view: 'full', limit: 100 });
    expect(page.data).toHaveLength(20);
    expect(await list({ view: 'full', limit: 100 })).toHaveLength(36);
  });

  test('a prefix must end with a slash', async () => {
    await expect(list({ path_prefix: '/b' })).rejects.toThrow(Anthropic.BadRequestError);
  });
});

describe('versions', () => {
  test('record every change newest first, and outlive the memory', async () => {
    const made = await write('/a', 'one');
    const id = { memory_store_id: store };
    await stores.memories.update(made.id, { ...id, content: 'two' });
    await stores.memories.update(made.id, { ...id, content: 'two', path: '/a' });
    await stores.memories.update(made.id, { ...id, path: '/b' });
    await stores.memories.delete(made.id, id);
    const all = await collect(stores.memoryVersions.list(store, { view: 'full', limit: 2 }));
    expect(all.map(v => [v.operation, v.path, v.content])).toEqual([
      ['deleted', '/b', null],
      ['modified', '/b', 'two'],
      ['modified', '/a', 'two'],
      ['created', '/a', 'one'],
    ]);
    expect(all[0]).toMatchObject({ content_sha256: null, content_size_bytes: null, memory_id: made.id });
    expect(all[3]).toMatchObject({
      content_sha256: sha256('one'),
      created_by: { type: 'api_actor' },
      redacted_at: null,
    });
  });

  test('filters narrow, together', async () => {
    const a = await write('/a');
    await write('/b');
    const id = { memory_store_id: store };
    await stores.memories.update(a.id, { ...id, content: 'x' });
    const count = async (query: Parameters<typeof stores.memoryVersions.list>[1]) =>
      (await collect(stores.memoryVersions.list(store, query))).length;
    expect(await count({ memory_id: a.id })).toBe(2);
    expect(await count({ operation: 'created' })).toBe(2);
    expect(await count({ memory_id: a.id, operation: 'created' })).toBe(1);
    expect(await count({ session_id: 'sesn_none' })).toBe(0);
    expect(await count({ 'created_at[gte]': '2999-01-01T00:00:00Z' })).toBe(0);
    expect(await count({ 'created_at[lte]': '2999-01-01T00:00:00Z' })).toBe(3);
    await expect(count({ 'created_at[gte]': 'yesterday' })).rejects.toThrow(Anthropic.BadRequestError);
  });

  test('redacting empties an old version for good, but never what the memory holds now', async () => {
    const made = await write('/a', 'my card is 4111');
    const id = { memory_store_id: store };
    const live = await refusal(stores.memoryVersions.redact(made.memory_version_id, id));
    expect(live).toBeInstanceOf(Anthropic.BadRequestError);
    expect(live.type).toBe('invalid_request_error');
    await stores.memories.update(made.id, { ...id, content: 'clean' });
    const redacted = await stores.memoryVersions.redact(made.memory_version_id, id);
    expect(redacted).toMatchObject({
      content: null,
      path: null,
      content_sha256: null,
      content_size_bytes: null,
      redacted_by: { type: 'api_actor' },
    });
    expect(redacted.redacted_at).not.toBeNull();
    expect(await stores.memoryVersions.retrieve(made.memory_version_id, id)).toEqual(redacted);
    expect(await stores.memoryVersions.redact(made.memory_version_id, id)).toEqual(redacted);
    expect((await stores.memories.retrieve(made.id, id)).content).toBe('clean');
  });
});

describe('stores', () => {
  test('an archived store can be read, emptied and redacted, not written', async () => {
    const made = await write('/a');
    const kept = await write('/b');
    const id = { memory_store_id: store };
    const archived = await stores.archive(store);
    expect(archived.archived_at).not.toBeNull();
    for (const attempt of [
      () => write('/c'),
      () => stores.memories.update(made.id, { ...id, content: 'x' }),
      () => stores.update(store, { name: 'x' }),
    ]) {
      expect(await refusal(attempt())).toBeInstanceOf(Anthropic.BadRequestError);
    }
    expect((await stores.memories.retrieve(made.id, id)).content).toBe('/a');
    await stores.memories.delete(made.id, id);
    await stores.memoryVersions.redact(made.memory_version_id, id);
    expect(await collect(stores.memories.list(store))).toMatchObject([{ id: kept.id }]);
    const open = await collect(stores.list());
    expect(open.map(item => item.id)).not.toContain(store);
  });

  test('deleting a store takes its memories and versions along', async () => {
    const made = await write('/a');
    await stores.delete(store);
    for (const attempt of [
      () => stores.retrieve(store),
      () => stores.memories.list(store),
      () => stores.memoryVersions.list(store),
      () => stores.memories.retrieve(made.id, { memory_store_id: store }),
      () => write('/b'),
    ]) {
      expect(await refusal(attempt())).toBeInstanceOf(Anthropic.NotFoundError);
    }
  });

  test('metadata is patched key by key', async () => {
    await stores.update(store, { metadata: { person: 'ann', team: 'T1' } });
    const updated = await stores.update(store, { metadata: { team: null, x: '1' }, description: 'd' });
    expect(updated).toMatchObject({ metadata: { person: 'ann', x: '1' }, description: 'd', name: 'Notes' });
  });

  test('names may repeat; control characters may not', async () => {
    await stores.create({ name: 'Notes' });
    expect(await refusal(stores.create({ name: 'a\nb' }))).toBeInstanceOf(Anthropic.BadRequestError);
    expect(await refusal(stores.create({ name: 'x'.repeat(256) }))).toBeInstanceOf(Anthropic.BadRequestError);
  });

  test('pages follow each other to the end', async () => {
    const made = [];
    for (let i = 0; i < 7; i++) made.push((await stores.create({ name: `p${i}` })).id);
    const listed = await collect(stores.list({ limit: 3 }));
    expect(listed.slice(0, 7).map(item => item.id)).toEqual(made.toReversed());
    expect(await refusal(stores.list({ limit: 101 }))).toBeInstanceOf(Anthropic.BadRequestError);
    expect(await refusal(stores.list({ page: 'page_nonsense' }))).toBeInstanceOf(Anthropic.BadRequestError);
  });
});
