import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { createBot } from '../../src/core/bot.ts';
import { createAccounts } from '../../src/core/linking/accounts.ts';
import { openPostgresState } from '../../src/core/state/postgres.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';
import { createLog } from '../../src/log.ts';
import { AGENT, collect } from '../helpers/bench.ts';
import { openShop, type Shop } from '../helpers/commands.ts';
import { createRecordingAdapter } from '../helpers/recording-adapter.ts';
import { POSTGRES, uniqueName } from '../helpers/servers.ts';

let shop: Shop;
beforeEach(async () => {
  shop = await openShop();
});
afterEach(() => shop.stop());

describe('memory list', () => {
  it('counts files and bytes, filters, and leaves other bots alone', async () => {
    const ann = await shop.person('slack:T1:U1', { '/sizes.md': '- shoe size: 9', '/a/b.md': 'ü' });
    await shop.person('slack:T2:U1');
    await shop.person('discord:discord:1');
    await shop.person('slack:T1:U2', {}, { shopper_app: 'another' });
    await shop.client.beta.memoryStores.create({ name: 'Brand facts' });

    const all = await shop.run(['memory', 'list', '--json']);
    expect(all.json()).toMatchObject([
      { person: 'discord:discord:1', files: 0, bytes: 0, changedAt: null },
      { person: 'slack:T2:U1' },
      { person: 'slack:T1:U1', store: ann, files: 2, bytes: 16, changedAt: expect.stringMatching(/^20/) },
    ]);
    const some = await shop.run(['memory', 'list', '--platform', 'slack', '--workspace', 'T1', '--brief']);
    expect(some.stdout).toMatch(/^PERSON .*\nslack:T1:U1 .*\n1 person\n$/);
  });

  it('counts somebody with a private and a shared store once, and says which is which', async () => {
    await shop.person('slack:T1:U2');
    const own = await shop.person('slack:T1:U1');
    const open = await shop.person('slack:T1:U1', {}, { audience: 'shared' });
    const { stdout } = await shop.run(['memory', 'list', '--brief']);
    expect(stdout).toMatch(/\n2 people\n$/);
    expect(stdout).toContain(`${open} (shared)`);
    const one = await shop.run(['memory', 'list', '--limit', '1', '--json']);
    expect(one.json()).toMatchObject([
      { store: open, audience: 'shared' },
      { store: own, audience: 'private' },
    ]);
  });

  it('goes on over the pages of the API, and stops where it is told', async () => {
    for (let n = 0; n < 130; n += 1) await shop.person(`slack:T1:U${n}`);
    expect((await shop.run(['memory', 'list', '--json'])).json()).toHaveLength(130);
    expect((await shop.run(['memory', 'list', '--json', '--limit', '7'])).json()).toHaveLength(7);
    expect((await shop.run(['memory', 'list', '--limit', '101'])).stdout).toMatch(/\n101 people\n$/);
  });
});

describe('memory show', () => {
  it('prints every file, one file as it is stored, and never what could drive a terminal', async () => {
    const content = '# Sizes\n- shoe size: 9\u001b[2J\n';
    await shop.person('slack:T1:U1', { '/sizes.md': content, '/style.md': '- minimal' });
    const shown = await shop.run(['memory', 'show', 'slack:T1:U1']);
    expect(shown.stdout).toMatch(/^slack:T1:U1 · U1 · memstore_\w+ · 2 files · \d+ bytes\n\n\/sizes.md · /);
    expect(shown.stdout).toContain('\n  # Sizes\n  - shoe size: 9[2J\n');
    const raw = await shop.run(['memory', 'show', 'slack:T1:U1', '--path', '/sizes.md']);
    expect(raw.stdout).toBe(content);
    const json = await shop.run(['memory', 'show', 'slack:T1:U1', '--json']);
    expect(json.json()).toMatchObject([{ files: [{ path: '/sizes.md', content }, { path: '/style.md' }] }]);
    expect((await shop.run(['memory', 'show', 'slack:T1:U1', '--path', '/none.md'])).code).toBe(3);
    expect((await shop.run(['memory', 'show', 'slack:T2:U1'])).code).toBe(3);
  });

  it('shows the oldest of two stores, which is the one in use', async () => {
    const oldest = await shop.person('slack:T1:U1');
    await shop.person('slack:T1:U1');
    const [shown] = (await shop.run(['memory', 'show', 'slack:T1:U1', '--json'])).json();
    expect(shown).toMatchObject({ store: oldest });
  });
});

