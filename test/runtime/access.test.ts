import { request } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientOf, type Harness, refusal, startHarness } from './harness.ts';

let harness: Harness;
let client: Anthropic;
beforeAll(async () => {
  harness = await startHarness();
  client = harness.client;
});
afterAll(() => harness.close());

test('an unknown id is a NotFoundError with a sentence and the request id of the header', async () => {
  const error = await refusal(client.beta.sessions.retrieve('sesn_nope'));
  expect(error).toBeInstanceOf(Anthropic.NotFoundError);
  expect(error.type).toBe('not_found_error');
  expect(error.apiMessage).toBe('There is no session sesn_nope.');
  expect(error.requestID).toMatch(/^req_/);
  expect(error.error).toMatchObject({ type: 'error', request_id: error.requestID });
  expect(harness.requests.at(-1)).toMatchObject({
    method: 'GET',
    path: '/v1/sessions/sesn_nope',
    status: 404,
    requestID: error.requestID,
  });
});

test('answers carry the request id where the client looks for it', async () => {
  const store = await client.beta.memoryStores.create({ name: 'x' });
  expect(store._request_id).toBe(harness.requests.at(-1)?.requestID);
});

test('what the runtime does not offer is a 404 that says what it does', async () => {
  const error = await refusal(client.beta.dreams.list());
  expect(error).toBeInstanceOf(Anthropic.NotFoundError);
  expect(error.apiMessage).toContain('it offers agents, environments, sessions, memory stores and files');
});

test('a body that breaks the rules is a BadRequestError naming every field', async () => {
  const error = await refusal(
    client.post('/v1/agents', {
      body: { name: '', modle: 'x' },
      headers: { 'anthropic-beta': 'managed-agents-2026-04-01' },
    }),
  );
  expect(error).toBeInstanceOf(Anthropic.BadRequestError);
  expect(error.apiMessage).toMatch(/name: must not be empty/);
  expect(error.apiMessage).toMatch(/model: /);
  expect(error.apiMessage).toMatch(/unknown field "modle"/);
});

test('a body that is not JSON is a BadRequestError', async () => {
  const response = await fetch(`${harness.runtime.url}/v1/memory_stores`, {
    method: 'POST',
    headers: { 'x-api-key': 'k', 'anthropic-beta': 'agent-memory-2026-07-22' },
    body: '{"name":',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { message: 'The request body is not valid JSON.' } });
});

test('a body over 32 MB is refused with 413, and the client gets to see it', async () => {
  const error = await refusal(client.beta.memoryStores.create({ name: 'x'.repeat(33 * 1024 * 1024) }));
  expect(error.status).toBe(413);
  expect(error.type).toBe('request_too_large');
});

test('a conflict tells the client not to retry by itself', async () => {
  const retrying = new Anthropic({ baseURL: harness.runtime.url, apiKey: 'k', maxRetries: 2 });
  await client.beta.environments.create({ name: 'twice' });
  const before = harness.requests.length;
  const error = await refusal(retrying.beta.environments.create({ name: 'twice' }));
  expect(error).toBeInstanceOf(Anthropic.ConflictError);
  expect(error.headers?.get('x-should-retry')).toBe('false');
  expect(harness.requests.length).toBe(before + 1);
});

test('a missing beta header hides the endpoint', async () => {
  for (const path of ['/v1/agents', '/v1/sessions', '/v1/environments', '/v1/memory_stores']) {
    const error = await refusal(client.get(path));
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
    expect(error.apiMessage).toContain('anthropic-beta');
  }
});

test('memory stores take the old beta name alone, but not both names', async () => {
  const old = { headers: { 'anthropic-beta': 'managed-agents-2026-04-01' } };
  await client.get('/v1/memory_stores', old);
  // Passing `betas` to a memory method adds to the header that the SDK sets.
  const error = await refusal(client.beta.memoryStores.list({ betas: ['managed-agents-2026-04-01'] }));
  expect(error).toBeInstanceOf(Anthropic.BadRequestError);
});

test('any key is accepted, in either header; none is a 401', async () => {
  await clientOf(harness.runtime.url, 'anything').beta.agents.list();
  const other = new Anthropic({
    baseURL: harness.runtime.url,
    apiKey: 'k',
    maxRetries: 0,
    defaultHeaders: { 'x-api-key': 'k', Authorization: null },
  });
  await other.beta.agents.list();
  const response = await fetch(`${harness.runtime.url}/v1/agents`);
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: { type: 'authentication_error' } });
});

test('with a key of its own, every other key is an AuthenticationError', async () => {
  const guarded = await startHarness({ apiKey: 'secret' });
  try {
    await clientOf(guarded.runtime.url, 'secret').beta.agents.list();
    const error = await refusal(clientOf(guarded.runtime.url, 'guess').beta.agents.list());
    expect(error).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(error.apiMessage).not.toContain('guess');
  } finally {
    await guarded.close();
  }
});

test('a page of a browser cannot reach it under a name of its own', async () => {
  const url = new URL(`${harness.runtime.url}/v1/agents`);
  const status = await new Promise(resolve => {
    const call = request(url, { headers: { host: 'evil.example', 'x-api-key': 'k' } }, response => {
      response.resume();
      resolve(response.statusCode);
    });
    call.end();
  });
  expect(status).toBe(403);
});
