import type Anthropic from '@anthropic-ai/sdk';
import { toFile } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, newSession, provision, refusal, startHarness, userMessage } from './harness.ts';

/**
 * One call of the official client per route. Each test fails unless the server itself logged a request to its
 * route with the expected status, and the last test fails when a registered route has no entry here.
 */
interface World {
  client: Anthropic;
  beta: Anthropic['beta'];
  session(): Promise<string>;
  store(): Promise<string>;
  memory(): Promise<{ store: string; id: string; version: string }>;
  file(): Promise<string>;
}

const ROUTES: Record<string, (world: World) => Promise<unknown>> = {
  'POST /v1/agents': ({ client }) => provision(client),
  'GET /v1/agents': ({ beta }) => beta.agents.list(),
  'GET /v1/agents/:id': async ({ client, beta }) => beta.agents.retrieve((await provision(client)).agent),
  'POST /v1/agents/:id': async ({ client, beta }) =>
    beta.agents.update((await provision(client)).agent, { description: 'x' }),
  'GET /v1/agents/:id/versions': async ({ client, beta }) =>
    beta.agents.versions.list((await provision(client)).agent),
  'POST /v1/agents/:id/archive': async ({ client, beta }) =>
    beta.agents.archive((await provision(client)).agent),

  'POST /v1/environments': ({ beta }) => beta.environments.create({ name: 'made by its test' }),
  'GET /v1/environments': ({ beta }) => beta.environments.list(),
  'GET /v1/environments/:id': async ({ client, beta }) =>
    beta.environments.retrieve((await provision(client)).environment_id),
  'POST /v1/environments/:id': async ({ client, beta }) =>
    beta.environments.update((await provision(client)).environment_id, { description: 'x' }),
  'DELETE /v1/environments/:id': async ({ client, beta }) =>
    beta.environments.delete((await provision(client)).environment_id),
  'POST /v1/environments/:id/archive': async ({ client, beta }) =>
    beta.environments.archive((await provision(client)).environment_id),

  'POST /v1/sessions': ({ session }) => session(),
  'GET /v1/sessions': ({ beta }) => beta.sessions.list(),
  'GET /v1/sessions/:id': async ({ beta, session }) => beta.sessions.retrieve(await session()),
  'POST /v1/sessions/:id': async ({ beta, session }) => beta.sessions.update(await session(), { title: 'x' }),
  'DELETE /v1/sessions/:id': async ({ beta, session }) => beta.sessions.delete(await session()),
  'POST /v1/sessions/:id/archive': async ({ beta, session }) => beta.sessions.archive(await session()),

  'POST /v1/sessions/:id/events': async ({ beta, session }) =>
    beta.sessions.events.send(await session(), { events: [userMessage('hello')] }),
  'GET /v1/sessions/:id/events': async ({ beta, session }) => beta.sessions.events.list(await session()),
  'GET /v1/sessions/:id/events/stream': async ({ beta, session }) => {
    (await beta.sessions.events.stream(await session())).controller.abort();
  },

  'GET /v1/sessions/:id/resources': async ({ beta, session }) =>
    beta.sessions.resources.list(await session()),
  'POST /v1/sessions/:id/resources': async ({ beta, session, file }) =>
    beta.sessions.resources.add(await session(), { type: 'file', file_id: await file() }),
  'GET /v1/sessions/:id/resources/:resource': async world => {
    const { id, session_id } = await mountedFile(world);
    return world.beta.sessions.resources.retrieve(id, { session_id });
  },
  'POST /v1/sessions/:id/resources/:resource': async world => {
    const { id, session_id } = await mountedFile(world);
    const error = await refusal(
      world.beta.sessions.resources.update(id, { session_id, authorization_token: 'x' }),
    );
    expect(error.message).toContain('repository');
  },
  'DELETE /v1/sessions/:id/resources/:resource': async world => {
    const { id, session_id } = await mountedFile(world);
    return world.beta.sessions.resources.delete(id, { session_id });
  },

  'GET /v1/sessions/:id/threads': async ({ beta, session }) => beta.sessions.threads.list(await session()),
  'GET /v1/sessions/:id/threads/:thread': async world => {
    const { id, session_id } = await primaryThread(world);
    return world.beta.sessions.threads.retrieve(id, { session_id });
  },
  'POST /v1/sessions/:id/threads/:thread/archive': async world => {
    const { id, session_id } = await primaryThread(world);
    const error = await refusal(world.beta.sessions.threads.archive(id, { session_id }));
    expect(error.message).toContain('archive the session instead');
  },
  'GET /v1/sessions/:id/threads/:thread/events': async world => {
    const { id, session_id } = await primaryThread(world);
    return world.beta.sessions.threads.events.list(id, { session_id });
  },
  'GET /v1/sessions/:id/threads/:thread/stream': async world => {
    const { id, session_id } = await primaryThread(world);
    (await world.beta.sessions.threads.events.stream(id, { session_id })).controller.abort();
  },

  'POST /v1/memory_stores': ({ store }) => store(),
  'GET /v1/memory_stores': ({ beta }) => beta.memoryStores.list(),
  'GET /v1/memory_stores/:id': async ({ beta, store }) => beta.memoryStores.retrieve(await store()),
  'POST /v1/memory_stores/:id': async ({ beta, store }) =>
    beta.memoryStores.update(await store(), { description: 'x' }),
  'DELETE /v1/memory_stores/:id': async ({ beta, store }) => beta.memoryStores.delete(await store()),
  'POST /v1/memory_stores/:id/archive': async ({ beta, store }) => beta.memoryStores.archive(await store()),

  'POST /v1/memory_stores/:store/memories': ({ memory }) => memory(),
  'GET /v1/memory_stores/:store/memories': async ({ beta, store }) =>
    beta.memoryStores.memories.list(await store()),
  'GET /v1/memory_stores/:store/memories/:id': async ({ beta, memory }) => {
    const { store, id } = await memory();
    return beta.memoryStores.memories.retrieve(id, { memory_store_id: store });
  },
  'POST /v1/memory_stores/:store/memories/:id': async ({ beta, memory }) => {
    const { store, id } = await memory();
    return beta.memoryStores.memories.update(id, { memory_store_id: store, content: 'new' });
  },
  'DELETE /v1/memory_stores/:store/memories/:id': async ({ beta, memory }) => {
    const { store, id } = await memory();
    return beta.memoryStores.memories.delete(id, { memory_store_id: store });
  },

  'GET /v1/memory_stores/:store/memory_versions': async ({ beta, store }) =>
    beta.memoryStores.memoryVersions.list(await store()),
  'GET /v1/memory_stores/:store/memory_versions/:id': async ({ beta, memory }) => {
    const { store, version } = await memory();
    return beta.memoryStores.memoryVersions.retrieve(version, { memory_store_id: store });
  },
  'POST /v1/memory_stores/:store/memory_versions/:id/redact': async ({ beta, memory }) => {
    const { store, id, version } = await memory();
    await beta.memoryStores.memories.delete(id, { memory_store_id: store });
    return beta.memoryStores.memoryVersions.redact(version, { memory_store_id: store });
  },

  'POST /v1/files': ({ file }) => file(),
  'GET /v1/files': ({ beta }) => beta.files.list(),
  'GET /v1/files/:id': async ({ beta, file }) => beta.files.retrieveMetadata(await file()),
  'GET /v1/files/:id/content': async ({ beta, file }) => beta.files.download(await file()),
  'DELETE /v1/files/:id': async ({ beta, file }) => beta.files.delete(await file()),
};

