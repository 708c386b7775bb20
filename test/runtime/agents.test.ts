import Anthropic from '@anthropic-ai/sdk';
import type { AgentCreateParams } from '@anthropic-ai/sdk/resources/beta/agents/agents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, type Harness, refusal, startHarness } from './harness.ts';

let harness: Harness;
let beta: Anthropic['beta'];
beforeAll(async () => {
  harness = await startHarness();
  beta = harness.client.beta;
});
afterAll(() => harness.close());

function create(params: Partial<AgentCreateParams> = {}) {
  return beta.agents.create({ name: 'shopper', model: 'claude-sonnet-5-5', ...params });
}

describe('versions', () => {
  test('a change makes the next version, no change makes none, and all stay readable', async () => {
    const first = await create({ system: 'one', metadata: { a: '1', b: '2' } });
    expect(first).toMatchObject({
      type: 'agent',
      version: 1,
      model: { id: 'claude-sonnet-5-5', effort: { type: 'high' }, speed: 'standard' },
      execution_identity: { type: 'service_account' },
      archived_at: null,
    });
    const same = await beta.agents.update(first.id, { system: 'one', metadata: { a: '1' } });
    expect(same.version).toBe(1);
    const second = await beta.agents.update(first.id, { system: 'two', metadata: { a: null, c: '3' } });
    expect(second).toMatchObject({ version: 2, system: 'two', metadata: { b: '2', c: '3' } });
    expect(await beta.agents.retrieve(first.id)).toMatchObject({ version: 2 });
    expect(await beta.agents.retrieve(first.id, { version: 1 })).toMatchObject({ system: 'one' });
    const versions = await collect(beta.agents.versions.list(first.id, { limit: 1 }));
    expect(versions.map(agent => agent.version)).toEqual([2, 1]);
  });

  test('resolved tools sent back are no change', async () => {
    const agent = await create({ tools: [{ type: 'agent_toolset_20260401' }] });
    const again = await beta.agents.update(agent.id, { tools: agent.tools });
    expect(again.version).toBe(1);
  });

  test('a stale version is a conflict', async () => {
    const agent = await create();
    await beta.agents.update(agent.id, { version: 1, system: 'two' });
    const error = await refusal(beta.agents.update(agent.id, { version: 1, system: 'three' }));
    expect(error).toBeInstanceOf(Anthropic.ConflictError);
    expect(error.type).toBe('conflict_error');
    expect(await beta.agents.retrieve(agent.id)).toMatchObject({ version: 2, system: 'two' });
  });

  test('of many updates from one version at once, one wins', async () => {
    const agent = await create();
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => beta.agents.update(agent.id, { version: 1, system: `s${i}` })),
    );
    expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(1);
    expect(await beta.agents.retrieve(agent.id)).toMatchObject({ version: 2 });
  });

  test('a version that never was is a 404', async () => {
    const agent = await create();
    expect(await refusal(beta.agents.retrieve(agent.id, { version: 9 }))).toBeInstanceOf(
      Anthropic.NotFoundError,
    );
  });
});

test('an archived agent leaves the list, takes no change and starts no session', async () => {
  const agent = await create();
  const environment = await beta.environments.create({ name: `for ${agent.id}` });
  const archived = await beta.agents.archive(agent.id);
  expect(archived.archived_at).not.toBeNull();
  expect(await beta.agents.archive(agent.id)).toEqual(archived);
  const listed = await collect(beta.agents.list());
  expect(listed.map(item => item.id)).not.toContain(agent.id);
  const all = await collect(beta.agents.list({ include_archived: true }));
  expect(all.map(item => item.id)).toContain(agent.id);
  await expect(beta.agents.update(agent.id, { system: 'x' })).rejects.toThrow(Anthropic.BadRequestError);
  const session = beta.sessions.create({ agent: agent.id, environment_id: environment.id });
  await expect(session).rejects.toThrow(Anthropic.BadRequestError);
});

