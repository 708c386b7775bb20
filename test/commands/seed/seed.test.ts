import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockSeeding } from '../../../src/commands/seed/lock.ts';
import { parseAgentFile } from '../../../src/core/agent-file.ts';
import { createBot } from '../../../src/core/bot.ts';
import { LOOK_AGAIN_MS } from '../../../src/core/memory/memory-discovery.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import { createCustomTools } from '../../../src/core/turn/custom-tools.ts';
import { createLog } from '../../../src/log.ts';
import { AGENT, collect } from '../../helpers/bench.ts';
import { openShop, type Shop } from '../../helpers/commands.ts';
import { createRecordingAdapter } from '../../helpers/recording-adapter.ts';

let shop: Shop;
beforeEach(async () => {
  shop = await openShop();
});
afterEach(() => shop.stop());

const rows = (n: number) =>
  Array.from({ length: n }, (_, i) => `slack:T1:U${i},Person ${i},${5 + (i % 9)},wool`);
const listOf = (n: number) => shop.file('list.csv', ['person,name,shoe_size,avoid', ...rows(n)].join('\n'));

async function stores(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { id, metadata } of await collect(shop.client.beta.memoryStores.list())) {
    const person = metadata.person ?? '';
    found.set(person, [...(found.get(person) ?? []), id]);
  }
  return found;
}

async function filesOf(id: string): Promise<Record<string, string>> {
  const items = await collect(shop.client.beta.memoryStores.memories.list(id, { view: 'full' }));
  return Object.fromEntries(items.map(item => [item.path, 'content' in item ? (item.content ?? '') : '']));
}

/** Everybody has exactly one store, and in it what the list says. */
async function expectSeeded(n: number): Promise<void> {
  const found = await stores();
  expect(found.size).toBe(n);
  for (const [person, ids] of found) {
    expect(ids).toHaveLength(1);
    const files = await filesOf(ids[0] ?? '');
    expect(Object.keys(files).sort()).toEqual(['/materials.md', '/sizes.md']);
    const size = 5 + (Number(person.slice(1)) % 9);
    expect(files['/sizes.md']).toMatch(new RegExp(`^# Sizes\\n\\n- shoe size: ${size} \\([0-9-]+\\)\\n$`));
  }
}

const created = (n: number) => ({
  people: n,
  stores: { created: n, existing: 0 },
  files: { created: 2 * n, changed: 0 },
  facts: { added: 2 * n, replaced: 0, kept: 0 },
  unchanged: 0,
  duplicates: { removed: 0, left: [] },
  refused: [],
});

