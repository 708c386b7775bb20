import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMessagesModel, ModelSettingsError } from '../../../src/runtime/models/messages.ts';
import { createModel } from '../../../src/runtime/models/model.ts';
import { ModelError, type ModelEvent, type ModelRequest } from '../../../src/runtime/ports.ts';
import {
  cutAfter,
  errorFrame,
  type Frame,
  type MessagesEndpoint,
  message,
  messageFrames,
  startMessagesEndpoint,
} from '../../fakes/messages-endpoint.ts';

const KEY = 'sk-test-4711-secret';
const REQUEST: ModelRequest = {
  model: 'claude-test',
  system: 'Be kind.',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
  tools: [{ name: 'read', description: 'd', input_schema: { type: 'object' } }],
};

let endpoint: MessagesEndpoint;
beforeEach(async () => {
  endpoint = await startMessagesEndpoint({ key: KEY });
});
afterEach(() => endpoint.stop());

async function ask(
  options: Parameters<typeof createMessagesModel>[0] = {},
  { request = REQUEST, signal = new AbortController().signal } = {},
): Promise<ModelEvent[]> {
  const model = createMessagesModel({ baseUrl: endpoint.url, apiKey: KEY, ...options });
  const events: ModelEvent[] = [];
  for await (const event of model.complete(request, signal)) events.push(event);
  return events;
}

async function failure(work: Promise<unknown>): Promise<ModelError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ModelError)) throw new Error('expected a ModelError', { cause: error });
  return error;
}

function finished(events: ModelEvent[]) {
  const last = events.at(-1);
  if (last?.type !== 'finished') throw new Error('the reply has no end');
  return last;
}

test('thinking, text and tool use are streamed and put together', async () => {
  endpoint.replies.push(
    message(
      { thinking: 'Let me think' },
      { text: 'Looking…' },
      { tool: 'read', input: { file_path: '/a', n: 1 } },
    ),
  );

  const events = await ask();

  expect(events).toEqual([
    { type: 'thinking_started' },
    { type: 'text_started' },
    { type: 'text_delta', text: 'Look' },
    { type: 'text_delta', text: 'ing…' },
    {
      type: 'finished',
      stopReason: 'tool_use',
      content: [
        { type: 'thinking', thinking: 'Let me think', signature: 'c2ln' },
        { type: 'text', text: 'Looking…' },
        { type: 'tool_use', id: 'toolu_1', name: 'read', input: { file_path: '/a', n: 1 } },
      ],
      usage: {
        input_tokens: 12,
        output_tokens: 20,
        cache_creation_input_tokens: 3,
        cache_read_input_tokens: 4,
      },
      refusalExplanation: null,
    },
  ]);
});

test('texts arrive while the answer is still being written', async () => {
  const frames = messageFrames([{ text: 'Hello' }]);
  const textStart = frames.findIndex(frame => JSON.stringify(frame).includes('text_delta'));
  let release = () => {};
  const released = new Promise<void>(resolve => {
    release = resolve;
  });
  endpoint.replies.push({
    type: 'stream',
    frames: [...frames.slice(0, textStart + 1), { waitFor: released }, ...frames.slice(textStart + 1)],
  });
  const model = createMessagesModel({ baseUrl: endpoint.url, apiKey: KEY });

  const seen: string[] = [];
  for await (const event of model.complete(REQUEST, new AbortController().signal)) {
    seen.push(event.type);
    if (event.type === 'text_delta') release();
  }

  expect(seen).toEqual(['text_started', 'text_delta', 'text_delta', 'finished']);
});

test('the request carries the key both ways, a version every server knows, and cache marks', async () => {
  endpoint.replies.push(message({ text: 'ok' }));

  await ask({ model: 'other-model' });

  const [request] = endpoint.requests;
  expect(request?.headers).toMatchObject({
    'x-api-key': KEY,
    authorization: `Bearer ${KEY}`,
    'anthropic-version': '2023-06-01',
  });
  const cache_control = { type: 'ephemeral' };
  expect(request?.body).toMatchObject({
    model: 'other-model',
    stream: true,
    system: [{ type: 'text', text: 'Be kind.', cache_control }],
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control }] }],
    tools: [{ name: 'read' }],
  });
  expect(request?.body.max_tokens).toBeGreaterThan(0);
  expect(JSON.stringify(REQUEST)).not.toContain('ephemeral');
});

