import { describe, expect, it } from 'vitest';
import { createPaced, type PacedOptions, RetryLater } from '../../src/core/reply/paced.ts';
import { manualClock } from '../helpers/manual-clock.ts';

function setUp(overrides: Partial<PacedOptions<string>> = {}) {
  const clock = manualClock();
  const written: [at: number, value: string][] = [];
  const errors: unknown[] = [];
  const paced = createPaced<string>({
    write: async value => void written.push([clock.now(), value]),
    minIntervalMs: 1_000,
    onError: error => errors.push(error),
    now: clock.now,
    setTimer: clock.setTimer,
    ...overrides,
  });
  return { clock, written, errors, paced };
}

describe('paced writing', () => {
  it('writes the first value at once and of the following only the newest, once an interval', async () => {
    const { clock, written, paced } = setUp();
    for (const value of ['a', 'ab', 'abc']) paced.push(value);
    await clock.advance(400);
    paced.push('abcd');
    await clock.advance(5_000);
    expect(written).toEqual([
      [0, 'a'],
      [1_000, 'abcd'],
    ]);
  });

  it('does not hold back what is urgent, and paces what follows from there', async () => {
    const { clock, written, paced } = setUp({ isUrgent: value => value === 'first words' });
    paced.push('thinking');
    await clock.advance(300);
    paced.push('first words');
    await clock.advance(100);
    paced.push('more words');
    await clock.advance(5_000);
    expect(written).toEqual([
      [0, 'thinking'],
      [300, 'first words'],
      [1_300, 'more words'],
    ]);
  });

  it('holds back even what is urgent for as long as a write asked for', async () => {
    const tries: number[] = [];
    const { clock, paced } = setUp({
      isUrgent: () => true,
      async write() {
        tries.push(clock.now());
        throw new RetryLater(2_000, { binding: false });
      },
    });
    paced.push('first words');
    await clock.advance(4_500);
    expect(tries).toEqual([0, 2_000, 4_000]);
  });

  it('holds back even what is urgent once a write was refused', async () => {
    const tries: number[] = [];
    const { clock, paced } = setUp({
      isUrgent: () => true,
      async write() {
        tries.push(clock.now());
        throw new Error('refused');
      },
    });
    for (const value of ['first', 'first words', 'first words of many']) {
      paced.push(value);
      await clock.advance(100);
    }
    await clock.advance(5_000);
    expect(tries).toEqual([0, 1_000]);
  });

  it('keeps one write in flight, however long it takes', async () => {
    let running = 0;
    let most = 0;
    const releases: (() => void)[] = [];
    const { clock, paced } = setUp({
      async write() {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>(resolve => releases.push(resolve));
        running -= 1;
      },
    });
    paced.push('a');
    paced.push('b');
    await clock.advance(10_000);
    expect(releases).toHaveLength(1);
    releases[0]?.();
    await clock.advance(0);
    expect(releases).toHaveLength(2);
    expect(most).toBe(1);
  });

  it('flushes without waiting for the pace', async () => {
    const { clock, written, paced } = setUp();
    paced.push('a');
    await clock.advance(10);
    paced.push('b');
    const flushed = paced.flush();
    await clock.advance(0);
    await flushed;
    expect(written).toEqual([
      [0, 'a'],
      [10, 'b'],
    ]);
  });

  it('waits as long as the platform asks, then writes what is newest', async () => {
    let refusals = 1;
    const { clock, written, paced } = setUp({
      async write(value) {
        if (refusals-- > 0) throw new RetryLater(7_000);
        written.push([clock.now(), value]);
      },
    });
    paced.push('a');
    await clock.advance(2_000);
    paced.push('ab');
    const flushed = paced.flush();
    await clock.advance(4_999);
    expect(written).toEqual([]);
    await clock.advance(1);
    await flushed;
    expect(written).toEqual([[7_000, 'ab']]);
  });

  it('lets a flush pass where the bot only holds itself back', async () => {
    const { clock, written, paced } = setUp({
      async write(value) {
        if (value === 'a') throw new RetryLater(60_000, { binding: false });
        written.push([clock.now(), value]);
      },
    });
    paced.push('a');
    await clock.advance(5);
    paced.push('ab');
    const flushed = paced.flush();
    await clock.advance(0);
    await flushed;
    expect(written).toEqual([[5, 'ab']]);
  });

  it('reports a failed write and tries its value again on flush', async () => {
    let failures = 1;
    const { clock, written, errors, paced } = setUp({
      async write(value) {
        if (failures-- > 0) throw new Error('channel is gone');
        written.push([clock.now(), value]);
      },
    });
    paced.push('a');
    await clock.advance(3_000);
    expect(errors).toEqual([new Error('channel is gone')]);
    const flushed = paced.flush();
    await clock.advance(0);
    await flushed;
    expect(written).toEqual([[3_000, 'a']]);
  });

  it('rejects a flush whose write fails', async () => {
    const { clock, errors, paced } = setUp({ write: () => Promise.reject(new Error('no')) });
    paced.push('a');
    const flushed = paced.flush().catch((error: unknown) => error);
    await clock.advance(0);
    expect(await flushed).toEqual(new Error('no'));
    expect(errors).toEqual([]);
  });

  it('resolves a flush at once when everything is written', async () => {
    const { paced } = setUp();
    await paced.flush();
    paced.push('a');
    await paced.flush();
    await paced.flush();
  });

  it('writes nothing after stop, and tells who waits', async () => {
    const { clock, written, paced } = setUp();
    paced.push('a');
    await clock.advance(0);
    paced.push('b');
    paced.stop();
    paced.stop();
    paced.push('c');
    await clock.advance(60_000);
    expect(written).toEqual([[0, 'a']]);
    await expect(paced.flush()).rejects.toThrow('stopped');
  });
});