describe('seeding', () => {
  it('gives what is known of a linked account to the memory that it has, the owner’s', async () => {
    const linked_1 = JSON.stringify({ platform: 'slack', workspace: 'T1', id: 'U0', name: 'U0' });
    const owner = await shop.person('slack:T1:U7', { '/style.md': '- minimal' }, { linked_1 });
    const { json } = await shop.run(['memory', 'seed', await listOf(1), '--json']);
    expect(json()).toMatchObject([{ people: 1, stores: { created: 0, existing: 1 } }]);
    expect(await stores()).toEqual(new Map([['U7', [owner]]]));
    expect((await filesOf(owner))['/sizes.md']).toContain('shoe size: 5');
  });

  it('gives everybody one store with tidy files, says so in numbers, and does nothing a second time', async () => {
    const list = await listOf(30);
    const first = await shop.run(['memory', 'seed', list]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toBe(
      'Seeded 30 people from list.csv.\n  stores  30 new, 0 existing\n  files   60 new, 0 changed\n' +
        '  facts   60 added, 0 replaced, 0 left as the person has them\n',
    );
    await expectSeeded(30);
    const second = await shop.run(['memory', 'seed', list, '--json']);
    expect(second.json()).toMatchObject([
      { people: 30, stores: { created: 0, existing: 30 }, files: { created: 0, changed: 0 }, unchanged: 30 },
    ]);
    await expectSeeded(30);
    // Only the lock is left.
    expect(await readdir(join(shop.dir, 'data', 'seeds'))).toEqual(['lock']);
  });

  it('adds to what people have, leaves what differs, and replaces it only when told to', async () => {
    const id = await shop.person('slack:T1:U0', { '/sizes.md': '- shoe size: 11\n' });
    const list = await listOf(2);
    const run = await shop.run(['memory', 'seed', list, '--json']);
    expect(run.json()).toMatchObject([
      {
        stores: { created: 1, existing: 1 },
        files: { created: 3, changed: 0 },
        facts: { added: 3, kept: 1 },
      },
    ]);
    expect((await filesOf(id))['/sizes.md']).toBe('- shoe size: 11\n');
    const over = await shop.run(['memory', 'seed', list, '--json', '--overwrite']);
    expect(over.json()).toMatchObject([{ files: { created: 0, changed: 1 }, facts: { replaced: 1 } }]);
    expect((await filesOf(id))['/sizes.md']).toMatch(/^- shoe size: 5 \(/);
  });

  it('takes the fields that the persona has made, by their labels, and writes them where it says', async () => {
    const form = `form:
    - {label: Week plan, hint: long run on Sunday, note: training}
    - {label: Races, hint: Berlin marathon, note: races, several: true}
    - {label: Budget, hint: a month, note: training}`;
    const env = { AGENT_FILE: await shop.file('coach.yml', `${AGENT}memory:\n  ${form}\n`) };
    const id = await shop.person('slack:T1:U0', { '/races.md': '- races: Berlin\n' });
    const list = await shop.file(
      'runners.csv',
      'person,Week plan,races,budget,notes\nslack:T1:U0,long run on Sunday,"Berlin, Paris",$20,tall\n',
    );
    const run = () => shop.run(['memory', 'seed', list, '--json'], { env });
    expect((await run()).json()).toMatchObject([{ facts: { added: 4, kept: 0 } }]);
    const written = await filesOf(id);
    const date = /\((.+)\)/.exec(written['/notes.md'] ?? '')?.[1];
    expect(written).toEqual({
      '/races.md': `- races: Berlin\n- races: Paris (${date})\n`,
      '/training.md': `# Training\n\n- week plan: long run on Sunday (${date})\n- budget: $20 (${date})\n`,
      '/notes.md': `# Notes\n\n- tall (${date})\n`,
    });
    expect((await run()).json()).toMatchObject([{ facts: { added: 0, kept: 0 }, unchanged: 1 }]);
    const unknown = await shop.run(['memory', 'seed', list]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown column "Week plan"') });
  });

  it('says beforehand exactly what it then does, and changes nothing in saying so', async () => {
    await shop.person('slack:T1:U0', { '/sizes.md': '- shoe size: 11\n' });
    const list = await listOf(3);
    const before = await stores();
    const dry = await shop.run(['memory', 'seed', list, '--dry-run', '--json']);
    expect(await stores()).toEqual(before);
    expect(dry.json().slice(0, 2)).toEqual([
      {
        person: 'slack:T1:U0',
        store: 'existing',
        files: [{ path: '/materials.md', operation: 'create' }],
        added: ['avoids: wool'],
        replaced: [],
        kept: ['shoe size: 5'],
      },
      {
        person: 'slack:T1:U1',
        store: 'create',
        files: [
          { path: '/sizes.md', operation: 'create' },
          { path: '/materials.md', operation: 'create' },
        ],
        added: ['shoe size: 6', 'avoids: wool'],
        replaced: [],
        kept: [],
      },
    ]);
    const { dryRun, doneBefore, ...promised } = dry.json().at(-1) as Record<string, unknown>;
    expect({ dryRun, doneBefore }).toEqual({ dryRun: true, doneBefore: 0 });
    expect((await shop.run(['memory', 'seed', list, '--json'])).json()).toMatchObject([promised]);
    const words = await shop.run(['memory', 'seed', list, '-n']);
    expect(words.stdout).toMatch(/slack:T1:U0 {2}has a store\n {4}= not: shoe size: 5\n/);
    expect(words.stdout).toMatch(/This would seed 3 people\. Nothing was changed\./);
  });

  it('writes no memory to the log and to no file', async () => {
    const list = await shop.file('secret.csv', 'person,notes\nslack:T1:U1,very secret\n');
    const abort = new AbortController();
    shop.proxy.plan(({ path }) => {
      if (path.endsWith('/memories')) abort.abort();
      return undefined;
    });
    const env = { LOG_LEVEL: 'debug' };
    const { stdout, stderr } = await shop.run(['memory', 'seed', list], { env, signal: abort.signal });
    expect(stdout + stderr).not.toContain('secret.');
    expect(stdout + stderr).not.toContain('very secret');
  });
});

describe('a service in trouble', () => {
  it.each([
    ['drops what it was asked', { type: 'drop_before' }],
    ['does what it was asked and drops the answer', { type: 'drop_after' }],
    ['does what it was asked and says it failed', { type: 'status_after', status: 500 }],
    ['has enough of us', { type: 'status', status: 429, headers: { 'retry-after-ms': '20' } }],
  ] as const)('that %s is asked again, and nobody gets two stores', async (_, fault) => {
    const shaken = new Map<string, number>();
    shop.proxy.plan(({ method, path }) => {
      const n = (shaken.get(`${method} ${path}`) ?? 0) + 1;
      shaken.set(`${method} ${path}`, n);
      return method === 'POST' && n % 5 === 2 ? fault : undefined;
    });
    const { code, json } = await shop.run(['memory', 'seed', await listOf(20), '--json']);
    expect(code).toBe(0);
    expect(json()).toMatchObject([created(20)]);
    await expectSeeded(20);
  });

  it('that refuses our key ends it with a sentence, and the next run carries on', async () => {
    const list = await listOf(20);
    shop.proxy.plan(({ method, path, index }) =>
      method === 'POST' && path === '/v1/memory_stores' && index >= 7
        ? { type: 'status', status: 401 }
        : undefined,
    );
    const failed = await shop.run(['memory', 'seed', list]);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(
      /^\d+ of 20 people are done\. Run the same command again to carry on\.\n.*rejected/,
    );
    shop.proxy.plan(() => undefined);
    const dry = await shop.run(['memory', 'seed', list, '-n', '--json']);
    const { doneBefore, people } = dry.json().at(-1) as { doneBefore: number; people: number };
    expect(doneBefore).toBeGreaterThan(0);
    expect(people).toBe(20 - doneBefore);
    expect((await shop.run(['memory', 'seed', list, '--json'])).json()).toMatchObject([
      { ...created(20), resumedAfter: doneBefore },
    ]);
    await expectSeeded(20);
  });

  it('that takes one person amiss does not keep the others from theirs', async () => {
    await shop.person('slack:T1:U1', { '/sizes.md/deeper.md': 'in the way' });
    const list = await listOf(3);
    const { code, json } = await shop.run(['memory', 'seed', list, '--json']);
    expect(code).toBe(4);
    expect(json()).toMatchObject([
      { people: 2, refused: [{ person: 'slack:T1:U1', reason: expect.any(String) }] },
    ]);
  });
});

describe('interrupted', () => {
  it('it stops soon, and the same command carries on with the right numbers', async () => {
    const list = await listOf(40);
    const abort = new AbortController();
    shop.proxy.plan(({ method, path, index }) => {
      if (method === 'POST' && path === '/v1/memory_stores' && index === 10) abort.abort();
      return undefined;
    });
    const stopped = await shop.run(['memory', 'seed', list, '--json'], { signal: abort.signal });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(/^Stopped\. \d+ of 40 people are done\. Run the same command again/);
    const [{ done }] = stopped.json() as [{ done: number }];
    expect(done).toBeGreaterThan(5);
    expect(done).toBeLessThan(25);
    const rest = await shop.run(['memory', 'seed', list, '--json']);
    expect(rest.json()).toMatchObject([{ ...created(40), resumedAfter: done }]);
    await expectSeeded(40);
  });

  it('a second one at the same time is turned away', async () => {
    const first = await lockSeeding(join(shop.dir, 'data', 'seeds'));
    const second = await shop.run(['memory', 'seed', await listOf(2)]);
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Another "memory seed" is running/),
    });
    expect((await stores()).size).toBe(0);
    await first.release();
    expect((await shop.run(['memory', 'seed', await listOf(2)])).code).toBe(0);
  });
});

