import { expect, test } from 'vitest';
import { type AgentLoopOptions, createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { ModelError, type SessionEvent } from '../../src/runtime/ports.ts';
import { createFakeMount } from '../fakes/memory-mount.ts';
import {
  answeringModel,
  createSession,
  eventsOf,
  reply,
  type ScriptedModel,
  type Session,
  scriptedModel,
  toolset,
  toolUse,
  types,
} from './session-harness.ts';

const SIZES = '/mnt/memory/notes/sizes.md';
const custom = {
  type: 'custom' as const,
  name: 'order_status',
  description: 'Looks an order up.',
  input_schema: { type: 'object', properties: { order: { type: 'string' } } },
};

/** A loop that never waits for real; `waits` are the waits it asked for. */
function loopWith(model: ScriptedModel, limits: AgentLoopOptions['limits'] = {}) {
  const waits: number[] = [];
  const loop = createAgentLoop({
    model,
    limits,
    sleep: async ms => {
      waits.push(ms);
    },
  });
  return { loop, waits };
}

function texts(session: Session): string[] {
  return eventsOf(session, 'agent.message').flatMap(event =>
    event.content.map(block => (block.type === 'text' ? block.text : '')),
  );
}

function results(session: Session): { text: string; isError: boolean }[] {
  return eventsOf(session, 'agent.tool_result').map(event => ({
    text: (event.content ?? []).map(block => (block.type === 'text' ? block.text : block.type)).join('\n'),
    isError: event.is_error === true,
  }));
}

function idOf(event: SessionEvent | undefined): string {
  if (event === undefined) throw new Error('no such event');
  return event.id;
}

function errorStates(session: Session): string[] {
  return eventsOf(session, 'session.error').map(({ error }) => `${error.type} ${error.retry_status.type}`);
}

test('a plain answer is logged in the order of the API, under the id its preview announced', async () => {
  const session = createSession();
  const model = scriptedModel([
    { type: 'thinking_started' },
    { type: 'text_started' },
    { type: 'text_delta', text: 'Hel' },
    { type: 'text_delta', text: 'lo' },
    {
      type: 'finished',
      stopReason: 'end_turn',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'text', text: 'Hello' },
      ],
      usage: {
        input_tokens: 1,
        output_tokens: 2,
        cache_creation_input_tokens: 3,
        cache_read_input_tokens: 4,
      },
    },
  ]);
  session.say('Hi');

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(types(session)).toEqual([
    'user.message',
    'span.model_request_start',
    'agent.thinking',
    'agent.message',
    'span.model_request_end',
  ]);
  const [thinking, message] = [eventsOf(session, 'agent.thinking')[0], eventsOf(session, 'agent.message')[0]];
  expect([...session.previews]).toEqual([
    [idOf(thinking), ''],
    [idOf(message), 'Hello'],
  ]);
  expect(eventsOf(session, 'span.model_request_end')[0]).toMatchObject({
    is_error: false,
    model_request_start_id: idOf(eventsOf(session, 'span.model_request_start')[0]),
    model_usage: {
      input_tokens: 1,
      output_tokens: 2,
      cache_creation_input_tokens: 3,
      cache_read_input_tokens: 4,
    },
  });
});

