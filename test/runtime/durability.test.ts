import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Anthropic, { toFile } from '@anthropic-ai/sdk';
import sqlite3 from 'sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataDirError } from '../../src/runtime/database.ts';
import { createRuntime } from '../../src/runtime/server.ts';
import {
  clientOf,
  collect,
  echo,
  type Harness,
  isIdle,
  newSession,
  provision,
  refusal,
  startHarness,
  types,
  untilAborted,
  userMessage,
  watch,
} from './harness.ts';

let dataDir: string;
let child: ChildProcess | undefined;
let harness: Harness | undefined;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'runtime-'));
});
afterEach(async () => {
  await kill();
  await harness?.close();
  harness = undefined;
  await rm(dataDir, { recursive: true, force: true });
});

/** The server in a child process; `limit` is a shell prefix such as a ulimit. */
async function serve(mode: 'echo' | 'hang', limit = ''): Promise<Anthropic> {
  const fixture = new URL('fixtures/serve.ts', import.meta.url).pathname;
  const command = `${limit} exec "${process.execPath}" --import tsx "${fixture}" "${dataDir}" ${mode}`;
  const started = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = started;
  const [url] = (await once(createInterface(started.stdout), 'line')) as [string];
  return clientOf(url);
}

async function kill(): Promise<void> {
  const killed = child;
  child = undefined;
  if (!killed || killed.exitCode !== null || killed.signalCode !== null) return;
  const exited = once(killed, 'exit');
  killed.kill('SIGKILL');
  await exited;
}

test('what was answered with 2xx is there after kill -9 in the middle of writes', async () => {
  const client = await serve('echo');
  const { beta } = client;
  const ids = await provision(client);
  const store = (await beta.memoryStores.create({ name: 'Notes' })).id;
  const memories: string[] = [];
  const sessions: string[] = [];
  const sent: { session: string; event: string }[] = [];
  const files: string[] = [];
  const answered = () => memories.length + sessions.length + sent.length + files.length;
  const target = 200 + Math.floor(Math.random() * 100);
  let down = false;

  async function keepOn(write: (i: number) => Promise<unknown>): Promise<void> {
    for (let i = 0; !down; i++) {
      try {
        await write(i);
      } catch (error) {
        // Only the kill may fail a write.
        if (!(error instanceof Anthropic.APIConnectionError)) throw error;
        return;
      }
      if (answered() >= target && !down) {
        down = true;
        await kill();
      }
    }
  }
  await Promise.all([
    ...['a', 'b', 'c'].map(name =>
      keepOn(async i => {
        const path = `/${name}/${i}`;
        await beta.memoryStores.memories.create(store, { path, content: path.repeat(i % 50) });
        memories.push(path);
      }),
    ),
    ...[0, 1].map(() =>
      keepOn(async i => {
        const session = (await beta.sessions.create(ids)).id;
        sessions.push(session);
        const { data } = await beta.sessions.events.send(session, { events: [userMessage(`m${i}`)] });
        sent.push({ session, event: data?.[0]?.id ?? '' });
      }),
    ),
    keepOn(async i => {
      files.push((await beta.files.upload({ file: await toFile(Buffer.alloc(5000, i), 'f') })).id);
    }),
  ]);
  expect(answered()).toBeGreaterThanOrEqual(target);

  harness = await startHarness({ dataDir });
  const after = harness.client.beta;
  const kept = await collect(after.memoryStores.memories.list(store, { view: 'full' }));
  const contents = new Map(kept.map(item => [item.path, item.type === 'memory' ? item.content : null]));
  for (const path of memories) {
    expect(contents.get(path)).toBe(path.repeat(Number(path.split('/')[2]) % 50));
  }
  const versions = await collect(after.memoryStores.memoryVersions.list(store));
  expect(versions).toHaveLength(kept.length);
  for (const session of sessions) expect((await after.sessions.retrieve(session)).id).toBe(session);
  for (const { session, event } of sent) {
    const log = await collect(after.sessions.events.list(session));
    expect(log.map(item => item.id)).toContain(event);
  }
  for (const file of files) expect((await after.files.download(file)).status).toBe(200);
});

