import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import { createRuntime } from '../../src/runtime/server.ts';
import { createFaultProxy } from '../fakes/fault-proxy.ts';
import { collect } from '../helpers/bench.ts';
import { type Finished, startProgram, temporaryFolder } from '../helpers/cli.ts';

let folder: { path: string; remove(): Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const shopper = (args: string[], env: Record<string, string> = {}): Promise<Finished> =>
  startProgram('src/cli.ts', args, { SHOPPER_DATA_DIR: folder.path, ...env }).finished;

async function listOf(people: number): Promise<string> {
  const rows = Array.from({ length: people }, (_, n) => `slack:T${n % 3}:U${n},${5 + (n % 9)},$${n},wool`);
  const path = join(folder.path, 'list.csv');
  await writeFile(path, `person,shoe_size,budget,avoid\n${rows.join('\n')}\n`);
  return path;
}

async function expectSeeded(client: Anthropic, people: number): Promise<void> {
  const stores = await collect(client.beta.memoryStores.list({ limit: 100 }));
  const names = stores.map(({ metadata }) => `${metadata.workspace}:${metadata.person}`);
  expect(names).toHaveLength(people);
  expect(new Set(names).size).toBe(people);
  let files = 0;
  for (const { id } of stores) {
    files += (await client.beta.memoryStores.memories.list(id)).data.length;
    const versions = await client.beta.memoryStores.memoryVersions.list(id);
    // Each file was written once: nothing was done twice.
    expect(versions.data).toHaveLength(3);
  }
  expect(files).toBe(3 * people);
}

const result = (people: number) => ({
  people,
  stores: { created: people, existing: 0 },
  files: { created: 3 * people, changed: 0 },
  facts: { added: 3 * people, replaced: 0, kept: 0 },
  duplicates: { left: [] },
  refused: [],
});

describe('seeding', () => {
  it('400 customers, killed three times at random moments: finishes, no duplicate, right counts', async () => {
    const people = 400;
    const loop = createAgentLoop({ model: createOfflineModel() });
    const runtime = await createRuntime({ dataDir: join(folder.path, 'elsewhere'), port: 0, loop });
    const proxy = await createFaultProxy(runtime.url);
    const args = ['memory', 'seed', await listOf(people), '--json'];
    const env = { ANTHROPIC_BASE_URL: proxy.url };
    for (let kill = 0; kill < 3; kill += 1) {
      // Anywhere from the first look to the last write of this run's share, in the middle of requests.
      let left = 1 + Math.floor(Math.random() * people);
      const program = startProgram('src/cli.ts', args, { SHOPPER_DATA_DIR: folder.path, ...env });
      proxy.plan(() => {
        left -= 1;
        if (left === 0) program.child.kill('SIGKILL');
        return undefined;
      });
      expect((await program.finished).code, `killed run ${kill}`).toBeNull();
    }
    proxy.plan(() => undefined);
    const { code, stdout, stderr } = await shopper(args, env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject(result(people));
    await expectSeeded(new Anthropic({ baseURL: runtime.url, apiKey: 'key' }), people);
    await proxy.stop();
    await runtime.stop();
  }, 120_000);

  it('into the local runtime, which dies with the command, carries on as well', async () => {
    const people = 60;
    const args = ['memory', 'seed', await listOf(people), '--json'];
    const program = startProgram('src/cli.ts', args, { SHOPPER_DATA_DIR: folder.path });
    while ((await journalLines()) < people && program.child.exitCode === null) {
      await new Promise(resolve => setImmediate(resolve));
    }
    program.child.kill('SIGKILL');
    expect((await program.finished).code).toBeNull();
    const { code, stdout } = await shopper(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(result(people));
    const listed = (await shopper(['memory', 'list', '--json'])).stdout.trim().split('\n');
    expect(listed).toHaveLength(people);
    expect(new Set(listed.map(line => JSON.parse(line).person)).size).toBe(people);
  }, 60_000);

  async function journalLines(): Promise<number> {
    const seeds = join(folder.path, 'seeds');
    const names = await readdir(seeds).catch(() => []);
    const journal = names.find(name => name.endsWith('.jsonl'));
    return journal === undefined ? 0 : (await readFile(join(seeds, journal), 'utf8')).split('\n').length;
  }
});

describe('beside a bot that holds the local runtime', () => {
  it('an operator looks, lets people in, and is told what has to wait until the bot stops', async () => {
    const agent = join(folder.path, 'agent.yml');
    await writeFile(agent, 'name: shopper\nmodel: m\nsystem: s\naccess: {default: pairing}\n');
    const env = { AGENT_FILE: agent };
    const bot = startProgram('src/cli.ts', ['start', '--user', 'ann'], {
      SHOPPER_DATA_DIR: folder.path,
      ...env,
    });
    bot.child.stdin?.write('I wear size 9 shoes\n');
    const [code = ''] = await bot.says(/[A-Z2-9]{4}-[A-Z2-9]{4}/);
    expect((await shopper(['access', 'list'], env)).stdout).toMatch(`terminal:local:ann  ann   ${code}`);
    expect(await shopper(['access', 'approve', code], env)).toMatchObject({ code: 0, stderr: '' });
    bot.child.stdin?.write('I wear size 9 shoes\n');
    await bot.says(/\+ shoe size: 9/);
    const shown = await shopper(['memory', 'show', 'terminal:local:ann'], env);
    expect(shown.stdout).toMatch(/- shoe size: 9/);
    expect((await shopper(['memory', 'rebuild'], env)).stderr).toMatch(/already running/);
    expect((await shopper(['memory', 'forget', 'terminal:local:ann', '--yes'], env)).code).toBe(4);
    bot.child.stdin?.end();
    expect((await bot.finished).code).toBe(0);
    // The file by which commands found the runtime went with it; they start one for themselves now.
    expect(await readdir(folder.path)).not.toContain('runtime.json');
    const forgotten = await shopper(['memory', 'forget', 'terminal:local:ann', '--yes', '--json'], env);
    expect(forgotten.code).toBe(0);
    expect(JSON.parse(forgotten.stdout)).toMatchObject({ stores: 0, rows: expect.any(Number) });
    expect((await shopper(['memory', 'list', '--json'], env)).stdout).toBe('');
  }, 60_000);

  it('a file left by a killed bot leads nobody astray', async () => {
    const bot = startProgram('src/cli.ts', ['start', '--user', 'ann'], { SHOPPER_DATA_DIR: folder.path });
    bot.child.stdin?.write('I wear size 9 shoes\n');
    await bot.says(/\+ shoe size: 9/);
    bot.child.kill('SIGKILL');
    await bot.finished;
    expect(await readdir(folder.path)).toContain('runtime.json');
    const shown = await shopper(['memory', 'show', 'terminal:local:ann']);
    expect(shown.stdout).toMatch(/- shoe size: 9/);
  });
});