test('the model gets the agent, the mounted stores, the uploads and only the enabled tools', async () => {
  const session = createSession({
    agent: { tools: [toolset({ bash: 'off' }), custom] },
    mounts: [
      createFakeMount({ name: 'Ann', mountPath: '/mnt/memory/ann', instructions: 'Date every entry.' }),
      createFakeMount({
        name: 'Brand',
        mountPath: '/mnt/memory/brand',
        access: 'read_only',
        description: 'Facts.',
      }),
    ],
    uploads: [{ path: 'list.csv', mediaType: 'text/csv', read: async () => new Uint8Array() }],
  });
  const model = scriptedModel(reply(['ok']));
  session.say('Hi');

  await session.run(loopWith(model).loop);

  const [request] = model.requests;
  expect(request?.model).toBe('claude-test');
  expect(request?.system).toMatch(/^You help people shop\./);
  for (const part of [
    'Ann',
    '/mnt/memory/ann',
    'What the person told us.',
    'Date every entry.',
    '/mnt/session/uploads/list.csv',
  ]) {
    expect(request?.system).toContain(part);
  }
  expect(request?.system).toMatch(/\/mnt\/memory\/brand \(read-only/);
  expect(request?.tools.map(tool => tool.name)).toEqual([
    'read',
    'write',
    'edit',
    'glob',
    'grep',
    'order_status',
  ]);
});

test('tools run in order and their results go back to the model until it is done', async () => {
  const mount = createFakeMount({ files: { '/sizes.md': 'shoe: 8\n' } });
  const session = createSession({ mounts: [mount] });
  const model = scriptedModel(
    reply(['Let me look.', toolUse('read', { file_path: SIZES })]),
    reply([
      toolUse('edit', { file_path: SIZES, old_string: '8', new_string: '9' }),
      toolUse('read', { file_path: '/mnt/memory/notes/none.md' }),
    ]),
    reply(['Noted: size 9.']),
  );
  session.say('My shoe size is 9');

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(types(session).slice(1)).toEqual([
    'span.model_request_start',
    'agent.message',
    'agent.tool_use',
    'span.model_request_end',
    'agent.tool_result',
    'span.model_request_start',
    'agent.tool_use',
    'agent.tool_use',
    'span.model_request_end',
    'agent.tool_result',
    'agent.tool_result',
    'span.model_request_start',
    'agent.message',
    'span.model_request_end',
  ]);
  expect(mount.versions).toEqual(['write /sizes.md shoe: 9\n']);
  const [read, edit, missing] = eventsOf(session, 'agent.tool_use');
  expect(read).toMatchObject({ evaluated_permission: 'allow', evaluation: { type: 'always_allow' } });
  expect(model.requests[2]?.messages).toEqual([
    { role: 'user', content: [{ type: 'text', text: 'My shoe size is 9' }] },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', id: idOf(read), name: 'read', input: { file_path: SIZES } },
      ],
    },
    {
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: idOf(read),
          content: [{ type: 'text', text: '     1\tshoe: 8' }],
        },
      ],
    },
    {
      role: 'assistant',
      content: [
        expect.objectContaining({ type: 'tool_use', id: idOf(edit) }),
        expect.objectContaining({ type: 'tool_use', id: idOf(missing) }),
      ],
    },
    {
      role: 'user',
      content: [
        expect.objectContaining({ type: 'tool_result', tool_use_id: idOf(edit) }),
        expect.objectContaining({ type: 'tool_result', tool_use_id: idOf(missing), is_error: true }),
      ],
    },
  ]);
});

test('texts before and after a tool use are messages of their own, blank ones are none', async () => {
  const session = createSession();
  const model = scriptedModel(
    reply(['First.', ' \n', toolUse('bash', { command: 'echo hi' }), 'Second.']),
    reply(['', 'Third.']),
  );
  session.say('Hi');

  await session.run(loopWith(model).loop);

  expect(texts(session)).toEqual(['First.', 'Second.', 'Third.']);
  const ids = eventsOf(session, 'agent.message').map(idOf);
  expect([...session.previews.keys()]).toEqual(ids);
  expect(eventsOf(session, 'agent.tool_result')).toHaveLength(1);
});