test('a turn cut off by a crash goes on, with the messages that waited behind it', async () => {
  const client = await serve('hang');
  const id = await newSession(client);
  await client.beta.sessions.events.send(id, { events: [userMessage('one')] });
  await client.beta.sessions.events.send(id, { events: [userMessage('two')] });
  await kill();

  harness = await startHarness({ dataDir });
  const { events } = harness.client.beta.sessions;
  await expect.poll(async () => (await collect(events.list(id))).filter(e => isIdle(e)).length).toBe(2);
  const log = await collect(events.list(id));
  expect(types(log)).toEqual([
    'session.status_running',
    'session.thread_status_running',
    'user.message',
    'session.status_rescheduled',
    'session.thread_status_rescheduled',
    'session.status_running',
    'session.thread_status_running',
    'agent.message',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
    'session.status_running',
    'session.thread_status_running',
    'user.message',
    'agent.message',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
  ]);
  expect(JSON.stringify(log)).toMatch(/echo: one.*echo: two/);
});

test('an interrupt that was answered holds after a crash', async () => {
  const client = await serve('hang');
  const id = await newSession(client);
  await client.beta.sessions.events.send(id, { events: [userMessage('one')] });
  await client.beta.sessions.events.send(id, { events: [{ type: 'user.interrupt' }] });
  await kill();

  harness = await startHarness({ dataDir });
  const { events } = harness.client.beta.sessions;
  await expect.poll(async () => (await collect(events.list(id))).at(-1)?.type).toBe('session.status_idle');
  expect(types(await collect(events.list(id)))).not.toContain('agent.message');
});

test('a server that is stopped resumes its turns when it starts again', async () => {
  harness = await startHarness({ dataDir, loop: input => untilAborted(input.signal) });
  const id = await newSession(harness.client);
  await harness.client.beta.sessions.events.send(id, { events: [userMessage('one')] });
  await harness.restart({ loop: echo });
  const { events } = harness.client.beta.sessions;
  await expect.poll(async () => types(await collect(events.list(id)))).toContain('agent.message');
});

test('a second process on the same data is told so at once, and a kill frees the data', async () => {
  await serve('echo');
  const second = createRuntime({ dataDir, port: 0, loop: echo });
  await expect(second).rejects.toThrow(DataDirError);
  await expect(second).rejects.toThrow(
    `Another process is using the data directory ${dataDir}: stop it or choose another directory.`,
  );
  await kill();
  harness = await startHarness({ dataDir });
  await harness.client.beta.agents.list();
});

test('a full disk is a 500 with a sentence, loses nothing answered and keeps reading', async () => {
  // The limit on the size of a file stands in for the disk: SQLite meets the same failing write.
  const client = await serve('echo', 'ulimit -f 4000;');
  const { memories } = client.beta.memoryStores;
  const store = (await client.beta.memoryStores.create({ name: 'Notes' })).id;
  const session = await newSession(client);
  const written: string[] = [];
  const error = await refusal(
    (async () => {
      for (let i = 0; i < 500; i++) {
        written.push((await memories.create(store, { path: `/${i}`, content: 'x'.repeat(100_000) })).id);
      }
    })(),
  );
  expect(error).toBeInstanceOf(Anthropic.InternalServerError);
  expect(error.type).toBe('api_error');
  expect(error.apiMessage).toContain('nothing of this request was saved');
  expect(written.length).toBeGreaterThan(5);
  expect(await collect(memories.list(store))).toHaveLength(written.length);

  // Where small writes still fit, life goes on; where not, the answer says so.
  const stream = await client.beta.sessions.events.stream(session);
  stream.controller.abort();
  await kill();
  harness = await startHarness({ dataDir });
  const listed = await collect(harness.client.beta.memoryStores.memories.list(store));
  expect(listed).toHaveLength(written.length);
  const seen = await watch(harness.client, session, () =>
    (harness as Harness).client.beta.sessions.events.send(session, { events: [userMessage('hi')] }),
  );
  expect(types(seen)).toContain('agent.message');
});

