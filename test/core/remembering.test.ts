import { afterEach, describe, expect, it } from 'vitest';
import { LOOK_AGAIN_MS } from '../../src/core/memory/memory-discovery.ts';
import { ownerOf } from '../../src/core/memory/store-owner.ts';
import { createInbox } from '../../src/core/queue/inbox.ts';
import { createLog } from '../../src/log.ts';
import { type Bench, collect, createBench, SHOPPER } from '../helpers/bench.ts';
import { createScriptedModel, lastWords } from '../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const storesOf = async () => collect(bench.client.beta.memoryStores.list());
const sessionsOf = async () => collect(bench.client.beta.sessions.list());

describe('a person who comes back', () => {
  it('is known in a new conversation, and nobody else is told', async () => {
    bench = await createBench();
    await bench.adapter.say('Hi, I wear size 9 shoes and hate wool', { channel: 'D1' });
    await bench.adapter.say('My budget is $120', { channel: 'D1' });
    const later = await bench.adapter.say('What do you know about me?', { channel: 'D2' });
    for (const fact of [/size 9/, /wool/, /\$120/]) expect(later.final?.text).toMatch(fact);
    const ben = await bench.adapter.say('What do you know about me?', { user: 'ben' });
    for (const fact of [/9/, /wool/, /120/]) expect(ben.final?.text).not.toMatch(fact);
    const view = await bench.adapter
      .bot()
      .command({ person: bench.adapter.conversation().person, action: { type: 'view' } });
    expect(view.type === 'memory' && view.sections.map(section => section.title)).toEqual([
      'Budget',
      'Materials',
      'Sizes',
    ]);
  });

  it('has one store, however many messages arrive at the first instant, and all are answered in order', async () => {
    const model = createScriptedModel(() => ({ text: ['ok'] }));
    bench = await createBench({ model });
    const messages = Array.from({ length: 50 }, (_, n) =>
      bench.adapter.message(`message ${n}`, { channel: `D${n % 5}` }),
    );
    await Promise.all(messages.map(message => bench.adapter.bot().receive(message)));
    await bench.bot.idle();
    expect(await storesOf()).toHaveLength(1);
    const sessions = await sessionsOf();
    expect(sessions).toHaveLength(5);
    for (const session of sessions) {
      const events = await collect(
        bench.client.beta.sessions.events.list(session.id, { types: ['user.message'] }),
      );
      const texts = events.flatMap(event =>
        event.type === 'user.message'
          ? event.content.map(block => (block.type === 'text' ? block.text : ''))
          : [],
      );
      const numbers = texts.filter(text => text.startsWith('message')).map(text => Number(text.slice(8)));
      expect(numbers).toEqual(Array.from({ length: 10 }, (_, n) => n * 5 + Number(numbers[0])));
    }
  });

  it('is answered when the message comes again, though whoever kept it woke nobody', async () => {
    bench = await createBench();
    const { adapter } = bench;
    const message = adapter.message('I wear size 9 shoes');
    await createInbox(bench.state).accept(message);
    expect(await adapter.bot().receive(message)).toBe('duplicate');
    await adapter.until(() => adapter.replies[0]?.final?.state === 'done');
  });

  it('keeps what the person said while a turn ran for the next one, in order', async () => {
    let release = () => {};
    const hold = new Promise<void>(resolve => {
      release = resolve;
    });
    const model = createScriptedModel((_, index) => ({
      text: [`reply ${index}`, '.'],
      ...(index === 0 ? { hold } : {}),
    }));
    bench = await createBench({ model });
    const { adapter } = bench;
    await adapter.bot().receive(adapter.message('first'));
    await adapter.until(() => adapter.replies[0]?.snapshots.some(snapshot => snapshot.text !== '') === true);
    for (const text of ['second', 'third', 'fourth']) await adapter.bot().receive(adapter.message(text));
    release();
    await bench.bot.idle();
    expect(adapter.replies.map(reply => reply.final?.text)).toEqual(['reply 0.', 'reply 1.']);
    const last = model.requests[1]?.messages.at(-1)?.content;
    expect(Array.isArray(last) && last.map(block => (block.type === 'text' ? block.text : ''))).toEqual([
      'second',
      'third',
      'fourth',
    ]);
  });

  it('costs one model request for the first reply of a session, with memory already there', async () => {
    bench = await createBench();
    await bench.adapter.say('I wear size 9 shoes');
    await bench.adapter.say('What is my shoe size?', { channel: 'D2' });
    const [session] = await sessionsOf();
    const events = await collect(bench.client.beta.sessions.events.list(session?.id ?? ''));
    expect(events.filter(event => event.type === 'span.model_request_start')).toHaveLength(1);
    expect(events.filter(event => event.type === 'agent.tool_use')).toEqual([]);
    const [first] = events.filter(event => event.type === 'user.message');
    const text = first?.content[0]?.type === 'text' ? first.content[0].text : '';
    expect(text).toMatch(/File \/sizes\.md\n> # Sizes/);
    expect(text).toContain('is mounted at /mnt/memory/memory-of-test-w1-ann');
  });

  it('gets a session that mounts exactly their own store, pinned to an agent version', async () => {
    bench = await createBench();
    await bench.adapter.say('hello', { user: 'ann' });
    await bench.adapter.say('hello', { user: 'ben' });
    const stores = new Map((await storesOf()).map(store => [ownerOf(store, 'shopper')?.person.id, store.id]));
    for (const session of await sessionsOf()) {
      const mounted = session.resources.filter(resource => resource.type === 'memory_store');
      expect(mounted.map(resource => [resource.memory_store_id, resource.access])).toEqual([
        [stores.get(session.metadata.person), 'read_write'],
      ]);
      expect(session.agent.version).toBe(1);
    }
  });

  it('is found again through the stores themselves when the mapping is lost', async () => {
    bench = await createBench();
    await bench.adapter.say('I wear size 9 shoes');
    const [store] = await storesOf();
    await bench.state.table('store').delete('test/W1/ann');
    await bench.state.table('meta').delete('mapped');
    await bench.restart('stop');
    const reply = await bench.adapter.say('What do you know about me?');
    expect(reply.final?.text).toMatch(/size 9/);
    expect(await storesOf()).toMatchObject([{ id: store?.id }]);
  });

  it.each([404, 405, 501])(
    'is known, and can be forgotten, by a service that answers %i to lists but that of a store’s memories',
    async status => {
      const events: string[] = [];
      const log = createLog('warn', { write: line => void events.push(JSON.parse(line).event) });
      bench = await createBench({ start: false, log });
      const lists = /\/(?:agents|environments|sessions|memory_stores|memory_versions|files)$/;
      bench.proxy.plan(({ method, path }) =>
        method === 'GET' && lists.test(path)
          ? { type: 'status', status, headers: { 'retry-after-ms': '1' } }
          : undefined,
      );
      await bench.bot.start();
      await bench.adapter.say('I wear size 9 shoes', { channel: 'D1' });
      expect(events.filter(event => event === 'memory.unlisted')).toHaveLength(1);
      await bench.restart('stop', { start: true });
      const { agents, environments } = bench.client.beta;
      expect(await collect(agents.list())).toHaveLength(1);
      expect(await collect(environments.list())).toHaveLength(1);
      const later = await bench.adapter.say('What do you know about me?', { channel: 'D2' });
      expect(later.final?.text).toMatch(/size 9/);
      const { person } = bench.adapter.conversation();
      const { bot } = bench.adapter;
      const view = await bot().command({ person, action: { type: 'forget-me', confirmed: true } });
      expect(view).toMatchObject({ type: 'receipt', ok: true });
      expect([await storesOf(), await sessionsOf()]).toEqual([[], []]);
    },
  );
});

describe('sessions', () => {
  it('rotate after the idle time: a fresh context, the same memory', async () => {
    let time = Date.now();
    bench = await createBench({ now: () => time });
    await bench.adapter.say('I wear size 9 shoes');
    await bench.adapter.say('thanks');
    expect(await sessionsOf()).toHaveLength(1);
    time += 24 * 3600_000 + 1;
    const reply = await bench.adapter.say('What do you know about me?');
    expect(await sessionsOf()).toHaveLength(2);
    expect(reply.final?.text).toMatch(/size 9/);
    expect(reply.final?.text).not.toMatch(/removed/);
  });

  it.each(['delete', 'archive'] as const)('that were taken away (%s) are replaced unnoticed', async how => {
    bench = await createBench();
    await bench.adapter.say('I wear size 9 shoes');
    const [session] = await sessionsOf();
    await bench.client.beta.sessions[how](session?.id ?? '');
    const reply = await bench.adapter.say('What do you know about me?');
    expect(reply.final).toMatchObject({ state: 'done', text: expect.stringMatching(/size 9/) });
    expect(bench.adapter.replies).toHaveLength(2);
  });

  it('are not shared with a new version of the agent', async () => {
    bench = await createBench();
    await bench.adapter.say('I wear size 9 shoes');
    await bench.restart('stop', {
      agent: 'name: shopper\nmodel: claude-sonnet-5-5\nsystem: You are another.\n',
    });
    const reply = await bench.adapter.say('What do you know about me?');
    expect(reply.final?.text).toMatch(/size 9/);
    expect((await sessionsOf()).map(session => session.agent.version).sort()).toEqual([1, 2]);
  });

  it('begin in an environment made anew when theirs was archived, without a restart', async () => {
    bench = await createBench();
    await bench.adapter.say('I wear size 9 shoes');
    const [first] = await sessionsOf();
    await bench.client.beta.environments.archive(first?.environment_id ?? '');
    const reply = await bench.adapter.say('What do you know about me?', { channel: 'D2' });
    expect(reply.final?.text).toMatch(/size 9/);
    expect(new Set((await sessionsOf()).map(({ environment_id }) => environment_id)).size).toBe(2);
  });

  it('are not shared with an agent that took the place of a removed one, though its version has the same number', async () => {
    bench = await createBench();
    await bench.adapter.say('I wear size 9 shoes');
    const [first] = await sessionsOf();
    await bench.client.beta.agents.archive(first?.agent.id ?? '');
    await bench.restart('stop');
    const reply = await bench.adapter.say('What do you know about me?');
    expect(reply.final?.text).toMatch(/size 9/);
    const agents = (await sessionsOf()).map(({ agent }) => agent);
    expect(agents.map(({ version }) => version)).toEqual([1, 1]);
    expect(new Set(agents.map(({ id }) => id)).size).toBe(2);
  });

  it('mount a shared store read-only beside the own one, and its facts travel along', async () => {
    bench = await createBench({ start: false });
    const brand = await bench.client.beta.memoryStores.create({ name: 'Brand facts' });
    await bench.client.beta.memoryStores.memories.create(brand.id, {
      path: '/returns.md',
      content: 'Returns: 30 days',
    });
    const model = createScriptedModel(() => ({ text: ['ok'] }));
    await bench.restart('stop', {
      start: true,
      agent: `name: shopper\nmodel: m\nsystem: s\nmemory:\n  shared_store: ${brand.id}\n`,
      model,
    });
    await bench.adapter.say('hello');
    const [session] = await sessionsOf();
    expect(session?.resources).toMatchObject([
      { access: 'read_write' },
      { access: 'read_only', memory_store_id: brand.id },
    ]);
    const events = await collect(
      bench.client.beta.sessions.events.list(session?.id ?? '', { types: ['user.message'] }),
    );
    expect(JSON.stringify(events)).toContain('> Returns: 30 days');
  });
});

describe('what a turn asks of the agent service', () => {
  const STREAM = 'GET /v1/sessions/:id/events/stream';
  const WARM = ['POST /v1/sessions/:id/events', 'GET /v1/memory_stores/:id/memory_versions'];

  it('is two things while a conversation goes on; three more begin one for a new person, and after a quiet time one more looks whether a new person was seeded', async () => {
    let now = Date.now();
    bench = await createBench({ now: () => now });
    const asked = async (channel: string, user = 'ann') => {
      bench.proxy.requests.length = 0;
      await bench.adapter.say('hello', { channel, user });
      return bench.proxy.requests.toSorted();
    };
    const begun = [STREAM, 'POST /v1/sessions', 'POST /v1/memory_stores'];
    // The bot has just looked: it started a moment ago.
    expect(await asked('D1')).toEqual([...WARM, ...begun].toSorted());
    now += LOOK_AGAIN_MS;
    const looked = [...WARM, ...begun, 'GET /v1/memory_stores'];
    expect(await asked('D9', 'ben')).toEqual(looked.toSorted());
    expect(await asked('D1')).toEqual([...WARM].toSorted());
    expect(await asked('D2')).toEqual(
      [...WARM, STREAM, 'POST /v1/sessions', 'GET /v1/memory_stores/:id/memories'].toSorted(),
    );
  });
});

describe('a prepared person', () => {
  it('has store and session ready, and their first message uses them', async () => {
    bench = await createBench();
    const { person } = bench.adapter.conversation();
    await bench.adapter.bot().prepare(person);
    await bench.adapter.bot().prepare(person);
    expect(await sessionsOf()).toHaveLength(1);
    bench.proxy.requests.length = 0;
    await Promise.all(['D1', 'D2'].map(channel => bench.adapter.say('hello', { channel })));
    expect(bench.proxy.requests.filter(request => request === 'POST /v1/sessions')).toHaveLength(1);
    expect(await sessionsOf()).toHaveLength(2);
  });

  it('who does not write leaves no session at the agent service; who does keeps theirs', async () => {
    let now = Date.now();
    bench = await createBench({ now: () => now });
    for (const user of ['ann', 'ben'])
      await bench.adapter.bot().prepare(bench.adapter.conversation({ user }).person);
    await bench.adapter.say('hello', { user: 'ben' });
    now += 26 * 3600_000;
    await bench.restart('stop');
    await expect
      .poll(async () => (await sessionsOf()).map(({ metadata }) => metadata.person))
      .toEqual(['ben']);
  });

  it('has one session ready, that of the agent as it is now', async () => {
    bench = await createBench();
    const { person } = bench.adapter.conversation();
    await bench.adapter.bot().prepare(person);
    await bench.restart('stop', { agent: SHOPPER.replace('a shopper', 'another shopper') });
    await bench.adapter.bot().prepare(person);
    expect((await sessionsOf()).map(({ agent }) => agent.version)).toEqual([2]);
  });
});

describe('a store that was taken away', () => {
  it.each(['delete', 'archive'] as const)(
    '(%s) between conversations: the next message works and says so once',
    async how => {
      bench = await createBench();
      await bench.adapter.say('I wear size 9 shoes');
      const [store] = await storesOf();
      await bench.client.beta.memoryStores[how](store?.id ?? '');
      const first = await bench.adapter.say('I wear size 10 shoes', { channel: 'D2' });
      expect(first.final?.text).toMatch(/removed from outside/);
      const second = await bench.adapter.say('What do you know about me?', { channel: 'D3' });
      expect(second.final?.text).toMatch(/size 10/);
      expect(second.final?.text).not.toMatch(/removed from outside/);
      expect(await storesOf()).toHaveLength(1);
    },
  );

  it.each(['delete', 'archive'] as const)(
    '(%s) in the middle of one: what follows works, and they are told once',
    async how => {
      bench = await createBench();
      await bench.adapter.say('I wear size 9 shoes');
      const [store] = await storesOf();
      await bench.client.beta.memoryStores[how](store?.id ?? '');
      const replies = [];
      for (const text of ['I wear size 10 shoes', 'I wear size 11 shoes', 'What do you know about me?']) {
        replies.push((await bench.adapter.say(text)).final?.text ?? '');
      }
      expect(replies.filter(text => text.includes('removed from outside'))).toHaveLength(1);
      expect(replies[2]).toMatch(/size 11/);
    },
  );

  it('is told once, also when an answer that began with it ends after that', async () => {
    const gates = new Map<string, { open: () => void; opened: Promise<void> }>();
    for (const name of ['first', 'second']) {
      let open = () => {};
      const opened = new Promise<void>(resolve => {
        open = resolve;
      });
      gates.set(name, { open, opened });
    }
    const model = createScriptedModel(request => {
      const hold = gates.get(lastWords(request))?.opened;
      return { text: ['Hel', 'lo.'], ...(hold === undefined ? {} : { hold }) };
    });
    bench = await createBench({ model });
    const answers = ['first', 'second'].map(text => bench.adapter.say(text, { channel: text }));
    await bench.adapter.until(
      () =>
        bench.adapter.replies.filter(({ snapshots }) => snapshots.some(({ text }) => text !== '')).length ===
        2,
    );
    const [store] = await storesOf();
    await bench.client.beta.memoryStores.delete(store?.id ?? '');
    gates.get('first')?.open();
    await answers[0];
    expect((await bench.adapter.say('hi')).final?.text).toMatch(/removed from outside/);
    gates.get('second')?.open();
    await answers[1];
    await bench.bot.idle();
    expect((await bench.adapter.say('hi')).final?.text).not.toMatch(/removed from outside/);
  });
});
