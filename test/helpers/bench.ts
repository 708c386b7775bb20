import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { clientOf } from '../../src/agent-api.ts';
import { type AgentFile, parseAgentFile } from '../../src/core/agent-file.ts';
import { type Bot, createBot } from '../../src/core/bot.ts';
import type { NoticeMode } from '../../src/core/message.ts';
import type { Leases } from '../../src/core/queue/leases.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';
import type { SetTimer } from '../../src/core/timer.ts';
import { type CustomTool, createCustomTools } from '../../src/core/turn/custom-tools.ts';
import type { TurnLimits } from '../../src/core/turn/turn.ts';
import { createLog, type Log } from '../../src/log.ts';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import type { Model } from '../../src/runtime/ports.ts';
import { createRuntime, type Runtime } from '../../src/runtime/server.ts';
import { createFaultProxy, type FaultProxy } from '../fakes/fault-proxy.ts';
import { createRecordingAdapter, type RecordingAdapter } from './recording-adapter.ts';

export const AGENT = 'name: shopper\nmodel: claude-sonnet-5-5\nsystem: You are a shopper.\n';
/** With the form that a shopper has. */
export const SHOPPER = `${AGENT}memory:
  form: [shoe_size, clothing_sizes, budget, style, brands_liked, brands_avoided, materials_avoided, colours_liked]
`;

export interface Bench {
  runtime: Runtime;
  /** Between the bot and the runtime. */
  proxy: FaultProxy;
  /** Straight to the runtime, for looking and meddling. */
  client: Anthropic;
  adapter: RecordingAdapter;
  bot: Bot;
  state: State;
  file: AgentFile;
  /** Ends the bot as a crash would leave it (`abandon`) or properly, and starts another on the same state. */
  restart(how: 'abandon' | 'stop', options?: BotOptions): Promise<void>;
  stop(): Promise<void>;
}

export interface BotOptions {
  model?: Model;
  agent?: string;
  tools?: CustomTool[];
  notices?: NoticeMode;
  limits?: Partial<TurnLimits>;
  now?: () => number;
  log?: Log;
  setTimer?: SetTimer;
  apiKey?: string;
  leases?: Leases;
  /** False: the bot is made but not started. */
  start?: boolean;
}

/** The real bot, the real SDK and the real runtime, with a recorded platform and a breakable wire. */
export async function createBench(options: BotOptions = {}): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), 'shopper-bench-'));
  const loop = createAgentLoop({ model: options.model ?? createOfflineModel() });
  const runtime = await createRuntime({ dataDir: join(dir, 'runtime'), port: 0, loop, apiKey: 'key' });
  const proxy = await createFaultProxy(runtime.url);
  const client = new Anthropic({ baseURL: runtime.url, apiKey: 'key', logLevel: 'off' });

  async function open(given: BotOptions) {
    const state = await openSqliteState(join(dir, 'state'));
    const file = parseAgentFile(given.agent ?? SHOPPER, 'agent.yml');
    const adapter = createRecordingAdapter();
    const bot = createBot({
      client: clientOf(proxy.url, given.apiKey ?? 'key'),
      state,
      file,
      tools: createCustomTools(given.tools ?? []),
      adapters: [adapter],
      notices: given.notices,
      limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000, ...given.limits },
      log: given.log ?? createLog('silent'),
      ...(given.leases === undefined ? {} : { leases: given.leases }),
      ...(given.now === undefined ? {} : { now: given.now }),
      ...(given.setTimer === undefined ? {} : { setTimer: given.setTimer }),
    });
    if (given.start !== false) await bot.start();
    return { state, file, adapter, bot };
  }

  const bench: Bench = {
    runtime,
    proxy,
    client,
    ...(await open(options)),
    async restart(how, next = {}) {
      await bench.bot.stop(how === 'abandon' ? 0 : undefined);
      await bench.state.close();
      Object.assign(bench, await open({ ...options, ...next }));
    },
    async stop() {
      await bench.bot.stop(0);
      await bench.state.close();
      await proxy.stop();
      await runtime.stop();
      await rm(dir, { recursive: true });
    },
  };
  return bench;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