test('tools that ask wait for the person while allowed ones of the same reply run', async () => {
  const mount = createFakeMount({ files: { '/sizes.md': 'shoe: 8\n' } });
  const session = createSession({
    mounts: [mount],
    agent: { tools: [toolset({ write: 'always_ask', glob: 'auto' })] },
  });
  const write = (name: string) => toolUse('write', { file_path: `/mnt/memory/notes/${name}`, content: name });
  const model = scriptedModel(
    reply([write('a.md'), toolUse('glob', { pattern: '**' }), write('b.md'), write('c.md')]),
    reply(['Done.']),
  );
  const { loop } = loopWith(model);
  session.say('Save');

  const waiting = await session.run(loop);

  const [a, glob, b, c] = eventsOf(session, 'agent.tool_use');
  expect(a).toMatchObject({ evaluated_permission: 'ask', evaluation: { type: 'always_ask' } });
  expect(glob).toMatchObject({
    evaluated_permission: 'allow',
    evaluation: { type: 'auto', evaluated_permission: { type: 'allow' } },
  });
  expect(waiting).toEqual({ type: 'requires_action', event_ids: [idOf(a), idOf(b), idOf(c)] });
  expect(eventsOf(session, 'agent.tool_result').map(result => result.tool_use_id)).toEqual([idOf(glob)]);
  expect(mount.versions).toEqual([]);

  session.append({ type: 'session.status_idle', stop_reason: waiting as never, stop_details: null });
  session.append({ type: 'user.tool_confirmation', tool_use_id: idOf(a), result: 'allow' });
  session.append({
    type: 'user.tool_confirmation',
    tool_use_id: idOf(b),
    result: 'deny',
    deny_message: 'Not that one.',
  });
  expect(await session.run(loop)).toEqual({ type: 'requires_action', event_ids: [idOf(c)] });
  expect(model.requests).toHaveLength(1);

  session.append({ type: 'user.tool_confirmation', tool_use_id: idOf(c), result: 'deny' });
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });

  expect(mount.versions).toEqual(['write /a.md a.md']);
  expect(results(session).slice(1)).toEqual([
    { text: 'Wrote 4 bytes to /mnt/memory/notes/a.md.', isError: false },
    { text: 'Not that one.', isError: true },
    { text: 'The person did not allow this.', isError: true },
  ]);
  expect(model.requests[1]?.messages.at(-1)?.content).toHaveLength(4);
});

test('a custom tool waits for its result, which goes to the model as it is', async () => {
  const session = createSession({ agent: { tools: [toolset(), custom] } });
  const model = scriptedModel(reply([toolUse('order_status', { order: '7' })]), reply(['On its way.']));
  const { loop } = loopWith(model);
  session.say('Where is order 7?');

  const waiting = await session.run(loop);

  const [use] = eventsOf(session, 'agent.custom_tool_use');
  expect(use).toMatchObject({ name: 'order_status', input: { order: '7' } });
  expect(waiting).toEqual({ type: 'requires_action', event_ids: [idOf(use)] });
  session.append({
    type: 'user.custom_tool_result',
    custom_tool_use_id: idOf(use),
    content: [{ type: 'text', text: 'shipped' }],
    is_error: true,
  });
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });
  expect(model.requests[1]?.messages.at(-1)?.content).toEqual([
    {
      type: 'tool_result',
      tool_use_id: idOf(use),
      content: [{ type: 'text', text: 'shipped' }],
      is_error: true,
    },
  ]);
});

test('unknown and disabled tools, and unreadable input, are answered with an error and never asked about', async () => {
  const session = createSession({ agent: { tools: [toolset({ bash: 'off' }), custom] } });
  const model = scriptedModel(
    reply([
      toolUse('bash', { command: 'ls' }),
      toolUse('nope', {}),
      { type: 'tool_use', id: 't', name: 'order_status', input: {}, inputError: 'broken' },
      { type: 'tool_use', id: 't', name: 'write', input: {}, inputError: 'broken' },
    ]),
    reply(['Sorry.']),
  );
  session.say('Hi');

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(eventsOf(session, 'agent.custom_tool_use')).toEqual([]);
  expect(eventsOf(session, 'agent.tool_use').map(use => [use.evaluated_permission, use.evaluation])).toEqual(
    Array(4).fill(['deny', undefined]),
  );
  expect(results(session)).toEqual([
    { text: 'There is no tool named "bash" here.', isError: true },
    { text: 'There is no tool named "nope" here.', isError: true },
    { text: expect.stringContaining('order_status was not run: its input was not'), isError: true },
    { text: expect.stringContaining('write was not run: its input was not'), isError: true },
  ]);
});

