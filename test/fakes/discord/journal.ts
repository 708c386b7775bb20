// The ordered record of everything that crossed the wire, and the one way for a test to wait: until() looks
// again after each entry and each change of state here, and every few milliseconds for what only the client's
// side can know.

import type { Clock } from './clock.ts';

export interface RestEntry {
  type: 'rest';
  at: number;
  method: string;
  /** Path below /api/v10, with its query. */
  path: string;
  /** Template of the matched route, such as /channels/:channel/messages. */
  route: string | null;
  body: unknown;
  files: { name: string; size: number }[];
  /** Null while in progress, and for good when the connection was dropped. */
  status: number | null;
  /** Discord's error code of the answer, 0 when it carries none. */
  code: number;
  /** Whether a fault, not the fake itself, decided the outcome. */
  faulted: boolean;
}

export interface GatewayEntry {
  type: 'gateway';
  at: number;
  direction: 'in' | 'out' | 'open' | 'close';
  shard: number | null;
  session: string | null;
  op: number | null;
  /** Name of a dispatched event. */
  event: string | null;
  seq: number | null;
  data: unknown;
  /** Close code, for a closed connection. */
  closeCode: number | null;
}

export type JournalEntry = RestEntry | GatewayEntry;

export interface Journal {
  readonly entries: readonly JournalEntry[];
  rest(filter?: { method?: string; route?: string; status?: number }): RestEntry[];
  gateway(filter?: { direction?: GatewayEntry['direction']; event?: string; op?: number }): GatewayEntry[];
  startRest(entry: Omit<RestEntry, 'type' | 'at' | 'status' | 'code' | 'faulted'>): RestEntry;
  addGateway(entry: Omit<GatewayEntry, 'type' | 'at'>): void;
  /** Tells the waiters that something changed. */
  touch(): void;
  /** Resolves with the first value that is neither undefined nor false; rejects after `timeoutMs` of real time. */
  until<T>(look: () => T, what?: string, timeoutMs?: number): Promise<Exclude<T, undefined | false | null>>;
  clear(): void;
}

const POLL_MS = 5;

/** Keeps the newest `limit` entries, so that a long run does not fill the memory. `onCall` is told of each call as it comes. */
export function createJournal(clock: Clock, limit: number, onCall?: (entry: RestEntry) => void): Journal {
  const entries: JournalEntry[] = [];
  const waiters = new Set<() => void>();

  function add(entry: JournalEntry): void {
    entries.push(entry);
    if (entries.length > limit) entries.splice(0, Math.ceil(limit / 10));
  }

  function touch(): void {
    for (const look of [...waiters]) look();
  }

  return {
    entries,
    rest: (filter = {}) =>
      entries.filter(
        (entry): entry is RestEntry =>
          entry.type === 'rest' &&
          (filter.method === undefined || entry.method === filter.method) &&
          (filter.route === undefined || entry.route === filter.route) &&
          (filter.status === undefined || entry.status === filter.status),
      ),
    gateway: (filter = {}) =>
      entries.filter(
        (entry): entry is GatewayEntry =>
          entry.type === 'gateway' &&
          (filter.direction === undefined || entry.direction === filter.direction) &&
          (filter.event === undefined || entry.event === filter.event) &&
          (filter.op === undefined || entry.op === filter.op),
      ),
    startRest(partial) {
      const entry: RestEntry = {
        type: 'rest',
        at: clock.now(),
        ...partial,
        status: null,
        code: 0,
        faulted: false,
      };
      add(entry);
      onCall?.(entry);
      return entry;
    },
    addGateway(partial) {
      add({ type: 'gateway', at: clock.now(), ...partial });
      touch();
    },
    touch,
    until(look, what = 'the awaited condition', timeoutMs = 5_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          finish();
          reject(new Error(`Timed out after ${timeoutMs} ms waiting for ${what}`));
        }, timeoutMs);
        const poll = setInterval(check, POLL_MS);
        function finish(): void {
          clearTimeout(timer);
          clearInterval(poll);
          waiters.delete(check);
        }
        function check(): void {
          try {
            const value = look();
            if (value === undefined || value === null || value === false) return;
            finish();
            resolve(value as Exclude<typeof value, undefined | false | null>);
          } catch (error) {
            finish();
            reject(error);
          }
        }
        waiters.add(check);
        check();
      });
    },
    clear() {
      entries.length = 0;
    },
  };
}
