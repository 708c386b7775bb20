import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createMessagesModel } from '../../src/runtime/models/messages.ts';
import type { AgentLoop } from '../../src/runtime/ports.ts';
import { createFakeMount, type FakeMount } from '../fakes/memory-mount.ts';
import {
  cutAfter,
  type EndpointReply,
  errorFrame,
  type MessagesEndpoint,
  message,
  messageFrames,
  startMessagesEndpoint,
} from '../fakes/messages-endpoint.ts';
import { createSession, eventsOf, type Session, toolset, types } from './session-harness.ts';

const SIZES = '/mnt/memory/notes/sizes.md';

let endpoint: MessagesEndpoint;
let mount: FakeMount;
let session: Session;
let loop: AgentLoop;
let waits: number[];

beforeEach(async () => {
  endpoint = await startMessagesEndpoint({ key: 'sk-test' });
  mount = createFakeMount();
  session = createSession({ mounts: [mount] });
  waits = [];
  loop = createAgentLoop({
    model: createMessagesModel({ baseUrl: endpoint.url, apiKey: 'sk-test' }),
    sleep: async ms => {
      waits.push(ms);
    },
  });
});
afterEach(() => endpoint.stop());

function reply(...replies: EndpointReply[]): void {
  endpoint.replies.push(...replies);
}

function said(): string[] {
  return eventsOf(session, 'agent.message').flatMap(event =>
    event.content.map(block => (block.type === 'text' ? block.text : '')),
  );
}

test('a turn with thinking, several tools and an answer, over the wire', async () => {
  reply(
    message(
      { thinking: 'They told me a size.' },
      { text: 'Let me note that.' },
      { tool: 'write', input: { file_path: SIZES, content: 'shoe: 9\n' } },
      { tool: 'bash', input: { command: `cat ${SIZES}; cat /mnt/memory/notes/none` } },
    ),
    message({ tool: 'edit', input: { file_path: SIZES, old_string: '9', new_string: '9 (2026)' } }),
    message({ text: 'Noted: ' }, { text: 'size 9.' }),
  );
  session.say('I wear size 9');

  expect(await session.run(loop)).toEqual({ type: 'end_turn' });

  expect(types(session)).toEqual([
    'user.message',
    'span.model_request_start',
    'agent.thinking',
    'agent.message',
    'agent.tool_use',
    'agent.tool_use',
    'span.model_request_end',
    'agent.tool_result',
    'agent.tool_result',
    'span.model_request_start',
    'agent.tool_use',
    'span.model_request_end',
    'agent.tool_result',
    'span.model_request_start',
    'agent.message',
    'agent.message',
    'span.model_request_end',
  ]);
  expect(mount.versions).toEqual(['write /sizes.md shoe: 9\n', 'write /sizes.md shoe: 9 (2026)\n']);
  expect(said()).toEqual(['Let me note that.', 'Noted: ', 'size 9.']);
  const [, , last] = endpoint.requests;
  expect(last?.body.messages.map(({ role }) => role)).toEqual([
    'user',
    'assistant',
    'user',
    'assistant',
    'user',
  ]);
  expect(JSON.stringify(last?.body.messages[2])).toContain('No such file');
  expect(last?.body.tools?.map(tool => tool.name)).toEqual(['bash', 'read', 'write', 'edit', 'glob', 'grep']);
});

test('a stream that fails after every frame in turn still gives one answer and one change', async () => {
  const first = messageFrames([
    { thinking: 'hm' },
    { text: 'Saving.' },
    { tool: 'write', input: { file_path: SIZES, content: 'shoe: 9\n' } },
  ]);
  const second = messageFrames([{ text: 'Saved.' }]);
  const endOf = (frames: typeof first) =>
    frames.findIndex(frame => JSON.stringify(frame).includes('message_delta'));
  const faults = ['drop', 'end', errorFrame('overloaded_error', 'busy')] as const;

  for (const fault of faults) {
    for (let sent = 0; sent <= endOf(first); sent += 3) {
      for (let later = 0; later <= endOf(second); later += 2) {
        const at = `${JSON.stringify(fault)} after ${sent} and ${later}`;
        mount = createFakeMount();
        session = createSession({ mounts: [mount] });
        reply(cutAfter(first, sent, fault), { type: 'stream', frames: first });
        reply(cutAfter(second, later, fault), { type: 'stream', frames: second });
        session.say('I wear size 9');

        expect(await session.run(loop), at).toEqual({ type: 'end_turn' });

        expect(said(), at).toEqual(['Saving.', 'Saved.']);
        expect(mount.versions, at).toEqual(['write /sizes.md shoe: 9\n']);
        expect(
          eventsOf(session, 'session.error').map(event => event.error.retry_status.type),
          at,
        ).toEqual(['retrying', 'retrying']);
        for (const event of eventsOf(session, 'agent.message')) {
          const text = event.content.map(block => (block.type === 'text' ? block.text : '')).join('');
          expect(session.previews.get(event.id), at).toBe(text);
        }
      }
    }
  }
});

test('a rate limit is waited out as long as the endpoint asks', async () => {
  const headers = { 'retry-after': '20' };
  reply(
    { type: 'error', status: 429, error: 'rate_limit_error', message: 'slow', headers },
    message({ text: 'Hello.' }),
  );
  session.say('Hi');

  expect(await session.run(loop)).toEqual({ type: 'end_turn' });

  expect(waits).toEqual([20_000]);
  expect(eventsOf(session, 'session.error')[0]?.error.type).toBe('model_rate_limited_error');
});