/** A person with one fact from a session and one from an operator's key. */
async function history(): Promise<{ store: string; session: string }> {
  const store = await shop.person('slack:T1:U1', { '/sizes.md': '# Sizes\n- shoe size: 8\n' });
  const agent = await shop.client.beta.agents.create({
    name: 'a',
    model: 'm',
    tools: [{ type: 'agent_toolset_20260401' }],
  });
  const environment = await shop.client.beta.environments.create({ name: 'e' });
  const session = await shop.client.beta.sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    metadata: { platform: 'slack', workspace: 'T1', person: 'U1' },
    resources: [{ type: 'memory_store', memory_store_id: store, access: 'read_write' }],
  });
  const stream = await shop.client.beta.sessions.events.stream(session.id);
  await shop.client.beta.sessions.events.send(session.id, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'I wear size 9 shoes' }] }],
  });
  for await (const event of stream) if (event.type === 'session.status_idle') break;
  return { store, session: session.id };
}

describe('memory audit', () => {
  it('says who changed what, newest first, and what was written only when asked', async () => {
    const { session } = await history();
    await shop.person('slack:T1:U2', { '/style.md': 'minimal' });
    const one = await shop.run(['memory', 'audit', 'slack:T1:U1', '--json']);
    expect(one.json()).toMatchObject([
      { operation: 'modified', path: '/sizes.md', by: { type: 'agent', id: session } },
      { operation: 'created', path: '/sizes.md', by: { type: 'key', id: 'apikey_local' } },
    ]);
    expect(one.stdout).not.toContain('shoe');
    const table = await shop.run(['memory', 'audit']);
    expect(table.stdout).toMatch(/^WHEN .*\n.*slack:T1:U2 .*\n.*modified +\/sizes.md +agent sesn_/);
    expect(table.stdout).toMatch(/\n3 changes\n$/);
    expect(table.stdout + table.stderr).not.toMatch(/shoe|minimal/);
    const full = await shop.run(['memory', 'audit', 'slack:T1:U1', '--content']);
    expect(full.stdout).toMatch(/ {2}- shoe size: 9[\s\S]* {2}- shoe size: 8\n/);
  });

  it('filters by actor and by time', async () => {
    const { session } = await history();
    const operations = async (...args: string[]) =>
      (await shop.run(['memory', 'audit', '--json', ...args]))
        .json()
        .map(entry =>
          typeof entry === 'object' && entry !== null && 'operation' in entry ? entry.operation : null,
        );
    expect(await operations('--actor', 'agent')).toEqual(['modified']);
    expect(await operations('--actor', session)).toEqual(['modified']);
    expect(await operations('--actor', 'key')).toEqual(['created']);
    expect(await operations('--actor', 'apikey_local')).toEqual(['created']);
    expect(await operations('--actor', 'user')).toEqual([]);
    expect(await operations('--since', '1h')).toEqual(['modified', 'created']);
    expect(await operations('--since', '2999-01-01')).toEqual([]);
    expect(await operations('--platform', 'discord')).toEqual([]);
  });
});

