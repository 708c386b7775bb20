import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, collect, createBench } from '../helpers/bench.ts';
import { createScriptedModel } from '../helpers/scripted-model.ts';

const SIZES = '# Sizes\n- shoe size: 9 (2026-11-22)\n';

/** Text, a tool use, text again: every kind of event a turn has. */
const model = createScriptedModel(request => {
  const mount = /mounted at (\S+) \(read and write\)/.exec(JSON.stringify(request.messages))?.[1] ?? '';
  const after = JSON.stringify(request.messages.at(-1)).includes('tool_result');
  return after
    ? { text: ['I have ', 'noted ', 'that.'] }
    : {
        text: ['One ', 'moment.'],
        uses: [{ name: 'write', input: { file_path: `${mount}/sizes.md`, content: SIZES } }],
      };
});

let bench: Bench;
let frames: number;
let turn = 0;

function somebodyNew(): string {
  turn += 1;
  return `user${turn}`;
}

async function oneTurn(user = somebodyNew()) {
  const reply = await bench.adapter.say('I wear size 9', { user, channel: user });
  const notices = bench.adapter.notices.filter(notice => notice.messageId === reply.messageId);
  const sessions = await collect(bench.client.beta.sessions.list());
  const mine = sessions.find(session => session.metadata.person === user);
  const sent = await collect(
    bench.client.beta.sessions.events.list(mine?.id ?? '', { types: ['user.message'] }),
  );
  return { reply, notices, sent };
}

beforeAll(async () => {
  bench = await createBench({ model });
  const { reply } = await oneTurn();
  frames = bench.proxy.frames();
  expect(reply.final?.text).toBe('One moment.\n\nI have noted that.');
  expect(frames).toBeGreaterThan(12);
});
afterAll(() => bench.stop());

describe('a stream that is cut', () => {
  it.each(['destroy', 'end'] as const)(
    '(%s) at any event leaves one complete reply and one notice',
    async how => {
      for (let at = 0; at < frames; at += 1) {
        bench.proxy.plan(({ path, index }) =>
          path.endsWith('/events/stream') && index === 0
            ? { type: 'cut_stream', frames: at, how }
            : undefined,
        );
        const { reply, notices, sent } = await oneTurn();
        expect({ at, text: reply.final?.text, state: reply.final?.state }).toEqual({
          at,
          text: 'One moment.\n\nI have noted that.',
          state: 'done',
        });
        expect({ at, notices: notices.map(notice => notice.lines) }).toEqual({
          at,
          notices: [['+ shoe size: 9']],
        });
        expect({ at, sent: sent.length }).toEqual({ at, sent: 1 });
        for (const snapshot of reply.snapshots) {
          expect('One moment.\n\nI have noted that.'.startsWith(snapshot.text)).toBe(true);
        }
      }
    },
  );

  it('at any event of a later turn is not taken for the end of the turn before', async () => {
    const user = somebodyNew();
    bench.proxy.plan(() => undefined);
    await oneTurn(user);
    for (let at = 0; at < frames; at += 1) {
      // Not on the stream that the turn before has left.
      bench.proxy.cut();
      bench.proxy.plan(({ path, index }) =>
        path.endsWith('/events/stream') && index === 0
          ? { type: 'cut_stream', frames: at, how: 'destroy' }
          : undefined,
      );
      const { reply } = await oneTurn(user);
      expect({ at, text: reply.final?.text }).toEqual({ at, text: 'One moment.\n\nI have noted that.' });
    }
  });

  it('and was left by the turn before is mended at any event like one of its own', async () => {
    for (let at = 0; at < frames; at += 1) {
      const user = somebodyNew();
      bench.proxy.plan(({ path, index }) =>
        path.endsWith('/events/stream') && index === 0
          ? { type: 'cut_stream', frames: frames + at, how: 'destroy' }
          : undefined,
      );
      await oneTurn(user);
      const { reply, sent } = await oneTurn(user);
      expect({ at, text: reply.final?.text }).toEqual({ at, text: 'One moment.\n\nI have noted that.' });
      expect({ at, sent: sent.length }).toEqual({ at, sent: 2 });
    }
  });

  it('without a word after the turn before is soon found out', async () => {
    const user = somebodyNew();
    bench.proxy.plan(({ path, index }) =>
      path.endsWith('/events/stream') && index === 0
        ? { type: 'cut_stream', frames, how: 'stall' }
        : undefined,
    );
    await oneTurn(user);
    const started = performance.now();
    const { reply, sent } = await oneTurn(user);
    expect(reply.final?.text).toBe('One moment.\n\nI have noted that.');
    expect(sent.length).toBe(2);
    // Long before a stream of its own would be doubted.
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('again and again still ends in one complete reply', async () => {
    bench.proxy.plan(({ path, index }) =>
      path.endsWith('/events/stream') && index < 6
        ? { type: 'cut_stream', frames: index % 2, how: 'end' }
        : undefined,
    );
    const { reply, notices, sent } = await oneTurn();
    expect(reply.final?.text).toBe('One moment.\n\nI have noted that.');
    expect([notices.length, sent.length]).toEqual([1, 1]);
  });
});

describe('a message whose sending fails', () => {
  it.each([
    { type: 'drop_after' as const },
    { type: 'status_after' as const, status: 500 },
    { type: 'status_after' as const, status: 529 },
    { type: 'drop_before' as const },
    { type: 'status' as const, status: 429, headers: { 'retry-after': '0' } },
    { type: 'status' as const, status: 503 },
  ])('reaches the session exactly once ($type $status)', async fault => {
    bench.proxy.plan(({ method, path, index }) =>
      method === 'POST' && path.endsWith('/events') && index === 0 ? fault : undefined,
    );
    const { reply, notices, sent } = await oneTurn();
    expect(reply.final?.text).toBe('One moment.\n\nI have noted that.');
    expect([notices.length, sent.length]).toEqual([1, 1]);
  });

  it('waits as long as the service asks', async () => {
    const started = Date.now();
    bench.proxy.plan(({ method, path, index }) =>
      method === 'POST' && path.endsWith('/events') && index === 0
        ? { type: 'status', status: 429, headers: { 'retry-after': '1' } }
        : undefined,
    );
    const { reply } = await oneTurn();
    expect(reply.final?.state).toBe('done');
    expect(Date.now() - started).toBeGreaterThanOrEqual(1_000);
    expect(reply.snapshots.map(snapshot => snapshot.status)).toContain(
      "Can't reach my agent service, still trying",
    );
  });
});