describe('two stores for one person', () => {
  it('that came about in an interruption become the older one', async () => {
    const list = await listOf(5);
    let seedOf = '';
    shop.proxy.plan(({ method, path, index }) =>
      method === 'POST' && path === '/v1/memory_stores' && index === 4
        ? { type: 'status', status: 401 }
        : undefined,
    );
    await shop.run(['memory', 'seed', list, '--at-once', '1']);
    for (const { metadata } of await collect(shop.client.beta.memoryStores.list())) {
      seedOf = metadata.shopper_seed ?? '';
    }
    expect(seedOf).not.toBe('');
    // A request that was under way when the first run ended, and arrived later.
    await shop.person('slack:T1:U3', {}, { shopper_seed: seedOf });
    const late = await shop.person('slack:T1:U4', {}, { shopper_seed: seedOf });
    await shop.person('slack:T1:U4', {}, { shopper_seed: seedOf });
    shop.proxy.plan(() => undefined);
    const { json } = await shop.run(['memory', 'seed', list, '--json']);
    expect(json()).toMatchObject([{ ...created(5), duplicates: { removed: 2, left: [] } }]);
    await expectSeeded(5);
    expect((await stores()).get('U4')).toEqual([late]);
  });

  it("that is the bot's own stays, with the facts of the list; one in use is left to the operator", async () => {
    const list = await listOf(2);
    let meddled = false;
    let theirs = '';
    shop.proxy.plan(({ path }) => {
      if (path.endsWith('/memories') && !meddled) {
        meddled = true;
        void shop.person('slack:T1:U1', { '/style.md': 'minimal' }).then(id => {
          theirs = id;
        });
      }
      return undefined;
    });
    const { json, code } = await shop.run(['memory', 'seed', list, '--json', '--at-once', '1']);
    expect(code).toBe(0);
    expect(json()).toMatchObject([{ people: 2 }]);
    const found = await stores();
    expect(found.get('U1')).toEqual([theirs]);
    expect(Object.keys(await filesOf(theirs)).sort()).toEqual(['/materials.md', '/sizes.md', '/style.md']);
  });
});

