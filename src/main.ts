/** The map: config → state → agent client → bot → adapters → start → stop. */

import { openApi } from './agent-api.ts';
import type { Config } from './config.ts';
import { readAgentFile } from './core/agent-file.ts';
import { type BotDeps, createBot, type Role } from './core/bot.ts';
import { SetupError } from './core/errors.ts';
import { inTime } from './core/patience.ts';
import { openState } from './core/state/open.ts';
import { keepHeapSmall } from './heap.ts';
import type { Log } from './log.ts';
import { openObservability } from './observability/observability.ts';
import { ownVersion } from './own-files.ts';
import type { PlainLog } from './plain-log.ts';
import { openPlatforms } from './platforms.ts';
import { openTools } from './tools.ts';

/** How long closing may take of what had not yet started: a server that does not answer must not keep it. */
const STOP_STARTING_MS = 5_000;

export interface Running {
  /** Resolves when there is nothing left to do: the terminal was left. Never, while a platform is connected. */
  finished: Promise<void>;
  /** Where /healthz, /readyz and /metrics are; null without HEALTH_PORT. */
  healthUrl: string | null;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

/** `signal`: also what is just starting ends then, closes what it has opened and rejects. */
export async function run(
  config: Config,
  options: { user?: string; role?: Role; plainLog?: PlainLog; signal?: AbortSignal },
  plainLog: Log,
): Promise<Running> {
  keepHeapSmall();
  const stops: (() => unknown)[] = [];
  const stop = async () => {
    while (stops.length > 0) await stops.pop()?.();
  };
  const opening = open(config, options, plainLog, stops);
  try {
    return { ...(await unlessAborted(opening, options.signal)), stop };
  } catch (error) {
    await inTime(stop(), STOP_STARTING_MS, undefined);
    // What was on its way when the signal came is closed when it is there.
    void opening.then(stop, stop).catch(() => {});
    throw error;
  }
}

/** Opens one after the other, and says of each how it is closed. */
async function open(
  config: Config,
  options: { user?: string; role?: Role; plainLog?: PlainLog },
  plainLog: Log,
  stops: (() => unknown)[],
): Promise<Omit<Running, 'stop'>> {
  const role = options.role ?? 'all';
  const { file, tools } = await openTools(await readAgentFile(config.agentFile), config.agentFile);
  // First to come and last to go: others look at how this process starts and stops.
  const observability = await openObservability(
    config.observability,
    { version: ownVersion(), role },
    plainLog,
  );
  const { log, telemetry, rateLimitedOn } = observability;
  stops.push(observability.stop);
  const state = await openState(config.databaseUrl, config.dataDir);
  stops.push(() => state.close());
  const api = await openApi(config, log, observability.fetch);
  stops.push(api.stop);
  const platforms = await openPlatforms(config, options, { state, file, log, rateLimitedOn });
  const bot = createBot({
    client: api.client,
    state,
    file,
    tools,
    adapters: platforms.adapters,
    notices: config.notices,
    limits: { ...config.limits, outageMs: config.limits.outageMs ?? platforms.outageMs },
    telemetry,
    log,
    ...(await openQueue(config, role, file.name, log)),
  });
  stops.push(() => bot.stop());
  observability.watch({
    state,
    adapters: platforms.adapters,
    load: bot.load,
    ...(config.redisUrl === undefined
      ? {}
      : { queue: { answers: bot.queueAnswers, needed: role === 'worker' } }),
  });
  stops.push(observability.draining);
  await bot.start();
  observability.started();
  return { finished: platforms.finished, healthUrl: observability.url };
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** With REDIS_URL any process accepts and any worker answers; without it, the one that accepted answers. */
async function openQueue(config: Config, role: Role, bot: string, log: Log): Promise<Partial<BotDeps>> {
  const url = config.redisUrl;
  if (url === undefined) {
    if (role === 'all') return {};
    throw new SetupError(
      `The role ${role} needs REDIS_URL and DATABASE_URL, through which processes find one another.`,
    );
  }
  if (config.api.type === 'local') {
    throw new SetupError(
      'REDIS_URL is for several processes, and each would have a local runtime of its own. Set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL to one runtime for all (npm run runtime).',
    );
  }
  const { createBullmqDispatcher } = await import('./core/queue/dispatcher-bullmq.ts');
  const { createRedisSignals } = await import('./core/queue/signals-redis.ts');
  const { redisPrefix } = await import('./core/queue/redis-connection.ts');
  const prefix = redisPrefix(bot);
  return {
    role,
    dispatch: run => createBullmqDispatcher({ url, run, log, prefix }),
    signals: await createRedisSignals({ url, log, prefix }),
  };
}
