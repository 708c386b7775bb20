import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { memoryOf, obedientModel, write } from '../helpers/memory.ts';
import { createScriptedModel } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const HOUR = 3600_000;
const sessions = () => collect(bench.client.beta.sessions.list({ include_archived: true }));
const status = (id: string) =>
  bench.client.beta.sessions.retrieve(id).then(
    () => 200,
    (error: { status?: number }) => error.status,
  );

describe('a paused memory', () => {
  it('is used and not written, from the next message on and in a new session', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- one\n'));
    expect(await ann.run('outcome', { type: 'pause' })).toMatchObject({
      ok: true,
      sentence: expect.stringMatching(/^Paused\. From your next message on/),
    });
    await bench.adapter.say(write('a.md', '- two\n'));
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
    expect(bench.adapter.notices).toHaveLength(1);
    const request = JSON.stringify(model.requests.findLast(({ messages }) => messages.length === 1));
    expect(request).toMatch(/\(read only\)\. The person has paused it/);
    expect(request).toContain('> - one');

    await ann.run('outcome', { type: 'resume' });
    await bench.adapter.say(write('a.md', '- three\n'));
    expect(await ann.files()).toEqual({ '/a.md': '- three\n' });
    expect(
      (await sessions()).map(({ resources }) =>
        resources.map(it => (it.type === 'memory_store' ? it.access : it.type)),
      ),
    ).toEqual([['read_write'], ['read_only'], ['read_write']]);
  });

  it('holds for a session that was got ready before, and after a restart', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await bench.adapter.bot().prepare(ann.person());
    await ann.run('outcome', { type: 'pause' });
    await bench.restart('abandon');
    await bench.adapter.say(write('a.md', '- one\n'));
    expect(await ann.files()).toEqual({});
    expect(await ann.run('memory', { type: 'view' })).toMatchObject({ paused: true });
  });

  it('can still be changed by hand', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await ann.run('outcome', { type: 'pause' });
    expect(await ann.run('outcome', { type: 'set', values: { budget: '$80' } })).toMatchObject({ ok: true });
  });

  it('is said to be paused by the built-in model, which claims nothing', async () => {
    bench = await createBench();
    const ann = memoryOf(bench);
    await bench.adapter.say('I wear size 9 shoes');
    await ann.run('outcome', { type: 'pause' });
    const { final } = await bench.adapter.say('My budget is $120');
    expect(final?.text).toMatch(/^Not saved: .*read-only/);
    expect((await bench.adapter.say('What is my shoe size?')).final?.text).toMatch(/9/);
    expect(Object.keys(await ann.files())).toEqual(['/sizes.md']);
  });
});

describe('a private conversation', () => {
  it('has no memory, leaves no notice, and its session is deleted when it ends', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- one\n'));
    expect(await ann.run('outcome', { type: 'private', on: true }, ann.conversation())).toMatchObject({
      ok: true,
    });
    await bench.adapter.say(write('a.md', '- between us\n'));
    const [hidden] = await sessions();
    expect(hidden?.resources).toEqual([]);
    const request = JSON.stringify(model.requests.at(-1));
    expect(request).toMatch(/This conversation is private/);
    expect(request).not.toMatch(/- one|mounted at/);
    // Elsewhere everything is as before.
    await bench.adapter.say('hello', { channel: 'D2' });
    expect(JSON.stringify(model.requests.at(-1))).toContain('> - one');

    await ann.run('outcome', { type: 'private', on: false }, ann.conversation());
    expect(await status(hidden?.id ?? '')).toBe(404);
    await bench.adapter.say('hello again');
    expect(JSON.stringify(model.requests.at(-1))).toContain('> - one');
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
    expect(bench.adapter.notices).toHaveLength(1);
    expect(await ann.run('outcome', { type: 'why' }, ann.conversation()).catch(() => null)).toBeNull();
  });

  it('needs a conversation to be said in, and makes no store by itself', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    expect(await ann.run('outcome', { type: 'private', on: true })).toMatchObject({ ok: false });
    await ann.run('outcome', { type: 'private', on: true }, ann.conversation());
    await bench.adapter.say('hello');
    expect(await collect(bench.client.beta.memoryStores.list())).toEqual([]);
    expect(await ann.run('outcome', { type: 'why' }, ann.conversation())).toMatchObject({
      sentence: 'This conversation is private: no memory is used here.',
    });
  });

  it('is deleted after it was idle, by whichever process is there then', async () => {
    let now = Date.now();
    bench = await createBench({ model: obedientModel(), now: () => now });
    const ann = memoryOf(bench);
    await ann.run('outcome', { type: 'private', on: true }, ann.conversation());
    await bench.adapter.say('hello');
    const [hidden] = await sessions();
    now += 23 * HOUR;
    await bench.restart('stop', { now: () => now });
    expect(await status(hidden?.id ?? '')).toBe(200);
    now += 2 * HOUR;
    await bench.restart('stop', { now: () => now });
    // Nobody waits for it: the bot is there before.
    await expect.poll(() => status(hidden?.id ?? ''), { timeout: 10_000 }).toBe(404);
    // Private mode itself stays.
    await bench.adapter.say(write('a.md', '- one\n'));
    expect(await collect(bench.client.beta.memoryStores.list())).toEqual([]);
  });

  it('that is still being answered when it ends keeps its answer, and goes afterwards', async () => {
    let go = () => {};
    const hold = new Promise<void>(resolve => {
      go = resolve;
    });
    bench = await createBench({ model: createScriptedModel(() => ({ text: ['One', ' moment.'], hold })) });
    const ann = memoryOf(bench);
    await ann.run('outcome', { type: 'private', on: true }, ann.conversation());
    const asked = bench.adapter.say('hello');
    await bench.adapter.until(() =>
      bench.adapter.replies.some(reply => reply.snapshots.some(({ text }) => text === 'One')),
    );
    const [hidden] = await sessions();
    await ann.run('outcome', { type: 'private', on: false }, ann.conversation());
    go();
    expect((await asked).final).toMatchObject({ state: 'done', text: 'One moment.' });
    await bench.bot.idle();
    expect(await status(hidden?.id ?? '')).toBe(404);
  });
});

