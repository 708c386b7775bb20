import Anthropic, { toFile } from '@anthropic-ai/sdk';
import type { SessionCreateParams } from '@anthropic-ai/sdk/resources/beta/sessions/sessions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoopInput } from '../../src/runtime/ports.ts';
import {
  collect,
  echo,
  type Harness,
  provision,
  refusal,
  startHarness,
  types,
  userMessage,
  watch,
} from './harness.ts';

let harness: Harness;
let beta: Anthropic['beta'];
let ids: { agent: string; environment_id: string };
let lastInput: LoopInput | undefined;
beforeAll(async () => {
  harness = await startHarness({
    loop: input => {
      lastInput = input;
      return echo(input);
    },
  });
  beta = harness.client.beta;
  ids = await provision(harness.client);
});
afterAll(() => harness.close());

const create = (params: Partial<SessionCreateParams> = {}) => beta.sessions.create({ ...ids, ...params });
const makeStore = async (name: string) =>
  (await beta.memoryStores.create({ name, description: `about ${name}` })).id;
const mount = (memory_store_id: string) => ({ type: 'memory_store' as const, memory_store_id });
const makeFile = async (name: string) =>
  (await beta.files.upload({ file: await toFile(Buffer.from(name), name, { type: 'text/plain' }) })).id;

describe('creating', () => {
  test('a session pins the agent as it is, and later versions do not reach it', async () => {
    const agent = await beta.agents.create({ name: 'a', model: 'm', system: 'one', description: 'd' });
    const session = await create({ agent: agent.id, title: 'T', metadata: { thread: '1' } });
    await beta.agents.update(agent.id, { system: 'two' });
    expect(session).toMatchObject({
      type: 'session',
      status: 'idle',
      title: 'T',
      metadata: { thread: '1' },
      agent: { id: agent.id, type: 'agent', version: 1, system: 'one', multiagent: null },
      usage: { input_tokens: 0, output_tokens: 0 },
      budget: null,
      archived_at: null,
    });
    expect(session.agent).not.toHaveProperty('metadata');
    expect((await beta.sessions.retrieve(session.id)).agent).toEqual(session.agent);
    const older = await create({ agent: { type: 'agent', id: agent.id, version: 1 } });
    expect(older.agent.system).toBe('one');
    expect((await create({ agent: agent.id })).agent.system).toBe('two');
  });

  test('overrides replace parts of the agent for this session alone', async () => {
    const { agent } = await create({
      agent: { type: 'agent_with_overrides', id: ids.agent, system: 'mine', tools: [], model: 'other' },
    });
    expect(agent).toMatchObject({ system: 'mine', tools: [], model: { id: 'other' } });
    expect((await beta.agents.retrieve(ids.agent)).tools).toHaveLength(1);
  });

  test('more files than can be mounted are a 400 when they are attached, not missing later', async () => {
    const big = async () =>
      (await beta.files.upload({ file: await toFile(Buffer.alloc(70 * 1024 * 1024), 'big.bin') })).id;
    const [one, other] = [await big(), await big()];
    const session = await create({ resources: [{ type: 'file', file_id: one }] });

    const refused = await refusal(beta.sessions.resources.add(session.id, { type: 'file', file_id: other }));
    expect(refused).toMatchObject({ status: 400, message: expect.stringContaining('at most 128 MB') });
    const both = [one, other].map(file_id => ({ type: 'file' as const, file_id }));
    expect((await refusal(create({ resources: both }))).status).toBe(400);
  });

  test('what does not exist is a 404, what is archived a 400', async () => {
    const archived = await makeStore('old');
    await beta.memoryStores.archive(archived);
    const environment = await beta.environments.create({ name: 'old' });
    await beta.environments.archive(environment.id);
    for (const params of [
      { agent: 'agent_none' },
      { environment_id: 'env_none' },
      { resources: [mount('memstore_none')] },
      { resources: [{ type: 'file' as const, file_id: 'file_none' }] },
    ]) {
      expect(await refusal(create(params))).toBeInstanceOf(Anthropic.NotFoundError);
    }
    for (const params of [{ resources: [mount(archived)] }, { environment_id: environment.id }]) {
      expect(await refusal(create(params))).toBeInstanceOf(Anthropic.BadRequestError);
    }
  });

  test('vaults and repositories are refused with a sentence', async () => {
    const vaults = await refusal(create({ vault_ids: ['vlt_1'] }));
    expect(vaults.apiMessage).toContain('vaults');
    const repository = await refusal(
      create({ resources: [{ type: 'github_repository', url: 'https://github.com/a/b' }] }),
    );
    expect(repository.apiMessage).toContain('repositories');
  });
});

