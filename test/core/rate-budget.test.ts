import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateBudget } from '../../src/core/reply/rate-budget.ts';

function setUp() {
  let time = 0;
  let timers: { due: number; run: () => void }[] = [];
  const budget = createRateBudget({
    now: () => time,
    setTimer(run, ms) {
      const timer = { due: time + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter(other => other !== timer);
      };
    },
  });
  function advance(ms: number): void {
    const until = time + ms;
    for (;;) {
      const next = timers.filter(timer => timer.due <= until).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      timers = timers.filter(timer => timer !== next);
      time = Math.max(time, next.due);
      next.run();
    }
    time = until;
  }
  return { budget, advance, now: () => time };
}

const rate = { burst: 3, perMinute: 6 };

describe('rate budget', () => {
  it('gives the burst at once, then as the minute goes, and says how long to wait', () => {
    const { budget, advance } = setUp();
    expect([1, 2, 3].map(() => budget.tryTake('k', rate))).toEqual([0, 0, 0]);
    expect(budget.tryTake('k', rate)).toBe(10_000);
    advance(9_999);
    expect(budget.tryTake('k', rate)).toBe(1);
    advance(1);
    expect(budget.tryTake('k', rate)).toBe(0);
  });

  it('keeps keys apart', () => {
    const { budget } = setUp();
    for (let i = 0; i < 3; i += 1) budget.tryTake('busy', rate);
    expect(budget.tryTake('busy', rate)).toBeGreaterThan(0);
    expect(budget.tryTake('quiet', rate)).toBe(0);
  });

  it('leaves a reserve to those who cannot do without', () => {
    const { budget } = setUp();
    expect(budget.tryTake('k', rate, 2)).toBe(0);
    expect(budget.tryTake('k', rate, 2)).toBe(10_000);
    expect(budget.tryTake('k', rate)).toBe(0);
  });

  it('serves who waits in order, before anyone who only tries', async () => {
    const { budget, advance } = setUp();
    for (let i = 0; i < 3; i += 1) budget.tryTake('k', rate);
    const served: string[] = [];
    const first = budget.take('k', rate).then(() => served.push('first'));
    const second = budget.take('k', rate).then(() => served.push('second'));
    expect(budget.tryTake('k', rate)).toBe(30_000);
    advance(10_000);
    await first;
    expect(served).toEqual(['first']);
    advance(10_000);
    await second;
    expect(served).toEqual(['first', 'second']);
  });

  it('drops who gives up', async () => {
    const { budget, advance } = setUp();
    for (let i = 0; i < 3; i += 1) budget.tryTake('k', rate);
    const stop = new AbortController();
    const given = budget.take('k', rate, stop.signal);
    const next = budget.take('k', rate);
    stop.abort(new Error('no longer needed'));
    await expect(given).rejects.toThrow('no longer needed');
    advance(10_000);
    await next;
    await expect(budget.take('k', rate, stop.signal)).rejects.toThrow('no longer needed');
  });

  it('gives nothing while the platform says "not before"', async () => {
    const { budget, advance } = setUp();
    budget.tryTake('k', rate);
    budget.block('k', 25_000);
    expect(budget.tryTake('k', rate)).toBe(25_000);
    const taken = budget.take('k', rate);
    advance(25_000);
    await taken;
  });

  it('never lets more than burst and rate through in any minute, whatever the demand', () => {
    const demand = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        demand,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 60 }),
        (gaps, burst, perMinute) => {
          const { budget, advance, now } = setUp();
          const taken: number[] = [];
          for (const gap of gaps) {
            advance(gap);
            if (budget.tryTake('k', { burst, perMinute }) === 0) taken.push(now());
          }
          for (const start of taken) {
            const inMinute = taken.filter(at => at >= start && at < start + 60_000).length;
            expect(inMinute).toBeLessThanOrEqual(burst + perMinute);
          }
        },
      ),
    );
  });

  it('forgets keys that are at rest without forgetting what they have used', () => {
    const { budget, advance } = setUp();
    for (let i = 0; i < 3; i += 1) budget.tryTake('used', rate);
    advance(5_000);
    for (let i = 0; i < 3_000; i += 1) budget.tryTake(`k${i}`, rate);
    expect(budget.tryTake('used', rate)).toBe(5_000);
  });
});
