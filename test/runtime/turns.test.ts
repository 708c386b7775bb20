import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import type { AgentLoop, LoopInput } from '../../src/runtime/ports.ts';
import { gate } from '../helpers/gate.ts';
import {
  collect,
  type Harness,
  idles,
  isIdle,
  lastText,
  newSession,
  provision,
  refusal,
  type StreamEvent,
  say,
  startHarness,
  types,
  untilAborted,
  userMessage,
  watch,
} from './harness.ts';

let harness: Harness;
afterEach(() => harness.close());

/** A server with this loop and a session on it. */
async function start(loop: AgentLoop): Promise<{ beta: Anthropic['beta']; id: string }> {
  harness = await startHarness({ loop });
  return { beta: harness.client.beta, id: await newSession(harness.client) };
}

const send = (
  id: string,
  ...events: Parameters<Anthropic['beta']['sessions']['events']['send']>[1]['events']
) => harness.client.beta.sessions.events.send(id, { events });
const log = (id: string) => collect(harness.client.beta.sessions.events.list(id));

test('a turn is told in the documented order', async () => {
  const { beta, id } = await start(async input => {
    const request = await input.emit({ type: 'span.model_request_start' });
    await say(input, 'Hello.');
    await input.emit({
      type: 'span.model_request_end',
      model_request_start_id: request.id,
      is_error: false,
      model_usage: {
        input_tokens: 12,
        output_tokens: 3,
        cache_creation_input_tokens: 5,
        cache_read_input_tokens: 7,
      },
    });
    return { type: 'end_turn' };
  });
  const seen = await watch(harness.client, id, async () => {
    const { data } = await send(id, userMessage('Hi'));
    expect(data).toMatchObject([
      { type: 'user.message', processed_at: null, id: expect.stringMatching(/^sevt_/) },
    ]);
  });
  expect(types(seen)).toEqual([
    'user.message',
    'session.status_running',
    'session.thread_status_running',
    'user.message',
    'span.model_request_start',
    'agent.message',
    'span.model_request_end',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
  ]);
  const [announced, , , processed] = seen;
  expect(announced).toMatchObject({ processed_at: null });
  expect(processed).toEqual({ ...announced, processed_at: expect.any(String) });
  expect(seen.at(-1)).toMatchObject({ stop_reason: { type: 'end_turn' }, stop_details: null });
  expect(seen.at(-2)).toMatchObject({
    usage: { input_tokens: 12, output_tokens: 3, cache_read_input_tokens: 7 },
    budget: null,
  });
  expect(await log(id)).toEqual(seen.slice(1));
  expect(await beta.sessions.retrieve(id)).toMatchObject({
    status: 'idle',
    usage: { input_tokens: 12, output_tokens: 3 },
  });
});

test('a session with initial events runs from its creation', async () => {
  const { beta, id } = await start(async input => {
    await say(input, lastText(input));
    return untilAborted(input.signal);
  });
  const { agent, environment_id } = await beta.sessions.retrieve(id);
  const made = await beta.sessions.create({
    agent: agent.id,
    environment_id,
    initial_events: [userMessage('one'), userMessage('two')],
  });
  expect(made.status).toBe('running');
  expect(types(await log(made.id)).slice(0, 4)).toEqual([
    'session.status_running',
    'session.thread_status_running',
    'user.message',
    'user.message',
  ]);
});

describe('messages that arrive during a turn', () => {
  test('wait with processed_at null and reach the agent together, in order, in the next', async () => {
    const first = gate();
    const heard: string[][] = [];
    const { id } = await start(async input => {
      heard.push(saidSince(input));
      if (heard.length === 1) await first.opened;
      await say(input, `turn ${heard.length}`);
      return { type: 'end_turn' };
    });
    const seen = await watch(
      harness.client,
      id,
      async () => {
        await send(id, userMessage('a'));
        await send(id, userMessage('b'));
        await send(id, userMessage('c'), userMessage('d'));
        const waiting = (await log(id)).slice(-3);
        expect(waiting.map(event => 'processed_at' in event && event.processed_at)).toEqual([
          null,
          null,
          null,
        ]);
        first.open();
      },
      idles(2),
    );
    expect(heard).toEqual([['a'], ['b', 'c', 'd']]);
    const order = (await log(id)).map(event => event.id);
    expect(new Set(order).size).toBe(order.length);
    const afterFirstIdle = types(seen.slice(seen.findIndex(isIdle)));
    expect(afterFirstIdle).toEqual([
      'session.status_idle',
      'session.status_running',
      'session.thread_status_running',
      'user.message',
      'user.message',
      'user.message',
      'agent.message',
      'session.thread_status_idle',
      'session.usage',
      'session.status_idle',
    ]);
  });

  test('are listed last, also page by page and backwards', async () => {
    const { id } = await start(input => untilAborted(input.signal));
    await send(id, userMessage('a'));
    await send(id, userMessage('b'), userMessage('c'));
    const text = (event: { type: string; content?: unknown }) => JSON.stringify(event.content ?? event.type);
    const all = (await log(id)).map(text);
    const { events } = harness.client.beta.sessions;
    expect((await collect(events.list(id, { limit: 1 }))).map(text)).toEqual(all);
    expect((await collect(events.list(id, { limit: 2, order: 'desc' }))).map(text)).toEqual(all.toReversed());
    const messages = await collect(events.list(id, { types: ['user.message'], limit: 1 }));
    expect(messages).toHaveLength(3);
  });
});