describe('memory stores of a session', () => {
  test('are mounted under a slug of their name, which is a snapshot', async () => {
    const store = await makeStore("Ann's  Shoe Memory");
    const session = await create({
      resources: [{ ...mount(store), access: 'read_only', instructions: 'Read first.' }],
    });
    const resource = {
      type: 'memory_store',
      memory_store_id: store,
      access: 'read_only',
      name: "Ann's  Shoe Memory",
      description: "about Ann's  Shoe Memory",
      instructions: 'Read first.',
      mount_path: '/mnt/memory/ann-s-shoe-memory',
    };
    expect(session.resources).toEqual([resource]);
    await beta.memoryStores.update(store, { name: 'Renamed' });
    expect((await beta.sessions.retrieve(session.id)).resources).toEqual([resource]);
  });

  test('are read_write unless said otherwise', async () => {
    const session = await create({ resources: [mount(await makeStore('Plain'))] });
    expect(session.resources[0]).toMatchObject({ access: 'read_write', instructions: null });
  });

  test('two at one place, one twice, nine, or one without a place: refused', async () => {
    const a = await makeStore('Same Name');
    const b = await makeStore('same  name');
    const chinese = await makeStore('购物');
    const nine = await Promise.all(Array.from({ length: 9 }, (_, i) => makeStore(`n${i}`)));
    for (const [stores, said] of [
      [[a, b], '/mnt/memory/same-name'],
      [[a, a], 'only once'],
      [[chinese], 'cannot be mounted'],
      [nine, 'at most 8'],
    ] as const) {
      const error = await refusal(create({ resources: stores.map(mount) }));
      expect(error).toBeInstanceOf(Anthropic.BadRequestError);
      expect(error.apiMessage).toContain(said);
    }
    expect((await create({ resources: nine.slice(1).map(mount) })).resources).toHaveLength(8);
  });
});

describe('files of a session', () => {
  test('come and go, and the next turn sees what is there', async () => {
    const [a, b] = [await makeFile('a.txt'), await makeFile('b.txt')];
    const { id } = await create({ resources: [{ type: 'file', file_id: a }] });
    const added = await beta.sessions.resources.add(id, {
      type: 'file',
      file_id: b,
      mount_path: '/in/b.txt',
    });
    expect(added).toMatchObject({ type: 'file', file_id: b, mount_path: '/mnt/session/uploads/in/b.txt' });
    const listed = await collect(beta.sessions.resources.list(id, { limit: 1 }));
    expect(listed).toMatchObject([{ mount_path: `/mnt/session/uploads/${a}` }, { id: added.id }]);

    await watch(harness.client, id, () => beta.sessions.events.send(id, { events: [userMessage('look')] }));
    const uploads = lastInput?.uploads ?? [];
    expect(uploads.map(upload => upload.path)).toEqual(listed.map(item => item.mount_path));
    expect(Buffer.from((await uploads[1]?.read()) ?? []).toString()).toBe('b.txt');

    expect(await beta.sessions.resources.delete(added.id, { session_id: id })).toMatchObject({
      id: added.id,
      type: 'session_resource_deleted',
    });
    const gone = refusal(beta.sessions.resources.retrieve(added.id, { session_id: id }));
    expect((await gone).status).toBe(404);
  });

  test('only files can be added later, each at its own path', async () => {
    const { id } = await create();
    const store = { type: 'memory_store', memory_store_id: await makeStore('Late') };
    const error = await refusal(
      beta.sessions.resources.add(id, store as unknown as { type: 'file'; file_id: string }),
    );
    expect(error.apiMessage).toContain('Only a file can be added');
    const file = await makeFile('x');
    await beta.sessions.resources.add(id, { type: 'file', file_id: file, mount_path: '/x' });
    const twice = refusal(beta.sessions.resources.add(id, { type: 'file', file_id: file, mount_path: '/x' }));
    expect((await twice).apiMessage).toContain('/mnt/session/uploads/x');
    const climbing = beta.sessions.resources.add(id, { type: 'file', file_id: file, mount_path: '/../etc' });
    expect(await refusal(climbing)).toBeInstanceOf(Anthropic.BadRequestError);
  });
});