test('without a key none is sent, and none of this machine is looked for', async () => {
  const open = await startMessagesEndpoint();
  process.env.ANTHROPIC_API_KEY = 'sk-from-the-environment';
  try {
    open.replies.push(message({ text: 'ok' }));
    const model = createMessagesModel({ baseUrl: open.url });
    for await (const _ of model.complete(
      { ...REQUEST, system: '', tools: [] },
      new AbortController().signal,
    ));
    const [request] = open.requests;
    expect(request?.headers['x-api-key']).toBeUndefined();
    expect(request?.headers.authorization).toBeUndefined();
    expect(request?.body).not.toHaveProperty('system');
    expect(request?.body).not.toHaveProperty('tools');
  } finally {
    delete process.env.ANTHROPIC_API_KEY;
    await open.stop();
  }
});

test.each(['', '/', '/v1', '/v1/', '/v1/messages'])(
  'an address ending in "%s" is understood',
  async suffix => {
    endpoint.replies.push(message({ text: 'ok' }));

    await ask({ baseUrl: endpoint.url + suffix });

    expect(endpoint.requests).toHaveLength(1);
  },
);

test('an address that is none is refused at once, in a sentence', () => {
  expect(() => createMessagesModel({ baseUrl: 'localhost:11434' })).toThrow(/MODEL_BASE_URL must be a URL/);
  expect(() => createModel({ MODEL_BASE_URL: 'not a url' })).toThrow(ModelSettingsError);
});

test('a key alone means Anthropic, an address alone means that server, nothing means offline', () => {
  expect(createModel({ MODEL_API_KEY: KEY, MODEL: 'claude-x' }).label).toBe('claude-x at api.anthropic.com');
  expect(createModel({ MODEL_BASE_URL: 'http://127.0.0.1:11434' }).label).toContain('127.0.0.1:11434');
  expect(createModel({ MODEL_BASE_URL: ' ', MODEL_API_KEY: '' }).label).toMatch(/offline/);
});

test.each([
  ['nothing', ''],
  ['an empty object', '{}'],
])('%s as tool input is an empty input', async (_, json) => {
  endpoint.replies.push(message({ tool: 'read', json }));

  expect(finished(await ask()).content).toEqual([
    { type: 'tool_use', id: 'toolu_1', name: 'read', input: {} },
  ]);
});

test.each(['{"file_path": "/a', '[1]', '"text"', '{"a":1}{"b":2}', 'null'])(
  'a tool input that is no JSON object is marked, not run: %s',
  async json => {
    endpoint.replies.push(message({ tool: 'read', json }));

    expect(finished(await ask()).content).toEqual([
      { type: 'tool_use', id: 'toolu_1', name: 'read', input: {}, inputError: expect.any(String) },
    ]);
  },
);

test('servers that send a block whole, leave fields out or add kinds of their own are understood', async () => {
  const event = (type: string, data: object = {}): Frame => ({ event: type, data: { type, ...data } });
  endpoint.replies.push({
    type: 'stream',
    frames: [
      { raw: ': a comment\n\n' },
      event('message_start', { message: {} }),
      event('made_up', { index: 9 }),
      event('content_block_start', {
        index: 0,
        content_block: { type: 'server_tool_use', id: 'x', name: 'y', input: {} },
      }),
      event('content_block_delta', { index: 0, delta: { type: 'input_json_delta', partial_json: '{}' } }),
      event('content_block_start', { index: 1, content_block: { type: 'text', text: 'Whole' } }),
      event('content_block_delta', { index: 1, delta: { type: 'citations_delta', citation: {} } }),
      event('content_block_start', {
        index: 2,
        content_block: { type: 'tool_use', name: 'read', input: { file_path: '/a' } },
      }),
      event('content_block_start', { index: 3, content_block: { type: 'redacted_thinking', data: 'x' } }),
      event('content_block_delta', { index: 7, delta: { type: 'text_delta', text: 'lost' } }),
      event('message_delta', { delta: { stop_reason: 'tool_use' } }),
    ],
  });

  expect(finished(await ask())).toMatchObject({
    stopReason: 'tool_use',
    content: [
      { type: 'text', text: 'Whole' },
      { type: 'tool_use', name: 'read', input: { file_path: '/a' } },
      { type: 'redacted_thinking', data: 'x' },
    ],
    usage: { input_tokens: 0, output_tokens: 0 },
  });
});

