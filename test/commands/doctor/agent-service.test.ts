import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAgentFile } from '../../../src/core/agent-file.ts';
import { provision } from '../../../src/core/session/provision.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import { createCustomTools } from '../../../src/core/turn/custom-tools.ts';
import { createLog } from '../../../src/log.ts';
import { AGENT } from '../../helpers/bench.ts';
import { startProgram } from '../../helpers/cli.ts';
import { openShop, type Shop } from '../../helpers/commands.ts';
import { diagnose } from './running.ts';

let shop: Shop;
beforeEach(async () => {
  shop = await openShop();
});
afterEach(() => shop.stop());

const look = (more: Record<string, string> = {}) => diagnose({ ...shop.env, ...more });

/** As a starting bot does. */
async function makeAgent(source = AGENT): Promise<void> {
  const state = await openSqliteState(shop.env.SHOPPER_DATA_DIR ?? '');
  const file = parseAgentFile(source, 'agent.yml');
  const { client } = shop;
  await provision({ client, state, file, tools: createCustomTools([]), log: createLog('silent') });
  await state.close();
}

describe('the agent of agent.yml', () => {
  it('is still to be made, which is fine; looking does not make it', async () => {
    const it = await look();
    expect(it).toMatchObject({ code: 0, found: [] });
    expect(it.checks.map(({ text }) => text)).toContain(
      'No agent named shopper yet: the first start creates it',
    );
    expect((await shop.client.beta.agents.list()).data).toEqual([]);
    expect(shop.proxy.requests.every(request => request.startsWith('GET '))).toBe(true);
  });

  it('is found once a bot has made it', async () => {
    await makeAgent();
    const it = await look();
    expect(it.found).toEqual([]);
    expect(it.checks.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^As in agent.yml: agent agent_\w+, version 1, environment env_\w+$/),
    );
  });

  it.each(['agent', 'environment'] as const)(
    'alone or without one (no %s) asks for a restart',
    async gone => {
      await makeAgent();
      const { agents, environments } = shop.client.beta;
      for await (const { id } of gone === 'agent' ? agents.list() : environments.list()) {
        await (gone === 'agent' ? agents.archive(id) : environments.archive(id));
      }
      const it = await look();
      expect(it).toMatchObject({ code: 0, found: ['agent.half_gone'] });
      expect(it.of('agent.half_gone').text).toContain(`its ${gone} does not`);
      expect(it.of('agent.half_gone').mend).toMatch(/restart/);
      expect(it.checks.map(({ text }) => text).join('\n')).not.toContain('As in agent.yml');
      await makeAgent();
      expect((await look()).found).toEqual([]);
    },
  );

  it('made from an older agent.yml asks for a restart', async () => {
    await makeAgent(AGENT.replace('You are a shopper.', 'You are a florist.'));
    const it = await look();
    expect(it).toMatchObject({ code: 0, found: ['agent.outdated'] });
    expect(it.of('agent.outdated').text).toMatch(/agent \(version 1\)/);
    expect(it.of('agent.outdated').mend).toMatch(/restart/);
  });

  it('with other networking has an environment to be updated as well', async () => {
    await makeAgent(`${AGENT}environment: {networking: unrestricted}\n`);
    expect((await look()).of('agent.outdated').text).toMatch(/and environment/);
  });

  it('with another of the same name is a warning', async () => {
    await makeAgent();
    const metadata = { shopper_app: 'shopper' };
    const other = await shop.client.beta.agents.create({ name: 'x', model: 'm', metadata });
    expect((await look()).of('agent.several').text).toContain(other.id);
    await shop.client.beta.agents.archive(other.id);
    expect((await look()).found).toEqual([]);
  });
});

describe('the shared store', () => {
  it('has to be there', async () => {
    const store = await shop.client.beta.memoryStores.create({ name: 'Brand facts' });
    const env = {
      AGENT_FILE: await shop.file('shared.yml', `${AGENT}memory: {shared_store: ${store.id}}\n`),
    };
    expect((await look(env)).checks.map(({ text }) => text)).toContain(
      'The shared store exists: Brand facts',
    );
    await shop.client.beta.memoryStores.archive(store.id);
    expect(await look(env)).toMatchObject({ code: 1, found: ['agent.shared_store_gone'] });
    await shop.client.beta.memoryStores.delete(store.id);
    const gone = await look(env);
    expect(gone).toMatchObject({ code: 1, found: ['agent.shared_store_gone'] });
    expect(gone.of('agent.shared_store_gone').mend).toMatch(/memory\.shared_store/);
  });
});

