import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { conversationKey } from '../../src/core/message.ts';
import { LeaseLost, type Leases, noLeases } from '../../src/core/queue/leases.ts';
import { defineTool } from '../../src/core/turn/custom-tools.ts';
import { createLog } from '../../src/log.ts';
import { ModelError } from '../../src/runtime/ports.ts';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { gate } from '../helpers/gate.ts';
import { manualClock } from '../helpers/manual-clock.ts';
import { createScriptedModel, lastResults, lastWords } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const writeUse = (file_path = '/mnt/session/outputs/note.txt') => ({
  name: 'write',
  input: { file_path, content: 'x' },
});
const ASKING = 'name: shopper\nmodel: m\nsystem: s\ntools:\n  write: ask\n';

describe('a tool its owner put under “ask”', () => {
  const model = () =>
    createScriptedModel(request => {
      const results = lastResults(request);
      if (results.length === 0) return { uses: [writeUse()] };
      return { text: [results.some(result => result.isError) ? 'Not done.' : 'Done.'] };
    });

  it('runs when the person says yes', async () => {
    bench = await createBench({ model: model(), agent: ASKING });
    bench.adapter.answer = () => true;
    expect((await bench.adapter.say('do it')).final?.text).toBe('Done.');
    expect(bench.adapter.questions).toMatchObject([{ text: 'May I do this: making a note?', detail: 'x' }]);
  });

  it.each([
    [503, 7],
    [409, 2],
  ])('runs when the person says yes, though the service answers %i at first', async (status, times) => {
    bench = await createBench({ model: model(), agent: ASKING });
    bench.adapter.answer = () => true;
    bench.proxy.plan(({ method, path, index }) =>
      method === 'POST' && path.endsWith('/events') && index >= 1 && index <= times
        ? { type: 'status', status, headers: { 'retry-after-ms': '1' } }
        : undefined,
    );
    expect((await bench.adapter.say('do it')).final?.text).toBe('Done.');
  });

  it('does not run when the person says no', async () => {
    bench = await createBench({ model: model(), agent: ASKING });
    bench.adapter.answer = () => false;
    expect((await bench.adapter.say('do it')).final?.text).toBe('Not done.');
  });

  it('does not run, and holds up nothing, when nobody answers', async () => {
    bench = await createBench({ model: model(), agent: ASKING, limits: { questionMs: 50 } });
    expect((await bench.adapter.say('do it')).final?.text).toBe('Not done.');
    expect((await bench.adapter.say('again')).final?.text).toBe('Not done.');
  });

  it('asks about each of several, and none of them twice', async () => {
    const several = createScriptedModel(request =>
      lastResults(request).length === 0
        ? { uses: [writeUse('/mnt/session/outputs/a.txt'), writeUse('/mnt/session/outputs/b.txt')] }
        : {
            text: [
              lastResults(request)
                .map(result => (result.isError ? 'no' : 'yes'))
                .join(' '),
            ],
          },
    );
    bench = await createBench({ model: several, agent: ASKING });
    bench.adapter.answer = () => bench.adapter.questions.length === 1;
    const reply = await bench.adapter.say('do both');
    expect(reply.final?.text.split(' ').sort()).toEqual(['no', 'yes']);
    expect(bench.adapter.questions).toHaveLength(2);
  });
});

