import { randomUUID } from 'node:crypto';
import type { Log } from '../../log.ts';
import { pause } from '../patience.ts';
import type { State } from '../state/state.ts';

/** The right to work on a conversation, which may be lost: to a process that takes this one for dead. */
export interface Lease {
  readonly lost: AbortSignal;
  /** By the clock: known before `lost` says so, by a process that was suspended. */
  isHeld(): boolean;
  /** Throws once somebody else may hold it. To be called right before anything that must not happen twice. */
  check(): void;
  release(): Promise<void>;
}

export interface Leases {
  /** Waits while another process holds it. Null when `signal` aborts first. */
  take(conversation: string, signal: AbortSignal): Promise<Lease | null>;
  /** Whether another process may be working on a conversation of this person (by their key). */
  isElsewhere(person: string): Promise<boolean>;
  /** Lets go of everything. Safe to call twice. */
  stop(): Promise<void>;
}

export class LeaseLost extends Error {
  constructor() {
    super('another process may have taken this conversation over');
    this.name = 'LeaseLost';
  }
}

/** Where no other process can work on the same conversations. */
export const noLeases: Leases = {
  async take(_conversation, signal) {
    if (signal.aborted) return null;
    return { lost: new AbortController().signal, isHeld: () => true, check() {}, async release() {} };
  },
  isElsewhere: async () => false,
  async stop() {},
};

/** This process, as long as it says so often enough. */
interface Life {
  id: string;
  /** By our own steady clock: a process that was suspended finds its life over before it does anything else. */
  until: number;
  over: AbortController;
  beat: NodeJS.Timeout | undefined;
  end: NodeJS.Timeout | undefined;
}

export interface LeaseTimes {
  /** How long after its last beat a process counts as alive. */
  ttlMs: number;
  beatMs: number;
  /** By this much earlier it takes itself for dead. */
  marginMs: number;
  pollMs: number;
}

const TIMES: LeaseTimes = { ttlMs: 20_000, beatMs: 5_000, marginMs: 4_000, pollMs: 250 };

/**
 * Leases in a shared state. A lease names the process that holds it and lasts as long as that process: each
 * renews one row of its own, however many conversations it works on. One whose row has run out (killed, hung,
 * cut off from the store) loses them all, and begins a new life under a new name when it comes back.
 */
export function createLeases(
  state: State,
  log: Log,
  times: LeaseTimes = TIMES,
  now: () => number = () => performance.now(),
): Leases {
  const lives = state.table<1>('process');
  const holders = state.table<string>('turn-lease');
  const here = new Set<string>();
  let life: Life | undefined;
  let starting: Promise<Life> | undefined;

  async function begin(): Promise<Life> {
    const id = randomUUID();
    const until = now() + times.ttlMs - times.marginMs;
    await lives.insert(id, 1, times.ttlMs);
    const begun: Life = { id, until, over: new AbortController(), beat: undefined, end: undefined };
    life = begun;
    schedule(begun);
    return begun;
  }

  function schedule(it: Life): void {
    clearTimeout(it.end);
    it.end = setTimeout(() => lose(it), it.until - now());
    it.end.unref();
    it.beat = setTimeout(() => void renew(it), times.beatMs);
    it.beat.unref();
  }

  async function renew(it: Life): Promise<void> {
    const until = now() + times.ttlMs - times.marginMs;
    try {
      if (await lives.replace(it.id, 1, 1, times.ttlMs)) {
        if (it.over.signal.aborted) return;
        it.until = until;
        schedule(it);
      } else lose(it);
    } catch (error) {
      log.warn(
        { event: 'lease.not_renewed', err: error },
        'could not tell the other processes that I am alive',
      );
      it.beat = setTimeout(() => void renew(it), times.pollMs);
      it.beat.unref();
    }
  }

  /** False when it has ended before. */
  function end(it: Life): boolean {
    clearTimeout(it.beat);
    clearTimeout(it.end);
    if (life === it) life = undefined;
    if (it.over.signal.aborted) return false;
    it.over.abort(new LeaseLost());
    return true;
  }

  function lose(it: Life): void {
    if (!end(it)) return;
    log.warn({ event: 'lease.lost' }, 'was silent for too long; other processes may take my turns over');
    // So that the others need not wait for it to run out, if they can be reached at all.
    lives.delete(it.id).catch(() => {});
  }

  function alive(): Promise<Life> {
    if (life !== undefined && now() >= life.until) lose(life);
    if (life !== undefined) return Promise.resolve(life);
    starting ??= begin().finally(() => {
      starting = undefined;
    });
    return starting;
  }

  async function tryTake(conversation: string): Promise<Life | null> {
    const mine = await alive();
    if (await holders.insert(conversation, mine.id)) return mine;
    const holder = await holders.get(conversation);
    if (holder === undefined) return null;
    // Left behind when it could not be released: `here` says that nothing works under it.
    if (holder === mine.id) return mine;
    return (await isDead(holder)) && (await holders.replace(conversation, holder, mine.id)) ? mine : null;
  }

  /** Insertable means that its row has run out, by the store's clock; and inserted it ends for good. */
  const isDead = (process: string) => lives.insert(process, 1, -1);

  return {
    async take(conversation, signal) {
      while (!signal.aborted) {
        if (!here.has(conversation)) {
          here.add(conversation);
          const mine = await tryTake(conversation).catch((error: unknown) => {
            here.delete(conversation);
            throw error;
          });
          if (mine !== null) return leaseOf(conversation, mine);
          here.delete(conversation);
        }
        await pause(times.pollMs, signal);
      }
      return null;
    },

    async isElsewhere(person) {
      for await (const [, holder] of holders.entries(`${person}/`)) {
        if (holder !== life?.id && !(await isDead(holder))) return true;
      }
      return false;
    },

    async stop() {
      const it = life;
      if (it !== undefined && end(it)) await lives.delete(it.id);
    },
  };

  function leaseOf(conversation: string, mine: Life): Lease {
    let released = false;
    const isHeld = () => !mine.over.signal.aborted && now() < mine.until;
    return {
      lost: mine.over.signal,
      isHeld,
      check() {
        if (!isHeld()) throw new LeaseLost();
      },
      async release() {
        if (released) return;
        released = true;
        try {
          await holders.replace(conversation, mine.id, mine.id, -1);
        } catch (error) {
          log.warn(
            { event: 'lease.not_released', conversation, err: error },
            'could not release a conversation',
          );
        } finally {
          here.delete(conversation);
        }
      },
    };
  }
}
