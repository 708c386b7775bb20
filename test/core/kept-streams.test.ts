import type Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createKeptStreams } from '../../src/core/session/kept-streams.ts';
import { readAhead } from '../../src/core/session/live-stream.ts';
import { followSession } from '../../src/core/session/session-stream.ts';
import { silentTurn } from '../../src/core/telemetry.ts';
import { realTimer } from '../../src/core/timer.ts';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';
import { runTurn } from '../../src/core/turn/turn.ts';
import type { StreamEvent } from '../../src/core/turn/turn-state.ts';
import { createLog } from '../../src/log.ts';

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

const BEFORE = '2026-11-29T00:00:00.000Z';
const SINCE = '2026-11-29T00:00:00.001Z';
const NOW = '2026-11-29T00:01:00.000Z';

const idle = (id: string, at = NOW): StreamEvent => ({
  type: 'session.status_idle',
  id,
  processed_at: at,
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

/** A service with a log, which takes what is sent. */
function serviceWith(log: StreamEvent[]) {
  const asked: string[] = [];
  const events = {
    async stream() {
      asked.push('stream');
      throw new Error('a stream was opened');
    },
    async *list() {
      asked.push('list');
      yield* log;
    },
    async send() {
      asked.push('send');
      return { data: [{ id: 'sevt_mine' }] };
    },
  };
  return { asked, client: { beta: { sessions: { events } } } as unknown as Anthropic };
}

it('is not given up when the agent takes its time and the log has nothing new', async () => {
  const kept = createKeptStreams();
  const { stream, say } = open();
  kept.keep('sesn_1', stream);
  const { asked, client } = serviceWith([idle('old', SINCE)]);
  const batches = followSession({
    client,
    sessionId: 'sesn_1',
    opened: async () => {},
    since: () => SINCE,
    resume: false,
    onTrouble: () => {},
    kept,
    signal: new AbortController().signal,
    log: createLog('silent'),
  });
  const next = batches.next();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(asked).toEqual(['list']);
  say(idle('new'));
  await vi.advanceTimersByTimeAsync(0);
  expect((await next).value).toEqual({ events: [idle('new')], live: true });
  expect(asked).toEqual(['list']);
  await batches.return();
});

it('does not give a turn the words of the turn before, however late they come', async () => {
  const kept = createKeptStreams();
  const { stream, say } = open();
  kept.keep('sesn_1', stream);
  const { client } = serviceWith([]);
  const running = (id: string, at: string): StreamEvent => ({
    type: 'session.status_running',
    id,
    processed_at: at,
  });
  const message = (id: string, text: string, at: string): StreamEvent => ({
    type: 'agent.message',
    id,
    content: [{ type: 'text', text }],
    processed_at: at,
  });
  const turn = runTurn({
    client,
    sessionId: 'sesn_1',
    mountPaths: [],
    person: { platform: 'test', workspace: 'W', id: 'ann', name: 'Ann' },
    content: async () => ({ type: 'user.message', content: [] }),
    sentId: null,
    attempted: false,
    previousSentId: 'sevt_before',
    since: SINCE,
    preface: [],
    sink: { show() {}, async finish() {}, ask: async () => false, close() {} },
    tools: createCustomTools([]),
    limits: { turnMs: 60_000, outageMs: 60_000, questionMs: 60_000 },
    kept,
    telemetry: silentTurn,
    now: Date.now,
    setTimer: realTimer,
    log: createLog('silent'),
    onSent() {},
    onDoubt() {},
    shutdown: new AbortController().signal,
    interrupt: new AbortController().signal,
  });
  const events = [
    running('r1', BEFORE),
    message('m1', 'the old words', BEFORE),
    idle('i1', BEFORE),
    running('r2', NOW),
    message('m2', 'the new words', NOW),
    idle('i2', NOW),
  ];
  for (const event of events) {
    await vi.advanceTimersByTimeAsync(1);
    say(event);
  }
  await vi.advanceTimersByTimeAsync(1);
  expect((await turn).text).toBe('the new words');
  expect(kept.take('sesn_1')).toBe(stream);
});
