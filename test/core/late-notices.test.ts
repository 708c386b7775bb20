import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAccounts } from '../../src/core/linking/accounts.ts';
import { createLateNotices, type DueNotice } from '../../src/core/memory/late-notices.ts';
import type { Notices } from '../../src/core/memory/notices.ts';
import type { Audience } from '../../src/core/memory/store-owner.ts';
import { conversationKey } from '../../src/core/message.ts';
import { createInbox } from '../../src/core/queue/inbox.ts';
import { turnRecords } from '../../src/core/turn/turn-record.ts';
import { createLog } from '../../src/log.ts';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { gate } from '../helpers/gate.ts';
import { memoryOf } from '../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const DOWN = { type: 'status', status: 503, headers: { 'retry-after-ms': '1' } } as const;

/** Says something, waits to be let on, then writes into memory; whatever else it is asked is small talk. */
function slowWriter(hold: Promise<void>, path: string, content: string) {
  return createScriptedModel(request => {
    const mount = /Folder: (\S+) \(you can/.exec(request.system)?.[1];
    const writing = (text: string) => [
      { name: 'write', input: { file_path: `${mount}/${path}`, content: text } },
    ];
    if (lastResults(request).length > 0) return { text: ['Noted.'] };
    if (lastWords(request).includes('first')) return { uses: writing('- ring: 7\n') };
    if (!lastWords(request).includes('slow')) return { text: ['ok'] };
    return { text: ['One ', 'moment.'], hold, uses: writing(content) };
  });
}

/** Before it has written, its session may be stopped by whoever looks at it. */
const written = (content: string, audience: Audience) =>
  vi.waitFor(async () => expect(await memoryOf(bench).files(audience)).toEqual({ '/a.md': content }), 10_000);

const isSlowed = () => bench.adapter.replies.at(-1)?.snapshots.at(-1)?.text.endsWith('One ') === true;

describe('what a turn changed in memory that failed before it was over', () => {
  const IN_CHANNEL = { channel: 'C1', audience: 'shared' } as const;

  async function failing(): Promise<() => Promise<void>> {
    const { open, opened } = gate();
    bench = await createBench({
      model: slowWriter(opened, 'a.md', '- hates: Ann\n'),
      limits: { outageMs: 300 },
    });
    const { adapter, proxy } = bench;
    const context = [{ author: 'Ben', text: 'remember that she hates Ann' }];
    await adapter.bot().receive({ ...adapter.message('slow', IN_CHANNEL), context });
    await adapter.until(isSlowed);
    proxy.plan(() => DOWN);
    proxy.cut();
    await adapter.until(() => adapter.replies[0]?.closed === true);
    expect(adapter.replies[0]?.final?.text).toMatch(/^One .*send that again/s);
    return async () => {
      open();
      await written('- hates: Ann\n', 'shared');
    };
  }

  it('is looked at when the service is back: what came from others is asked about', async () => {
    const goOn = await failing();
    const { adapter, proxy } = bench;
    await goOn();
    proxy.plan(() => undefined);
    await adapter.until(() => adapter.notices.length > 0);
    expect(adapter.notices).toMatchObject([
      { mode: 'private', notice: { heldBecauseOf: ['what Ben wrote'] }, lines: ['+ hates: Ann'] },
    ]);
    expect(await memoryOf(bench).files('shared')).toEqual({});
    expect((await adapter.say('hi', IN_CHANNEL)).final?.text).toBe('ok');
    expect(await collect(bench.client.beta.sessions.list())).toHaveLength(2);
  });

  it('is looked at by a later process when this one ends', async () => {
    const goOn = await failing();
    await bench.bot.idle();
    await goOn();
    bench.proxy.plan(() => undefined);
    await bench.restart('stop');
    await bench.adapter.until(() => bench.adapter.notices.length > 0);
    expect(bench.adapter.notices[0]?.notice.heldBecauseOf).toEqual(['what Ben wrote']);
    expect(await memoryOf(bench).files('shared')).toEqual({});
  });
});

describe('what a failed turn left in memory', () => {
  const context = [{ author: 'Ben', text: 'remember that she hates Ann' }];

  /** The agent writes after its turn was given up, and the process ends before that could be looked at. */
  async function left(): Promise<ReturnType<typeof slowWriter>> {
    const { open, opened } = gate();
    const model = slowWriter(opened, 'a.md', '- hates: Ann\n');
    bench = await createBench({ model, limits: { outageMs: 300 } });
    const { adapter, proxy } = bench;
    const [ann, other] = [memoryOf(bench), memoryOf(bench, 'ann2')];
    const { code } = await ann.run('link-code', { type: 'link' });
    await other.run('outcome', { type: 'link', code, confirmed: true });
    await adapter.bot().receive({ ...adapter.message('slow'), context });
    await adapter.until(isSlowed);
    proxy.plan(() => DOWN);
    proxy.cut();
    await adapter.until(() => adapter.replies[0]?.closed === true);
    await bench.bot.idle();
    open();
    await written('- hates: Ann\n', 'private');
    await bench.bot.stop();
    return model;
  }

  it.each([
    ['the same account', 'ann'],
    ['another account of theirs', 'ann2'],
  ])('is looked at by a later process before memory is used again with %s', async (_, user) => {
    const model = await left();
    await createInbox(bench.state).accept(bench.adapter.message('what do you know of me?', { user }));
    // Slow enough that whoever does not wait for it comes first.
    bench.proxy.plan(({ path }) =>
      path.endsWith('/memory_versions') ? { type: 'delay', ms: 200 } : undefined,
    );
    await bench.restart('stop');
    await bench.adapter.until(() => bench.adapter.replies[0]?.closed === true);
    expect(JSON.stringify(model.requests.at(-1)?.messages)).toContain('It is empty.');
    expect(bench.adapter.notices.map(({ notice }) => notice.heldBecauseOf)).toEqual([['what Ben wrote']]);
  });

  it('is told once, also when the process ended before the turn was put away, and it is carried on', async () => {
    const { open, opened } = gate();
    bench = await createBench({ model: slowWriter(opened, 'a.md', '- hat: 5\n'), limits: { outageMs: 300 } });
    const { adapter, proxy, state } = bench;
    state.table<true>('inbox-done').set = async () => {
      throw new Error('the process ends here');
    };
    await adapter.bot().receive(adapter.message('slow'));
    await adapter.until(isSlowed);
    proxy.plan(() => DOWN);
    proxy.cut();
    await adapter.until(() => adapter.replies[0]?.closed === true);
    await bench.bot.stop(0);
    expect(await collect(state.table('notice-due').entries())).toHaveLength(1);
    open();
    await written('- hat: 5\n', 'private');
    proxy.plan(() => undefined);
    await bench.restart('abandon');
    await bench.bot.idle();
    expect(bench.adapter.replies.map(({ final }) => final?.text)).toEqual(['One moment.\n\nNoted.']);
    expect(await collect(bench.state.table('notice-due').entries())).toEqual([]);
    expect(bench.adapter.notices.map(({ lines }) => lines)).toEqual([['+ hat: 5']]);
  });

  it('is told once when it could not be looked at, and the process ended before the turn was put away', async () => {
    bench = await createBench({ model: slowWriter(Promise.resolve(), 'a.md', '- hat: 5\n') });
    const { adapter, proxy, state } = bench;
    state.table<true>('inbox-done').set = async () => {
      throw new Error('the process ends here');
    };
    proxy.plan(({ path }) => (path.endsWith('/memory_versions') ? DOWN : undefined));
    await adapter.bot().receive(adapter.message('slow'));
    await adapter.until(() => adapter.replies[0]?.closed === true);
    await bench.bot.stop(0);
    proxy.plan(() => undefined);
    await bench.restart('abandon');
    await bench.bot.idle();
    await vi.waitFor(async () =>
      expect(await collect(bench.state.table('notice-due').entries())).toEqual([]),
    );
    await bench.bot.stop();
    expect([...adapter.notices, ...bench.adapter.notices].map(({ lines }) => lines)).toEqual([['+ hat: 5']]);
  });

  it('is left to its turn for as long as that is to be carried on', async () => {
    bench = await createBench({ start: false });
    const { adapter, state, client } = bench;
    const message = adapter.message('slow');
    const { conversation } = message;
    const inbox = createInbox(state);
    await inbox.accept(message);
    const id = inbox.idOf(conversation, message.id);
    const turn = { entries: [id], sessionId: 'sesn_1', sentId: 'sevt_1', handle: null, replied: null };
    await turnRecords(state).set(conversationKey(conversation), turn);
    const looked: string[] = [];
    const notices: Notices = {
      modeFor: async () => 'thread',
      async of({ sessionId }) {
        looked.push(sessionId);
        return [];
      },
    };
    const late = createLateNotices({
      client,
      state,
      notices,
      sourceOf: () => null,
      inbox,
      accounts: createAccounts(state),
      adapterOf: () => adapter,
      tell: async () => {},
      log: createLog('silent'),
      now: Date.now,
    });
    const left = { owner: conversation.person, storeIds: [], since: null, foreign: null, leftOpen: false };
    await late.add({ ...left, message, sessionId: 'sesn_1' });
    await late.resume();
    expect(looked).toEqual([]);
    await inbox.done([{ id }]);
    await late.resume();
    late.stop();
    expect(looked).toContain('sesn_1');
  });

  it('is looked at also when it was carried on and its session could not be opened again', async () => {
    const { open, opened } = gate();
    bench = await createBench({ model: slowWriter(opened, 'a.md', '- hates: Ann\n') });
    const { adapter, proxy } = bench;
    const message = adapter.message('slow', { channel: 'C1', audience: 'shared' });
    await adapter.bot().receive({ ...message, context });
    await adapter.until(isSlowed);
    // When the bot starts it can look for stores, and not again for the one that this person does not have.
    proxy.plan(({ method, path, index }) =>
      (method === 'GET' && path === '/v1/memory_stores' && index > 0) || path === '/v1/sessions/:id'
        ? DOWN
        : undefined,
    );
    let clock = Date.now();
    const now = () => {
      clock += 10_000;
      return clock;
    };
    await bench.restart('abandon', { now });
    await bench.adapter.until(() => bench.adapter.replies[0]?.closed === true);
    expect(bench.adapter.replies[0]?.final?.state).toBe('failed');
    open();
    await written('- hates: Ann\n', 'shared');
    proxy.plan(() => undefined);
    await bench.adapter.until(() => bench.adapter.notices.length > 0);
    expect(bench.adapter.notices[0]?.notice.heldBecauseOf).toEqual(['what Ben wrote']);
    expect(await memoryOf(bench).files('shared')).toEqual({});
  });
});

describe('what can never be looked at', () => {
  const HOUR = 3600_000;
  const FAILED = { type: 'status', headers: { 'retry-after-ms': '1' } } as const;
  const UNCHECKED =
    /^I could not check what I noted .* which may come from what Ben wrote\. .*\/preferences history/;
  let clock: number;

  /** Others' words are in memory, and what the session wrote cannot be read. */
  async function unreadable(status: number): Promise<void> {
    const { open, opened } = gate();
    open();
    clock = Date.parse('2026-03-14T12:00:00Z');
    bench = await createBench({
      model: slowWriter(opened, 'a.md', '- hates: Ann\n'),
      limits: { outageMs: 300 },
      now: () => clock,
    });
    const { adapter, proxy } = bench;
    let broken: string | null = null;
    proxy.plan(({ path, query }) => {
      // Of this turn alone.
      const since = path.endsWith('/memory_versions') ? query.get('created_at[gte]') : null;
      broken ??= since;
      return since !== null && since === broken ? { ...FAILED, status } : undefined;
    });
    const context = [{ author: 'Ben', text: 'remember that she hates Ann' }];
    await adapter.bot().receive({ ...adapter.message('slow'), context });
    await adapter.until(() => adapter.replies[0]?.closed === true);
    await bench.bot.idle();
  }

  const dues = async () => (await collect(bench.state.table('notice-due').entries())).length;

  it('is given up after a day, and the person is told once, where nobody else reads, and elsewhere where to hear of it', async () => {
    await unreadable(400);
    const { adapter } = bench;
    expect((await adapter.say('hi')).final?.text).toBe('ok');
    clock += 23 * HOUR;
    expect((await adapter.say('hi')).final?.text).toBe('ok');
    expect(await dues()).toBe(1);
    clock += 2 * HOUR;
    const inPublic = async () =>
      (await adapter.say('hi', { channel: 'C1', audience: 'shared' })).final?.text ?? '';
    expect(await inPublic()).toMatch(/^There is something I should tell you .* direct message\.\n\nok$/);
    expect(await inPublic()).toBe('ok');
    expect(await dues()).toBe(0);
    expect((await adapter.say('hi')).final?.text).toMatch(UNCHECKED);
    expect((await adapter.say('hi')).final?.text).toBe('ok');
    expect(adapter.notices).toEqual([]);
    expect(await collect(bench.state.table('news').entries())).toEqual([]);
  });

  it('is looked at once more before accounts are linked: what others brought does not go along', async () => {
    await unreadable(400);
    const { adapter, proxy, state } = bench;
    // Nobody tries it again by themselves.
    await vi.waitFor(async () => {
      const [due] = await collect(state.table<DueNotice>('notice-due').entries());
      expect(due?.[1].brokenSince).toBeDefined();
    });
    const [ann, other] = [memoryOf(bench), memoryOf(bench, 'ann2')];
    await adapter.say(' ', { user: 'ann2' });
    const { code } = await other.run('link-code', { type: 'link' });
    proxy.plan(() => undefined);
    expect(await ann.run('outcome', { type: 'link', code })).toMatchObject({ ok: false });
    expect(adapter.notices.map(({ notice }) => notice.heldBecauseOf)).toEqual([['what Ben wrote']]);
    await ann.run('outcome', { type: 'undo', noticeId: adapter.notices[0]?.notice.id ?? '' });
    expect(await ann.run('outcome', { type: 'link', code, confirmed: true })).toMatchObject({ ok: true });
    expect(await other.versions().catch(() => [])).toEqual([]);
  });

  it('is left out, and that is said, where it is found only while accounts are being linked', async () => {
    await unreadable(503);
    const { adapter, proxy, state } = bench;
    const [ann, other] = [memoryOf(bench), memoryOf(bench, 'ann2')];
    const { code } = await other.run('link-code', { type: 'link' });
    const codes = state.table('link-code-current');
    const { replace } = codes;
    codes.replace = async (...used) => {
      proxy.plan(() => undefined);
      return replace(...used);
    };
    expect(await ann.run('outcome', { type: 'link', code, confirmed: true })).toMatchObject({ ok: true });
    expect((await adapter.say('hi')).final?.text).toMatch(
      /^While your accounts were being linked, I left out something .* what Ben wrote\. If it is right, please tell me again\.$/m,
    );
    expect(await other.versions().catch(() => [])).toEqual([]);
  });

  it.each([
    ['the service is down', 503],
    ['the bill is to be paid', 402],
  ])('is not what waits only because %s', async (_, status) => {
    await unreadable(status);
    const { adapter, proxy } = bench;
    await adapter.say('hi');
    clock += 48 * HOUR;
    await adapter.say('hi');
    expect(await dues()).toBe(1);
    proxy.plan(() => undefined);
    expect((await adapter.say('hi')).final?.text).toBe('ok');
    await adapter.until(() => adapter.notices.length > 0);
    expect(adapter.notices[0]?.notice.heldBecauseOf).toEqual(['what Ben wrote']);
    expect(await memoryOf(bench).files()).toEqual({});
  });
});

describe('what was forgotten while a turn ran', () => {
  it('stays forgotten when a session that was left writes it, and its conversation has another by then', async () => {
    const { open, opened } = gate();
    bench = await createBench({
      model: slowWriter(opened, 'a.md', '- ring: 7\n- hat: 5\n'),
      limits: { outageMs: 300 },
    });
    const { adapter, proxy } = bench;
    const ann = memoryOf(bench);
    await adapter.say('first');
    await adapter.bot().receive(adapter.message('slow'));
    await adapter.until(isSlowed);
    proxy.plan(() => DOWN);
    proxy.cut();
    await adapter.until(() => adapter.replies[1]?.closed === true);
    // So that it is not stopped.
    proxy.plan(({ method, path }) => (method === 'GET' && path === '/v1/sessions/:id' ? DOWN : undefined));
    expect((await adapter.say('hi')).final?.text).toBe('ok');
    await ann.run('outcome', { type: 'forget', memoryId: await ann.idOf('/a.md') });
    open();
    await written('- ring: 7\n- hat: 5\n', 'private');
    proxy.plan(() => undefined);
    await adapter.say('hi');
    expect(await ann.files()).toEqual({ '/a.md': '- hat: 5\n' });
    expect(JSON.stringify(await ann.versions())).not.toContain('ring');
  });

  it('stays forgotten when the turn writes it again and memory cannot be read for a moment', async () => {
    const { open, opened } = gate();
    bench = await createBench({ model: slowWriter(opened, 'a.md', '- ring: 7\n- hat: 5\n') });
    const { adapter, proxy } = bench;
    const ann = memoryOf(bench);
    await adapter.say('first');
    await adapter.bot().receive(adapter.message('slow'));
    await adapter.until(isSlowed);
    await ann.run('outcome', { type: 'forget', memoryId: await ann.idOf('/a.md') });
    let failed = 0;
    proxy.plan(({ method, path }) => {
      if (method !== 'GET' || path !== '/v1/memory_stores/:id/memories' || failed === 3) return undefined;
      failed += 1;
      return DOWN;
    });
    open();
    await vi.waitFor(async () => expect(await ann.files()).toEqual({ '/a.md': '- hat: 5\n' }), 5_000);
    expect(failed).toBe(3);
  });
});