describe('updating', () => {
  test('a change is in the log as session.updated, no change is not', async () => {
    const { id } = await create({ metadata: { a: '1' } });
    await beta.sessions.update(id, { title: 'New', metadata: { b: '2' } });
    await beta.sessions.update(id, { title: 'New', metadata: { a: '1' } });
    const events = await collect(beta.sessions.events.list(id));
    expect(events).toMatchObject([{ type: 'session.updated', title: 'New', metadata: { a: '1', b: '2' } }]);
  });

  test('tools can be replaced while idle and reach the next turn', async () => {
    const { id } = await create();
    const updated = await beta.sessions.update(id, { agent: { tools: [] } });
    expect(updated.agent.tools).toEqual([]);
    await watch(harness.client, id, () => beta.sessions.events.send(id, { events: [userMessage('x')] }));
    expect(lastInput?.agent.tools).toEqual([]);
  });

  test('a budget is kept, can be raised and removed, never added', async () => {
    const budget = (amount: string) => ({
      type: 'limit' as const,
      max_list_cost: { amount, currency: 'USD' as const },
    });
    const { id, budget: given } = await create({ budget: budget('2500') });
    expect(given).toEqual(budget('2500'));
    expect((await beta.sessions.update(id, { budget: budget('5000') })).budget).toEqual(budget('5000'));
    const seen = await watch(harness.client, id, () =>
      beta.sessions.events.send(id, { events: [userMessage('x')] }),
    );
    expect(seen.find(event => event.type === 'session.usage')).toMatchObject({ budget: budget('5000') });
    expect((await beta.sessions.update(id, { budget: null })).budget).toBeNull();
    expect((await refusal(beta.sessions.update(id, { budget: budget('1') }))).errorCode).toBe(
      'budget_create_only',
    );
    const without = await create();
    expect((await refusal(beta.sessions.update(without.id, { budget: budget('1') }))).errorCode).toBe(
      'budget_create_only',
    );
    expect((await refusal(create({ budget: budget('2.5') }))).status).toBe(400);
  });
});

describe('ending', () => {
  test('an archived session keeps its log and takes nothing more', async () => {
    const { id } = await create();
    await watch(harness.client, id, () => beta.sessions.events.send(id, { events: [userMessage('x')] }));
    const archived = await beta.sessions.archive(id);
    expect(archived.status).toBe('terminated');
    expect(archived.archived_at).not.toBeNull();
    expect((await beta.sessions.archive(id)).archived_at).toBe(archived.archived_at);
    expect(types(await collect(beta.sessions.events.list(id))).slice(-2)).toEqual([
      'session.thread_status_terminated',
      'session.status_terminated',
    ]);
    const send = await refusal(beta.sessions.events.send(id, { events: [userMessage('y')] }));
    expect(send).toBeInstanceOf(Anthropic.BadRequestError);
    expect(await refusal(beta.sessions.update(id, { title: 'x' }))).toBeInstanceOf(Anthropic.BadRequestError);
  });

  test('a deleted session says so on its streams, ends them, and is gone', async () => {
    const { id } = await create();
    const stream = await beta.sessions.events.stream(id);
    expect(await beta.sessions.delete(id)).toEqual(expect.objectContaining({ id, type: 'session_deleted' }));
    expect(types(await collect(stream))).toEqual(['session.deleted']);
    for (const attempt of [
      () => beta.sessions.retrieve(id),
      () => beta.sessions.events.list(id),
      () => beta.sessions.events.stream(id),
      () => beta.sessions.events.send(id, { events: [userMessage('x')] }),
      () => beta.sessions.delete(id),
    ]) {
      expect(await refusal(attempt())).toBeInstanceOf(Anthropic.NotFoundError);
    }
  });
});