describe('beside a running bot', () => {
  it('that made a store of its own before it could see ours, its own stays, with the facts', async () => {
    let theirs = '';
    const { json } = await shop.run(['memory', 'seed', await listOf(2), '--json'], {
      async whilePausing() {
        theirs = await shop.person('slack:T1:U1', { '/style.md': 'minimal' });
      },
    });
    expect(json()).toMatchObject([{ duplicates: { removed: 1, left: [] } }]);
    expect((await stores()).get('U1')).toEqual([theirs]);
    expect(Object.keys(await filesOf(theirs)).sort()).toEqual(['/materials.md', '/sizes.md', '/style.md']);
  });

  it('people get the seeded store with their first message', async () => {
    let now = Date.now();
    const adapter = createRecordingAdapter('slack');
    const state = await openSqliteState(join(shop.dir, 'data'));
    const bot = createBot({
      client: shop.client,
      state,
      file: parseAgentFile(AGENT, 'agent.yml'),
      tools: createCustomTools([]),
      adapters: [adapter],
      notices: undefined,
      limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
      log: createLog('silent'),
      now: () => now,
    });
    await bot.start();
    const list = await shop.file('list.csv', 'person,shoe_size\nslack:W1:U1,9\nslack:W1:U2,8\n');
    const whilePausing = async () => {
      now += LOOK_AGAIN_MS;
    };
    expect((await shop.run(['memory', 'seed', list], { whilePausing })).code).toBe(0);
    const reply = await adapter.say('What is my shoe size?', { user: 'U2' });
    expect(reply.final?.text).toMatch(/8/);
    expect((await stores()).get('U2')).toHaveLength(1);
    await bot.stop();
    await state.close();
  });
});
