import { once } from 'node:events';
import { get, IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { accumulateManagedAgentsEvent } from '@anthropic-ai/sdk/lib/sessions/accumulate';
import { afterEach, expect, test } from 'vitest';
import { createEventHub, type EventHub } from '../../src/runtime/event-hub.ts';
import { createEventStreams } from '../../src/runtime/event-stream.ts';
import type { AgentLoop } from '../../src/runtime/ports.ts';
import { gate } from '../helpers/gate.ts';
import {
  collect,
  type Harness,
  isIdle,
  newSession,
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

const send = (id: string, text: string) =>
  harness.client.beta.sessions.events.send(id, { events: [userMessage(text)] });

/** Thinks, then writes "Hello there." in three pieces. */
const typing: AgentLoop = async input => {
  const thought = input.previewStart('agent.thinking');
  await input.emit({ type: 'agent.thinking', id: thought });
  const id = input.previewStart('agent.message');
  for (const piece of ['Hel', 'lo ', 'there.']) input.previewDelta(id, piece);
  await say(input, 'Hello there.', id);
  return { type: 'end_turn' };
};

test('previews build up to the message that ends them', async () => {
  harness = await startHarness({ loop: typing });
  const id = await newSession(harness.client);
  const seen = await watch(harness.client, id, () => send(id, 'hi'), isIdle, {
    event_deltas: ['agent.message', 'agent.thinking'],
  });
  expect(types(seen).slice(4, 11)).toEqual([
    'event_start',
    'agent.thinking',
    'event_start',
    'event_delta',
    'event_delta',
    'event_delta',
    'agent.message',
  ]);
  const texts: string[] = [];
  let message: ReturnType<typeof accumulateManagedAgentsEvent>;
  for (const event of seen) {
    message = accumulateManagedAgentsEvent(message, event);
    const [block] = message?.content ?? [];
    if (block?.type === 'text' && block.text !== texts.at(-1)) texts.push(block.text);
  }
  expect(texts).toEqual(['Hel', 'Hello ', 'Hello there.']);
  const started = seen.flatMap(event => (event.type === 'event_start' ? [event.event.id] : []));
  expect(started[1]).toBe(seen.find(event => event.type === 'agent.message')?.id);
  expect(types(await collect(harness.client.beta.sessions.events.list(id)))).not.toContain('event_start');
});

test('only the previews that were asked for are sent', async () => {
  harness = await startHarness({ loop: typing });
  const id = await newSession(harness.client);
  const plain = await watch(harness.client, id, () => send(id, 'hi'));
  expect(types(plain).filter(type => type.startsWith('event_'))).toEqual([]);
  const thinking = await watch(harness.client, id, () => send(id, 'hi'), isIdle, {
    event_deltas: ['agent.thinking'],
  });
  expect(types(thinking).filter(type => type.startsWith('event_'))).toEqual(['event_start']);
});

test('an unknown kind of preview is refused', async () => {
  harness = await startHarness();
  const id = await newSession(harness.client);
  const deltas = ['agent.tool_use' as 'agent.message'];
  const error = await refusal(harness.client.beta.sessions.events.stream(id, { event_deltas: deltas }));
  expect(error).toBeInstanceOf(Anthropic.BadRequestError);
});

test('a stream opened in the middle of a preview waits for the whole message', async () => {
  const half = gate();
  const joined = gate();
  harness = await startHarness({
    loop: async input => {
      const id = input.previewStart('agent.message');
      input.previewDelta(id, 'Hel');
      half.open();
      await joined.opened;
      input.previewDelta(id, 'lo');
      await say(input, 'Hello', id);
      return { type: 'end_turn' };
    },
  });
  const id = await newSession(harness.client);
  await send(id, 'hi');
  await half.opened;
  const seen = await watch(harness.client, id, async () => joined.open(), isIdle, {
    event_deltas: ['agent.message'],
  });
  expect(types(seen)).toEqual([
    'agent.message',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
  ]);
});

test('every stream of a session sees the same events; other sessions see none', async () => {
  harness = await startHarness();
  const [a, b] = [await newSession(harness.client), await newSession(harness.client)];
  const other: StreamEvent[] = [];
  const quiet = await harness.client.beta.sessions.events.stream(b);
  const listening = (async () => {
    for await (const event of quiet) other.push(event);
  })();
  const second = gate();
  const [one, two] = await Promise.all([
    watch(harness.client, a, async () => {
      await second.opened;
      await send(a, 'hi');
    }),
    watch(harness.client, a, async () => second.open()),
  ]);
  quiet.controller.abort();
  await listening;
  expect(one).toHaveLength(8);
  expect(two).toEqual(one);
  expect(other).toEqual([]);
});

test('headers and a first byte come at once, and comments keep a silent stream alive', async () => {
  harness = await startHarness({ keepAliveMs: 5, loop: input => untilAborted(input.signal) });
  const id = await newSession(harness.client);
  const response = await openRaw(id);
  expect(response.statusCode).toBe(200);
  expect(response.headers['content-type']).toContain('text/event-stream');
  expect(response.headers['request-id']).toMatch(/^req_/);
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (text.split(': keep-alive\n\n').length > 3) break;
  }
  expect(text).toMatch(/^: open\n\n(: keep-alive\n\n){3,}/);
});

test('stopping the server ends the streams cleanly', async () => {
  harness = await startHarness({ loop: input => untilAborted(input.signal) });
  const id = await newSession(harness.client);
  await send(id, 'hi');
  const response = await openRaw(id);
  const ended = once(response.resume(), 'end');
  await harness.runtime.stop();
  await ended;
});

test('a reader that stops reading is cut off instead of filling the memory', async () => {
  const content = [{ type: 'text' as const, text: 'x'.repeat(1024 * 1024) }];
  harness = await startHarness({
    loop: async input => {
      for (let i = 0; i < 100; i++) await input.emit({ type: 'agent.message', content });
      return { type: 'end_turn' };
    },
  });
  const id = await newSession(harness.client);
  const response = await openRaw(id);
  response.on('error', () => {});
  const closed = new Promise(resolve => response.on('close', resolve));
  const seen = await watch(harness.client, id, () => send(id, 'hi'));
  expect(types(seen).filter(type => type === 'agent.message')).toHaveLength(100);
  response.resume();
  await closed;
  expect(response.complete).toBe(false);
});

test('a message with as many files as a request may hold does not cut off the stream that waits for its answer', async () => {
  harness = await startHarness();
  const id = await newSession(harness.client);
  const data = Buffer.alloc(20_000_000, 7).toString('base64');
  const document = {
    type: 'document' as const,
    source: { type: 'base64' as const, media_type: 'application/pdf' as const, data },
  };

  const seen = await watch(harness.client, id, () =>
    harness.client.beta.sessions.events.send(id, {
      events: [{ type: 'user.message', content: [{ type: 'text', text: 'hi' }, document] }],
    }),
  );

  expect(types(seen).at(-1)).toBe('session.status_idle');
});

test('a reader who left before the stream began is not kept', () => {
  const hub = createEventHub();
  let subscribed = 0;
  const counting: EventHub = {
    ...hub,
    subscribe(...args) {
      subscribed += 1;
      return hub.subscribe(...args);
    },
  };
  const streams = createEventStreams(counting, 1_000);
  const request = new IncomingMessage(new Socket());
  const left = new ServerResponse(request).destroy();

  streams.open(left, 'sesn_1', new Set(), 'req_1');
  expect(subscribed).toBe(0);
  streams.open(new ServerResponse(request), 'sesn_1', new Set(), 'req_2');
  expect(subscribed).toBe(1);
  streams.stop();
});

async function openRaw(id: string): Promise<IncomingMessage> {
  const call = get(`${harness.runtime.url}/v1/sessions/${id}/events/stream`, {
    headers: { 'x-api-key': 'k', 'anthropic-beta': 'managed-agents-2026-04-01' },
  });
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}