describe('memory export', () => {
  it('gives one person as JSON or Markdown, history included', async () => {
    await history();
    const [exported] = (await shop.run(['memory', 'export', 'slack:T1:U1'])).json();
    expect(exported).toMatchObject({
      format: 'shopper-memory-export',
      person: { platform: 'slack', workspace: 'T1', id: 'U1' },
      memories: [{ path: '/sizes.md', title: 'Sizes', content: expect.stringContaining('size: 9') }],
      history: [
        { operation: 'created', content: expect.stringContaining('size: 8') },
        { operation: 'modified', content: expect.stringContaining('size: 9') },
      ],
    });
    const { stdout } = await shop.run(['memory', 'export', 'slack:T1:U1', '--format', 'markdown']);
    expect(stdout).toMatch(/^# Memory of U1 \(slack:T1:U1\)[\s\S]*## \/sizes.md[\s\S]*## History/);
    expect((await shop.run(['memory', 'export', 'slack:T1:U9'])).code).toBe(3);
  });

  it('writes everybody into a folder that only its owner can read', async () => {
    const odd = ['slack:T1:U1', 'slack:T1:u1', 'terminal:local:..', 'terminal:local:a/b'];
    for (const name of odd) await shop.person(name, { '/notes.md': '````\ncode\n````' });
    const out = join(shop.dir, 'export');
    const { code, stdout } = await shop.run(['memory', 'export', '--all', '--out', out]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `Exported 4 people to ${out}\n` });
    const names = (await readdir(out)).sort();
    expect(names).toHaveLength(8);
    expect(new Set(names.map(name => name.toLowerCase())).size).toBe(8);
    for (const name of names) expect((await stat(join(out, name))).mode & 0o777).toBe(0o600);
    const ids = await Promise.all(
      names
        .filter(name => name.endsWith('.json'))
        .map(async name => JSON.parse(await readFile(join(out, name), 'utf8')).person.id as string),
    );
    expect(ids.sort()).toEqual(['..', 'U1', 'a/b', 'u1'].sort());
    const markdown = await readFile(join(out, names.find(name => name.endsWith('.md')) ?? ''), 'utf8');
    expect(markdown).toContain('`````markdown\n````\ncode\n````\n`````');
  });

  it.each(['/proc/mine', '/proc'])('into %s, which takes no files, says what to do instead', async out => {
    await shop.person('slack:T1:U1', { '/notes.md': 'Likes tea.' });
    const { code, stdout, stderr } = await shop.run(['memory', 'export', 'slack:T1:U1', '--out', out]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/Cannot write to the folder \/proc\S* \(E\w+: .*--out DIR\n$/);
  });
});

describe('memory forget', () => {
  it('says what would go, and only does it when told so', async () => {
    const { store } = await history();
    const { code, stdout } = await shop.run(['memory', 'forget', 'slack:T1:U1']);
    expect({ code, stdout }).toEqual({
      code: 2,
      stdout:
        'This would remove 1 store, 1 session and 0 rows of the bot of slack:T1:U1, for good. Use --yes to do it.\n',
    });
    expect((await shop.client.beta.memoryStores.retrieve(store)).id).toBe(store);
  });

  it('says of somebody nobody knows that there is nothing, also without --yes', async () => {
    await history();
    const { code, stdout, stderr } = await shop.run(['memory', 'forget', 'slack:T1:U9']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('There is nothing about slack:T1:U9.');
  });

  it('counts what the bot keeps of somebody who has no memory, and leaves it without --yes', async () => {
    const state = await openSqliteState(join(shop.dir, 'data'));
    await state.table('paused').set('slack/T1/U9', true);
    await state.close();
    const { code, json } = await shop.run(['memory', 'forget', 'slack:T1:U9', '--json']);
    expect(code).toBe(2);
    expect(json()).toEqual([{ person: 'slack:T1:U9', wouldRemove: { stores: 0, sessions: 0, rows: 1 } }]);
    const { json: removed } = await shop.run(['memory', 'forget', 'slack:T1:U9', '--yes', '--json']);
    expect(removed()).toMatchObject([{ rows: 1 }]);
  });

  it('removes store, versions, sessions, files and rows: every id answers 404, the receipt counts', async () => {
    const { store, session } = await history();
    const other = await shop.person('slack:T1:U2', { '/style.md': 'minimal' });
    await shop.client.beta.memoryStores.archive(await shop.person('slack:T1:U1'));
    const ids = await collect(shop.client.beta.memoryStores.memories.list(store));
    const versions = await collect(shop.client.beta.memoryStores.memoryVersions.list(store));
    const state = await openSqliteState(join(shop.dir, 'data'));
    await state.table('store').set('slack/T1/U1', { storeId: store });
    await state.table('store').set('slack/T1/U2', { storeId: other });
    await state.close();

    const { code, json } = await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes', '--json']);
    expect(code).toBe(0);
    expect(json()).toEqual([
      { person: 'slack:T1:U1', stores: 2, memories: 1, versions: 2, sessions: 1, files: 0, rows: 1 },
    ]);
    const { beta } = shop.client;
    const inStore = { memory_store_id: store };
    const looks = await Promise.allSettled<unknown>([
      beta.memoryStores.retrieve(store),
      beta.sessions.retrieve(session),
      ...ids.map(({ type, path, ...rest }) =>
        beta.memoryStores.memories.retrieve('id' in rest ? rest.id : path, inStore),
      ),
      ...versions.map(({ id }) => beta.memoryStores.memoryVersions.retrieve(id, inStore)),
    ]);
    for (const look of looks) expect(look).toMatchObject({ status: 'rejected', reason: { status: 404 } });
    expect((await shop.run(['memory', 'show', 'slack:T1:U2'])).code).toBe(0);
    expect((await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes'])).code).toBe(3);
  });

  it("leaves another bot's session with the same person alone", async () => {
    const { session } = await history();
    const { sessions } = shop.client.beta;
    const { agent, environment_id } = await sessions.retrieve(session);
    const person = { platform: 'slack', workspace: 'T1', person: 'U1' };
    const withoutStore = (metadata: Record<string, string>) =>
      sessions.create({ agent: agent.id, environment_id, metadata: { ...person, ...metadata } });
    await withoutStore({});
    await withoutStore({ shopper_app: 'shopper' });
    const others = await withoutStore({ shopper_app: 'another' });
    const { json } = await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes', '--json']);
    expect(json()).toMatchObject([{ sessions: 3 }]);
    expect((await collect(sessions.list())).map(({ id }) => id)).toEqual([others.id]);
  });

  it('beside a running bot says what it could not remove, and removes it when that has stopped', async () => {
    await shop.person('slack:T1:U1');
    const state = await openSqliteState(join(shop.dir, 'data'));
    await state.table('store').set('slack/T1/U1', { storeId: 'memstore_1' });
    const beside = await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes']);
    expect(beside).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/The bot is running .* again/),
    });
    expect(beside.stdout).toMatch(/1 memory store\n[\s\S]*rows of the bot: not removed/);
    await state.close();
    const after = await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes', '--json']);
    expect(after.json()).toMatchObject([{ stores: 0, rows: 1 }]);
    expect(after.code).toBe(0);
  });
});

/** "U1", who writes, and "U2", whose memory it is; the shared store says nothing of U1: it was made after linking. */
async function linkedPair() {
  const linked_1 = JSON.stringify({ platform: 'slack', workspace: 'T1', id: 'U1', name: 'U1' });
  const own = await shop.person('slack:T1:U2', { '/sizes.md': '- shoe size: 9' }, { linked_1 });
  const open = await shop.person('slack:T1:U2', { '/style.md': '- linen' }, { audience: 'shared' });
  return { own, open };
}

describe('an account that is linked with another one', () => {
  it('is shown, exported and looked into with all stores of the owner, and none of its own from before', async () => {
    await shop.person('slack:T1:U1', { '/old.md': '- from before' });
    const { own, open } = await linkedPair();
    const [shown] = (await shop.run(['memory', 'show', 'slack:T1:U1', '--json'])).json();
    expect(shown).toMatchObject({ person: 'slack:T1:U2', store: own });
    expect(JSON.stringify(shown)).toMatch(/sizes\.md.*style\.md/);
    expect(JSON.stringify(shown)).not.toContain('old.md');
    const exported = await shop.run(['memory', 'export', 'slack:T1:U1']);
    expect(exported.json()).toMatchObject([{ store: { id: own } }, { store: { id: open } }]);
    const audit = await shop.run(['memory', 'audit', 'slack:T1:U1', '--json']);
    expect(audit.json().map(entry => (entry as { path: string }).path)).toContain('/style.md');
  });

  it('is forgotten with all stores of the owner', async () => {
    await linkedPair();
    const { json, code } = await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes', '--json']);
    expect(code).toBe(0);
    expect(json()).toMatchObject([{ stores: 2, memories: 2 }]);
    expect((await shop.client.beta.memoryStores.list()).data).toEqual([]);
  });

  it('that left long ago is not forgotten with who still has the memory: an archived store names it yet', async () => {
    const linked_1 = JSON.stringify({ platform: 'slack', workspace: 'T1', id: 'U1', name: 'U1' });
    const archived = await shop.person('slack:T1:U2', {}, { linked_1 });
    await shop.client.beta.memoryStores.archive(archived);
    const other = await shop.person('slack:T1:U2', { '/sizes.md': '- shoe size: 9' });
    await shop.person('slack:T1:U1');
    await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes']);
    expect((await shop.client.beta.memoryStores.list()).data).toMatchObject([{ id: other }]);
  });

  it('has its rows and the owner’s removed also when the stores are gone already', async () => {
    await linkedPair();
    const state = await openSqliteState(join(shop.dir, 'data'));
    const [member, owner] = ['U1', 'U2'].map(id => ({ platform: 'slack', workspace: 'T1', id, name: id }));
    if (member === undefined || owner === undefined) throw new Error('two people');
    await createAccounts(state).join(owner, member);
    await state.table('session').set('slack/T1/U2/D2', { sessionId: 'sesn_1' });
    const beside = await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes', '--json']);
    expect(beside).toMatchObject({ code: 4 });
    expect(beside.json()).toMatchObject([{ stores: 2, rows: null }]);
    await state.close();
    const after = await shop.run(['memory', 'forget', 'slack:T1:U1', '--yes', '--json']);
    expect(after.json()).toMatchObject([{ stores: 0, rows: 3 }]);
    expect((await shop.run(['memory', 'forget', 'slack:T1:U2', '--yes'])).code).toBe(3);
  });
});

describe.skipIf(POSTGRES === null)('memory forget on a database that bots share', () => {
  const database = uniqueName();
  let url: string;
  beforeEach(async () => {
    await administer(`CREATE DATABASE ${database}`);
    const own = new URL(POSTGRES ?? '');
    own.pathname = `/${database}`;
    url = own.href;
  });
  afterEach(() => administer(`DROP DATABASE ${database} WITH (FORCE)`));

  async function administer(sql: string): Promise<void> {
    const client = new pg.Client(POSTGRES ?? '');
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  /** As one process of the bot. */
  async function startBot() {
    const state = await openPostgresState(url);
    const adapter = createRecordingAdapter();
    const bot = createBot({
      client: shop.client,
      state,
      file: parseAgentFile(AGENT, 'agent.yml'),
      tools: createCustomTools([]),
      adapters: [adapter],
      notices: undefined,
      limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
      log: createLog('silent'),
    });
    await bot.start();
    const stop = async () => {
      await bot.stop();
      await state.close();
    };
    return { adapter, state, stop };
  }

  const storeIds = async () => (await collect(shop.client.beta.memoryStores.list())).map(({ id }) => id);

  it('begins nothing for the person while it runs, and goes with what came in', async () => {
    const bot = await startBot();
    await bot.adapter.say('I wear size 9 shoes');
    const { person } = bot.adapter.conversation();
    const removed: string[] = [];
    shop.proxy.plan(({ method, path }) => {
      if (method !== 'DELETE') return undefined;
      removed.push(path);
      if (!path.startsWith('/v1/memory_stores/')) return undefined;
      // Its session is gone by then; one that begins now would have the store that is about to go.
      void bot.adapter.say('hello?');
      return { type: 'delay', ms: 500 };
    });
    const name = `${person.platform}:${person.workspace}:${person.id}`;
    const env = { DATABASE_URL: url };
    const forgotten = await shop.run(['memory', 'forget', name, '--yes', '--json'], { env });
    expect(forgotten).toMatchObject({ code: 0 });
    expect(forgotten.json()).toMatchObject([{ stores: 1, sessions: 1 }]);
    expect(removed).toHaveLength(2);
    expect(await storeIds()).toEqual([]);
    expect((await shop.client.beta.sessions.list()).data).toEqual([]);
    const reply = await bot.adapter.say('What do you know about me?');
    expect(reply.final?.text).not.toMatch(/size 9/);
    expect(await storeIds()).toHaveLength(1);
    await bot.stop();
  });

  it('that ends half way is finished by the bot, and then the person begins anew', async () => {
    const before = await startBot();
    await before.adapter.say('I wear size 9 shoes');
    const { person } = before.adapter.conversation();
    await before.stop();
    shop.proxy.plan(({ method, path }) =>
      method === 'DELETE' && path.startsWith('/v1/memory_stores/')
        ? { type: 'status', status: 403 }
        : undefined,
    );
    const name = `${person.platform}:${person.workspace}:${person.id}`;
    const run = () => shop.run(['memory', 'forget', name, '--yes'], { env: { DATABASE_URL: url } });
    expect(await run()).toMatchObject({ code: 1 });
    expect(await storeIds()).toHaveLength(1);
    const bot = await startBot();
    expect(await storeIds()).toEqual([]);
    shop.proxy.plan(() => undefined);
    // Nothing is left to do, and the mark counts for nothing.
    expect(await run()).toMatchObject({ code: 3 });
    await bot.stop();
  });
});

describe('memory rebuild', () => {
  async function rows(): Promise<Record<string, string>> {
    const state = await openSqliteState(join(shop.dir, 'data'));
    const found = await collect(state.table<{ storeId: string }>('store').entries());
    await state.close();
    return Object.fromEntries(found.map(([key, { storeId }]) => [key, storeId]));
  }

  it('finds, corrects and drops, leaves alone what is used, and names who has several', async () => {
    const linked = await shop.person('slack:T1:LINKED');
    const own = await shop.person('discord:discord:1');
    const replaced = await shop.person('slack:T1:U2');
    const first = await shop.person('slack:T1:U3');
    const second = await shop.person('slack:T1:U3');
    const state = await openSqliteState(join(shop.dir, 'data'));
    const table = state.table('store');
    // Shares the memory of another account; has a store of their own as well, which is not used.
    await table.set('discord/discord/1', { storeId: linked });
    await table.set('slack/T1/U2', { storeId: 'memstore_gone' });
    await table.set('slack/T1/U%3A9/shared', { storeId: 'memstore_gone' });
    await state.close();
    const before = await rows();

    const dry = await shop.run(['memory', 'rebuild', '--dry-run', '--json']);
    expect(dry.json()).toEqual([
      {
        dryRun: true,
        kept: 1,
        mapped: expect.arrayContaining(['slack:T1:LINKED', 'slack:T1:U3']),
        corrected: ['slack:T1:U2'],
        dropped: ['slack:T1:U:9'],
        several: [{ person: 'slack:T1:U3', stores: [first, second], used: first }],
      },
    ]);
    expect(await rows()).toEqual(before);

    const done = await shop.run(['memory', 'rebuild']);
    expect(done.code).toBe(4);
    expect(done.stdout).toMatch(/! slack:T1:U3 has 2 stores: \S+ is used, \S+ not\n/);
    expect(await rows()).toEqual({
      'discord/discord/1': linked,
      'slack/T1/LINKED': linked,
      'slack/T1/U2': replaced,
      'slack/T1/U3': first,
    });
    expect(own).not.toBe(linked);
    const again = await shop.run(['memory', 'rebuild', '--json']);
    expect(again.json()).toMatchObject([{ kept: 4, mapped: [], corrected: [], dropped: [] }]);
  });

  it("leaves another bot's state alone", async () => {
    await shop.person('slack:T1:U1');
    const state = await openSqliteState(join(shop.dir, 'data'));
    await state.table('provision').set('coach', {});
    await state.close();
    expect(await shop.run(['memory', 'rebuild'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/belongs to the bot "coach".*SHOPPER_DATA_DIR/s),
    });
    expect(await rows()).toEqual({});
  });

  it('says to stop the bot first', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'held-'));
    const state = await openSqliteState(dir);
    const held = await shop.run(['memory', 'rebuild'], { env: { SHOPPER_DATA_DIR: dir } });
    expect(held).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Another shopper is already running/),
    });
    await state.close();
    await rm(dir, { recursive: true });
  });
});