describe('listing', () => {
  test('filters by agent, store, status and time; archived ones only on request', async () => {
    const { agent } = await provision(harness.client);
    const store = await makeStore('Filtered');
    const first = await create({ agent });
    const second = await create({ agent, resources: [mount(store)] });
    const third = await create({ agent });
    await beta.sessions.archive(third.id);
    const list = async (query: Parameters<typeof beta.sessions.list>[0]) =>
      (await collect(beta.sessions.list(query))).map(session => session.id);
    expect(await list({ agent_id: agent })).toEqual([second.id, first.id]);
    expect(await list({ agent_id: agent, order: 'asc' })).toEqual([first.id, second.id]);
    expect(await list({ agent_id: agent, include_archived: true })).toEqual([third.id, second.id, first.id]);
    expect(await list({ memory_store_id: store })).toEqual([second.id]);
    expect(await list({ agent_id: agent, agent_version: 2 })).toEqual([]);
    expect(await list({ agent_id: agent, statuses: ['running'] })).toEqual([]);
    expect(
      await list({ agent_id: agent, statuses: ['idle', 'terminated'], include_archived: true }),
    ).toHaveLength(3);
    expect(await list({ agent_id: agent, 'created_at[gt]': '2999-01-01T00:00:00Z' })).toEqual([]);
    expect(await list({ agent_id: agent, 'created_at[gte]': first.created_at })).toHaveLength(2);
    expect(await refusal(beta.sessions.list({ statuses: ['asleep' as 'idle'] }))).toBeInstanceOf(
      Anthropic.BadRequestError,
    );
  });

  test('pages go forward and back, and a cursor keeps its order', async () => {
    const { agent } = await provision(harness.client);
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push((await create({ agent })).id);
    const of = (page: { data: { id: string }[] }) => page.data.map(session => session.id);
    const query = { agent_id: agent, limit: 2, order: 'asc' as const };
    const one = await beta.sessions.list(query);
    const two = await beta.sessions.list({ ...query, page: one.next_page ?? '' });
    const three = await beta.sessions.list({ ...query, page: two.next_page ?? '' });
    expect([of(one), of(two), of(three)]).toEqual([made.slice(0, 2), made.slice(2, 4), made.slice(4)]);
    expect([one.prev_page, three.next_page]).toEqual([null, null]);
    const back = await beta.sessions.list({ ...query, page: three.prev_page ?? '' });
    expect(of(back)).toEqual(made.slice(2, 4));
    const first = await beta.sessions.list({ ...query, page: back.prev_page ?? '' });
    expect(of(first)).toEqual(made.slice(0, 2));
    expect(first.prev_page).toBeNull();
    const turned = await refusal(beta.sessions.list({ ...query, order: 'desc', page: one.next_page ?? '' }));
    expect(turned).toBeInstanceOf(Anthropic.BadRequestError);
    expect(turned.apiMessage).toContain('another order');
  });
});

test('the primary thread stands for the session', async () => {
  const { id } = await create();
  const threads = await collect(beta.sessions.threads.list(id));
  expect(threads).toMatchObject([
    {
      type: 'session_thread',
      session_id: id,
      parent_thread_id: null,
      status: 'idle',
      stats: null,
      usage: null,
    },
  ]);
  const thread = threads[0]?.id ?? '';
  await watch(harness.client, id, () => beta.sessions.events.send(id, { events: [userMessage('x')] }));
  const events = await collect(beta.sessions.threads.events.list(thread, { session_id: id }));
  expect(events).toEqual(await collect(beta.sessions.events.list(id)));
  expect(events.find(event => event.type === 'session.thread_status_idle')).toMatchObject({
    session_thread_id: thread,
    agent_name: 'tester',
  });
  expect((await beta.sessions.threads.retrieve(thread, { session_id: id })).stats).not.toBeNull();
  const other = refusal(beta.sessions.threads.retrieve('sthr_none', { session_id: id }));
  expect((await other).status).toBe(404);
});