test('after a crash at any point the turn ends the same: every change once, every message once', async () => {
  const states = ['shoe: 8\n', 'shoe: 9\n', 'shoe: 9, wide\n'];
  // Does what is left to do, as the conversation shows it.
  const model = () =>
    answeringModel(({ messages }) => {
      const said = JSON.stringify(messages);
      const noting = said.includes('Noting.') ? [] : ['Noting.'];
      if (!said.includes('"write"')) {
        return reply([...noting, toolUse('write', { file_path: SIZES, content: 'shoe: 9\n' })]);
      }
      if (!said.includes('"edit"')) {
        return reply([toolUse('edit', { file_path: SIZES, old_string: '9', new_string: '9, wide' })]);
      }
      return reply(said.includes('Done.') ? [] : ['Done.']);
    });
  const start = (state: number, events: readonly SessionEvent[] = []) => {
    const mount = createFakeMount({ files: { '/sizes.md': states[state] ?? '' } });
    const session = createSession({ mounts: [mount] });
    for (const event of events) session.append(event);
    return { mount, session };
  };
  const whole = start(0).session;
  whole.say('Size 9, wide');
  await whole.run(loopWith(model()).loop);
  expect(whole.log).toHaveLength(13);

  for (let survived = 1; survived <= whole.log.length; survived += 1) {
    const log = whole.log.slice(0, survived);
    const asked = log.filter(event => event.type === 'agent.tool_use').length;
    const answered = log.filter(event => event.type === 'agent.tool_result').length;
    // A tool use without a result: the tool may have run, or not.
    for (let state = answered; state <= asked; state += 1) {
      const { mount, session } = start(state, log);
      const at = `${survived} events, ${states[state]}`;

      expect(await session.run(loopWith(model()).loop), at).toEqual({ type: 'end_turn' });

      expect(mount.files.get('/sizes.md'), at).toBe('shoe: 9, wide\n');
      expect(texts(session), at).toEqual(['Noting.', 'Done.']);
      const uses = eventsOf(session, 'agent.tool_use');
      expect(
        uses.map(use => use.name),
        at,
      ).toEqual(['write', 'edit']);
      expect(
        eventsOf(session, 'agent.tool_result').map(result => result.tool_use_id),
        at,
      ).toEqual(uses.map(idOf));
    }
  }
});

test('a turn whose last reply is complete ends without another request', async () => {
  const session = createSession();
  session.say('Hi');
  await session.run(loopWith(scriptedModel(reply(['Hello.']))).loop);
  const model = scriptedModel();

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(model.requests).toEqual([]);
});

test('a session in which nothing was said asks no model', async () => {
  const session = createSession();
  session.append({ type: 'system.message', content: [{ type: 'text', text: 'Be brief.' }] });
  const model = scriptedModel();

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(model.requests).toEqual([]);
});

test('a reply of which only the message was logged is continued, not left hanging', async () => {
  const session = createSession();
  session.say('Remember size 9');
  session.append({ type: 'span.model_request_start' });
  session.append({ type: 'agent.message', content: [{ type: 'text', text: 'Saving.' }] });
  const model = scriptedModel(reply(['']));

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(model.requests[0]?.messages.map(message => message.role)).toEqual(['user', 'assistant', 'user']);
  expect(JSON.stringify(model.requests[0]?.messages.at(-1))).toContain('restarted');
});

test.each([
  ['overloaded', 'model_overloaded_error'],
  ['rate_limited', 'model_rate_limited_error'],
  ['request_failed', 'model_request_failed_error'],
  ['unreachable', 'model_request_failed_error'],
] as const)('an error that may pass (%s) is tried again, waiting longer each time', async (kind, type) => {
  const session = createSession();
  const error = () => [new ModelError(kind, 'Not now.', { retryable: true })];
  const { loop, waits } = loopWith(scriptedModel(error(), error(), error(), reply(['Hello.'])));
  session.say('Hi');

  expect(await session.run(loop)).toEqual({ type: 'end_turn' });

  expect(waits).toEqual([1_000, 2_000, 4_000]);
  expect(errorStates(session)).toEqual(Array(3).fill(`${type} retrying`));
  expect(eventsOf(session, 'span.model_request_end').map(end => end.is_error)).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(texts(session)).toEqual(['Hello.']);
});