describe('a custom tool', () => {
  const agent = 'name: shopper\nmodel: m\nsystem: s\ncustom_tools: [stock]\n';
  const stock = defineTool({
    name: 'stock',
    description: 'Looks up stock.',
    label: 'Looking up what is in stock',
    input: z.object({ item: z.string() }),
    run: async ({ item }, { person }) => {
      if (item === 'anvil') throw new Error('no anvils');
      return `3 ${item} for ${person.id}`;
    },
  });
  const asking = (input: Record<string, unknown>) =>
    createScriptedModel(request => {
      const [result] = lastResults(request);
      return result === undefined
        ? { uses: [{ name: 'stock', input }] }
        : { text: [`${result.isError} ${result.text}`] };
    });

  it('answers the agent', async () => {
    bench = await createBench({ model: asking({ item: 'socks' }), agent, tools: [stock] });
    const reply = await bench.adapter.say('socks?');
    expect(reply.final?.text).toMatch(/^false .*3 socks for ann/);
    expect(reply.snapshots.flatMap(({ activities }) => activities.map(activity => activity.label))).toContain(
      'Looking up what is in stock',
    );
  });

  it.each([
    [{ item: 'anvil' }, /no anvils/],
    [{ item: 7 }, /Invalid input/],
  ])('that fails (%j) is an error to the agent, not the end of the turn', async (input, said) => {
    bench = await createBench({ model: asking(input), agent, tools: [stock] });
    const reply = await bench.adapter.say('anvil?');
    expect(reply.final?.text).toMatch(/^true /);
    expect(reply.final?.text).toMatch(said);
  });

  it('that says nothing, in whatever way, does not hold the turn up', async () => {
    const silent = defineTool({ ...stock, input: z.object({}), run: async () => ' \n' });
    bench = await createBench({ model: asking({}), agent, tools: [silent] });
    expect((await bench.adapter.say('socks?')).final?.text).toMatch(/^false .*\(no output\)/);
  });

  it.each([400, 413])(
    'whose result is refused with %i is an error to the agent, not a session that waits',
    async status => {
      bench = await createBench({ model: asking({ item: 'socks' }), agent, tools: [stock] });
      let sent = 0;
      bench.proxy.plan(({ method, path }) => {
        if (method !== 'POST' || !path.endsWith('/events')) return undefined;
        sent += 1;
        // The message, then the result.
        return sent === 2 ? { type: 'status', status } : undefined;
      });
      expect((await bench.adapter.say('socks?')).final?.text).toMatch(/^true .*could not be handed over/);
      expect(sent).toBe(3);
    },
  );
});