/** Routes that exist to refuse: this runtime has no repositories and no second thread. */
const REFUSED = new Set([
  'POST /v1/sessions/:id/resources/:resource',
  'POST /v1/sessions/:id/threads/:thread/archive',
]);

let harness: Harness;
let world: World;

beforeAll(async () => {
  harness = await startHarness();
  const { client } = harness;
  const { beta } = client;
  world = {
    client,
    beta,
    session: () => newSession(client),
    store: async () => (await beta.memoryStores.create({ name: 'A store' })).id,
    async memory() {
      const store = await world.store();
      const made = await beta.memoryStores.memories.create(store, { path: '/a.md', content: 'a' });
      return { store, id: made.id, version: made.memory_version_id };
    },
    file: async () => (await beta.files.upload({ file: await toFile(Buffer.from('hello'), 'hello.txt') })).id,
  };
});
afterAll(() => harness.close());

test.each(Object.keys(ROUTES))('the official client reaches %s', async route => {
  const before = harness.requests.length;
  await ROUTES[route]?.(world);
  const [method, pattern = ''] = route.split(' ');
  const path = new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+')}$`);
  const hits = harness.requests.slice(before).filter(line => line.method === method && path.test(line.path));
  expect(hits.map(line => line.status)).toContain(REFUSED.has(route) ? 400 : 200);
});

test('every route of the server has a test above, and every test a route', () => {
  const registered = harness.runtime.routes.map(route => `${route.method} ${route.path}`);
  expect(registered.length).toBeGreaterThan(0);
  expect(Object.keys(ROUTES).toSorted()).toEqual(registered.toSorted());
});

async function mountedFile(world: World): Promise<{ id: string; session_id: string }> {
  const session_id = await world.session();
  const file_id = await world.file();
  const { id } = await world.beta.sessions.resources.add(session_id, { type: 'file', file_id });
  return { id, session_id };
}

async function primaryThread(world: World): Promise<{ id: string; session_id: string }> {
  const session_id = await world.session();
  const [thread] = (await world.beta.sessions.threads.list(session_id)).data;
  return { id: thread?.id ?? '', session_id };
}