test('a turn is given up when the tries are used, and the next message works', async () => {
  const session = createSession();
  const error = () => [new ModelError('overloaded', 'Too many people.', { retryable: true })];
  const model = scriptedModel(error(), error(), reply(['Hello again.']));
  const { loop, waits } = loopWith(model, { tries: 2 });
  session.say('Hi');

  expect(await session.run(loop)).toEqual({ type: 'retries_exhausted' });

  expect(waits).toEqual([1_000]);
  expect(errorStates(session)).toEqual([
    'model_overloaded_error retrying',
    'model_overloaded_error exhausted',
  ]);
  expect(eventsOf(session, 'session.error')[1]?.error.message).toBe('Too many people.');
  session.append({
    type: 'session.status_idle',
    stop_reason: { type: 'retries_exhausted' },
    stop_details: null,
  });
  session.say('Still there?');
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });
  expect(model.requests.at(-1)?.messages).toEqual([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Hi' },
        { type: 'text', text: 'Still there?' },
      ],
    },
  ]);
});

test('the wait an endpoint asks for is kept, unless it is too long to wait', async () => {
  const limited = (retryAfterMs: number) => [
    new ModelError('rate_limited', 'Slow down.', { retryable: true, retryAfterMs }),
  ];
  const patient = createSession();
  const first = loopWith(scriptedModel(limited(45_000), limited(10), reply(['ok'])));
  patient.say('Hi');
  await patient.run(first.loop);
  expect(first.waits).toEqual([45_000, 2_000]);

  const hopeless = createSession();
  const second = loopWith(scriptedModel(limited(3_600_000)));
  hopeless.say('Hi');
  expect(await hopeless.run(second.loop)).toEqual({ type: 'retries_exhausted' });
  expect(second.waits).toEqual([]);
  expect(errorStates(hopeless)).toEqual(['model_rate_limited_error exhausted']);
});

test.each([
  [new ModelError('billing', 'No credit.', { retryable: false }), 'billing_error exhausted', 'No credit.'],
  [
    new ModelError('request_failed', 'Bad key.', { retryable: false }),
    'model_request_failed_error exhausted',
    'Bad key.',
  ],
  [
    new TypeError('undefined is no function'),
    'model_request_failed_error exhausted',
    'The model failed in an unexpected way.',
  ],
])('an error that will not pass ends the turn at once: %s', async (error, state, message) => {
  const session = createSession();
  const { loop, waits } = loopWith(scriptedModel([error]));
  session.say('Hi');

  expect(await session.run(loop)).toEqual({ type: 'retries_exhausted' });

  expect(waits).toEqual([]);
  expect(errorStates(session)).toEqual([state]);
  expect(eventsOf(session, 'session.error')[0]?.error.message).toBe(message);
});

test('half an answer is never a message: the next try has a preview of its own', async () => {
  const session = createSession();
  const model = scriptedModel(
    [
      { type: 'thinking_started' },
      { type: 'text_started' },
      { type: 'text_delta', text: 'Your size is' },
      new ModelError('unreachable', 'The connection broke.', { retryable: true }),
    ],
    [{ type: 'text_started' }, { type: 'text_delta', text: 'Your si' }],
    reply(['Your size is 9.']),
  );
  session.say('What is my size?');

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(texts(session)).toEqual(['Your size is 9.']);
  const previewed = [...session.previews].filter(([, text]) => text !== '');
  expect(previewed.map(([, text]) => text)).toEqual(['Your size is', 'Your si', 'Your size is 9.']);
  expect(previewed.at(-1)?.[0]).toBe(idOf(eventsOf(session, 'agent.message')[0]));
  expect(eventsOf(session, 'agent.thinking')).toEqual([]);
  expect(model.requests[2]?.messages).toEqual(model.requests[0]?.messages);
});

test('a refusal ends the turn, says nothing, and leaves the conversation', async () => {
  const session = createSession();
  const model = scriptedModel(
    reply(['I think', toolUse('bash', { command: 'touch /tmp/x' })], 'refusal', {
      refusalExplanation: 'Not allowed.',
    }),
    reply(['Sure.']),
  );
  const { loop } = loopWith(model);
  session.append({
    type: 'user.message',
    content: [
      { type: 'text', text: 'MEMORY' },
      { type: 'text', text: 'something bad' },
    ],
  });

  expect(await session.run(loop)).toEqual({ type: 'refusal', explanation: 'Not allowed.' });

  expect(types(session)).toEqual(['user.message', 'span.model_request_start', 'span.model_request_end']);
  session.append({ type: 'session.status_idle', stop_reason: { type: 'refusal' }, stop_details: null });
  session.say('Something else');
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });
  expect(model.requests[1]?.messages).toEqual([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'MEMORY' },
        { type: 'text', text: 'Something else' },
      ],
    },
  ]);
});