describe('tools', () => {
  test('policies and switches come back resolved', async () => {
    const { tools } = await create({
      tools: [
        {
          type: 'agent_toolset_20260401',
          default_config: { permission_policy: { type: 'always_ask' } },
          configs: [
            { name: 'read', permission_policy: { type: 'always_allow' } },
            { name: 'bash', enabled: false },
          ],
        },
      ],
    });
    expect(tools[0]).toMatchObject({
      default_config: { enabled: true, permission_policy: { type: 'always_ask' } },
      configs: [
        { name: 'read', type: 'read', enabled: true, permission_policy: { type: 'always_allow' } },
        { name: 'bash', enabled: false, permission_policy: { type: 'always_ask' } },
        { name: 'web_search', enabled: false },
        { name: 'web_fetch', enabled: false },
      ],
    });
  });

  test('web tools that were only on by default come back as off', async () => {
    const { tools } = await create({ tools: [{ type: 'agent_toolset_20260401' }] });
    expect(tools[0]).toMatchObject({
      configs: [
        { name: 'web_search', enabled: false },
        { name: 'web_fetch', enabled: false },
      ],
    });
  });

  test.each([
    [
      'a web tool by name',
      { tools: [{ type: 'agent_toolset_20260401', configs: [{ name: 'web_search', enabled: true }] }] },
      'web_search',
    ],
    [
      'a web tool by its domains',
      {
        tools: [
          {
            type: 'agent_toolset_20260401',
            configs: [{ name: 'web_fetch', allowed_domains: ['a.example'] }],
          },
        ],
      },
      'web_fetch',
    ],
    ['MCP servers', { mcp_servers: [{ type: 'url', name: 'm', url: 'https://m.example' }] }, 'MCP'],
    ['an MCP toolset', { tools: [{ type: 'mcp_toolset', mcp_server_name: 'm' }] }, 'MCP'],
    ['skills', { skills: [{ type: 'anthropic', skill_id: 'xlsx' }] }, 'skills'],
    [
      'other agents',
      { multiagent: { type: 'coordinator', agents: [{ type: 'self' }] } },
      'one agent per session',
    ],
    ['an AWS role', { execution_identity: { type: 'aws_role', role_arn: 'arn:aws:iam::1:role/x' } }, 'AWS'],
    ['two custom tools of one name', { tools: [custom('a'), custom('a')] }, 'two custom tools'],
    ['a custom tool named like a built-in one', { tools: [custom('bash')] }, 'built-in'],
  ] as [string, Partial<AgentCreateParams>, string][])(
    '%s: refused with a sentence',
    async (_what, params, said) => {
      const error = await refusal(create(params));
      expect(error).toBeInstanceOf(Anthropic.BadRequestError);
      expect(error.apiMessage).toContain(said);
    },
  );

  test('a web tool that is switched off is fine, and so are custom tools', async () => {
    const { tools } = await create({
      tools: [
        { type: 'agent_toolset_20260401', configs: [{ name: 'web_search', enabled: false }] },
        custom('lookup'),
      ],
    });
    expect(tools[1]).toEqual(custom('lookup'));
  });
});

test.each([
  ['name', { name: 'x'.repeat(257) }],
  ['description', { description: 'x'.repeat(2049) }],
  ['system', { system: 'x'.repeat(100_001) }],
  ['metadata', { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])) }],
  ['metadata', { metadata: { k: 'x'.repeat(513) } }],
  ['metadata', { metadata: { ['k'.repeat(65)]: 'v' } }],
])('%s beyond its limit is refused', async (field, params) => {
  const error = await refusal(create(params));
  expect(error).toBeInstanceOf(Anthropic.BadRequestError);
  expect(error.apiMessage).toContain(field);
});

test('lists page newest first, and a cursor of another list is refused', async () => {
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await create({ name: `page ${i}` })).id);
  const listed = await collect(beta.agents.list({ limit: 2 }));
  expect(listed.slice(0, 5).map(agent => agent.id)).toEqual(made.toReversed());
  const page = await beta.agents.list({ limit: 2 });
  const error = await refusal(beta.environments.list({ page: page.next_page ?? '' }));
  expect(error).toBeInstanceOf(Anthropic.BadRequestError);
});

test('environments: names are unique, configs resolve, archiving is final', async () => {
  const made = await beta.environments.create({
    name: 'home',
    config: { type: 'cloud', networking: { type: 'limited' } },
  });
  expect(made.config).toMatchObject({
    type: 'cloud',
    networking: { type: 'limited', allowed_hosts: [], allow_mcp_servers: false },
  });
  expect((await refusal(beta.environments.create({ name: 'home' }))).status).toBe(409);
  const changed = await beta.environments.update(made.id, { metadata: { a: '1' } });
  expect(changed.metadata).toEqual({ a: '1' });
  expect((await beta.environments.update(made.id, { metadata: { a: '' } })).metadata).toEqual({});
  const type = await refusal(beta.environments.update(made.id, { config: { type: 'self_hosted' } }));
  expect(type.errorCode).toBe('invalid_config_type_change');
  await beta.environments.archive(made.id);
  const error = await refusal(beta.environments.update(made.id, { name: 'other' }));
  expect(error.errorCode).toBe('environment_archived');
  await beta.environments.create({ name: 'home' });
  expect(await beta.environments.delete(made.id)).toMatchObject({ id: made.id, type: 'environment_deleted' });
  expect((await refusal(beta.environments.retrieve(made.id))).status).toBe(404);
});

function custom(name: string) {
  return {
    type: 'custom' as const,
    name,
    description: 'Looks something up.',
    input_schema: { type: 'object' as const, properties: { q: { type: 'string' } }, required: ['q'] },
  };
}
