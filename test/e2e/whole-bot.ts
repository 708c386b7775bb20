/** The whole bot as a process starts it: the real core, the real SDK and the local runtime, on the platforms given. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import type { ChatAdapter } from '../../src/core/adapter.ts';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { type Bot, createBot } from '../../src/core/bot.ts';
import { TABLES } from '../../src/core/people/person-rows.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';
import type { Log } from '../../src/log.ts';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import type { Model } from '../../src/runtime/ports.ts';
import { createRuntime } from '../../src/runtime/server.ts';
import { type LogLine, recordingLog } from '../adapters/slack/harness.ts';
import { collect } from '../helpers/bench.ts';

/** One platform, as it is there before the bot and after it. */
export interface Platform {
  /** For each process anew. */
  adapter(state: State, log: Log): ChatAdapter;
  /** The process is there. */
  started?(): Promise<void>;
  stop(): Promise<void>;
}

export interface WholeBot {
  readonly bot: Bot;
  readonly state: State;
  /** Straight to the runtime, past the bot. */
  readonly client: Anthropic;
  readonly logs: readonly LogLine[];
  /** The process ends: properly, or as a crash would end it. */
  halt(how?: 'stop' | 'abandon'): Promise<void>;
  /** Another process on the same state. */
  start(): Promise<void>;
  /** Everybody's notes, by the name of the store and the path. */
  memories(): Promise<Record<string, string>>;
  /** Every note of a person, by the audience of its store and its path; empty where there is no store. */
  notesOf(user: string): Promise<Record<'private' | 'shared', Record<string, string>>>;
  /** Writes a note behind the bot's back, as an operator would. */
  operate(user: string, path: string, content: string): Promise<void>;
  /** What there is of a person at the API and in the bot's own rows; nothing, once they are forgotten. */
  tracesOf(user: string): Promise<string[]>;
  /** Also stops the platforms. */
  stop(): Promise<void>;
}

export async function createWholeBot(
  platforms: readonly Platform[],
  { model, agent, now }: { model: Model; agent: string; now?: () => number },
): Promise<WholeBot> {
  const dir = await mkdtemp(join(tmpdir(), 'shopper-whole-'));
  const loop = createAgentLoop({ model });
  const runtime = await createRuntime({ dataDir: join(dir, 'runtime'), port: 0, loop, apiKey: 'key' });
  const client = new Anthropic({ baseURL: runtime.url, apiKey: 'key', logLevel: 'off' });
  const logs: LogLine[] = [];
  const log = recordingLog(logs);

  async function open() {
    const state = await openSqliteState(join(dir, 'state'));
    const bot = createBot({
      client,
      state,
      file: parseAgentFile(agent, 'agent.yml'),
      tools: createCustomTools([]),
      adapters: platforms.map(platform => platform.adapter(state, log)),
      notices: undefined,
      limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
      log,
      ...(now === undefined ? {} : { now }),
    });
    await bot.start();
    for (const platform of platforms) await platform.started?.();
    return { bot, state };
  }

  const { memoryStores, sessions } = client.beta;

  async function storesOf(user: string) {
    const all = await collect(memoryStores.list());
    return all.filter(store => store.metadata.person === user);
  }

  /** Rows that belong to nobody stay, each for a reason that the list of tables gives. */
  async function rowsOf(user: string): Promise<string[]> {
    const found: string[] = [];
    for (const [name, tie] of Object.entries(TABLES)) {
      if (tie.by === 'nobody') continue;
      for await (const [key, value] of whole.state.table<unknown>(name).entries()) {
        if (`${key} ${JSON.stringify(value)}`.includes(user)) found.push(`row in ${name}`);
      }
    }
    return found;
  }

  const whole: WholeBot = {
    ...(await open()),
    client,
    logs,
    async halt(how = 'stop') {
      await whole.bot.stop(how === 'abandon' ? 0 : undefined);
      await whole.state.close();
    },
    async start() {
      Object.assign(whole, await open());
    },
    async memories() {
      const found: Record<string, string> = {};
      for (const store of await collect(memoryStores.list())) {
        for (const item of await collect(memoryStores.memories.list(store.id, { view: 'full' }))) {
          if (item.type === 'memory') found[`${store.name}${item.path}`] = item.content ?? '';
        }
      }
      return found;
    },
    async notesOf(user) {
      const notes: Record<'private' | 'shared', Record<string, string>> = { private: {}, shared: {} };
      for (const store of await storesOf(user)) {
        const into = store.metadata.audience === 'shared' ? notes.shared : notes.private;
        for (const item of await collect(memoryStores.memories.list(store.id, { view: 'full' }))) {
          if (item.type === 'memory') into[item.path] = item.content ?? '';
        }
      }
      return notes;
    },
    async operate(user, path, content) {
      const store = (await storesOf(user)).find(({ metadata }) => metadata.audience !== 'shared');
      if (store === undefined) throw new Error(`${user} has no store of their own`);
      const items = await collect(memoryStores.memories.list(store.id));
      const known = items.find(item => item.type === 'memory' && item.path === path);
      if (known?.type !== 'memory') await memoryStores.memories.create(store.id, { path, content });
      else await memoryStores.memories.update(known.id, { memory_store_id: store.id, content });
    },
    async tracesOf(user) {
      const stores = await collect(memoryStores.list({ include_archived: true }));
      const talks = await collect(sessions.list({ include_archived: true }));
      const names = (it: object) => JSON.stringify(it).includes(user);
      return [
        ...stores.filter(names).map(({ name }) => `store ${name}`),
        ...talks.filter(names).map(({ id }) => `session ${id}`),
        ...(await rowsOf(user)),
      ];
    },
    async stop() {
      await whole.halt('abandon');
      await runtime.stop();
      await Promise.all(platforms.map(platform => platform.stop()));
      await rm(dir, { recursive: true, force: true });
    },
  };
  return whole;
}
