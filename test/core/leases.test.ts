import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLeases, LeaseLost, type Leases, noLeases } from '../../src/core/queue/leases.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State, Table } from '../../src/core/state/state.ts';
import { createLog } from '../../src/log.ts';

let dir: string;
let state: State;
const all: Leases[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shopper-leases-'));
  state = await openSqliteState(dir);
});
afterEach(async () => {
  await Promise.all(all.splice(0).map(leases => leases.stop()));
  await state.close();
  await rm(dir, { recursive: true });
});

const QUICK = { ttlMs: 300, beatMs: 50, marginMs: 100, pollMs: 10 };
const never = new AbortController().signal;

/** A process, as the store sees it; one whose beats can be held up. */
function another(options: { now?: () => number; state?: State } = {}): Leases {
  const leases = createLeases(options.state ?? state, createLog('silent'), QUICK, options.now);
  all.push(leases);
  return leases;
}

/** The same data, where this process can no longer write that it lives. */
function cutOff(): { state: State; cut(): void; heal(): void } {
  let broken = false;
  const fail = () => Promise.reject(new Error('cut off'));
  return {
    cut() {
      broken = true;
    },
    heal() {
      broken = false;
    },
    state: {
      ...state,
      table<T>(name: string): Table<T> {
        const table = state.table<T>(name);
        return { ...table, replace: (...args) => (broken ? fail() : table.replace(...args)) };
      },
    },
  };
}

describe('leases', () => {
  it('are held by one process at a time, and pass on when released', async () => {
    const [one, other] = [another(), another()];
    const first = await one.take('a', never);
    let second = false;
    const waiting = other.take('a', never).then(lease => {
      second = true;
      return lease;
    });
    // The other has certainly looked by the time it holds something else.
    await (await other.take('b', never))?.release();
    expect(second).toBe(false);
    first?.check();
    await first?.release();
    (await waiting)?.check();
  });

  it('are held once within a process too', async () => {
    const leases = another();
    const order: string[] = [];
    await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const lease = await leases.take('a', never);
        order.push(`${n} in`);
        await new Promise(resolve => setImmediate(resolve));
        order.push(`${n} out`);
        await lease?.release();
      }),
    );
    for (let n = 0; n < 20; n += 2) expect(order[n]?.split(' ')[0]).toBe(order[n + 1]?.split(' ')[0]);
  });

  it('outlast their time while the process lives', async () => {
    const [one, other] = [another(), another()];
    const lease = await one.take('a', never);
    const limit = AbortSignal.timeout(3 * QUICK.ttlMs);
    expect(await other.take('a', limit)).toBeNull();
    lease?.check();
  });

  it('pass to another process when theirs can no longer say that it lives, and are lost first', async () => {
    const line = cutOff();
    const [one, other] = [another({ state: line.state }), another()];
    const lease = await one.take('a', never);
    const order: string[] = [];
    lease?.lost.addEventListener('abort', () => order.push('lost'));
    line.cut();
    const taken = await other.take('a', never);
    order.push('taken');
    expect(order).toEqual(['lost', 'taken']);
    expect(() => lease?.check()).toThrow(LeaseLost);
    taken?.check();
    line.heal();
    // Letting go of what was lost takes nothing from the new holder.
    await lease?.release();
    expect(await another().take('a', AbortSignal.timeout(50))).toBeNull();
    taken?.check();
  });

  it('are known to be lost by a process that was suspended, before its timers say so', async () => {
    let now = 0;
    const lease = await another({ now: () => now }).take('a', never);
    lease?.check();
    now = QUICK.ttlMs;
    expect(() => lease?.check()).toThrow(LeaseLost);
  });

  it('can be taken again by a process that lost them', async () => {
    let now = 0;
    const leases = another({ now: () => now });
    const lost = await leases.take('a', never);
    now = QUICK.ttlMs;
    await lost?.release();
    const again = await leases.take('a', never);
    again?.check();
    expect(() => lost?.check()).toThrow(LeaseLost);
  });

  it('are not waited for by a process that is told to stop', async () => {
    const [one, other] = [another(), another()];
    await one.take('a', never);
    const stop = new AbortController();
    const waiting = other.take('a', stop.signal);
    stop.abort();
    expect(await waiting).toBeNull();
    expect(await noLeases.take('a', stop.signal)).toBeNull();
  });

  it('pass on at once when their process stops', async () => {
    const [one, other] = [another(), another()];
    await one.take('a', never);
    await one.stop();
    (await other.take('a', AbortSignal.timeout(QUICK.ttlMs / 2)))?.check();
  });

  it('tell whether another process may be working on anything of a person', async () => {
    const [one, other] = [another(), another()];
    const lease = await one.take('slack/W1/ann/D1/', never);
    expect(await other.isElsewhere('slack/W1/ann')).toBe(true);
    expect(await other.isElsewhere('slack/W1/an')).toBe(false);
    expect(await one.isElsewhere('slack/W1/ann')).toBe(false);
    await lease?.release();
    expect(await other.isElsewhere('slack/W1/ann')).toBe(false);
    await one.take('slack/W1/ann/D1/', never);
    await one.stop();
    expect(await other.isElsewhere('slack/W1/ann')).toBe(false);
  });
});
