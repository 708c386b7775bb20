import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createKeptStreams } from '../../src/core/kept-streams.ts';
import { readAhead } from '../../src/core/live-stream.ts';
import type { StreamEvent } from '../../src/core/turn-state.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A stream that says what it is given until it is closed. */
function open() {
  let say = (_: StreamEvent | null) => {};
  let isOpen = true;
  async function* events() {
    for (;;) {
      const event = await new Promise<StreamEvent | null>(resolve => {
        say = resolve;
      });
      if (event === null) return;
      yield event;
    }
  }
  const stream = readAhead(events(), () => {
    isOpen = false;
    say(null);
  });
  return { stream, say: (event: StreamEvent | null) => say(event), isOpen: () => isOpen };
}

const idle = (id: string): StreamEvent => ({
  type: 'session.status_idle',
  id,
  processed_at: '2026-11-29T00:00:00Z',
  stop_reason: { type: 'end_turn' },
  stop_details: null,
});

it('gives the stream of a session to the one turn that follows', () => {
  const kept = createKeptStreams();
  const { stream } = open();
  kept.keep('sesn_1', stream);
  expect(kept.take('sesn_2')).toBeNull();
  expect(kept.take('sesn_1')).toBe(stream);
  expect(kept.take('sesn_1')).toBeNull();
});

it('leaves out what came between two turns', async () => {
  const kept = createKeptStreams();
  const { stream, say } = open();
  kept.keep('sesn_1', stream);
  say(idle('before'));
  await vi.advanceTimersByTimeAsync(0);
  kept.take('sesn_1');
  say(idle('after'));
  expect(await stream.take(1_000)).toEqual([idle('after')]);
});

it('closes a stream that nobody wanted for a minute, but not one that is in use again', async () => {
  const kept = createKeptStreams();
  const [one, two] = [open(), open()];
  kept.keep('sesn_1', one.stream);
  kept.keep('sesn_2', two.stream);
  await vi.advanceTimersByTimeAsync(59_000);
  kept.take('sesn_2');
  await vi.advanceTimersByTimeAsync(60_000);
  expect([one.isOpen(), two.isOpen()]).toEqual([false, true]);
  expect(kept.take('sesn_1')).toBeNull();
});

it('forgets a stream that has ended by itself', async () => {
  const kept = createKeptStreams();
  const { stream, say } = open();
  kept.keep('sesn_1', stream);
  say(null);
  await vi.advanceTimersByTimeAsync(0);
  expect(kept.take('sesn_1')).toBeNull();
});

it('closes the oldest when there are too many, and all in the end', () => {
  const kept = createKeptStreams(60_000, 2);
  const all = [open(), open(), open()];
  for (const [index, { stream }] of all.entries()) kept.keep(`sesn_${index}`, stream);
  expect(all.map(({ isOpen }) => isOpen())).toEqual([false, true, true]);
  kept.close();
  const late = open();
  kept.keep('sesn_late', late.stream);
  expect([...all, late].map(({ isOpen }) => isOpen())).toEqual([false, false, false, false]);
});
