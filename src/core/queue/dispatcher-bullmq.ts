import { DelayedError, type Job, type JobType, Queue, Worker } from 'bullmq';
import type { Log } from '../../log.ts';
import { inTime, pause } from '../patience.ts';
import type { Dispatcher, Run } from './dispatcher.ts';
import { type Caps, capsOf, lanesOf, Slots } from './fair-queue.ts';
import { connectRedis } from './redis-connection.ts';

/** Where the conversations to be answered wait. */
export const TURNS = 'turns';
/** A worker that died, or hung, for this long has its conversations taken over, after the next check. */
const LOCK_MS = 15_000;
const CHECK_MS = 5_000;
/** Taken over as often as need be: a conversation is never given up because workers keep dying. */
const MAX_TAKEOVERS = 1_000_000_000;
/** A conversation that is over a cap comes back after this, doubled with each time. */
const OVER_CAP_MS = 250;
const MAX_OVER_CAP_MS = 8_000;
const IDLE_POLL_MS = 50;
/** How long enqueueing may go on while stopping; the inbox has what is not enqueued then. */
const STOP_QUEUEING_MS = 5_000;
/** How long closing may take once nothing runs here. BullMQ waits for a connection's end that never comes with Redis down. */
const CLOSE_MS = 3_000;
const RETRY_QUEUEING_MS = 1_000;
/** BullMQ's own limit on priorities. */
const MAX_PRIORITY = 2 ** 21 - 1;
/** How many turns of others go between two conversations of one person. */
const PERSON_SPACING = 10;

/**
 * The place in line as a priority, lower first (start-time fair queueing): a workspace's next conversation stands
 * one behind its previous, but never before what is being served now (`now`), so that nobody gains by having
 * waited and nobody is overtaken for ever. KEYS: the places. ARGV: workspace, person, spacing.
 */
const PLACE = `
local function at(field) return tonumber(redis.call('HGET', KEYS[1], field) or '0') end
local place = math.max(at('now'), at('w:' .. ARGV[1]))
redis.call('HSET', KEYS[1], 'w:' .. ARGV[1], place + 1)
place = math.max(place, at('p:' .. ARGV[2]))
redis.call('HSET', KEYS[1], 'p:' .. ARGV[2], place + ARGV[3])
return place`;
/** A conversation's turn has come. With nobody left in line the count starts over. KEYS: the places, the line. */
const SERVED = `
if redis.call('ZCARD', KEYS[2]) == 0 then redis.call('DEL', KEYS[1])
elseif tonumber(redis.call('HGET', KEYS[1], 'now') or '0') < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'now', ARGV[1]) end
return 1`;

interface Waking {
  conversation: string;
}

export interface BullmqOptions {
  /** redis:// or rediss:// */
  url: string;
  /** Null: this process wakes and runs nothing. */
  run: Run | null;
  caps?: Partial<Caps>;
  log: Log;
  /** Before all keys: see redisPrefix. */
  prefix: string;
  lockMs?: number;
  checkMs?: number;
  closeMs?: number;
}

/**
 * Across processes, on Redis. A conversation is one job, deduplicated by its key: at most one runs and one waits,
 * and a wake while it runs is kept as the waiting one. The lock of a job is renewed while its process lives; when
 * that ends, another worker takes the job over. A process that hangs and comes back may then run beside its
 * successor: that is for the turn's lease to notice (see leases). `total` is the number of conversations this
 * process runs; the other caps are this process's too.
 */