test('a refusal comes with its explanation', async () => {
  const frames = messageFrames([], {
    stopReason: 'refusal',
    stopDetails: { type: 'refusal', category: 'cyber', explanation: 'Not this.' },
  });
  endpoint.replies.push({ type: 'stream', frames });

  expect(finished(await ask())).toMatchObject({
    stopReason: 'refusal',
    refusalExplanation: 'Not this.',
    content: [],
  });
});

test.each([
  [400, 'invalid_request_error', 'request_failed', false, 'refused the request (400): no good'],
  [402, 'billing_error', 'billing', false, 'billing'],
  [403, 'permission_error', 'request_failed', false, 'does not allow'],
  [404, 'not_found_error', 'request_failed', false, 'has no model "claude-test"'],
  [408, 'timeout_error', 'request_failed', true, '408'],
  [409, 'conflict_error', 'request_failed', true, '409'],
  [422, 'unprocessable', 'request_failed', false, '422'],
  [429, 'rate_limit_error', 'rate_limited', true, 'limits the rate'],
  [500, 'api_error', 'request_failed', true, 'failed (500)'],
  [503, 'api_error', 'overloaded', true, 'overloaded'],
  [504, 'timeout_error', 'request_failed', true, '504'],
  [529, 'overloaded_error', 'overloaded', true, 'overloaded'],
] as const)('status %i is an error that says what to do', async (status, error, kind, retryable, text) => {
  endpoint.replies.push({ type: 'error', status, error, message: 'no good' });

  const failed = await failure(ask());

  expect(failed).toMatchObject({ kind, retryable });
  expect(failed.message).toContain(text);
  expect(failed.message).toContain(new URL(endpoint.url).host);
  expect(endpoint.requests).toHaveLength(1);
});

test('an account without credit is a billing error, whatever its status', async () => {
  const text = 'Your credit balance is too low to access the Anthropic API.';
  endpoint.replies.push({ type: 'error', status: 400, error: 'invalid_request_error', message: text });

  expect(await failure(ask())).toMatchObject({ kind: 'billing', retryable: false });
});

test('a wrong key is named, but never shown', async () => {
  const wrong = 'sk-wrong-0815';
  const refused = await failure(ask({ apiKey: wrong }));
  expect(refused).toMatchObject({ kind: 'request_failed', retryable: false });
  expect(refused.message).toContain('Check MODEL_API_KEY');

  endpoint.replies.push({ type: 'error', status: 403, error: 'permission_error', message: `${KEY} may not` });
  const echoed = await failure(ask());
  expect(echoed.message).toContain('[key] may not');

  for (const error of [refused, echoed]) {
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toMatch(/sk-/);
  }
  expect((await failure(ask({ apiKey: undefined as never }))).message).toContain('wants a key');
});

test.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
  [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
  [{ 'retry-after': 'soon' }, undefined],
  [{}, undefined],
])('the wait asked for in %j is passed on', async (headers, retryAfterMs) => {
  endpoint.replies.push({ type: 'error', status: 429, error: 'rate_limit_error', message: 'slow', headers });

  expect((await failure(ask())).retryAfterMs).toBe(retryAfterMs);
});

