import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHousekeeping } from '../../src/core/housekeeping.ts';
import { idleTimer } from '../../src/core/timer.ts';
import { createLog } from '../../src/log.ts';
import { type Bench, createBench } from '../helpers/bench.ts';

let bench: Bench;
afterEach(async () => {
  vi.useRealTimers();
  await bench.stop();
});

describe('sweeping', () => {
  it('keeps nobody waiting, neither for the first answer nor for the end', async () => {
    bench = await createBench({ start: false });
    let begun = false;
    bench.state.sweep = signal =>
      new Promise(resolve => {
        begun = true;
        signal?.addEventListener('abort', () => resolve());
      });
    await bench.bot.start();
    await bench.adapter.say('I wear size 9');
    expect(begun).toBe(true);
    await bench.bot.stop();
  });

  it('that fails does not keep the bot from answering', async () => {
    bench = await createBench({ start: false });
    bench.state.sweep = () => Promise.reject(new Error('canceling statement due to statement timeout'));
    await bench.bot.start();
    const reply = await bench.adapter.say('I wear size 9');
    expect(reply.final?.text).toMatch(/size 9/);
  });
});

describe('what an earlier process left unfinished', () => {
  it('is told by what it is when it cannot be finished, and keeps nothing else waiting', async () => {
    const lines: { event: string }[] = [];
    const log = createLog('error', { write: line => lines.push(JSON.parse(line)) });
    bench = await createBench({ start: false, log });
    await bench.state.table('linked').set('test/W1/ann', { type: 'owner', others: [], heir: {} });
    await bench.bot.start();
    expect(lines.map(({ event }) => event)).toEqual(['accounts.unfinished']);
    expect((await bench.adapter.say('I wear size 9')).final?.text).toMatch(/size 9/);
  });

  it('is finished before anybody is answered, but a start does not wait for it for ever', async () => {
    bench = await createBench({ start: false });
    vi.useFakeTimers();
    const begun: string[] = [];
    const housekeeping = createHousekeeping({
      state: bench.state,
      sessions: { sweep: async () => begun.push('sweep') },
      preferences: {
        resume() {
          begun.push('resume');
          return new Promise(() => {});
        },
      },
      late: { async resume() {} },
      setTimer: idleTimer,
      log: createLog('silent'),
    });
    let started = false;
    const starting = housekeeping.resume().then(() => {
      started = true;
    });
    await vi.advanceTimersByTimeAsync(29_000);
    expect(started).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    await starting;
    // It goes on, and is not begun a second time beside itself.
    housekeeping.begin();
    await vi.advanceTimersByTimeAsync(2 * 3600_000);
    expect(begun).toEqual(['resume']);
    await housekeeping.stop();
  });
});