describe('user.interrupt', () => {
  test('stops the turn, ends it plainly, and what waited is next', async () => {
    const started = gate();
    const { id } = await start(async input => {
      if (lastText(input) !== 'long') {
        await say(input, 'short answer');
        return { type: 'end_turn' };
      }
      await input.emit({ type: 'agent.tool_use', name: 'bash', input: { command: 'sleep 1' } });
      started.open();
      const outcome = await untilAborted(input.signal);
      await expect(say(input, 'too late')).rejects.toThrow();
      return outcome;
    });
    const seen = await watch(
      harness.client,
      id,
      async () => {
        await send(id, userMessage('long'));
        await started.opened;
        await send(id, userMessage('short'));
        await send(id, { type: 'user.interrupt' });
      },
      idles(2),
    );
    const cut = seen.slice(
      seen.findIndex(event => event.type === 'user.interrupt' && event.processed_at !== null),
    );
    expect(types(cut)).toEqual([
      'user.interrupt',
      'agent.tool_result',
      'session.thread_status_idle',
      'session.usage',
      'session.status_idle',
      'session.status_running',
      'session.thread_status_running',
      'user.message',
      'agent.message',
      'session.thread_status_idle',
      'session.usage',
      'session.status_idle',
    ]);
    expect(cut[1]).toMatchObject({ is_error: true });
    expect(cut[4]).toMatchObject({ stop_reason: { type: 'end_turn' } });
    expect(JSON.stringify(await log(id))).not.toContain('too late');
  });

  test('together with a message replaces what the agent was doing', async () => {
    const { id } = await start(async input => {
      if (lastText(input) === 'long') return untilAborted(input.signal);
      await say(input, 'done');
      return { type: 'end_turn' };
    });
    const seen = await watch(
      harness.client,
      id,
      async () => {
        await send(id, userMessage('long'));
        await send(id, { type: 'user.interrupt' }, userMessage('other'));
      },
      idles(2),
    );
    expect(types(seen).filter(type => type === 'agent.message')).toHaveLength(1);
  });

  test('leaves behind a loop that ignores it, and nothing it still does is kept', async () => {
    const late: Promise<unknown>[] = [];
    const begun = gate();
    const interrupted = gate();
    harness = await startHarness({
      abortGraceMs: 1,
      loop: async input => {
        if (lastText(input) !== 'deaf') return { type: 'end_turn' };
        begun.open();
        await interrupted.opened;
        const [mount] = input.mounts;
        late.push(say(input, 'too late'), mount?.write('/late.md', 'x') ?? Promise.resolve());
        await Promise.allSettled(late);
        return new Promise(() => {});
      },
    });
    const { beta } = harness.client;
    const store = await beta.memoryStores.create({ name: 'Notes' });
    const resources = [{ type: 'memory_store' as const, memory_store_id: store.id }];
    const { id } = await beta.sessions.create({ ...(await provision(harness.client)), resources });
    await watch(harness.client, id, async () => {
      await send(id, userMessage('deaf'));
      await begun.opened;
      await send(id, { type: 'user.interrupt' });
    });
    interrupted.open();
    const next = await watch(harness.client, id, () => send(id, userMessage('still there?')));
    expect(next.at(-1)).toMatchObject({ stop_reason: { type: 'end_turn' } });
    const outcomes = await Promise.allSettled(late);
    expect(outcomes.map(outcome => outcome.status)).toEqual(['rejected', 'rejected']);
    expect(JSON.stringify(await log(id))).not.toContain('too late');
    expect(await collect(beta.memoryStores.memoryVersions.list(store.id))).toEqual([]);
  });

  test('while idle is recorded and starts nothing', async () => {
    const { beta, id } = await start(() => Promise.reject(new Error('no turn was asked for')));
    await send(id, { type: 'user.interrupt' });
    expect(await log(id)).toMatchObject([{ type: 'user.interrupt', processed_at: expect.any(String) }]);
    expect((await beta.sessions.retrieve(id)).status).toBe('idle');
    const other = refusal(send(id, { type: 'user.interrupt', session_thread_id: 'sthr_none' }));
    expect((await other).status).toBe(404);
  });
});