test.each(['end_turn', 'stop_sequence', 'max_tokens', 'model_context_window_exceeded', 'something_new'])(
  'a text that stops with %s ends the turn',
  async stopReason => {
    const session = createSession();
    session.say('Hi');

    expect(await session.run(loopWith(scriptedModel(reply(['Hello.'], stopReason))).loop)).toEqual({
      type: 'end_turn',
    });

    expect(texts(session)).toEqual(['Hello.']);
  },
);

test('an output limit reached before any word is an error, not an empty answer', async () => {
  const session = createSession();
  session.say('Hi');
  const thinking = { type: 'thinking' as const, thinking: 'long', signature: '' };

  expect(await session.run(loopWith(scriptedModel(reply([thinking], 'max_tokens'))).loop)).toEqual({
    type: 'retries_exhausted',
  });

  expect(errorStates(session)).toEqual(['model_request_failed_error exhausted']);
});

test('an output limit reached inside a tool input is told to the model, which goes on', async () => {
  const session = createSession();
  const cut = { type: 'tool_use' as const, id: 't', name: 'write', input: {}, inputError: 'cut' };
  const model = scriptedModel(reply(['Saving', cut], 'max_tokens'), reply(['Shorter now.']));
  session.say('Save this');

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(results(session)).toEqual([{ text: expect.stringContaining('not a complete JSON'), isError: true }]);
  expect(texts(session)).toEqual(['Saving', 'Shorter now.']);
});

test('a conversation too long because of its pictures loses the turns with pictures', async () => {
  const session = createSession();
  const picture = { type: 'base64' as const, media_type: 'image/png', data: 'A'.repeat(300_000) };
  session.append({ type: 'user.message', content: [{ type: 'image', source: picture }] });
  session.append({ type: 'agent.message', content: [{ type: 'text', text: 'Nice.' }] });
  session.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
  session.say('And now?');
  const tooLong = () => reply([], 'model_context_window_exceeded');
  const model = scriptedModel(tooLong(), reply(['Fits.']));
  const context = { textBytes: 400_000, requestBytes: 1_000_000 };

  expect(await session.run(loopWith(model, { context }).loop)).toEqual({ type: 'end_turn' });

  expect(model.requests.map(({ messages }) => messages.length)).toEqual([3, 1]);
});

test('after a pause the model continues its own words', async () => {
  const session = createSession();
  const model = scriptedModel(reply(['Part one.'], 'pause_turn'), reply(['Part two.']));
  session.say('Hi');

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(model.requests[1]?.messages.at(-1)).toEqual({
    role: 'assistant',
    content: [{ type: 'text', text: 'Part one.' }],
  });
  expect(texts(session)).toEqual(['Part one.', 'Part two.']);
});

test('a model that never stops using tools is stopped, also across a pause for the person', async () => {
  const session = createSession({ agent: { tools: [toolset({ glob: 'always_ask' })] } });
  const bash = () => reply([toolUse('bash', { command: 'true' })]);
  const model = scriptedModel(
    bash(),
    reply([toolUse('glob', { pattern: '*' })]),
    bash(),
    reply(['Fresh turn.']),
  );
  const { loop } = loopWith(model, { requestsPerTurn: 3 });
  session.say('Hi');

  expect(await session.run(loop)).toMatchObject({ type: 'requires_action' });
  const id = idOf(eventsOf(session, 'agent.tool_use').at(-1));
  session.append({ type: 'user.tool_confirmation', tool_use_id: id, result: 'allow' });
  expect(await session.run(loop)).toEqual({ type: 'retries_exhausted' });

  expect(errorStates(session)).toEqual(['tool_use_limit_reached_error exhausted']);
  session.append({
    type: 'session.status_idle',
    stop_reason: { type: 'retries_exhausted' },
    stop_details: null,
  });
  session.say('And now?');
  expect(await session.run(loop)).toEqual({ type: 'end_turn' });
});

