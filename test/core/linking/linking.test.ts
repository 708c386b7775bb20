import { afterEach, describe, expect, it } from 'vitest';
import type { CommandAction } from '../../../src/core/message.ts';
import type { Fault } from '../../fakes/fault-proxy.ts';
import { type Bench, collect, createBench } from '../../helpers/bench.ts';
import { memoryOf, obedientModel, write } from '../../helpers/memory.ts';

let bench: Bench;
afterEach(() => bench.stop());

/** Ann has two accounts, "ann" and "ann2", with a memory each; ben is somebody else. */
async function open() {
  let now = Date.parse('2026-11-22T12:00:00Z');
  const model = obedientModel();
  bench = await createBench({ model, now: () => now });
  const one = memoryOf(bench, 'ann');
  const two = memoryOf(bench, 'ann2');
  return {
    one,
    two,
    asked: () => JSON.stringify(model.requests.splice(0)),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

type Account = ReturnType<typeof memoryOf>;

async function codeOf(account: Account): Promise<string> {
  return (await account.run('link-code', { type: 'link' })).code;
}

/** Links `joins` to `stays` and returns what came of it. */
async function link<T extends 'outcome' | 'conflict'>(stays: Account, joins: Account, type: T) {
  const code = await codeOf(stays);
  const asked = await joins.run('confirm', { type: 'link', code });
  return joins.run(type, asked.action);
}

const say = (user: string, text: string, channel = `D-${user}`) => bench.adapter.say(text, { user, channel });
const stores = () => collect(bench.client.beta.memoryStores.list());
const MINUTES = 60_000;

const UNREACHABLE: Fault = { type: 'status', status: 503, headers: { 'retry-after-ms': '1' } };

/** The agent service takes so many more new memories and then no other. */
function takeOnly(count: number): void {
  let taken = 0;
  bench.proxy.plan(({ method, path }) => {
    if (method !== 'POST' || path !== '/v1/memory_stores/:id/memories') return undefined;
    taken += 1;
    return taken > count ? UNREACHABLE : undefined;
  });
}

async function editAs(account: Account, path: string, content: string) {
  const { sections } = await account.run('memory', { type: 'view' });
  const { memoryId = '', revision = '' } = sections.find(section => section.path === path) ?? {};
  return account.run('outcome', { type: 'edit', memoryId, revision, content });
}

describe('linking two accounts', () => {
  it('asks first and names the other account; then both know what either knew', async () => {
    const { one, two, asked } = await open();
    await say('ann', write('sizes.md', '- shoe size: 9\n'));
    await say('ann2', write('style.md', '- likes: linen\n'));
    const code = await codeOf(one);
    expect(code).toMatch(/^[A-Z2-9]{4}-[A-Z2-9]{4}$/);
    const question = await two.run('confirm', { type: 'link', code: code.toLowerCase().replace('-', ' ') });
    expect(question.question).toMatch(
      /^Link this account with “ann” on Test\? Only do this if that account is yours/,
    );
    expect(await one.files()).toEqual({ '/sizes.md': '- shoe size: 9\n' });

    expect(await two.run('outcome', question.action)).toEqual({
      type: 'outcome',
      ok: true,
      sentence: 'Linked with “ann” on Test. From now on, both share one memory.',
    });
    const both = { '/sizes.md': '- shoe size: 9\n', '/style.md': '- likes: linen\n' };
    expect(await one.files()).toEqual(both);
    // The store that is no longer anybody's does not stay behind.
    expect(await stores()).toHaveLength(1);
    for (const user of ['ann', 'ann2']) {
      asked();
      await say(user, 'hello', 'D-new');
      expect(asked()).toMatch(/shoe size: 9.*likes: linen/);
    }
    for (const [account, other] of [
      [one, 'ann2'],
      [two, 'ann'],
    ] as const) {
      const view = await account.run('memory', { type: 'view' });
      expect(view.sections.map(({ title }) => title)).toEqual(['Sizes', 'Style']);
      expect(view.linked).toEqual([{ platform: 'test', name: other }]);
    }
  });

  it('waits for the decision about what was held back in the account that joins, and takes it along', async () => {
    const { one, two } = await open();
    const message = bench.adapter.message(write('gifts.md', '- loves: tea\n'), { user: 'ann2' });
    await bench.adapter.bot().receive({ ...message, context: [{ author: 'Ben', text: 'She loves tea.' }] });
    await bench.bot.idle();
    const code = await codeOf(one);
    const refusal = await two.run('outcome', { type: 'link', code });
    expect(refusal).toMatchObject({ ok: false, sentence: expect.stringMatching(/decide .* \/preferences/) });
    expect(await two.run('outcome', { type: 'link', code, confirmed: true })).toEqual(refusal);
    const { held } = await two.run('memory', { type: 'view' });
    expect(await two.run('outcome', { type: 'keep', noticeId: held?.id ?? '' })).toMatchObject({ ok: true });
    expect(await two.run('outcome', { type: 'link', code, confirmed: true })).toMatchObject({ ok: true });
    expect(await one.files()).toEqual({ '/gifts.md': '- loves: tea\n' });
  });

  it('is found by a new state, also where no store was there to say so when they were linked', async () => {
    const { one, two } = await open();
    await link(one, two, 'outcome');
    await say('ann2', write('a.md', '- one\n'));
    await bench.adapter.say(write('b.md', '- open\n'), { user: 'ann2', channel: 'C1', audience: 'shared' });
    for (const { metadata } of await stores())
      expect(metadata).toMatchObject({ person: 'ann', linked_1: expect.stringContaining('"ann2"') });
    expect(await stores()).toHaveLength(2);
    await bench.restart('stop');
    for (const name of ['linked', 'store', 'stores-seen']) {
      const table = bench.state.table(name);
      for await (const [key] of table.entries()) await table.delete(key);
    }
    await bench.restart('stop');
    const view = await two.run('memory', { type: 'view' });
    expect(view.sections.map(({ title }) => title)).toEqual(['A', 'B']);
  });

  it('is told to the other account, once and in private', async () => {
    const { one, two } = await open();
    await link(one, two, 'outcome');
    const inPublic = await bench.adapter.say('hi', { user: 'ann', channel: 'C1', audience: 'shared' });
    expect(inPublic.final?.text).not.toContain('ann2');
    const first = await bench.adapter.say('hi', { user: 'ann' });
    expect(first.final?.text).toMatch(/^Since we last spoke, “ann2” on Test was linked with this account/);
    const second = await bench.adapter.say('hi', { user: 'ann' });
    expect(second.final?.text).not.toContain('ann2');
    expect((await bench.adapter.say('hi', { user: 'ann2' })).final?.text).not.toContain('linked');
  });

  it('goes on in conversations that were open, and notices and undo work from either account', async () => {
    const { one, two } = await open();
    await say('ann2', 'hello');
    await link(one, two, 'outcome');
    await say('ann2', write('a.md', '- one\n'));
    expect(await one.files()).toEqual({ '/a.md': '- one\n' });
    const noticeId = bench.adapter.notices.at(-1)?.notice.id ?? '';
    expect(await one.run('outcome', { type: 'undo', noticeId })).toMatchObject({ ok: true });
    expect(await one.files()).toEqual({});
  });

  it('loses no fact: what both say is said once, and what contradicts stays until the person has chosen', async () => {
    const { one, two } = await open();
    await say('ann', write('sizes.md', '# Sizes\n- shoe size: 9\n- waist: 32\n'));
    await say('ann2', write('sizes.md', '- shoe size: 10\n- waist: 32\n- collar: 15\n'));
    const view = await link(one, two, 'conflict');
    expect(view.sentence).toMatch(/^Linked with “ann” on Test\..* I keep both until you choose/);
    expect((await one.files())['/sizes.md']).toMatch(
      /shoe size: 9[\s\S]*shoe size: 10|shoe size: 10[\s\S]*shoe size: 9/,
    );
    const [conflict] = view.conflicts;
    expect(conflict?.now).toContain('shoe size: 9');
    expect(conflict?.now).not.toContain('shoe size: 10');
    expect(conflict?.mine).toContain('shoe size: 10');
    expect(conflict?.labels).toEqual({ now: 'as “ann” on Test has it', mine: 'as this account has it' });
    await two.run('outcome', { type: 'resolve', conflictId: conflict?.id ?? '', choice: 'mine' });
    const text = (await one.files())['/sizes.md'] ?? '';
    expect(text.match(/shoe size: \d+/g)).toEqual(['shoe size: 10']);
    expect(text.match(/waist: 32/g)).toHaveLength(1);
    expect(text).toContain('collar: 15');
  });

  it.each(['theirs', 'mine'] as const)('puts in place what was chosen: %s', async choice => {
    const { one, two } = await open();
    await say('ann', write('sizes.md', '- shoe size: 9\n'));
    await say('ann2', write('sizes.md', '- shoe size: 10\n'));
    const [conflict] = (await link(one, two, 'conflict')).conflicts;
    await two.run('outcome', { type: 'resolve', conflictId: conflict?.id ?? '', choice });
    const sizes = (await one.files())['/sizes.md']?.match(/shoe size: \d+/g);
    expect(sizes).toEqual([choice === 'mine' ? 'shoe size: 10' : 'shoe size: 9']);
  });

  it('is done also when nobody can be asked at that moment what of both to keep', async () => {
    const { one, two } = await open();
    await say('ann', write('sizes.md', '- shoe size: 9\n'));
    await say('ann2', write('sizes.md', '- shoe size: 10\n'));
    let isDone = false;
    bench.proxy.plan(({ method, path }) => {
      if (isDone && path === '/v1/memory_stores/:id/memories') return UNREACHABLE;
      if (method === 'DELETE' && path === '/v1/memory_stores/:id') isDone = true;
      return undefined;
    });
    expect(await link(one, two, 'outcome')).toMatchObject({
      ok: true,
      sentence: expect.stringMatching(/^Linked with “ann” on Test\..* I kept both\. Please have a look\.$/),
    });
    expect((await one.files())['/sizes.md']?.match(/shoe size: \d+/g)).toHaveLength(2);
  });

  it('keeps private what was private, and tells where every fact came from', async () => {
    const { one, two } = await open();
    await say('ann2', write('a.md', '- private\n'));
    await bench.adapter.say(write('b.md', '- open\n'), { user: 'ann2', channel: 'C1', audience: 'shared' });
    const before = (await two.run('memory', { type: 'view' })).sections;
    await link(one, two, 'outcome');
    expect(await one.files('private')).toEqual({ '/a.md': '- private\n' });
    expect(await one.files('shared')).toEqual({ '/b.md': '- open\n' });
    const after = (await one.run('memory', { type: 'view' })).sections;
    const factsOf = (sections: typeof before) => sections.map(({ facts, shared }) => ({ facts, shared }));
    expect(factsOf(after)).toEqual(factsOf(before));
  });

  it('stays paused when either account was', async () => {
    const { one, two } = await open();
    await two.run('outcome', { type: 'pause' });
    await link(one, two, 'outcome');
    expect(await one.run('memory', { type: 'view' })).toMatchObject({ paused: true });
  });

  it('is finished after a crash, also when the code is used up by then', async () => {
    const { one, two } = await open();
    await say('ann', write('a.md', '- one\n'));
    await say('ann2', write('b.md', '- two\n'));
    // As a process leaves it that ends right after it wrote down what it was about to do.
    await bench.state.table('linking').set('test/W1/ann2', {
      type: 'link',
      owner: one.person(),
      person: two.person(),
    });
    await bench.restart('abandon');
    expect(await one.files()).toEqual({ '/a.md': '- one\n', '/b.md': '- two\n' });
    expect((await two.run('memory', { type: 'view' })).linked).toEqual([{ platform: 'test', name: 'ann' }]);
    expect(await bench.state.table('linking').count()).toBe(0);
  });

  it.each([
    ['the memory is told whose it is', 'POST'],
    ['the other store is deleted', 'DELETE'],
  ])(
    'that failed when %s brings nothing back that was forgotten until it is finished',
    async (_, failing) => {
      const { one, two } = await open();
      await say('ann', write('a.md', '- one\n'));
      await say('ann2', write('b.md', '- two\n'));
      bench.proxy.plan(({ method, path }) =>
        method === failing && path === '/v1/memory_stores/:id'
          ? { type: 'status', status: 503, headers: { 'retry-after-ms': '1' } }
          : undefined,
      );
      expect(await link(one, two, 'outcome')).toMatchObject({
        ok: false,
        sentence: expect.stringMatching(/^I could not finish linking your accounts.* within the hour/),
      });
      await two.run('outcome', { type: 'forget', memoryId: await one.idOf('/b.md') });
      bench.proxy.plan(() => undefined);
      await bench.restart('abandon');
      expect(await stores()).toHaveLength(1);
      expect(await one.files()).toEqual({ '/a.md': '- one\n' });
      expect(await bench.state.table('linking').count()).toBe(0);
    },
  );

  it('with two others at the same moment is with one of them, and the other learns nothing', async () => {
    const { one, two } = await open();
    const ben = memoryOf(bench, 'ben');
    await say('ann', write('x.md', '- of ann\n'));
    await say('ben', write('y.md', '- of ben\n'));
    await say('ann2', write('a.md', '- of two\n'));
    await two.run('outcome', { type: 'pause' });
    const codes = [await codeOf(one), await codeOf(ben)];
    const told = await Promise.all(
      codes.map(code => two.run('outcome', { type: 'link', code, confirmed: true })),
    );
    expect(told.map(({ ok }) => ok).sort()).toEqual([false, true]);
    const [linked, other] = told[0]?.ok === true ? [one, ben] : [ben, one];
    expect(Object.keys(await linked.files())).toHaveLength(2);
    expect(Object.keys(await other.files())).toHaveLength(1);
    expect(await other.run('memory', { type: 'view' })).toMatchObject({ linked: [], paused: false });
  });

  it('that failed half way says so, and what changes until it is finished stays as it is then', async () => {
    const { one, two } = await open();
    await say('ann', 'hello');
    await say('ann2', [write('a.md', '- shoe size: 9\n'), write('b.md', '- hat: 5\n- ring: 7\n')].join('\n'));
    takeOnly(1);
    expect(await link(one, two, 'outcome')).toMatchObject({
      ok: false,
      sentence: expect.stringMatching(/^I could not finish linking your accounts.* within the hour/),
    });
    // One memory it is already, as far as it has come.
    expect(await one.files()).toEqual({ '/a.md': '- shoe size: 9\n' });
    await say('ann', write('a.md', '- shoe size: 10\n'));
    // By hand it would have to be finished first.
    expect(await editAs(one, '/a.md', '- shoe size: 11\n')).toMatchObject({
      ok: false,
      sentence: expect.stringMatching(/^I am still linking or unlinking your accounts/),
    });
    // Trying to finish it brought nothing back.
    expect(await one.files()).toEqual({ '/a.md': '- shoe size: 10\n' });
    bench.proxy.plan(() => undefined);
    expect(await editAs(two, '/a.md', '- shoe size: 11\n')).toMatchObject({ ok: true });
    expect(await one.files()).toEqual({ '/a.md': '- shoe size: 11\n', '/b.md': '- hat: 5\n- ring: 7\n' });
    expect(await stores()).toHaveLength(1);
    await bench.restart('abandon');
    expect(await one.files()).toEqual({ '/a.md': '- shoe size: 11\n', '/b.md': '- hat: 5\n- ring: 7\n' });
  });

  it('that failed half way does not bring back what was forgotten until it is finished', async () => {
    const { one, two } = await open();
    await say('ann', 'hello');
    await say('ann2', [write('a.md', '- secret\n'), write('b.md', '- two\n- secret\n')].join('\n'));
    takeOnly(1);
    await link(one, two, 'outcome');
    const [section] = (await two.run('memory', { type: 'view' })).sections;
    const fact = { memoryId: section?.memoryId ?? '', factId: section?.facts[0]?.id ?? '' };
    expect(await two.run('outcome', { type: 'forget', ...fact })).toMatchObject({ ok: true });
    bench.proxy.plan(() => undefined);
    await bench.restart('abandon');
    expect(await one.files()).toEqual({ '/b.md': '- two\n' });
  });

  it('that failed half way does not pause again who went on before it is finished', async () => {
    const { one, two } = await open();
    await say('ann', 'hello');
    await say('ann2', write('a.md', '- one\n'));
    await two.run('outcome', { type: 'pause' });
    takeOnly(0);
    await link(one, two, 'outcome');
    expect(await one.run('memory', { type: 'view' })).toMatchObject({ paused: true });
    await one.run('outcome', { type: 'resume' });
    bench.proxy.plan(() => undefined);
    await bench.restart('abandon');
    expect(await one.files()).toEqual({ '/a.md': '- one\n' });
    expect(await one.run('memory', { type: 'view' })).toMatchObject({ paused: false });
  });

  it('takes nothing over that was to be forgotten and could not be', async () => {
    const { one, two } = await open();
    await say('ann', 'hello');
    await say('ann2', write('a.md', '- secret\n'));
    const isRemoval = (method: string, path: string) =>
      method === 'DELETE' && path === '/v1/memory_stores/:id/memories/:id';
    bench.proxy.plan(({ method, path }) => (isRemoval(method, path) ? UNREACHABLE : undefined));
    await expect(two.run('outcome', { type: 'forget', memoryId: await two.idOf('/a.md') })).rejects.toThrow();
    bench.proxy.plan(() => undefined);
    expect(await link(one, two, 'outcome')).toMatchObject({ ok: true });
    expect(await one.files()).toEqual({});
  });

  it('with a code of somebody who leaves at that moment does not reach those who were left', async () => {
    const { one, two } = await open();
    const three = memoryOf(bench, 'ann3');
    await say('ann', write('a.md', '- one\n'));
    await link(one, two, 'outcome');
    const code = await codeOf(two);
    const [left, linked] = await Promise.all([
      two.run('outcome', { type: 'unlink', confirmed: true }),
      three.run('outcome', { type: 'link', code, confirmed: true }),
    ]);
    expect(left).toMatchObject({ ok: true });
    expect(linked).toMatchObject({ ok: false });
    expect((await one.run('memory', { type: 'view' })).linked).toEqual([]);
  });

  it('into a memory that an operator has archived is done, with a new one', async () => {
    const { one, two } = await open();
    await say('ann', write('a.md', '- one\n'));
    await say('ann2', write('b.md', '- two\n'));
    await bench.client.beta.memoryStores.archive(await one.storeId());
    expect(await link(one, two, 'outcome')).toMatchObject({ ok: true });
    expect(await one.files()).toEqual({ '/b.md': '- two\n' });
  });

  it('that was begun when the other account was forgotten makes it no new memory', async () => {
    const { one, two } = await open();
    await say('ann', write('a.md', '- one\n'));
    await say('ann2', write('b.md', '- two\n'));
    const job = { type: 'link', owner: one.person(), person: two.person() };
    await bench.state.table('linking').set('test/W1/ann2', job);
    await one.run('receipt', { type: 'forget-me', confirmed: true });
    await bench.restart('abandon');
    expect((await stores()).map(store => store.metadata.person)).toEqual(['ann2']);
    expect(await two.run('memory', { type: 'view' })).toMatchObject({
      linked: [],
      sections: [{ title: 'B' }],
    });
  });

  it.each(['linking', 'forgetting a person'])(
    'and forgetting wait for no %s that cannot be finished',
    async what => {
      const { one, two } = await open();
      const ben = memoryOf(bench, 'ben');
      await say('ann', write('a.md', '- one\n'));
      await say('ann2', write('b.md', '- two\n'));
      await say('ben', write('c.md', '- secret\n- three\n'));
      bench.proxy.plan(({ method, path }) =>
        path.endsWith('/redact') || (path === '/v1/memory_stores/:id' && method !== 'GET')
          ? UNREACHABLE
          : undefined,
      );
      if (what === 'linking') await link(one, two, 'outcome');
      else await one.run('receipt', { type: 'forget-me', confirmed: true });
      const [section] = (await ben.run('memory', { type: 'view' })).sections;
      const fact = { memoryId: section?.memoryId ?? '', factId: section?.facts[0]?.id ?? '' };
      await ben.run('outcome', { type: 'forget', ...fact }).catch(() => {});
      expect(JSON.stringify(await ben.versions())).toMatch(/secret/);
      bench.proxy.plan(({ method, path }) =>
        path === '/v1/memory_stores/:id' && method !== 'GET' ? UNREACHABLE : undefined,
      );
      await bench.restart('abandon');
      expect(JSON.stringify(await ben.versions())).not.toMatch(/secret/);
    },
  );

  it('is found again from the stores alone', async () => {
    const { one, two } = await open();
    await say('ann', write('a.md', '- one\n'));
    await link(one, two, 'outcome');
    for (const name of ['linked', 'store', 'stores-seen']) {
      const table = bench.state.table(name);
      for await (const [key] of table.entries()) await table.delete(key);
    }
    await bench.restart('stop');
    const view = await two.run('memory', { type: 'view' });
    expect(view.sections.map(({ title }) => title)).toEqual(['A']);
    expect(view.linked).toEqual([{ platform: 'test', name: 'ann' }]);
  });

  it('is forgotten as one, from either account', async () => {
    const { one, two } = await open();
    await say('ann', write('a.md', '- one\n'));
    await link(one, two, 'outcome');
    await say('ann2', 'hello');
    await say('ben', 'hello');
    const asked = await two.run('confirm', { type: 'forget-me' });
    expect(asked.question).toContain('all 2 of your linked accounts');
    await two.run('receipt', asked.action);
    expect((await stores()).map(store => store.metadata.person)).toEqual(['ben']);
    const left = await collect(bench.client.beta.sessions.list({ include_archived: true }));
    expect(left.map(session => session.metadata.person)).toEqual(['ben']);
    for (const account of [one, two])
      expect(await account.run('memory', { type: 'view' })).toMatchObject({ sections: [], linked: [] });
  });
});

describe('a code', () => {
  const tried = async (account: Account, code: string) =>
    (await account.run('outcome', { type: 'link', code })).sentence;

  it('that is wrong, expired, used or for this very account links nothing and says so', async () => {
    const { one, two, pass } = await open();
    await say('ann', write('a.md', '- one\n'));
    const good = await codeOf(one);
    expect(await tried(two, 'AAAA-AAAA')).toMatch(/^I don't know that code.* 4 more times this hour/);
    expect(await tried(one, good)).toBe('That code is for your other account. Give it to me there.');

    const asked = await two.run('confirm', { type: 'link', code: good });
    pass(11 * MINUTES);
    expect((await two.run('outcome', asked.action)).sentence).toMatch(/^I don't know that code/);

    await link(one, two, 'outcome');
    const ben = memoryOf(bench, 'ben');
    expect(await tried(ben, good)).toMatch(/^I don't know that code/);
    expect(await ben.run('memory', { type: 'view' })).toMatchObject({ sections: [], linked: [] });
  });

  it('that was given out anew replaces the one before', async () => {
    const { one, two } = await open();
    const first = await codeOf(one);
    await codeOf(one);
    expect(await tried(two, first)).toMatch(/^I don't know that code/);
  });

  it('cannot be guessed: after five wrong ones even the right one waits for an hour', async () => {
    const { one, two, pass } = await open();
    for (let n = 0; n < 5; n += 1) await tried(two, `WRONG-${n}AA`);
    const code = await codeOf(one);
    expect(await tried(two, code)).toMatch(/^Too many wrong codes\. Try again after 13:00 UTC/);
    pass(61 * MINUTES);
    expect(await link(one, two, 'outcome')).toMatchObject({ ok: true });
  });

  it('links an account with one other at a time', async () => {
    const { one, two } = await open();
    await link(one, two, 'outcome');
    const three = memoryOf(bench, 'ann3');
    expect(await tried(two, await codeOf(three))).toMatch(/already linked with another one/);
    expect(await tried(two, await codeOf(one))).toBe('These accounts are already linked.');
    // The third may come in, through whichever of them.
    expect(await link(two, three, 'outcome')).toMatchObject({ ok: true });
    expect((await one.run('memory', { type: 'view' })).linked).toHaveLength(2);
  });
});

describe('unlinking', () => {
  const unlink = async (account: Account) => {
    const asked = await account.run('confirm', { type: 'unlink' });
    return account.run('outcome', asked.action as CommandAction);
  };

  it.each(['ann', 'ann2'])('by %s gives each a copy of everything, and each goes its own way', async user => {
    const { one, two } = await open();
    await say('ann', write('a.md', '- one\n'));
    await say('ann2', write('b.md', '- two\n'));
    await bench.adapter.say(write('c.md', '- open\n'), { user: 'ann2', channel: 'C1', audience: 'shared' });
    await link(one, two, 'outcome');
    const before = (await one.run('memory', { type: 'view' })).sections.map(({ facts, shared }) => ({
      facts,
      shared,
    }));

    expect(await unlink(memoryOf(bench, user))).toMatchObject({ ok: true });
    for (const account of [one, two]) {
      const view = await account.run('memory', { type: 'view' });
      expect(view.linked).toEqual([]);
      expect(view.sections.map(({ facts, shared }) => ({ facts, shared }))).toEqual(before);
    }
    await say('ann', write('a.md', '- changed\n'));
    expect(await one.files()).toEqual({ '/a.md': '- changed\n', '/b.md': '- two\n' });
    expect(await two.files()).toEqual({ '/a.md': '- one\n', '/b.md': '- two\n' });
    expect(await unlink(two).catch(() => 'nothing to confirm')).toBe('nothing to confirm');
  });

  it('by the one who had the memory leaves the others together', async () => {
    const { one, two } = await open();
    const three = memoryOf(bench, 'ann3');
    await say('ann', write('a.md', '- one\n'));
    await link(one, two, 'outcome');
    await link(one, three, 'outcome');
    await unlink(one);
    expect((await one.run('memory', { type: 'view' })).linked).toEqual([]);
    expect((await three.run('memory', { type: 'view' })).linked).toEqual([
      { platform: 'test', name: 'ann2' },
    ]);
    await say('ann3', write('b.md', '- two\n'));
    expect((await two.run('memory', { type: 'view' })).sections.map(({ title }) => title)).toEqual([
      'A',
      'B',
    ]);
    expect((await one.run('memory', { type: 'view' })).sections.map(({ title }) => title)).toEqual(['A']);
  });

  it('copies nothing that was to be forgotten and could not be', async () => {
    const { one, two } = await open();
    await say('ann', write('a.md', '- secret\n'));
    await link(one, two, 'outcome');
    bench.proxy.plan(({ method, path }) =>
      method === 'DELETE' && path === '/v1/memory_stores/:id/memories/:id' ? UNREACHABLE : undefined,
    );
    await expect(one.run('outcome', { type: 'forget', memoryId: await one.idOf('/a.md') })).rejects.toThrow();
    bench.proxy.plan(() => undefined);
    expect(await unlink(two)).toMatchObject({ ok: true });
    for (const account of [one, two])
      expect((await account.run('memory', { type: 'view' })).sections).toEqual([]);
  });

  it('that failed half way leaves each with what the memory says when it is finished, and nothing private in public', async () => {
    const { one, two } = await open();
    await say('ann', [write('a.md', '- secret\n'), write('e.md', '- shoe size: 9\n')].join('\n'));
    await bench.adapter.say(write('n.md', '- note\n'), { user: 'ann', channel: 'C1', audience: 'shared' });
    await link(one, two, 'outcome');
    // All is copied, and then it cannot be told who is who any more.
    let copied = 0;
    bench.proxy.plan(({ method, path }) => {
      if (method === 'POST' && path === '/v1/memory_stores/:id/memories') copied += 1;
      return copied >= 3 && method === 'GET' && path === '/v1/memory_stores/:id/memory_versions'
        ? UNREACHABLE
        : undefined;
    });
    expect(await unlink(two)).toMatchObject({
      ok: false,
      sentence: expect.stringMatching(/^I could not finish unlinking your accounts.* within the hour/),
    });
    expect(await two.files('shared')).toEqual({ '/n.md': '- note\n' });
    bench.proxy.plan(() => undefined);
    // It is still one memory, and the copy is yet to be made.
    await one.run('outcome', { type: 'forget', memoryId: await one.idOf('/a.md') });
    await one.run('outcome', { type: 'share', memoryId: await one.idOf('/n.md', 'shared'), on: false });
    await editAs(one, '/e.md', '- shoe size: 10\n');
    await bench.restart('abandon');
    expect((await two.run('memory', { type: 'view' })).linked).toEqual([]);
    for (const account of [one, two])
      expect(await account.files()).toEqual({ '/e.md': '- shoe size: 10\n', '/n.md': '- note\n' });
    expect(await two.files('shared').catch(() => ({}))).toEqual({});
  });
});