describe('stopping', () => {
  const hanging = () =>
    createScriptedModel(request =>
      lastWords(request).includes('long')
        ? { text: ['Once upon ', 'a time'], hold: new Promise(() => {}) }
        : { text: ['ok'] },
    );

  it('interrupts the turn, keeps what was said on the screen, and leaves the session usable', async () => {
    bench = await createBench({ model: hanging() });
    const { adapter } = bench;
    const saying = adapter.say('a long story');
    await adapter.until(() => adapter.replies[0]?.snapshots.at(-1)?.text === 'Once upon ');
    expect(await adapter.bot().interrupt(adapter.conversation())).toBe(true);
    expect((await saying).final).toMatchObject({ state: 'stopped', text: 'Once upon \n\nStopped.' });
    expect((await adapter.say('hi')).final?.text).toBe('ok');
    expect(await collect(bench.client.beta.sessions.list())).toHaveLength(1);
    expect(await adapter.bot().interrupt(adapter.conversation())).toBe(false);
  });

  it('leaves a session behind that could not be told, rather than wait for it', async () => {
    bench = await createBench({ model: hanging(), limits: { outageMs: 60_000 } });
    const { adapter, proxy } = bench;
    const saying = adapter.say('a long story');
    await adapter.until(() => adapter.replies[0]?.snapshots.at(-1)?.text === 'Once upon ');
    proxy.plan(({ method, path }) =>
      method === 'POST' && path.endsWith('/events') ? { type: 'status', status: 503 } : undefined,
    );
    await adapter.bot().interrupt(adapter.conversation());
    expect((await saying).final?.state).toBe('stopped');
    proxy.plan(() => undefined);
    expect((await adapter.say('hi')).final?.text).toBe('ok');
  });

  it('happens by itself after the limit, with a sentence', async () => {
    const clock = manualClock();
    bench = await createBench({ model: hanging(), limits: { turnMs: 300 }, setTimer: clock.setTimer });
    const { adapter } = bench;
    const saying = adapter.say('a long story');
    await adapter.until(() => adapter.replies[0]?.snapshots.at(-1)?.text === 'Once upon ');
    await clock.advance(299);
    expect(adapter.replies[0]?.final).toBeNull();
    await clock.advance(1);
    const reply = await saying;
    expect(reply.final).toMatchObject({
      state: 'failed',
      text: expect.stringMatching(/^Once upon .*took too long/s),
    });
    expect((await bench.adapter.say('hi')).final?.text).toBe('ok');
  });

  it('of a message taken back while it is answered ends that turn only', async () => {
    bench = await createBench({ model: hanging() });
    const { adapter } = bench;
    const saying = adapter.say('a long story', { id: 'X' });
    await adapter.until(() => adapter.replies[0]?.snapshots.at(-1)?.text === 'Once upon ');
    await adapter.bot().receive(adapter.message('never mind', { id: 'Y' }));
    expect(await adapter.bot().withdraw(adapter.conversation(), 'Y')).toBe('waiting');
    expect(await adapter.bot().withdraw(adapter.conversation(), 'X')).toBe('running');
    expect((await saying).final?.state).toBe('stopped');
    await bench.bot.idle();
    expect(adapter.replies).toHaveLength(1);
    expect(await adapter.bot().withdraw(adapter.conversation(), 'X')).toBe('answered');
  });

  it('of one of several messages that are answered together answers the others anew', async () => {
    bench = await createBench({ model: hanging() });
    const { adapter } = bench;
    const saying = adapter.say('a long story', { id: 'X' });
    await adapter.until(() => adapter.replies[0]?.snapshots.at(-1)?.text === 'Once upon ');
    await adapter.bot().receive(adapter.message('hi', { id: 'Y' }));
    await adapter.bot().receive(adapter.message('another long one', { id: 'Z' }));
    await adapter.bot().interrupt(adapter.conversation());
    await saying;
    await adapter.until(() => adapter.replies[1]?.snapshots.at(-1)?.text === 'Once upon ');
    expect(await adapter.bot().withdraw(adapter.conversation(), 'Z')).toBe('running');
    await bench.bot.idle();
    expect(adapter.replies.map(({ messageId, final }) => [messageId, final?.state])).toEqual([
      ['X', 'stopped'],
      ['Z', 'stopped'],
      ['Y', 'done'],
    ]);
    expect(adapter.replies[2]?.final?.text).toBe('ok');
  });
});