test.each([
  'while the model thinks',
  'in the middle of a text',
  'while a tool runs',
  'while waiting to try again',
])('an abort %s stops at once and logs nothing more', async when => {
  const abort = new AbortController();
  const session = createSession();
  const forever = new Promise(() => {});
  const script = {
    'while the model thinks': [forever],
    'in the middle of a text': [
      { type: 'text_started' as const },
      { type: 'text_delta' as const, text: 'Hel' },
      forever,
    ],
    'while a tool runs': reply([toolUse('bash', { command: 'sleep 60' })]),
    'while waiting to try again': [new ModelError('overloaded', 'busy', { retryable: true })],
  }[when];
  if (script === undefined) throw new Error('no such case');
  const loop = createAgentLoop({
    model: scriptedModel(script),
    sleep: () => new Promise(() => {}),
  });
  session.onEmit = event => {
    const last = {
      'while a tool runs': 'span.model_request_end',
      'while waiting to try again': 'session.error',
    }[when];
    if (event.type === (last ?? 'span.model_request_start')) setImmediate(() => abort.abort());
  };
  session.say('Hi');

  expect(await session.run(loop, { signal: abort.signal })).toEqual({ type: 'aborted' });

  const logged = types(session).length;
  await new Promise(resolve => setImmediate(resolve));
  expect(types(session)).toHaveLength(logged);
  expect(types(session)).not.toContain('agent.message');
  expect(types(session)).not.toContain('agent.tool_result');
});

test('a run that is aborted before it starts does nothing', async () => {
  const session = createSession();
  session.say('Hi');
  const model = scriptedModel();

  expect(await session.run(loopWith(model).loop, { signal: AbortSignal.abort() })).toEqual({
    type: 'aborted',
  });

  expect(types(session)).toEqual(['user.message']);
  expect(model.requests).toEqual([]);
});

test('tool uses that an interrupt left behind are not run later, and the model is told', async () => {
  const mount = createFakeMount();
  const session = createSession({ mounts: [mount] });
  session.say('Save everything');
  session.append({ type: 'span.model_request_start' });
  const use = session.append({
    type: 'agent.tool_use',
    name: 'write',
    input: { file_path: SIZES, content: 'x' },
    evaluated_permission: 'allow',
  });
  session.append({ type: 'user.interrupt' });
  session.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
  session.say('Stop. What did you do?');
  const model = scriptedModel(reply(['Nothing.']));

  expect(await session.run(loopWith(model).loop)).toEqual({ type: 'end_turn' });

  expect(mount.versions).toEqual([]);
  expect(model.requests[0]?.messages.at(-1)).toEqual({
    role: 'user',
    content: [
      {
        type: 'tool_result',
        tool_use_id: use.id,
        content: expect.stringContaining('interrupted'),
        is_error: true,
      },
      { type: 'text', text: 'Stop. What did you do?' },
    ],
  });
});

test('scratch files and the shell last from turn to turn, until too many other sessions came by', async () => {
  const look = () => reply([toolUse('bash', { command: 'cat /tmp/scratch; echo "[$NAME]"' })]);
  const model = scriptedModel(
    reply([toolUse('bash', { command: 'echo kept > /tmp/scratch; NAME=ann' })]),
    reply(['ok']),
    look(),
    reply(['ok']),
    reply(['other']),
    reply(['other']),
    look(),
    reply(['ok']),
  );
  const { loop } = loopWith(model, { sessions: 2 });
  const session = createSession({ id: 'sesn_a' });
  const turn = async (which: Session) => {
    which.say('Go on');
    await which.run(loop);
    which.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
  };

  await turn(session);
  await turn(session);
  expect(results(session).at(-1)?.text).toBe('kept\n[ann]');

  await turn(createSession({ id: 'sesn_b' }));
  await turn(createSession({ id: 'sesn_c' }));
  await turn(session);
  expect(results(session).at(-1)?.text).toContain('No such file');
});

test('a failing log stops the loop with its error', async () => {
  const session = createSession();
  session.say('Hi');
  session.onEmit = event => {
    if (event.type === 'agent.message') throw new Error('disk full');
  };

  await expect(session.run(loopWith(scriptedModel(reply(['Hello.']))).loop)).rejects.toThrow('disk full');
});
