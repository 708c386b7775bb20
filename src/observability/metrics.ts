import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { inTime } from '../core/patience.ts';
import type { Load } from '../core/telemetry.ts';

/** Prometheus waits ten seconds for everything; what a store or a queue that hangs would say is left out. */
const LOAD_PATIENCE_MS = 2_000;

/** Seconds. Acceptance and signs take milliseconds, answers take minutes. */
const TURN_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];
const RECEIVE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3];
const REQUEST_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type Metrics = ReturnType<typeof createMetrics>;

/** What is asked for when somebody looks. */
export interface Looks {
  load(): Promise<Load>;
  /** Each check by name: whether it is all right. */
  checks(): Promise<Readonly<Record<string, boolean>>>;
}

/**
 * Everything /metrics shows. Labels take few values, known beforehand: platforms, outcomes, stages, routes. Never
 * people, channels, workspaces or sessions: those would make a time series each, and say who talks to the bot.
 */
export function createMetrics(about: { version: string; role: string }, loadPatienceMs = LOAD_PATIENCE_MS) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  let looks: Looks | undefined;

  new Gauge({
    name: 'shopper_build_info',
    help: 'Always 1; the labels say which version runs in which role.',
    labelNames: ['version', 'role', 'node'],
    registers,
  }).set({ ...about, node: process.version }, 1);
  new Gauge({
    name: 'shopper_ready',
    help: 'Per check of /readyz: 1 when it is all right.',
    labelNames: ['check'],
    registers,
    async collect() {
      for (const [check, isReady] of Object.entries((await looks?.checks()) ?? {}))
        this.set({ check }, isReady ? 1 : 0);
    },
  });
  let loading: Promise<Load | undefined> | undefined;
  /** Asked once for everyone who wants to know at the same time; undefined when it cannot be said, or not soon. */
  function load(): Promise<Load | undefined> {
    loading ??= Promise.resolve(looks?.load())
      .catch(() => undefined)
      .finally(() => {
        loading = undefined;
      });
    return inTime(loading, loadPatienceMs, undefined);
  }

  new Gauge({
    name: 'shopper_conversations',
    help: 'Conversations being answered by this process (running) and waiting for their turn (waiting; with REDIS_URL of all processes together).',
    labelNames: ['state'],
    registers,
    async collect() {
      this.reset();
      const now = await load();
      if (now === undefined) return;
      this.set({ state: 'running' }, now.running);
      this.set({ state: 'waiting' }, now.waiting);
    },
  });
  new Gauge({
    name: 'shopper_inbox_messages',
    help: 'Messages accepted and not yet answered; with a shared state of all processes together.',
    registers,
    async collect() {
      this.set((await load())?.messages ?? Number.NaN);
    },
  });

  return {
    registry,
    /** Called once what it asks exists. */
    look(at: Looks) {
      looks = at;
    },
    deliveries: new Counter({
      name: 'shopper_deliveries_total',
      help: 'Messages delivered by platforms: accepted, duplicate, refused (too much waiting) or failed (not written).',
      labelNames: ['platform', 'outcome'],
      registers,
    }),
    receiving: new Histogram({
      name: 'shopper_receive_duration_seconds',
      help: 'From a delivery to its being durably in the inbox, when the platform is acknowledged.',
      labelNames: ['platform'],
      buckets: RECEIVE_BUCKETS,
      registers,
    }),
    stages: new Histogram({
      name: 'shopper_turn_stage_seconds',
      help: 'Parts of a turn: queue (accepted to taken up), sign (taken up to first sign), token (taken up to first token), text (first token to first visible text), done (taken up to whole reply), visible (accepted to first visible text).',
      labelNames: ['platform', 'stage'],
      buckets: TURN_BUCKETS,
      registers,
    }),
    turns: new Counter({
      name: 'shopper_turns_total',
      help: 'Turns by how they ended.',
      labelNames: ['platform', 'ending'],
      registers,
    }),
    rateLimits: new Counter({
      name: 'shopper_rate_limit_waits_total',
      help: 'Requests to a platform that had to wait: the platform said so, or the bot kept within what it allows (budget).',
      labelNames: ['platform', 'by'],
      registers,
    }),
    rateLimitSeconds: new Counter({
      name: 'shopper_rate_limit_wait_seconds_total',
      help: 'How long those waits were.',
      labelNames: ['platform', 'by'],
      registers,
    }),
    tokens: new Counter({
      name: 'shopper_tokens_total',
      help: 'Tokens that turns used: input, output, cache_read, cache_write.',
      labelNames: ['platform', 'kind'],
      registers,
    }),
    cost: new Counter({
      name: 'shopper_list_cost_usd_total',
      help: 'What turns cost at list price, in US dollars, where the service says so.',
      labelNames: ['platform'],
      registers,
    }),
    notices: new Counter({
      name: 'shopper_memory_notices_total',
      help: 'Memory notices shown: told, or held (asks about changes that were taken back).',
      labelNames: ['platform', 'kind'],
      registers,
    }),
    errors: new Counter({
      name: 'shopper_errors_total',
      help: 'Warnings and errors in the log, by the event in the log and what kind of failure it was.',
      labelNames: ['level', 'event', 'kind'],
      registers,
    }),
    reconnects: new Counter({
      name: 'shopper_stream_reconnects_total',
      help: 'Event streams of sessions that had to be opened again, and why.',
      labelNames: ['reason'],
      registers,
    }),
    requests: new Histogram({
      name: 'shopper_agent_request_duration_seconds',
      help: 'Requests to the agent service until the answer begins; status is the HTTP status, unreachable or aborted.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
  };
}
