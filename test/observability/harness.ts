import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientOf } from '../../src/agent-api.ts';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { type Bot, createBot } from '../../src/core/bot.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';
import { createLog, type LogLevel } from '../../src/log.ts';
import { type Observability, openObservability } from '../../src/observability/observability.ts';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import type { Model } from '../../src/runtime/ports.ts';
import { createRuntime } from '../../src/runtime/server.ts';
import { createFaultProxy, type FaultProxy } from '../fakes/fault-proxy.ts';
import { AGENT } from '../helpers/bench.ts';
import { createRecordingAdapter, type RecordingAdapter } from '../helpers/recording-adapter.ts';

export interface Watched {
  observability: Observability;
  adapter: RecordingAdapter;
  proxy: FaultProxy;
  bot: Bot;
  state: State;
  /** Where the state is. */
  dataDir: string;
  /** The log, one object a line. */
  lines: Record<string, unknown>[];
  get(path: string): Promise<{ status: number; body: unknown; text: string }>;
  /** The value of one series in /metrics, e.g. `shopper_turns_total{platform="slack",ending="answered"}`. */
  metric(series: string): Promise<number | undefined>;
  /** The bot goes, and another process takes over its state. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The real bot against the real runtime, put together and watched as main does it. */
export async function openWatched(
  options: { model?: Model; traces?: boolean; level?: LogLevel; started?: boolean } = {},
): Promise<Watched> {
  const dir = await mkdtemp(join(tmpdir(), 'shopper-watched-'));
  const dataDir = join(dir, 'state');
  const lines: Record<string, unknown>[] = [];
  const log = createLog(options.level ?? 'info', {
    write(line: string) {
      lines.push(JSON.parse(line) as Record<string, unknown>);
    },
  });
  const loop = createAgentLoop({ model: options.model ?? createOfflineModel(), log });
  const runtime = await createRuntime({ dataDir: join(dir, 'runtime'), port: 0, loop, apiKey: 'key', log });
  const proxy = await createFaultProxy(runtime.url);
  const observability = await openObservability(
    { health: { host: '127.0.0.1', port: 0 }, traces: options.traces === true },
    { version: '1.2.3', role: 'all' },
    log,
  );

  async function open() {
    const state = await openSqliteState(dataDir);
    const adapter = createRecordingAdapter('slack');
    const { fetch, telemetry } = observability;
    const bot = createBot({
      client: clientOf(proxy.url, 'key', 2, fetch),
      state,
      file: parseAgentFile(AGENT, 'agent.yml'),
      tools: createCustomTools([]),
      adapters: [adapter],
      notices: undefined,
      limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
      telemetry,
      log: observability.log,
    });
    observability.watch({ state, adapters: [adapter], load: bot.load });
    if (options.started !== false) {
      await bot.start();
      observability.started();
    }
    return { state, adapter, bot };
  }

  const watched: Watched = {
    observability,
    proxy,
    dataDir,
    lines,
    ...(await open()),
    async get(path) {
      const response = await fetch(`${observability.url}${path}`);
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return { status: response.status, text, body: isJson ? (JSON.parse(text) as unknown) : text };
    },
    async metric(series) {
      const { text } = await watched.get('/metrics');
      const line = text.split('\n').find(each => each.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    },
    async restart() {
      await watched.bot.stop(0);
      await watched.state.close();
      Object.assign(watched, await open());
    },
    async stop() {
      await watched.bot.stop(0);
      await watched.state.close();
      await observability.stop();
      await proxy.stop();
      await runtime.stop();
      await rm(dir, { recursive: true });
    },
  };
  return watched;
}
