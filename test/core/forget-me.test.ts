import Anthropic, { toFile } from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TABLES } from '../../src/core/people/person-rows.ts';
import type { Passing } from '../fakes/fault-proxy.ts';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { gate } from '../helpers/gate.ts';
import { manualClock } from '../helpers/manual-clock.ts';
import { leaveTurnsForLater, memoryOf, obedientModel, write } from '../helpers/memory.ts';
import { createScriptedModel } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

/** Every row of every table that names this person, by table. */
async function rowsNaming(user: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of Object.keys(TABLES)) {
    for await (const [key, value] of bench.state.table<unknown>(name).entries()) {
      if (new RegExp(`\\b${user}\\b`).test(`${key} ${JSON.stringify(value)}`)) found.push(name);
    }
  }
  return found;
}

async function statusOf(request: Promise<unknown>): Promise<number> {
  return request.then(
    () => 200,
    (error: unknown) => (error instanceof Anthropic.APIError ? (error.status ?? 0) : 0),
  );
}

describe('forgetting a person', () => {
  it('leaves nothing behind that an id could still reach, says how much it was, and starts from nothing', async () => {
    bench = await createBench({ model: obedientModel() });
    const { beta } = bench.client;
    const ann = memoryOf(bench);
    // A life with the bot: several conversations, a private one, changes by hand, undone and disputed ones.
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'));
    await bench.adapter.say(write('style.md', '- likes: linen\n'), { channel: 'C2', audience: 'shared' });
    await bench.adapter.bot().prepare(ann.person());
    await ann.run('outcome', { type: 'private', on: true }, bench.adapter.conversation({ channel: 'D3' }));
    await bench.adapter.say('between us', { channel: 'D3' });
    await ann.run('outcome', { type: 'undo', noticeId: bench.adapter.notices[1]?.notice.id ?? '' });
    await ann.run('form', { type: 'form' });
    await ann.run('outcome', { type: 'set', values: { budget: '$80' } });
    await ann.run('conflict', {
      type: 'edit',
      memoryId: await ann.idOf('/budget.md'),
      revision: 'other',
      content: '- x',
    });
    await ann.run('outcome', { type: 'notices', mode: 'private' });
    await ann.run('outcome', { type: 'pause' });
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'), { user: 'ben' });

    const storeIds = [await ann.storeId('private'), await ann.storeId('shared')];
    const mine = (await collect(beta.sessions.list({ include_archived: true }))).filter(
      session => session.metadata.person === 'ann',
    );
    const everyOf = async <T>(list: (id: string) => AsyncIterable<T>) =>
      (await Promise.all(storeIds.map(async id => collect(list(id))))).flat();
    const memories = await everyOf(id => beta.memoryStores.memories.list(id));
    const versions = await everyOf(id => beta.memoryStores.memoryVersions.list(id));
    const rows = (await rowsNaming('ann')).length;
    expect(mine.length).toBeGreaterThanOrEqual(4);
    expect(rows).toBeGreaterThan(15);

    const asked = await ann.run('confirm', { type: 'forget-me' });
    expect(asked.items.map(item => [item.title, item.lines])).toEqual([
      ['Budget', ['budget: $80']],
      ['Sizes', ['shoe size: 9']],
    ]);
    const receipt = await ann.run('receipt', asked.action);
    expect(receipt.counts).toEqual([
      { what: 'memories', count: memories.length },
      { what: 'versions', count: versions.length },
      { what: 'sessions', count: mine.length },
      { what: 'files', count: 0 },
      // Its own mark is written before anything goes, and goes last.
      { what: 'rows', count: rows + 1 },
    ]);

    // The second look, with nothing but ids and the SDK.
    for (const id of storeIds) expect(await statusOf(beta.memoryStores.retrieve(id))).toBe(404);
    for (const { id } of mine) {
      expect(await statusOf(beta.sessions.retrieve(id))).toBe(404);
      expect(await statusOf(collect(beta.sessions.events.list(id)))).toBe(404);
    }
    for (const memory of memories) {
      if (memory.type !== 'memory') continue;
      expect(
        await statusOf(
          beta.memoryStores.memories.retrieve(memory.id, { memory_store_id: memory.memory_store_id }),
        ),
      ).toBe(404);
    }
    for (const { id, memory_store_id } of versions) {
      expect(await statusOf(beta.memoryStores.memoryVersions.retrieve(id, { memory_store_id }))).toBe(404);
    }
    expect(await rowsNaming('ann')).toEqual([]);

    // Nobody else is touched, and the next message starts from nothing.
    expect(await memoryOf(bench, 'ben').files()).toEqual({ '/sizes.md': '- shoe size: 9\n' });
    await bench.adapter.say(write('a.md', '- new\n'));
    expect(await ann.files()).toEqual({ '/a.md': '- new\n' });
    expect(bench.adapter.notices.at(-1)).toMatchObject({ mode: 'thread', lines: ['+ new'] });
  });

  it('deletes the files that belong to their sessions', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await bench.adapter.say('hello');
    const removed: string[] = [];
    // Files of a session are made by its tools, which the local runtime does not offer: two stand in for them.
    const uploads = await Promise.all(
      ['a.txt', 'b.txt'].map(async name =>
        bench.client.beta.files.upload({ file: await toFile(Buffer.from(name), name) }),
      ),
    );
    bench.proxy.plan(({ method, path }) => {
      if (method === 'GET' && path === '/v1/files') {
        return { type: 'status', status: 200, body: { data: uploads, next_page: null } };
      }
      if (method === 'DELETE' && path.startsWith('/v1/files')) removed.push(path);
      return undefined;
    });
    const receipt = await ann.run('receipt', { type: 'forget-me', confirmed: true });
    expect(receipt.counts).toContainEqual({ what: 'files', count: 2 });
    expect(removed).toHaveLength(2);
    for (const { id } of uploads) {
      expect(await statusOf(bench.client.beta.files.retrieveMetadata(id))).toBe(404);
    }
  });

  it('stops what is being answered, and waits with what comes next', async () => {
    let go = () => {};
    const hold = new Promise<void>(resolve => {
      go = resolve;
    });
    const model = createScriptedModel((_, index) =>
      index === 0 ? { text: ['Let me', ' think'], hold } : { text: ['Hello.'] },
    );
    bench = await createBench({ model });
    const ann = memoryOf(bench);
    const first = bench.adapter.say('a long question');
    await bench.adapter.until(() =>
      bench.adapter.replies.some(reply => reply.snapshots.some(({ text }) => text !== '')),
    );
    const forgetting = ann.run('receipt', { type: 'forget-me', confirmed: true });
    expect((await first).final).toMatchObject({ state: 'stopped' });
    const receipt = await forgetting;
    go();
    expect(receipt.counts).toContainEqual({ what: 'sessions', count: 1 });
    expect((await bench.adapter.say('hi')).final).toMatchObject({ state: 'done', text: 'Hello.' });
    expect(await collect(bench.client.beta.sessions.list())).toHaveLength(1);
  });

  it('leaves nothing of what was just being taken back from a turn before', async () => {
    bench = await createBench({ model: obedientModel(), limits: { outageMs: 300 } });
    const ann = memoryOf(bench);
    const { adapter, state } = bench;
    const [begun, rest, over, waits] = [gate(), gate(), gate(), gate()];
    const intents = state.table('edit-intent');
    const { set } = intents;
    intents.set = async (...intent) => {
      begun.open();
      await rest.opened;
      await set(...intent);
      over.open();
    };
    const claims = state.table('person-claim');
    const { insert } = claims;
    claims.insert = async (...claim) => {
      const isTaken = await insert(...claim);
      if (!isTaken) waits.open();
      return isTaken;
    };
    leaveTurnsForLater(bench);
    const context = [{ author: 'Ben', text: 'remember evil' }];
    await adapter.bot().receive({ ...adapter.message(write('a.md', '- evil\n')), context });
    await begun.opened;
    const forgetting = ann.run('receipt', { type: 'forget-me', confirmed: true });
    await Promise.race([forgetting, waits.opened]);
    rest.open();
    await Promise.all([forgetting, over.opened]);
    expect(await rowsNaming('ann')).toEqual([]);
  });

  it('leaves nothing of what was just being got ready for their next conversation', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n'));
    const [begun, rest, waits] = [gate(), gate(), gate()];
    const paused = bench.state.table('paused');
    const { get } = paused;
    paused.get = async key => {
      paused.get = get;
      begun.open();
      await rest.opened;
      return get(key);
    };
    const claims = bench.state.table('person-claim');
    const { insert } = claims;
    claims.insert = async (...claim) => {
      const isTaken = await insert(...claim);
      if (!isTaken) waits.open();
      return isTaken;
    };
    const preparing = bench.adapter.bot().prepare(ann.person());
    await begun.opened;
    const forgetting = ann.run('receipt', { type: 'forget-me', confirmed: true });
    await Promise.race([forgetting, waits.opened]);
    rest.open();
    await Promise.all([preparing, forgetting]);
    expect(await rowsNaming('ann')).toEqual([]);
    expect(await collect(bench.client.beta.memoryStores.list())).toEqual([]);
    expect(await collect(bench.client.beta.sessions.list())).toEqual([]);
  });

  it('is finished by the next process when this one ends too early', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- one\n'));
    bench.proxy.plan(({ method, path }) =>
      method === 'DELETE' && path.startsWith('/v1/memory_stores')
        ? { type: 'status', status: 503 }
        : undefined,
    );
    expect(await ann.run('receipt', { type: 'forget-me', confirmed: true })).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('could not finish'),
    });
    expect(await collect(bench.client.beta.sessions.list())).toEqual([]);
    bench.proxy.plan(() => undefined);
    await bench.restart('abandon');
    expect(await collect(bench.client.beta.memoryStores.list())).toEqual([]);
    expect(await rowsNaming('ann')).toEqual([]);
  });

  it('deletes also a store that an operator had archived, which can still be read', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- one\n'));
    const old = await ann.storeId();
    await bench.client.beta.memoryStores.archive(old);
    await bench.adapter.say('hello', { channel: 'D2' });
    expect(await ann.storeId()).not.toBe(old);
    await ann.run('receipt', { type: 'forget-me', confirmed: true });
    expect(await statusOf(bench.client.beta.memoryStores.retrieve(old))).toBe(404);
    expect(await rowsNaming('ann')).toEqual([]);
  });

  it('deletes also the copy that an unlinking left with the other account when it failed half way', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    const two = memoryOf(bench, 'ann2');
    await bench.adapter.say([write('a.md', '- one\n'), write('b.md', '- two\n')].join('\n'));
    const { code } = await ann.run('link-code', { type: 'link' });
    await two.run('outcome', { type: 'link', code, confirmed: true });
    bench.proxy.plan(({ method, path, index }) =>
      method === 'POST' && path === '/v1/memory_stores/:id/memories' && index === 1
        ? { type: 'status', status: 503 }
        : undefined,
    );
    expect(await two.run('outcome', { type: 'unlink', confirmed: true })).toMatchObject({ ok: false });
    expect(await two.files()).toEqual({ '/a.md': '- one\n' });

    await ann.run('receipt', { type: 'forget-me', confirmed: true });
    expect(await collect(bench.client.beta.memoryStores.list())).toEqual([]);
    for (const user of ['ann', 'ann2']) expect(await rowsNaming(user)).toEqual([]);
  });

  it('that is finished by asking again takes nothing of what comes after that', async () => {
    const clock = manualClock();
    bench = await createBench({ model: obedientModel(), setTimer: clock.setTimer });
    const [ann, ben] = [memoryOf(bench, 'ann'), memoryOf(bench, 'ben')];
    for (const user of ['ann', 'ben']) await bench.adapter.say(write('a.md', '- old\n'), { user });
    const isDelete = ({ method, path }: Passing) => method === 'DELETE' && path === '/v1/memory_stores/:id';
    bench.proxy.plan(passing => (isDelete(passing) ? { type: 'status', status: 503 } : undefined));
    for (const account of [ann, ben])
      expect(await account.run('receipt', { type: 'forget-me', confirmed: true })).toMatchObject({
        ok: false,
      });

    // An hour later it goes on with one of them, which takes its time.
    const before = bench.proxy.requests.length;
    const begun = () => bench.proxy.requests.slice(before).some(request => request.startsWith('DELETE'));
    bench.proxy.plan(passing => (isDelete(passing) ? { type: 'delay', ms: 1_000 } : undefined));
    await clock.advance(3600_000);
    await vi.waitFor(() => expect(begun()).toBe(true));
    bench.proxy.plan(() => undefined);
    expect(await ben.run('receipt', { type: 'forget-me', confirmed: true })).toMatchObject({ ok: true });
    await bench.adapter.say(write('b.md', '- new\n'), { user: 'ben' });
    await vi.waitFor(async () => expect(await rowsNaming('ann')).toEqual([]), 10_000);
    await bench.bot.stop();
    expect(await ben.files()).toEqual({ '/b.md': '- new\n' });
  });

  it('finds nothing the second time, and nothing of a stranger', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- one\n'));
    await ann.run('receipt', { type: 'forget-me', confirmed: true });
    for (const user of ['ann', 'eve']) {
      const { counts } = await memoryOf(bench, user).run('receipt', { type: 'forget-me', confirmed: true });
      expect(counts.filter(({ count }) => count > 0)).toEqual([{ what: 'rows', count: 1 }]);
    }
  });
});
