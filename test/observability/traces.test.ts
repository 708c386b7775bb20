import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createScriptedModel } from '../helpers/scripted-model.ts';
import { openWatched, type Watched } from './harness.ts';

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: Record<string, unknown> }[];
  status: { code: number };
  links?: { traceId: string }[];
}

interface Request {
  resourceSpans: {
    resource: { attributes: Span['attributes'] };
    scopeSpans: { spans: Span[] }[];
  }[];
}

let server: Server;
let received: { path: string; body: Request }[];
let watched: Watched | undefined;

/** As much of an OpenTelemetry collector as takes traces in over OTLP/HTTP. */
beforeEach(async () => {
  received = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ path: request.url ?? '', body: JSON.parse(body) as Request });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
});

afterEach(async () => {
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  delete process.env.OTEL_SERVICE_NAME;
  delete process.env.ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE;
  await watched?.stop();
  watched = undefined;
  await new Promise(resolve => server.close(resolve));
});

async function open(options: Parameters<typeof openWatched>[0] = {}): Promise<Watched> {
  watched = await openWatched({ ...options, traces: true });
  return watched;
}

/** Everything that arrived, once the process has gone. */
async function spansAfter(it: Watched): Promise<Span[]> {
  await it.stop();
  watched = undefined;
  return received.flatMap(({ body }) =>
    body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  );
}

function named(spans: readonly Span[], name: string): Span {
  const found = spans.find(span => span.name === name);
  if (found === undefined)
    throw new Error(`no span ${name} among ${spans.map(span => span.name).join(', ')}`);
  return found;
}

const attributesOf = ({ attributes }: Pick<Span, 'attributes'>) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

it('sends one trace per turn: receive, turn and its parts, each below what it is part of', async () => {
  process.env.OTEL_SERVICE_NAME = 'our-shopper';
  const it = await open();
  await it.adapter.say('I wear size 9 shoes and hate wool');
  await it.bot.idle();
  const spans = await spansAfter(it);

  expect(received.every(({ path }) => path === '/v1/traces')).toBe(true);
  const resource = attributesOf(received[0]?.body.resourceSpans[0]?.resource ?? { attributes: [] });
  expect(resource).toMatchObject({ 'service.name': 'our-shopper', 'service.version': '1.2.3' });

  const turn = named(spans, 'turn');
  const mine = spans.filter(({ traceId }) => traceId === turn.traceId);
  const parents = Object.fromEntries(
    [
      'receive',
      'turn',
      'queue',
      'session.open',
      'anthropic.sessions.create',
      'stream',
      'anthropic.sessions.events.stream',
      'send',
      'anthropic.sessions.events.send',
      'first token',
      'reply.finish',
      'notice',
    ].map(name => {
      const { parentSpanId } = named(mine, name);
      return [name, mine.find(({ spanId }) => spanId === parentSpanId)?.name ?? null];
    }),
  );
  expect(parents).toEqual({
    receive: null,
    turn: 'receive',
    queue: 'turn',
    'session.open': 'turn',
    'anthropic.sessions.create': 'session.open',
    stream: 'turn',
    'anthropic.sessions.events.stream': 'stream',
    send: 'stream',
    'anthropic.sessions.events.send': 'send',
    'first token': 'stream',
    'reply.finish': 'turn',
    notice: 'turn',
  });
  for (const span of mine) {
    const parent = mine.find(({ spanId }) => spanId === span.parentSpanId);
    // What a message waits for begins when it was accepted, just before its receipt is written down.
    if (parent === undefined || parent.name === 'receive') continue;
    const late = Number(BigInt(parent.startTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6;
    expect(late, `${span.name} in ${parent.name}`).toBeLessThan(5);
  }
  expect(attributesOf(turn)).toMatchObject({
    'shopper.platform': 'slack',
    'shopper.ending': 'answered',
    'shopper.session': expect.stringMatching(/^sesn_/),
    'shopper.session_new': true,
  });
  expect(attributesOf(named(mine, 'anthropic.sessions.create'))).toMatchObject({
    'anthropic.request.id': expect.stringMatching(/^req_/),
  });
});

it('says nothing of what was said, and names nobody, even where the SDK is told to', async () => {
  process.env.ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE = 'content';
  const it = await open();
  await it.adapter.say('I wear size 9 shoes and hate wool', { user: 'U0ANN', channel: 'C0SHOES' });
  await it.bot.idle();
  const memory = it.adapter.notices[0]?.lines ?? [];
  expect(memory.join()).toContain('wool');
  const sent = JSON.stringify(await spansAfter(it));
  expect(sent).toContain('"turn"');
  for (const word of ['wool', 'shoe', 'size', 'U0ANN', 'C0SHOES']) expect(sent).not.toContain(word);
});

it('continues the trace of a message in the process that takes it over, and says that it failed', async () => {
  let release = () => {};
  const hold = new Promise<void>(resolve => {
    release = resolve;
  });
  const it = await open({ model: createScriptedModel(() => ({ text: ['One moment', '.'], hold })) });
  const { adapter } = it;
  await adapter.bot().receive(adapter.message('Hello'));
  await adapter.until(() => adapter.replies[0]?.snapshots.some(({ text }) => text !== '') === true);
  await it.restart();
  release();
  await it.bot.idle();
  const spans = await spansAfter(it);
  const turns = spans.filter(({ name }) => name === 'turn');
  expect(turns.map(span => attributesOf(span)['shopper.ending'])).toEqual(['left', 'answered']);
  expect(turns.map(span => attributesOf(span)['shopper.resumed'])).toEqual([false, true]);
  const receive = named(spans, 'receive');
  expect(turns.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([
    [receive.traceId, receive.spanId],
    [receive.traceId, receive.spanId],
  ]);
});

it('names the trace in log lines of the turn', async () => {
  const it = await open();
  await it.adapter.say('Hello');
  await it.bot.idle();
  const done = it.lines.find(({ event }) => event === 'turn.done');
  expect(done?.trace_id).toBe(named(await spansAfter(it), 'turn').traceId);
});

it('answers as ever, and stops, when the collector is gone', async () => {
  const it = await open();
  await new Promise(resolve => server.close(resolve));
  const reply = await it.adapter.say('Hello');
  expect(reply.final?.state).toBe('done');
  await it.bot.idle();
  expect(await spansAfter(it)).toEqual([]);
  server = createServer();
  await new Promise<void>(resolve => server.listen(0, resolve));
});