export async function createBullmqDispatcher(options: BullmqOptions): Promise<Dispatcher> {
  const { run, log, prefix, closeMs = CLOSE_MS } = options;
  const caps = capsOf(options.caps);
  const connection = await connectRedis(options.url);
  // The blocking connection of a worker waits as long as it takes.
  const patient = connection.duplicate({ maxRetriesPerRequest: null });
  patient.on('error', () => {});
  const queue = new Queue<Waking>(TURNS, {
    connection,
    prefix,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  const trouble = (error: Error) =>
    log.warn({ event: 'dispatcher.trouble', err: error }, 'the queue of turns reports trouble');
  queue.on('error', trouble);
  const places = `${prefix}:turns:places`;
  const slots = new Slots(caps);
  const running = new Set<string>();
  /** Conversations being enqueued; true: woken again since the request was sent, which may have come too early for that. */
  const queueing = new Map<string, boolean>();
  let draining = false;
  let stopping: Promise<void> | undefined;

  async function enqueue(conversation: string): Promise<void> {
    const { workspace, person } = lanesOf(conversation);
    const place = Number(await connection.eval(PLACE, 1, places, workspace, person, PERSON_SPACING));
    if (queueing.has(conversation)) queueing.set(conversation, false);
    await queue.add(
      'turn',
      { conversation },
      {
        priority: Math.min(place + 1, MAX_PRIORITY),
        deduplication: { id: conversation, keepLastIfActive: true },
      },
    );
  }

  async function enqueueAll(conversation: string): Promise<void> {
    queueing.set(conversation, false);
    for (;;) {
      try {
        await enqueue(conversation);
      } catch (error) {
        log.warn({ event: 'dispatcher.not_queued', conversation, err: error }, 'could not enqueue a turn');
        // It is in the inbox, where the next look at it finds it; until then, so that it is soon: once more.
        await pause(RETRY_QUEUEING_MS);
        if (stopping === undefined) continue;
      }
      if (queueing.get(conversation) !== true) break;
    }
    queueing.delete(conversation);
  }

  async function process(job: Job<Waking>, token: string | undefined): Promise<void> {
    const { conversation } = job.data;
    await connection.eval(SERVED, 2, places, `${prefix}:turns:prioritized`, job.priority - 1).catch(trouble);
    const lanes = lanesOf(conversation);
    if (running.has(conversation) || !slots.hasWorkspace(lanes.workspace) || !slots.hasPerson(lanes.person)) {
      const delay = Math.min(MAX_OVER_CAP_MS, OVER_CAP_MS * 2 ** Math.max(0, job.attemptsStarted - 1));
      await job.moveToDelayed(Date.now() + delay / 2 + (Math.random() * delay) / 2, token);
      throw new DelayedError();
    }
    running.add(conversation);
    slots.take(lanes);
    try {
      await run?.(conversation);
    } finally {
      running.delete(conversation);
      slots.give(lanes);
    }
    // What a draining process leaves of a conversation is for another one, at once.
    if (draining) await enqueue(conversation).catch(trouble);
  }

  const worker =
    run === null
      ? null
      : new Worker<Waking>(TURNS, process, {
          connection: patient,
          prefix,
          concurrency: caps.total,
          lockDuration: options.lockMs ?? LOCK_MS,
          stalledInterval: options.checkMs ?? CHECK_MS,
          maxStalledCount: MAX_TAKEOVERS,
          runRetryDelay: RETRY_QUEUEING_MS,
        });
  worker?.on('error', trouble);
  worker?.on('stalled', job =>
    log.warn({ event: 'dispatcher.taken_over', job }, 'a worker went silent; its turn is taken over'),
  );

  async function queued(...states: JobType[]): Promise<number> {
    const counts = await queue.getJobCounts('waiting', 'prioritized', 'delayed', ...states);
    return queueing.size + Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  function drain(): void {
    if (draining) return;
    draining = true;
    worker?.pause(true).catch(trouble);
  }

  /** Closed, or given up: what is taken from Redis and not finished here, another worker takes over. */
  async function closeWorker(): Promise<void> {
    if (worker === null) return;
    let closed = false;
    const closing = worker
      .close()
      .catch(trouble)
      .finally(() => {
        closed = true;
      });
    do {
      // Turns take as long as they take; the bot lets go of them when it has waited enough.
      while (!closed && running.size > 0) await inTime(closing, IDLE_POLL_MS, undefined);
      await inTime(closing, closeMs, undefined);
    } while (!closed && running.size > 0);
  }

  return {
    drain,
    wake(conversation) {
      if (stopping !== undefined) return;
      if (queueing.has(conversation)) queueing.set(conversation, true);
      else void enqueueAll(conversation);
    },

    async load() {
      return { running: running.size, waiting: await queued() };
    },

    answers: () => connection.ping(),

    async idle() {
      while ((await queued('active')) > 0) await pause(IDLE_POLL_MS);
    },

    stop() {
      drain();
      stopping ??= (async () => {
        await closeWorker();
        const until = Date.now() + STOP_QUEUEING_MS;
        while (queueing.size > 0 && Date.now() < until) {
          await pause(IDLE_POLL_MS);
        }
        await inTime(queue.close().catch(trouble), closeMs, undefined);
        for (const client of [patient, connection]) client.disconnect();
      })();
      return stopping;
    },
  };
}