test('a turn that cannot be recorded ends the streams with an error, and the next message resumes it', async () => {
  harness = await startHarness({ dataDir });
  const id = await newSession(harness.client);
  const { events } = harness.client.beta.sessions;
  await sql(`CREATE TRIGGER broken BEFORE INSERT ON events WHEN NEW.type <> 'user.message'
    AND NEW.type NOT LIKE '%running' BEGIN SELECT RAISE(ABORT, 'broken'); END`);
  const cut = watch(harness.client, id, () => events.send(id, { events: [userMessage('one')] }));
  await expect(cut).rejects.toMatchObject({ type: 'api_error', status: undefined });
  expect((await harness.client.beta.sessions.retrieve(id)).status).toBe('running');
  await sql('DROP TRIGGER broken');
  const seen = await watch(
    harness.client,
    id,
    () => events.send(id, { events: [userMessage('two')] }),
    (_event, all) => all.filter(isIdle).length === 2,
  );
  const said = seen.filter(event => event.type === 'agent.message');
  expect(said).toMatchObject([{ content: [{ text: 'echo: one' }] }, { content: [{ text: 'echo: two' }] }]);
});

/** Runs a statement from outside, while the server is idle. */
async function sql(statement: string): Promise<void> {
  const db = new sqlite3.Database(join(dataDir, 'runtime.sqlite'));
  await new Promise<void>((resolve, reject) =>
    db.exec(statement, error => (error ? reject(error) : resolve())),
  );
  await new Promise(resolve => db.close(resolve));
}

test('a data directory that it makes is for its owner alone', async () => {
  const made = join(dataDir, 'made');
  await (await createRuntime({ dataDir: made, port: 0, loop: echo })).stop();
  expect((await stat(made)).mode & 0o777).toBe(0o700);
});

test('what was deleted can be read in no file of the data directory, while the server runs', async () => {
  harness = await startHarness({ dataDir });
  const { client } = harness;
  const secret = 'allergic to latex';
  const store = await client.beta.memoryStores.create({ name: secret });
  const { id } = await client.beta.memoryStores.memories.create(store.id, {
    path: '/a.md',
    content: `${secret} `.repeat(2_000),
  });
  const session = await newSession(client);
  await watch(client, session, () =>
    client.beta.sessions.events.send(session, { events: [userMessage(secret)] }),
  );
  const file = await client.beta.files.upload({ file: await toFile(Buffer.from(secret), 'a.txt') });

  await client.beta.memoryStores.memories.delete(id, { memory_store_id: store.id });
  await client.beta.files.delete(file.id);
  await client.beta.sessions.delete(session);
  await client.beta.memoryStores.delete(store.id);

  for (const name of await readdir(dataDir)) {
    expect((await readFile(join(dataDir, name))).includes(secret), name).toBe(false);
  }
});

test('a clock that was set back while nothing ran does not put what comes after before what was', async () => {
  let now = Date.parse('2026-11-01T12:00:00Z');
  harness = await startHarness({ dataDir, clock: () => now });
  const session = await newSession(harness.client);
  const turn = async (text: string) => {
    const { client } = harness as Harness;
    return watch(client, session, () =>
      client.beta.sessions.events.send(session, { events: [userMessage(text)] }),
    );
  };
  await turn('one');
  const before = await collect(harness.client.beta.sessions.events.list(session));
  const since = before.at(-1)?.processed_at ?? '';

  now -= 3_600_000;
  await harness.restart();
  await turn('two');

  const after = await collect(
    harness.client.beta.sessions.events.list(session, { 'created_at[gte]': since }),
  );
  expect(JSON.stringify(after)).toContain('echo: two');
});