describe('access', () => {
  it('lists who waits, lets them in by code or name, and takes it back', async () => {
    const { createPairing } = await import('../../src/core/people/pairing.ts');
    const pairing = createPairing({ client: shop.client, app: 'shopper' });
    const ben = { platform: 'slack', workspace: 'T1', id: 'U2', name: 'Ben\u001b[2J' };
    expect((await shop.run(['access', 'list'])).stdout).toMatch(/Nobody is waiting/);
    const code = (await pairing.codeFor(ben)) ?? '';
    const waiting = await shop.run(['access', 'list']);
    expect(waiting.stdout).toMatch(new RegExp(`^WAITING .*\\nslack:T1:U2 +Ben\\[2J +${code} `));
    expect((await shop.run(['access', 'approve', 'AAAA-AAAA'])).code).toBe(3);
    const approved = await shop.run(['access', 'approve', code.toLowerCase()]);
    expect(approved).toMatchObject({ code: 0, stdout: 'slack:T1:U2 (Ben[2J) may now talk with shopper.\n' });
    expect((await shop.run(['access', 'approve', code])).code).toBe(3);
    expect((await shop.run(['access', 'approve', 'discord:discord:7', '--json'])).json()).toEqual([
      { approved: 'discord:discord:7', name: '7' },
    ]);
    expect((await shop.run(['access', 'list', '--json'])).json()).toMatchObject([
      { state: 'approved', person: 'discord:discord:7' },
      { state: 'approved', person: 'slack:T1:U2' },
    ]);
    expect((await shop.run(['access', 'revoke', 'slack:T1:U2'])).code).toBe(0);
    expect((await shop.run(['access', 'revoke', 'slack:T1:U2'])).code).toBe(3);
    expect(await pairing.isApproved(ben)).toBe(false);
    // What is kept about access is nobody's memory.
    expect((await shop.run(['memory', 'list', '--json'])).json()).toEqual([]);
  });
});