test('a wrong key ends the turn with a sentence and no retry', async () => {
  loop = createAgentLoop({ model: createMessagesModel({ baseUrl: endpoint.url, apiKey: 'sk-wrong' }) });
  session.say('Hi');

  expect(await session.run(loop)).toEqual({ type: 'retries_exhausted' });

  const [error] = eventsOf(session, 'session.error');
  expect(error?.error).toMatchObject({
    type: 'model_request_failed_error',
    retry_status: { type: 'exhausted' },
  });
  expect(error?.error.message).toContain('Check MODEL_API_KEY');
  expect(JSON.stringify(session.log)).not.toContain('sk-wrong');
});

test('broken tool input is answered with an error result, and the model goes on', async () => {
  reply(message({ tool: 'write', json: '{"file_path": "/mnt/me' }), message({ text: 'Sorry.' }));
  session.say('I wear size 9');

  expect(await session.run(loop)).toEqual({ type: 'end_turn' });

  expect(mount.versions).toEqual([]);
  expect(JSON.stringify(endpoint.requests[1]?.body.messages.at(-1))).toContain('not a complete JSON object');
});

test('a conversation too long for the model is shortened until it fits, and stays short', async () => {
  const tooLong: EndpointReply = {
    type: 'error',
    status: 400,
    error: 'invalid_request_error',
    message: 'prompt is too long',
  };
  for (let turn = 0; turn < 8; turn += 1) {
    session.say(`${turn} ${'x'.repeat(10_000)}`);
    session.append({ type: 'agent.message', content: [{ type: 'text', text: 'ok' }] });
    session.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
  }
  reply(tooLong, tooLong, message({ text: 'Fits.' }), message({ text: 'Still.' }));
  session.say('last');

  expect(await session.run(loop)).toEqual({ type: 'end_turn' });
  session.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
  session.say('and again');
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });

  const sizes = endpoint.requests.map(({ body }) =>
    Math.round(JSON.stringify(body.messages).length / 10_000),
  );
  expect(sizes).toEqual([8, 3, 1, 1]);
  expect(JSON.stringify(endpoint.requests[2]?.body.system)).toContain('earliest part was left out');
  expect(eventsOf(session, 'session.error')).toEqual([]);

  reply(...Array(10).fill(tooLong));
  session.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
  session.say('x'.repeat(1_000));
  expect(await session.run(loop)).toEqual({ type: 'retries_exhausted' });
  expect(eventsOf(session, 'session.error')[0]?.error.message).toContain('too long');

  // Giving up cost the session nothing: the next message is asked with as much as before.
  endpoint.replies.splice(0, Infinity, message({ text: 'Back.' }));
  session.append({
    type: 'session.status_idle',
    stop_reason: { type: 'retries_exhausted' },
    stop_details: null,
  });
  session.say('short');
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });
  expect(JSON.stringify(endpoint.requests.at(-1)?.body.messages).length).toBeGreaterThan(10_000);
});

test('an interrupt in mid-stream leaves no half message, and the next turn is a valid conversation', async () => {
  const abort = new AbortController();
  const forever = new Promise(() => {});
  reply(
    message({ text: 'First' }, { tool: 'bash', input: { command: 'sleep 60' } }),
    cutAfter(messageFrames([{ text: 'Half an answer' }]), 4, { waitFor: forever }),
    message({ text: 'Whole.' }),
  );
  const interrupt = () => {
    session.append({ type: 'user.interrupt' });
    session.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
  };
  session.say('one');
  session.onEmit = event => {
    if (event.type === 'span.model_request_end') setImmediate(() => abort.abort());
  };
  expect(await session.run(loop, { signal: abort.signal })).toEqual({ type: 'aborted' });
  interrupt();

  const second = new AbortController();
  session.onEmit = undefined;
  session.say('two');
  const before = session.previews.size;
  const running = session.run(loop, { signal: second.signal });
  await expect.poll(() => session.previews.size).toBe(before + 1);
  second.abort();
  expect(await running).toEqual({ type: 'aborted' });
  interrupt();

  session.say('three');
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });
  expect(said()).toEqual(['First', 'Whole.']);
});

test('the person is asked before a tool runs, and their answer goes over the wire', async () => {
  session = createSession({ mounts: [mount], agent: { tools: [toolset({ write: 'always_ask' })] } });
  reply(
    message({ tool: 'write', input: { file_path: SIZES, content: 'x' } }),
    message({ text: 'All right.' }),
  );
  session.say('Save x');

  const waiting = await session.run(loop);
  const [use] = eventsOf(session, 'agent.tool_use');
  expect(waiting).toEqual({ type: 'requires_action', event_ids: [use?.id] });
  session.append({
    type: 'user.tool_confirmation',
    tool_use_id: use?.id ?? '',
    result: 'deny',
    deny_message: 'No.',
  });
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });

  expect(mount.versions).toEqual([]);
  expect(endpoint.requests[1]?.body.messages.at(-1)?.content).toMatchObject([
    { type: 'tool_result', tool_use_id: use?.id, is_error: true, content: [{ type: 'text', text: 'No.' }] },
  ]);
});
