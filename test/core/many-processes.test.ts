import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Reply } from '../../src/core/adapter.ts';
import type { Message } from '../../src/core/message.ts';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createRuntime, type Runtime } from '../../src/runtime/server.ts';
import { createFaultProxy } from '../fakes/fault-proxy.ts';
import { collect } from '../helpers/bench.ts';
import { type Started, startProgram } from '../helpers/cli.ts';
import { createScriptedModel, lastWords } from '../helpers/scripted-model.ts';
import { POSTGRES, REDIS, uniqueName } from '../helpers/servers.ts';
import type { Order } from './programs/shared-bot.ts';

interface Post {
  of: string;
  versions: Reply[];
}

const stores = [
  { label: 'PostgreSQL and Redis', database: POSTGRES, everything: true },
  { label: 'Redis alone', database: REDIS, everything: false },
];

for (const { label, database, everything } of stores) {
  describe.skipIf(database === null || REDIS === null)(`several processes on ${label}`, () => {
    let dir: string;
    let prefix: string;
    let runtime: Runtime;
    let platform: Server;
    let release: () => void;
    const posts: Post[] = [];
    const programs: Started[] = [];

    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'shopper-many-'));
      prefix = uniqueName();
      const held = new Promise<void>(resolve => {
        release = resolve;
      });
      const model = createScriptedModel(request => {
        const words = lastWords(request);
        return { text: [`You said `, words], ...(words.startsWith('hold') ? { hold: held } : {}) };
      });
      const loop = createAgentLoop({ model });
      runtime = await createRuntime({ dataDir: join(dir, 'runtime'), port: 0, loop, apiKey: 'key' });
      posts.length = 0;
      platform = createServer(async (request, response) => {
        const url = new URL(request.url ?? '/', 'http://platform');
        const reply: Reply = JSON.parse((await collect(request)).join(''));
        if (request.method === 'POST') {
          response.end(String(posts.push({ of: url.searchParams.get('of') ?? '', versions: [reply] }) - 1));
        } else {
          posts[Number(url.pathname.split('/').at(-1))]?.versions.push(reply);
          response.end();
        }
      });
      // A process that hangs finds its connections as it left them.
      platform.keepAliveTimeout = 0;
      await new Promise<void>(resolve => platform.listen(0, '127.0.0.1', resolve));
    });

    afterEach(async () => {
      release();
      for (const { child, finished } of programs.splice(0)) {
        child.kill('SIGCONT');
        child.kill('SIGKILL');
        await finished;
      }
      platform.closeAllConnections();
      await new Promise(resolve => platform.close(resolve));
      await runtime.stop();
      await rm(dir, { recursive: true });
      const redis = new Redis(REDIS ?? '');
      const keys = await redis.keys(`{${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
      redis.disconnect();
      if (POSTGRES === null) return;
      const client = new pg.Client(POSTGRES);
      await client.connect();
      await client.query(`DROP SCHEMA IF EXISTS "${prefix}" CASCADE`);
      await client.end();
    });

    async function start(role: 'ingest' | 'worker', api = runtime.url): Promise<Started> {
      const address = platform.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const program = startProgram('test/core/programs/shared-bot.ts', [], {
        DATABASE_URL: database ?? '',
        REDIS_URL: REDIS ?? '',
        PREFIX: prefix,
        API_URL: api,
        PLATFORM_URL: `http://127.0.0.1:${port}`,
        ROLE: role,
      });
      programs.push(program);
      await program.says(/ready/);
      return program;
    }

    const messageOf = (id: string, text: string, user = 'ann'): Message => ({
      id,
      conversation: {
        person: { platform: 'test', workspace: 'W1', id: user, name: user },
        channel: `D-${user}`,
        thread: null,
        audience: 'private',
      },
      text,
      attachments: [],
      context: [],
      replyTo: null,
    });
    async function order(program: Started, given: Order): Promise<string> {
      program.child.stdin?.write(`${JSON.stringify(given)}\n`);
      const match = await program.says(new RegExp(`${given.type} ${given.message.id}: (.*)`));
      return match[1] ?? '';
    }
    const say = (program: Started, message: Message) => order(program, { type: 'say', message });
    const postsOf = (id: string) => posts.filter(post => post.of === id);
    const finalOf = (id: string) => postsOf(id)[0]?.versions.findLast(version => version.state !== 'working');
    const until = (test: () => void) => vi.waitFor(test, { timeout: 20_000, interval: 50 });

    it('answer what any of them receives, once, from one store and one agent', async () => {
      const [one, other] = await Promise.all([
        start('ingest'),
        start('ingest'),
        start('worker'),
        start('worker'),
      ]);
      const messages = Array.from({ length: 12 }, (_, n) =>
        messageOf(`m${n}`, `number ${n}`, `user${n % 3}`),
      );
      for (const [n, message] of messages.entries()) {
        const [first, second] = n % 2 === 0 ? [one, other] : [other, one];
        expect(await say(first, message)).toBe('"accepted"');
        expect(await say(second, message)).toBe('"duplicate"');
      }
      const client = new Anthropic({ baseURL: runtime.url, apiKey: 'key', logLevel: 'off' });
      const said = async () => {
        const sessions = await collect(client.beta.sessions.list());
        const texts = await Promise.all(
          sessions.map(async session => {
            const events = await collect(
              client.beta.sessions.events.list(session.id, { types: ['user.message'] }),
            );
            return events
              .flatMap(event => (event.type === 'user.message' ? event.content : []))
              .flatMap(block =>
                block.type === 'text' && block.text.startsWith('number') ? [block.text] : [],
              );
          }),
        );
        return texts.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
      };
      const expected = [0, 1, 2].map(user => [0, 3, 6, 9].map(n => `number ${n + user}`));
      await vi.waitFor(async () => expect(await said()).toEqual(expected), {
        timeout: 20_000,
        interval: 100,
      });
      await until(() => expect(posts.every(post => post.versions.at(-1)?.state === 'done')).toBe(true));
      for (const { of } of posts) expect(postsOf(of)).toHaveLength(1);
      expect(await collect(client.beta.agents.list())).toHaveLength(1);
      expect(await collect(client.beta.memoryStores.list())).toHaveLength(3);
    });

    it('leave nothing of a person who wants to be forgotten while one of them begins a session', async () => {
      const wire = await createFaultProxy(runtime.url);
      wire.plan(({ method, path }) =>
        method === 'POST' && path === '/v1/sessions' ? { type: 'delay', ms: 1_500 } : undefined,
      );
      const [receiver] = await Promise.all([start('ingest', wire.url), start('worker', wire.url)]);
      const message = messageOf('m1', 'hello');
      await say(receiver, message);
      await until(() => expect(wire.requests).toContain('POST /v1/sessions'));
      expect(await order(receiver, { type: 'forget-me', message })).toContain('"type":');
      await until(() => expect(finalOf('m1')).toBeDefined());
      const client = new Anthropic({ baseURL: runtime.url, apiKey: 'key', logLevel: 'off' });
      expect(await collect(client.beta.sessions.list())).toEqual([]);
      expect(await collect(client.beta.memoryStores.list())).toEqual([]);
      await wire.stop();
    });

    it('finish what a killed one was answering: the same post, asked once', async () => {
      const ingest = await start('ingest');
      const victim = await start('worker');
      await say(ingest, messageOf('m1', 'hold on'));
      await until(() => expect(posts[0]?.versions.at(-1)?.text).toMatch(/You said/));
      const heir = await start('worker');
      victim.child.kill('SIGKILL');
      await victim.finished;
      release();
      await until(() => expect(finalOf('m1')?.text).toBe('You said hold on'));
      expect(postsOf('m1')).toHaveLength(1);
      await say(ingest, messageOf('m2', 'and now'));
      await until(() => expect(finalOf('m2')?.text).toBe('You said and now'));
      heir.child.kill('SIGTERM');
      expect((await heir.finished).code).toBe(0);
    });

    if (!everything) return;

    it('finish what a hung one was answering, which then says nothing more', async () => {
      const ingest = await start('ingest');
      const hung = await start('worker');
      await say(ingest, messageOf('m1', 'hold on'));
      await until(() => expect(posts[0]?.versions.at(-1)?.text).toMatch(/You said/));
      await start('worker');
      hung.child.kill('SIGSTOP');
      release();
      await until(() => expect(finalOf('m1')?.text).toBe('You said hold on'));
      const versions = posts[0]?.versions.length;
      hung.child.kill('SIGCONT');
      // It has certainly come back to itself once it answers something new.
      await say(ingest, messageOf('m2', 'and now', 'ben'));
      await until(() => expect(finalOf('m2')?.text).toBe('You said and now'));
      hung.child.kill('SIGTERM');
      await hung.finished;
      expect(postsOf('m1')).toHaveLength(1);
      expect(posts[0]?.versions.length).toBe(versions);
    });

    it('carry a request to stop from the one that receives to the one that answers', async () => {
      const ingest = await start('ingest');
      await start('worker');
      const message = messageOf('m1', 'hold on');
      expect(await order(ingest, { type: 'interrupt', message })).toBe('false');
      await say(ingest, message);
      await until(() => expect(posts[0]?.versions.at(-1)?.text).toMatch(/You said/));
      const again = { ...message, id: 'stop' };
      expect(await order(ingest, { type: 'interrupt', message: again })).toBe('true');
      await until(() => expect(finalOf('m1')?.state).toBe('stopped'));
    });

    it('hand over what one of them leaves when it is told to go', async () => {
      const ingest = await start('ingest');
      const leaving = await start('worker');
      await say(ingest, messageOf('m1', 'hold on'));
      await until(() => expect(posts[0]?.versions.at(-1)?.text).toMatch(/You said/));
      leaving.child.kill('SIGTERM');
      // While it goes, it takes nothing new: what comes is for another.
      await say(ingest, messageOf('m2', 'and now', 'ben'));
      await start('worker');
      await until(() => expect(finalOf('m2')?.text).toBe('You said and now'));
      release();
      expect((await leaving.finished).code).toBe(0);
      expect(finalOf('m1')?.text).toBe('You said hold on');
      expect(posts).toHaveLength(2);
    });
  });
}
