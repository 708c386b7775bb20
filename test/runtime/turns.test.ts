import Anthropic, { toFile } from '@anthropic-ai/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import type { AgentLoop, LoopInput } from '../../src/runtime/ports.ts';
import {
  collect,
  gate,
  type Harness,
  idles,
  isIdle,
  lastText,
  newSession,
  refusal,
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

  test('while idle is recorded and starts nothing', async () => {
    const { beta, id } = await start(() => Promise.reject(new Error('no turn was asked for')));
    await send(id, { type: 'user.interrupt' });
    expect(await log(id)).toMatchObject([{ type: 'user.interrupt', processed_at: expect.any(String) }]);
    expect((await beta.sessions.retrieve(id)).status).toBe('idle');
    const other = refusal(send(id, { type: 'user.interrupt', session_thread_id: 'sthr_none' }));
    expect((await other).status).toBe(404);
  });
});

/** Asks for a confirmation and a custom result in the first round, then says what it was told. */
const asking: AgentLoop = async input => {
  const uses = input.history.filter(
    event => event.type === 'agent.tool_use' || event.type === 'agent.custom_tool_use',
  );
  if (uses.length === 0) {
    const tool = await input.emit({
      type: 'agent.tool_use',
      name: 'bash',
      input: { command: 'rm x' },
      evaluated_permission: 'ask',
    });
    const custom = await input.emit({ type: 'agent.custom_tool_use', name: 'lookup', input: { q: 'x' } });
    return { type: 'requires_action', event_ids: [tool.id, custom.id] };
  }
  const answers = input.history
    .map(event => event.type)
    .filter(type => /tool_(confirmation|result)$/.test(type));
  await say(input, answers.join(' '));
  return { type: 'end_turn' };
};