test.each([
  ['overloaded_error', 'overloaded', true],
  ['rate_limit_error', 'rate_limited', true],
  ['api_error', 'request_failed', true],
  ['invalid_request_error', 'request_failed', false],
  ['authentication_error', 'request_failed', false],
  ['billing_error', 'billing', false],
] as const)('an error in mid-answer (%s) is one, after what was said', async (type, kind, retryable) => {
  const frames = messageFrames([{ text: 'Hello' }]);
  endpoint.replies.push(cutAfter(frames, 4, errorFrame(type, 'in the middle')));
  const seen: string[] = [];
  const model = createMessagesModel({ baseUrl: endpoint.url, apiKey: KEY });

  const failed = await failure(
    (async () => {
      for await (const event of model.complete(REQUEST, new AbortController().signal)) seen.push(event.type);
    })(),
  );

  expect(failed).toMatchObject({ kind, retryable });
  expect(seen).toEqual(['text_started', 'text_delta']);
});

test('a reply cut off after any frame is an error worth another try, never an answer', async () => {
  const frames = messageFrames([{ text: 'Hello' }, { tool: 'read', input: { file_path: '/a' } }]);
  const stop = frames.findIndex(frame => JSON.stringify(frame).includes('"stop_reason":"tool_use"'));
  for (let sent = 0; sent <= stop; sent += 1) {
    for (const cut of ['drop', 'end'] as const) {
      endpoint.replies.push(cutAfter(frames, sent, cut));
      expect(await failure(ask()), `${cut} after ${sent}`).toMatchObject({
        kind: 'unreachable',
        retryable: true,
      });
    }
  }
});

test('a torn frame is an error worth another try', async () => {
  const frames = messageFrames([{ text: 'Hello' }]);
  endpoint.replies.push(
    cutAfter(frames, 3, { raw: 'event: content_block_delta\ndata: {"type": "content_bl\n\n' }),
  );

  expect(await failure(ask())).toMatchObject({ kind: 'unreachable', retryable: true });
});

test('a server that is not there is unreachable, and worth another try', async () => {
  const gone = await startMessagesEndpoint();
  await gone.stop();

  const failed = await failure(ask({ baseUrl: gone.url }));

  expect(failed).toMatchObject({ kind: 'unreachable', retryable: true });
  expect(failed.message).toMatch(/cannot be reached \(ECONNREFUSED\)\. Is it running\?$/);
});

test.each([
  [400, 'prompt is too long: 210000 tokens > 200000 maximum'],
  [400, "This model's maximum context length is 8192 tokens."],
  [413, 'Request exceeds the maximum size'],
])(
  'a conversation that does not fit is a stop, so that the loop can shorten it: %i %s',
  async (status, text) => {
    endpoint.replies.push({ type: 'error', status, error: 'invalid_request_error', message: text });

    expect(finished(await ask())).toMatchObject({ stopReason: 'model_context_window_exceeded', content: [] });
  },
);

test('a server that refuses cache marks is asked without them, from then on', async () => {
  const text = 'messages.0.content.0.cache_control: Extra inputs are not permitted';
  endpoint.replies.push(
    { type: 'error', status: 400, error: 'invalid_request_error', message: text },
    message({ text: 'ok' }),
    message({ text: 'ok' }),
  );
  const model = createMessagesModel({ baseUrl: endpoint.url, apiKey: KEY });

  for (let time = 0; time < 2; time += 1) {
    for await (const _ of model.complete(REQUEST, new AbortController().signal));
  }

  expect(endpoint.requests.map(({ body }) => JSON.stringify(body).includes('cache_control'))).toEqual([
    true,
    false,
    false,
  ]);
});

test('an abort ends the request and is no model error', async () => {
  const abort = new AbortController();
  const forever = new Promise(() => {});
  endpoint.replies.push(cutAfter(messageFrames([{ text: 'Hello' }]), 4, { waitFor: forever }));
  const model = createMessagesModel({ baseUrl: endpoint.url, apiKey: KEY });

  const reading = (async () => {
    for await (const event of model.complete(REQUEST, abort.signal))
      if (event.type === 'text_delta') abort.abort();
  })();

  await expect(reading).rejects.toThrow('aborted');
});