describe('what the agent is doing', () => {
  it('is no failure where memory has nothing yet, and is one where writing fails', async () => {
    const model = createScriptedModel(request => {
      if (lastResults(request).length > 0) return { text: ['ok'] };
      const mount = /Folder: (\S+) \((?:you can|read-only)/.exec(request.system)?.[1] ?? '';
      return {
        uses: [
          { name: 'read', input: { file_path: `${mount}/sizes.md` } },
          { name: 'edit', input: { file_path: `${mount}/colours.md`, old_string: 'a', new_string: 'b' } },
          { name: 'read', input: { file_path: '/mnt/session/outputs/none.txt' } },
        ],
      };
    });
    bench = await createBench({ model });
    const { snapshots } = await bench.adapter.say('look');
    expect(snapshots.at(-1)?.activities.map(({ label, state }) => [label, state])).toEqual([
      ['Checking your sizes', 'done'],
      ['Updating your colours', 'failed'],
      ['Looking something up', 'failed'],
    ]);
  });
});

describe('a turn that ends badly', () => {
  it('says so when the model refuses', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({ stopReason: 'refusal' })) });
    expect((await bench.adapter.say('bad')).final).toMatchObject({
      text: expect.stringMatching(/can't help with that/),
    });
  });

  it.each([
    [
      'the model keeps failing',
      new ModelError('rate_limited', 'later', { retryable: true, retryAfterMs: 86_400_000 }),
      /^The model behind me kept failing, .* in a few minutes\.$/,
    ],
    [
      'the model can never take the request',
      new ModelError('request_failed', 'wrong key', { retryable: false }),
      /^The model behind me could not handle my request, and trying again will not help: the people who run me/,
    ],
    [
      'the model is not paid for',
      new ModelError('billing', 'no credit', { retryable: false }),
      /^The model behind me could not handle my request/,
    ],
  ])('says so when %s, and works again afterwards', async (_, broken, sentence) => {
    const model = createScriptedModel(request =>
      lastWords(request).includes('fail') ? { text: ['Half a '], error: broken } : { text: ['ok'] },
    );
    const lines: unknown[] = [];
    const log = createLog('warn', { write: line => void lines.push(JSON.parse(line)) });
    bench = await createBench({ model, log });
    const reply = await bench.adapter.say('please fail');
    expect(reply.final).toMatchObject({
      state: 'failed',
      text: expect.stringMatching(sentence),
    });
    // The person is told that others need to look at it, and those are told why.
    expect(lines).toMatchObject([
      { event: 'turn.model_failed', err: expect.stringContaining(broken.message) },
    ]);
    expect((await bench.adapter.say('hi')).final?.text).toBe('ok');
  });

  it('says so when an answer is empty', async () => {
    bench = await createBench({ model: createScriptedModel(() => ({})) });
    expect((await bench.adapter.say('hm')).final?.text).toBe('Done.');
  });

  it('gives up on an outage after the limit, says so, and answers the next message', async () => {
    let passed = 0;
    const began = Date.now();
    const events: string[] = [];
    const log = createLog('warn', { write: line => void events.push(JSON.parse(line).event) });
    bench = await createBench({ limits: { outageMs: 300 }, now: () => began + passed, log });
    bench.proxy.plan(() => ({ type: 'drop_before' }));
    const { adapter } = bench;
    const saying = adapter.say('hello');
    await adapter.until(() => (adapter.replies[0]?.snapshots.length ?? 0) > 0);
    passed = 301;
    const reply = await saying;
    expect(reply.final).toMatchObject({
      state: 'failed',
      text: expect.stringMatching(/can't reach my agent service/),
    });
    expect(reply.snapshots.map(snapshot => snapshot.status)).toContain(
      "Can't reach my agent service, still trying",
    );
    // For the operator, once, however often it is tried.
    expect(events).toEqual(['turn.waits', 'turn.failed']);
    bench.proxy.plan(() => undefined);
    expect((await bench.adapter.say('hello')).final?.state).toBe('done');
  });

  it('gives up as well when streams open but nothing can be read of what they missed', async () => {
    const { opened } = gate();
    const model = createScriptedModel(() => ({ text: ['Once ', 'upon'], hold: opened }));
    bench = await createBench({ model, limits: { outageMs: 300 } });
    const { adapter, proxy } = bench;
    const saying = adapter.say('a long story');
    await adapter.until(() => adapter.replies[0]?.snapshots.at(-1)?.text === 'Once ');
    proxy.plan(({ method, path }) =>
      method === 'GET' && path.endsWith('/events')
        ? { type: 'status', status: 503, headers: { 'retry-after-ms': '1' } }
        : undefined,
    );
    proxy.cut();
    expect((await saying).final).toMatchObject({
      state: 'failed',
      text: expect.stringMatching(/^Once .*can't reach my agent service/s),
    });
  });

  it('names credentials when they stop working, without naming them', async () => {
    bench = await createBench();
    bench.proxy.plan(() => ({ type: 'status', status: 401 }));
    expect((await bench.adapter.say('hello')).final?.text).toMatch(/doesn't accept my credentials/);
  });
});

describe('a message that cannot be sent', () => {
  it.each([
    ['   ', /What can I do for you/],
    ['x'.repeat(200_000), /200 KB.*150 KB at a time/],
  ])('is answered with what to do', async (text, said) => {
    bench = await createBench();
    expect((await bench.adapter.say(text)).final?.text).toMatch(said);
    expect(await collect(bench.client.beta.sessions.list())).toEqual([]);
  });
});

describe('a process that ends in the middle of a turn', () => {
  it('is carried on by the next one: same reply, nothing asked twice, one notice', async () => {
    let release = () => {};
    const hold = new Promise<void>(resolve => {
      release = resolve;
    });
    const model = createScriptedModel(request => {
      if (lastResults(request).length > 0) return { text: ['Noted.'] };
      const mount = /mounted at (\S+) \(read and write\)/.exec(JSON.stringify(request.messages))?.[1] ?? '';
      return {
        text: ['One ', 'moment.'],
        hold,
        uses: [{ name: 'write', input: { file_path: `${mount}/sizes.md`, content: '- shoe size: 9' } }],
      };
    });
    const lines: unknown[] = [];
    const log = createLog('info', { write: line => void lines.push(JSON.parse(line)) });
    bench = await createBench({ model, log });
    const first = bench.adapter;
    await first.bot().receive(first.message('size 9', { id: 'M1' }));
    await first.until(() => first.replies[0]?.snapshots.at(-1)?.text === 'One ');
    await bench.restart('abandon');
    expect(first.replies[0]?.final).toBeNull();
    const conversation = conversationKey(first.conversation());
    expect(lines).toContainEqual(expect.objectContaining({ event: 'turn.handed_over', conversation }));
    const second = bench.adapter;
    await second.until(() => second.replies.length === 1);
    release();
    await second.until(() => second.replies[0]?.closed === true);
    expect(second.replies[0]).toMatchObject({
      messageId: 'M1',
      resumed: { posted: 'M1' },
      final: { text: 'One moment.\n\nNoted.' },
    });
    expect(second.notices.map(notice => notice.lines)).toEqual([['+ shoe size: 9']]);
    expect(model.requests).toHaveLength(2);
    expect(await second.bot().receive(second.message('size 9', { id: 'M1' }))).toBe('duplicate');
  });
});

it('is answered by whoever has the conversation next where it was taken from a process, which is no alarm', async () => {
  const { opened, open } = gate();
  const lost = new AbortController();
  const leases: Leases = {
    ...noLeases,
    async take(conversation, signal) {
      const lease = await noLeases.take(conversation, signal);
      const isHeld = () => !lost.signal.aborted;
      const check = () => lost.signal.throwIfAborted();
      leases.take = noLeases.take;
      return lease === null ? null : { ...lease, lost: lost.signal, isHeld, check };
    },
  };
  const lines: unknown[] = [];
  const log = createLog('info', { write: line => void lines.push(JSON.parse(line).event) });
  const model = createScriptedModel(() => ({ text: ['One ', 'moment.'], hold: opened }));
  bench = await createBench({ model, log, leases });
  const { adapter } = bench;
  await adapter.bot().receive(adapter.message('hello'));
  await adapter.until(() => adapter.replies[0]?.snapshots.at(-1)?.text === 'One ');
  lost.abort(new LeaseLost());
  await adapter.until(() => adapter.replies.length === 2);
  open();
  await bench.bot.idle();
  expect(adapter.replies.map(({ final }) => final?.text)).toEqual([undefined, 'One moment.']);
  expect(model.requests).toHaveLength(1);
  expect(lines).toContain('turn.handed_over');
  expect(lines).not.toContain('turn.stuck');
});

it('is answered also by a service that does not repeat what a session was made with', async () => {
  bench = await createBench({ model: createScriptedModel(() => ({ text: ['Hello.'] })), start: false });
  bench.proxy.plan(({ method, path }) =>
    method === 'POST' && path === '/v1/sessions'
      ? { type: 'reword', reword: body => JSON.stringify({ ...JSON.parse(body), resources: undefined }) }
      : undefined,
  );
  await bench.bot.start();
  expect((await bench.adapter.say('hi')).final?.text).toBe('Hello.');
});