test('whatever arrives at once, each message is processed once and the log stays consistent', async () => {
  // Turns of different lengths; some ask, all end when interrupted.
  const { beta, id } = await start(async input => {
    const turns = input.history.filter(event => event.type === 'session.status_running').length;
    if (turns % 3 === 0) {
      const ask = { type: 'agent.tool_use', name: 'bash', input: {}, evaluated_permission: 'ask' } as const;
      return { type: 'requires_action', event_ids: [(await input.emit(ask)).id] };
    }
    for (let i = 0; i < turns % 5; i++) await say(input, `${i}`);
    return { type: 'end_turn' };
  });
  const seen: StreamEvent[] = [];
  const stream = await beta.sessions.events.stream(id);
  const streaming = (async () => {
    for await (const event of stream) {
      seen.push(event);
      const asks = event.type === 'session.status_idle' && event.stop_reason.type === 'requires_action';
      if (!asks) continue;
      // Half of the questions are answered here; the rest by an interrupt from outside.
      const [tool_use_id = ''] =
        event.stop_reason.type === 'requires_action' ? event.stop_reason.event_ids : [];
      if (seen.length % 2 === 0) {
        await send(id, { type: 'user.tool_confirmation', tool_use_id, result: 'deny' }).catch(() => {});
      }
    }
  })();
  const sent: string[] = [];
  await Promise.all(
    Array.from({ length: 8 }, async (_, client) => {
      for (let i = 0; i < 12; i++) {
        const interrupt = (client + i) % 5 === 0;
        const { data } = await send(
          id,
          ...(interrupt ? [{ type: 'user.interrupt' as const }] : [userMessage(`${client}.${i}`)]),
        );
        for (const event of data ?? []) sent.push(event.id);
      }
    }),
  );
  await expect
    .poll(async () => {
      await send(id, { type: 'user.interrupt' });
      const { status } = await beta.sessions.retrieve(id);
      return status === 'idle' && (await log(id)).every(event => event.processed_at !== null);
    })
    .toBe(true);
  stream.controller.abort();
  await streaming;

  const events = await log(id);
  const ids = events.map(event => event.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(expect.arrayContaining(sent));
  const times = events.map(event => Date.parse(event.processed_at ?? ''));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  // The stream and the list tell the same story.
  const live = seen.filter(event => 'processed_at' in event && event.processed_at !== null);
  expect(live.map(event => 'id' in event && event.id)).toEqual(ids.slice(0, live.length));
  // Messages are processed only when a turn begins, and nothing but an idle comes between two turns.
  let running = false;
  for (const event of events) {
    if (event.type === 'session.status_running') {
      expect(running).toBe(false);
      running = true;
    } else if (event.type === 'session.status_idle') running = false;
    else if (event.type === 'agent.message' || event.type === 'user.message') expect(running).toBe(true);
  }
});

describe('a loop that fails', () => {
  test('ends the turn with an error, and the next message works', async () => {
    let turn = 0;
    const { id } = await start(async input => {
      turn++;
      if (turn === 1) throw new Error('the model fell over');
      await say(input, 'fine now');
      return { type: 'end_turn' };
    });
    const seen = await watch(harness.client, id, () => send(id, userMessage('a')));
    expect(seen.find(event => event.type === 'session.error')).toMatchObject({
      error: { type: 'unknown_error', message: 'the model fell over', retry_status: { type: 'exhausted' } },
    });
    expect(seen.at(-1)).toMatchObject({ stop_reason: { type: 'retries_exhausted' } });
    const next = await watch(harness.client, id, () => send(id, userMessage('b')));
    expect(types(next)).toContain('agent.message');
  });

  test('by waiting for nothing ends the turn instead of hanging', async () => {
    const { id } = await start(async () => ({ type: 'requires_action', event_ids: ['sevt_none'] }));
    const seen = await watch(harness.client, id, () => send(id, userMessage('a')));
    expect(seen.at(-1)).toMatchObject({ stop_reason: { type: 'retries_exhausted' } });
  });
});

test('a refusal carries its explanation', async () => {
  const { id } = await start(async () => ({ type: 'refusal', explanation: 'No.' }));
  const seen = await watch(harness.client, id, () => send(id, userMessage('a')));
  expect(seen.at(-1)).toMatchObject({
    stop_reason: { type: 'refusal' },
    stop_details: { type: 'refusal', explanation: 'No.' },
  });
});

test('a running session is neither archived nor deleted', async () => {
  const { beta, id } = await start(input => untilAborted(input.signal));
  await send(id, userMessage('a'));
  expect(await refusal(beta.sessions.archive(id))).toBeInstanceOf(Anthropic.BadRequestError);
  expect(await refusal(beta.sessions.delete(id))).toBeInstanceOf(Anthropic.BadRequestError);
  expect(await refusal(beta.sessions.update(id, { agent: { tools: [] } }))).toBeInstanceOf(
    Anthropic.BadRequestError,
  );
  expect((await beta.sessions.retrieve(id)).status).toBe('running');
});

/** What the person said after the agent last spoke. */
function saidSince(input: LoopInput): string[] {
  const texts: string[] = [];
  for (const event of input.history) {
    if (event.type === 'agent.message') texts.length = 0;
    else if (event.type === 'user.message') {
      for (const block of event.content) if (block.type === 'text') texts.push(block.text);
    }
  }
  return texts;
}