/** Direct messages in which every new message may begin a thread, as on Slack. */
describe('private direct messages with threads', () => {
  const where = (thread: string) => ({ channel: 'D1', thread });
  const at = (thread: string) => bench.adapter.conversation(where(thread));
  const resourcesOf = async () => (await sessions()).map(({ resources }) => resources.length);
  /** Whether a session of hers was begun with what stands in her notes. */
  const isKnown = (model: ReturnType<typeof obedientModel>) =>
    JSON.stringify(model.requests.at(-1)).includes('> - one');

  it('are private in threads yet to come and in those there are, until they are no more', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- one\n'), where('1'));
    const before = await ann.run('memory', { type: 'view' }, at('1'));
    expect(before).toMatchObject({ privateHere: false, privateWith: 'place' });
    expect(await ann.run('outcome', { type: 'private', on: true }, at('1'))).toMatchObject({
      ok: true,
      sentence: expect.stringMatching(
        /^From your next message on, everything between us here is private, in new threads too/,
      ),
    });

    for (const thread of ['2', '1']) {
      await bench.adapter.say(write('a.md', '- between us\n'), where(thread));
      expect(isKnown(model)).toBe(false);
      expect(JSON.stringify(model.requests.at(-1))).toMatch(/This conversation is private/);
    }
    expect((await resourcesOf()).sort()).toEqual([0, 0, 1]);
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
    expect(bench.adapter.notices).toHaveLength(1);
    expect(await ann.run('memory', { type: 'view' }, at('3'))).toMatchObject({ privateHere: true });
    expect(await ann.run('outcome', { type: 'private', on: true }, at('3'))).toMatchObject({
      sentence: 'Everything between us here is already private.',
    });

    // In another place, and to another person there, nothing is private.
    await bench.adapter.say('hello', { channel: 'D2', thread: '1' });
    expect(isKnown(model)).toBe(true);
    expect(
      await bench.adapter.bot().command({
        person: bench.adapter.conversation({ user: 'ben' }).person,
        conversation: bench.adapter.conversation({ user: 'ben', ...where('1') }),
        action: { type: 'view' },
      }),
    ).toMatchObject({ privateHere: false });

    expect(await ann.run('outcome', { type: 'private', on: false }, at('3'))).toMatchObject({
      sentence: expect.stringMatching(/^No longer private\. What was said in private is deleted/),
    });
    expect(await resourcesOf()).toEqual([1, 1]);
    await bench.adapter.say(write('a.md', '- one\n- two\n'), where('2'));
    expect(isKnown(model)).toBe(true);
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- two\n' });
    expect(bench.adapter.notices).toHaveLength(2);
    expect(await ann.run('outcome', { type: 'private', on: false }, at('2'))).toMatchObject({
      sentence: 'Nothing between us here is private.',
    });
  });

  it('leave a thread that others read as it is, which is made private by itself', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const ann = memoryOf(bench);
    const open = (thread: string) => ({ channel: 'C1', thread, audience: 'shared' as const });
    await ann.run('outcome', { type: 'private', on: true }, at('1'));
    await bench.adapter.say(write('a.md', '- one\n'), open('1'));
    expect(await ann.files('shared')).toEqual({ '/a.md': '- one\n' });
    const inChannel = bench.adapter.conversation(open('1'));
    expect(await ann.run('outcome', { type: 'private', on: true }, inChannel)).toMatchObject({
      sentence: expect.stringMatching(
        /^From your next message in it, the thread .* is private: .*In other threads, I know you as before\.$/,
      ),
    });
    await bench.adapter.say('hello', open('1'));
    expect(isKnown(model)).toBe(false);
    await bench.adapter.say('hello', open('12'));
    expect(isKnown(model)).toBe(true);
    await ann.run('outcome', { type: 'private', on: false }, inChannel);
    await bench.adapter.say('hello again', open('1'));
    expect(isKnown(model)).toBe(true);
    expect(await ann.run('memory', { type: 'view' }, at('1'))).toMatchObject({ privateHere: true });
  });

  it('leave no row of it behind when the person is forgotten', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    await ann.run('outcome', { type: 'private', on: true }, at('1'));
    await bench.adapter.say('hello', where('2'));
    await ann.run('receipt', { type: 'forget-me', confirmed: true });
    expect(await collect(bench.state.table('private').entries())).toEqual([]);
    expect(await sessions()).toEqual([]);
    await bench.adapter.say(write('a.md', '- one\n'), where('3'));
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
  });
});