describe('requires_action', () => {
  async function blocked() {
    const { beta, id } = await start(asking);
    const seen = await watch(harness.client, id, () => send(id, userMessage('go')));
    const idle = seen.at(-1);
    if (idle?.type !== 'session.status_idle' || idle.stop_reason.type !== 'requires_action') {
      throw new Error('the session does not wait');
    }
    const [tool = '', custom = ''] = idle.stop_reason.event_ids;
    return { beta, id, tool, custom };
  }
  const allow = (tool_use_id: string) => ({
    type: 'user.tool_confirmation' as const,
    tool_use_id,
    result: 'allow' as const,
  });
  const result = (custom_tool_use_id: string) => ({
    type: 'user.custom_tool_result' as const,
    custom_tool_use_id,
    content: [{ type: 'text' as const, text: '42' }],
  });

  test('a partial answer names the rest, the last one goes on, and messages wait until then', async () => {
    const { id, tool, custom } = await blocked();
    await send(id, userMessage('meanwhile'));
    expect((await harness.client.beta.sessions.retrieve(id)).status).toBe('idle');
    const partial = await watch(harness.client, id, () => send(id, result(custom)));
    expect(partial.at(-1)).toMatchObject({ stop_reason: { type: 'requires_action', event_ids: [tool] } });
    const rest = await watch(harness.client, id, () => send(id, allow(tool)), idles(2));
    const said = rest.filter(event => event.type === 'agent.message');
    expect(said).toHaveLength(2);
    expect(said[0]).toMatchObject({ content: [{ text: 'user.custom_tool_result user.tool_confirmation' }] });
    expect(rest.find(event => event.type === 'user.message')).toMatchObject({
      content: [{ text: 'meanwhile' }],
      processed_at: expect.any(String),
    });
  });

  test('all answers in one request go on at once', async () => {
    const { id, tool, custom } = await blocked();
    const seen = await watch(harness.client, id, () => send(id, allow(tool), result(custom)));
    expect(seen.at(-1)).toMatchObject({ stop_reason: { type: 'end_turn' } });
  });

  test('an unknown, wrong or repeated answer is refused and changes nothing', async () => {
    const { id, tool, custom } = await blocked();
    for (const events of [
      [allow('sevt_none')],
      [allow(custom)],
      [result(tool)],
      [allow(tool), allow(tool)],
      [result(custom), allow('sevt_none')],
    ]) {
      expect(await refusal(send(id, ...events))).toBeInstanceOf(Anthropic.BadRequestError);
    }
    const seen = await watch(harness.client, id, () => send(id, allow(tool), result(custom)));
    expect(seen.at(-1)).toMatchObject({ stop_reason: { type: 'end_turn' } });
    expect(await refusal(send(id, allow(tool)))).toBeInstanceOf(Anthropic.BadRequestError);
  });

  test('an interrupt gives up what was asked and lets waiting messages through', async () => {
    const { id, tool } = await blocked();
    await send(id, userMessage('never mind'));
    const seen = await watch(harness.client, id, () => send(id, { type: 'user.interrupt' }), idles(2));
    expect(seen.find(isIdle)).toMatchObject({ stop_reason: { type: 'end_turn' } });
    const results = seen.filter(event => event.type.endsWith('tool_result'));
    expect(results).toMatchObject([
      { type: 'agent.tool_result', tool_use_id: tool, is_error: true },
      { type: 'user.custom_tool_result', is_error: true },
    ]);
    expect(await refusal(send(id, allow(tool)))).toBeInstanceOf(Anthropic.BadRequestError);
  });

  test('an answer that comes before the idle is not lost', async () => {
    const answered = gate();
    const { id } = await start(async input => {
      const outcome = await asking(input);
      if (outcome.type === 'requires_action') await answered.opened;
      return outcome;
    });
    const uses: string[] = [];
    const seen = await watch(
      harness.client,
      id,
      () => send(id, userMessage('go')),
      (event, all) => {
        if (event.type !== 'agent.custom_tool_use' && event.type !== 'agent.tool_use') return isIdle(event);
        uses.push(event.id);
        const [tool, custom] = uses;
        if (tool && custom) void send(id, allow(tool), result(custom)).then(answered.open);
        return all.length > 100;
      },
    );
    expect(seen.at(-1)).toMatchObject({ stop_reason: { type: 'end_turn' } });
    expect(types(seen)).not.toContain('session.error');
  });
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

describe('what can be sent', () => {
  test.each([
    ['nothing', []],
    ['an empty message', [{ type: 'user.message', content: [] }]],
    ['an empty text', [userMessage('')]],
    ['blank text', [userMessage(' \n')]],
    ['a text that is no array', [{ type: 'user.message', content: 'hi' }]],
    ['an unknown event', [{ type: 'user.wave' }]],
    [
      'an outcome',
      [{ type: 'user.define_outcome', description: 'd', rubric: { type: 'text', content: 'r' } }],
    ],
    ['a tool result', [{ type: 'user.tool_result', tool_use_id: 'x' }]],
    ['a system message alone', [{ type: 'system.message', content: [{ type: 'text', text: 'x' }] }]],
  ])('%s is refused', async (_what, events) => {
    const { beta, id } = await start(input => untilAborted(input.signal));
    const sent = beta.sessions.events.send(id, { events: events as [] });
    expect(await refusal(sent)).toBeInstanceOf(Anthropic.BadRequestError);
    expect(await log(id)).toEqual([]);
  });

  test('a system message goes with its user message', async () => {
    const { id } = await start(async () => ({ type: 'end_turn' }));
    const system = {
      type: 'system.message' as const,
      content: [{ type: 'text' as const, text: 'Be brief.' }],
    };
    const seen = await watch(harness.client, id, () => send(id, userMessage('hi'), system));
    expect(types(seen).slice(2, 7)).toEqual([
      'session.status_running',
      'session.thread_status_running',
      'user.message',
      'system.message',
      'session.thread_status_idle',
    ]);
  });

  test('images and documents, and uploaded files the agent can read', async () => {
    let read: { mediaType: string; data: Uint8Array } | undefined;
    const { beta, id } = await start(async input => {
      for (const event of input.history) {
        if (event.type !== 'user.message') continue;
        for (const block of event.content) {
          if (block.type === 'image' && block.source.type === 'file') {
            read = await input.readFile(block.source.file_id);
          }
        }
      }
      return { type: 'end_turn' };
    });
    const file = await beta.files.upload({
      file: await toFile(Buffer.from('png'), 'a.png', { type: 'image/png' }),
    });
    const content = [
      { type: 'text' as const, text: 'look' },
      { type: 'image' as const, source: { type: 'file' as const, file_id: file.id } },
      { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png', data: 'aGk=' } },
      {
        type: 'document' as const,
        title: 'T',
        source: { type: 'text' as const, media_type: 'text/plain' as const, data: 'hello' },
      },
    ];
    await watch(harness.client, id, () => send(id, { type: 'user.message', content }));
    expect((await log(id)).find(event => event.type === 'user.message')).toMatchObject({ content });
    expect(Buffer.from(read?.data ?? []).toString()).toBe('png');
    const missing = { type: 'image' as const, source: { type: 'file' as const, file_id: 'file_none' } };
    const error = await refusal(send(id, { type: 'user.message', content: [missing] }));
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
  });
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
