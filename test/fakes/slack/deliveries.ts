// How events, commands and interactions reach the app. Events that are not acknowledged within three seconds
// come again: at once, after a minute, after five more, with the number and reason of the retry; an answer with
// x-slack-no-retry ends it (docs.slack.dev/apis/events-api, "Retries"). Commands and interactions come once.

import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Limits } from './limits.ts';
import type { Json } from './world.ts';

export interface Envelope {
  readonly kind: 'events_api' | 'slash_commands' | 'interactive';
  readonly body: Json;
}

export interface Retry {
  readonly num: number;
  readonly reason: string;
}

export type Result =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly reason: string; readonly status?: number; readonly final?: boolean };

export interface Transport {
  readonly name: 'http' | 'socket';
  /** Where Slack sends requests; undefined over Socket Mode. */
  readonly requestUrl?: string;
  /** Never rejects; settles when acknowledged or after the time to acknowledge. */
  send(envelope: Envelope, retry: Retry | undefined): Promise<Result>;
  stop(): void;
}

export interface Attempt {
  readonly at: number;
  readonly via: 'http' | 'socket' | 'none';
  readonly retry: Retry | undefined;
  /** Undefined while it runs. */
  result: Result | undefined;
}

export interface Delivery {
  readonly envelope: Envelope;
  readonly attempts: readonly Attempt[];
  state: 'held' | 'pending' | 'acked' | 'failed';
  /** What the acknowledgement carried. */
  response: unknown;
  /** Settles once acknowledged, or when no retry is left. */
  readonly settled: Promise<Delivery>;
  /** Sends the same body once more, as Slack does now and then although it was acknowledged. */
  again(retry?: Retry): Promise<Result>;
}

export interface Deliveries {
  transport: Transport | undefined;
  /** How many times each event goes out at once; Slack promises at least once, not exactly once. */
  copies: number;
  readonly all: readonly Delivery[];
  send(envelope: Envelope): Delivery;
  /** Keeps new events back until released, in the given order. */
  hold(): { release(order?: 'as_sent' | 'reversed'): void };
  stop(): void;
}

interface Entry extends Delivery {
  readonly attempts: Attempt[];
  readonly settle: () => void;
}

const KEEP = 10_000;

export function createDeliveries(clock: Clock, limits: Limits, changes: Changes): Deliveries {
  const all: Entry[] = [];
  let held: Entry[] | undefined;
  let stopped = false;

  async function attempt(entry: Entry, retry: Retry | undefined): Promise<Result> {
    const transport = deliveries.transport;
    const record: Attempt = { at: clock.now(), via: transport?.name ?? 'none', retry, result: undefined };
    entry.attempts.push(record);
    const result: Result =
      transport === undefined
        ? { ok: false, reason: 'connection_failed' }
        : await transport.send(entry.envelope, retry);
    record.result = result;
    if (result.ok && entry.state !== 'acked') {
      entry.state = 'acked';
      entry.response = result.body;
      entry.settle();
    }
    return result;
  }

  /** One attempt with its place in the series of retries: the next one is planned before anyone is told. */
  async function run(entry: Entry, retry: Retry | undefined): Promise<void> {
    const result = await attempt(entry, retry);
    if (!result.ok && !stopped) planRetry(entry, (retry?.num ?? 0) + 1, result);
    changes.notify();
  }

  function planRetry(entry: Entry, num: number, { reason, final }: Result & { ok: false }): void {
    const wait = limits.retriesMs[num - 1];
    if (entry.envelope.kind !== 'events_api' || final === true || wait === undefined) {
      fail(entry);
      return;
    }
    const next = () => void run(entry, { num, reason });
    if (wait === 0) setImmediate(next);
    else clock.after(wait, next);
  }

  function fail(entry: Entry): void {
    if (entry.state === 'acked') return;
    entry.state = 'failed';
    entry.settle();
  }

  /** An extra sending outside the series of retries. */
  async function extra(entry: Entry, retry: Retry | undefined): Promise<Result> {
    const result = await attempt(entry, retry);
    changes.notify();
    return result;
  }

  function start(entry: Entry): void {
    entry.state = 'pending';
    void run(entry, undefined);
    if (entry.envelope.kind !== 'events_api') return;
    for (let copy = 1; copy < deliveries.copies; copy += 1) void extra(entry, undefined);
  }

  const deliveries: Deliveries = {
    transport: undefined,
    copies: 1,
    all,
    send(envelope) {
      let settle = () => {};
      const settled = new Promise<Delivery>(resolve => {
        settle = () => resolve(entry);
      });
      const entry: Entry = {
        envelope,
        attempts: [],
        state: 'held',
        response: undefined,
        settled,
        settle: () => settle(),
        again: retry => extra(entry, retry),
      };
      all.push(entry);
      if (all.length > KEEP * 2) all.splice(0, all.length - KEEP);
      if (held !== undefined && envelope.kind === 'events_api') held.push(entry);
      else start(entry);
      return entry;
    },
    hold() {
      held = [];
      return {
        release(order = 'as_sent') {
          const waiting = held ?? [];
          held = undefined;
          for (const entry of order === 'reversed' ? waiting.reverse() : waiting) start(entry);
        },
      };
    },
    stop() {
      stopped = true;
      for (const entry of all) if (entry.state === 'pending' || entry.state === 'held') fail(entry);
    },
  };
  return deliveries;
}