describe('a service that refuses', () => {
  it.each([
    [401, 'agent.key_refused', /Set ANTHROPIC_API_KEY to a valid key/],
    [402, 'agent.billing', /Billing/],
    [403, 'agent.permission_refused', /permissions of the key/],
    [404, 'agent.not_available', /in beta: ask for access/],
    [529, 'agent.failing', /waits out such outages/],
  ])('with %i is %s', async (status, code, mend) => {
    shop.proxy.plan(() => ({ type: 'status', status }));
    const it = await look({ ANTHROPIC_API_KEY: 'sk-ant-secret-key' });
    expect(it).toMatchObject({ code: 1, found: [code] });
    expect(it.of(code).mend).toMatch(mend);
    expect(it.of(code).text).toContain('request req_fault');
    expect(it.printed).not.toContain('sk-ant-secret-key');
  });

  it('memory stores alone are not available', async () => {
    shop.proxy.plan(({ path }) =>
      path === '/v1/memory_stores' ? { type: 'status', status: 404 } : undefined,
    );
    expect((await look()).found).toEqual(['agent.not_available']);
  });

  it('or is another kind of server', async () => {
    const page = createServer((_, response) => response.end('<html>hello</html>'));
    const it = await look({ ANTHROPIC_BASE_URL: await addressOf(page) });
    expect(it).toMatchObject({ code: 1, found: ['agent.not_understood'] });
    await closed(page);
  });
});

describe('the local runtime', () => {
  const local = (more: Record<string, string> = {}) =>
    diagnose({ SHOPPER_DATA_DIR: `${shop.dir}/local`, AGENT_FILE: shop.env.AGENT_FILE ?? '', ...more });

  it('is not started by looking', async () => {
    const it = await local();
    expect(it).toMatchObject({ code: 0, found: [] });
    expect(it.checks.map(({ text }) => text)).toContain('The local runtime is used; it starts with the bot');
    expect(it.checks.map(({ text }) => text)).toContain(
      'State will be kept in SQLite there; no bot has run yet',
    );
  });

  it('of a running bot is asked, and the bot goes on', async () => {
    const env = { SHOPPER_DATA_DIR: `${shop.dir}/local`, AGENT_FILE: shop.env.AGENT_FILE ?? '' };
    const bot = startProgram('src/cli.ts', ['start', '--user', 'ann'], env);
    bot.child.stdin?.write('I wear size 9 shoes\n');
    await bot.says(/\+ shoe size: 9/);
    const it = await local();
    expect(it).toMatchObject({ code: 0, found: [] });
    const said = it.checks.map(({ text }) => text);
    expect(said).toContainEqual(expect.stringMatching(/^As in agent.yml: agent agent_/));
    expect(said).toContain('State is in SQLite there; a bot is running on it');
    bot.child.stdin?.end('and hate wool\n');
    await bot.says(/\+ avoids: wool/);
    expect((await bot.finished).code).toBe(0);
    expect((await local()).checks.map(({ text }) => text)).toContain(
      'State is in SQLite there; no bot is running on it',
    );
  });

  it('needs its model endpoint, the key and the model', async () => {
    const answers = { status: 200, models: ['qwen3:latest', 'llama3:8b'] };
    const keys: unknown[] = [];
    const endpoint = createServer((request, response) => {
      keys.push(request.headers['x-api-key']);
      response.writeHead(request.url?.startsWith('/v1/models') ? answers.status : 404);
      response.end(JSON.stringify({ data: answers.models.map(id => ({ id })) }));
    });
    const MODEL_BASE_URL = await addressOf(endpoint);
    const env = { MODEL_BASE_URL, MODEL: 'qwen3', MODEL_API_KEY: 'secret-model-key' };
    expect((await local(env)).found).toEqual([]);
    expect((await local({ ...env, MODEL_BASE_URL: `${MODEL_BASE_URL}/v1/` })).found).toEqual([]);
    expect(keys).toEqual(['secret-model-key', 'secret-model-key']);
    const unlisted = await local({ ...env, MODEL: 'mistral' });
    expect(unlisted).toMatchObject({ code: 1, found: ['model.not_listed'] });
    expect(unlisted.of('model.not_listed').mend).toContain('qwen3:latest, llama3:8b');
    answers.status = 404;
    expect((await local(env)).found).toEqual([]);
    answers.status = 401;
    const refused = await local(env);
    expect(refused).toMatchObject({ code: 1, found: ['model.key_refused'] });
    expect(refused.printed).not.toContain('secret-model-key');
    answers.status = 500;
    expect((await local(env)).found).toEqual(['model.failing']);
    await closed(endpoint);
    const gone = await local(env);
    expect(gone).toMatchObject({ code: 1, found: ['model.unreachable'] });
    expect(gone.of('model.unreachable').text).toMatch(/nothing listens there/);
  });
});

function addressOf(server: Server): Promise<string> {
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise(resolve => server.close(() => resolve()));
}
