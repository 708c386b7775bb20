import { afterEach, describe, expect, it } from 'vitest';
import { LOOK_AGAIN_MS } from '../../src/core/memory/memory-discovery.ts';
import { type Bench, collect, createBench } from '../helpers/bench.ts';

let bench: Bench;
afterEach(() => bench.stop());

const person = (id: string) => ({
  name: `Memory of test W1 ${id}`,
  metadata: { shopper_app: 'shopper', platform: 'test', workspace: 'W1', person: id, person_name: id },
});

async function seed(id: string, content: string): Promise<string> {
  const store = await bench.client.beta.memoryStores.create(person(id));
  await bench.client.beta.memoryStores.memories.create(store.id, { path: '/sizes.md', content });
  return store.id;
}

const storesOf = async (id: string) =>
  (await collect(bench.client.beta.memoryStores.list())).filter(store => store.metadata.person === id);

describe('a store made by somebody else', () => {
  it('while the bot runs is the one the person gets, in their first message and in /preferences', async () => {
    let now = Date.now();
    bench = await createBench({ now: () => now });
    await bench.adapter.say('I wear size 7 shoes', { user: 'ann' });
    await seed('ben', '- shoe size: 9');
    await seed('eve', '- shoe size: 6');
    now += LOOK_AGAIN_MS;

    const reply = await bench.adapter.say('What is my shoe size?', { user: 'ben' });
    expect(reply.final?.text).toMatch(/9/);
    expect(await storesOf('ben')).toHaveLength(1);

    await seed('zoe', '- shoe size: 8');
    now += 60_000;
    const { person: zoe } = bench.adapter.conversation({ user: 'zoe' });
    const view = await bench.adapter.bot().command({ person: zoe, action: { type: 'view' } });
    expect(JSON.stringify(view)).toContain('shoe size: 8');
  });

  it('that belongs to another bot is left alone', async () => {
    bench = await createBench();
    const { metadata, ...rest } = person('ben');
    await bench.client.beta.memoryStores.create({
      ...rest,
      metadata: { ...metadata, shopper_app: 'another' },
    });
    await bench.adapter.say('I wear size 9 shoes', { user: 'ben' });
    expect(await storesOf('ben')).toHaveLength(2);
  });
});

describe('a store whose creation was answered by nobody', () => {
  it.each(['drop_after', 'status_after'] as const)('(%s) is used by the next attempt', async how => {
    bench = await createBench();
    bench.proxy.requests.length = 0;
    const fault = how === 'drop_after' ? { type: how } : { type: 'status_after' as const, status: 500 };
    bench.proxy.plan(({ method, path, index }) =>
      method === 'POST' && path === '/v1/memory_stores' && index === 0 ? fault : undefined,
    );
    const reply = await bench.adapter.say('I wear size 9 shoes');
    expect(reply.final?.state).toBe('done');
    expect(await storesOf('ann')).toHaveLength(1);
    expect(bench.proxy.requests).toContain('GET /v1/memory_stores');
  });

  it('is not looked for when the service has said that it made none', async () => {
    bench = await createBench();
    bench.proxy.requests.length = 0;
    bench.proxy.plan(({ method, path, index }) =>
      method === 'POST' && path === '/v1/memory_stores' && index === 0
        ? { type: 'status', status: 429, headers: { 'retry-after': '0' } }
        : undefined,
    );
    const reply = await bench.adapter.say('I wear size 9 shoes');
    expect(reply.final?.state).toBe('done');
    expect(bench.proxy.requests.filter(request => request.endsWith('/v1/memory_stores'))).toEqual([
      'POST /v1/memory_stores',
      'POST /v1/memory_stores',
    ]);
  });
});
