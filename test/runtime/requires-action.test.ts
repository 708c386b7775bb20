import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { afterEach, describe, expect, test } from 'vitest';
import type { AgentLoop } from '../../src/runtime/ports.ts';
import { gate } from '../helpers/gate.ts';
import {
  collect,
  type Harness,
  idles,
  isIdle,
  newSession,
  refusal,
  say,
  startHarness,
  types,
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
const _log = (id: string) => collect(harness.client.beta.sessions.events.list(id));

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

test("the SDK's own tool runner serves a custom tool of a session", async () => {
  const { beta, id } = await start(async input => {
    const result = input.history.find(event => event.type === 'user.custom_tool_result');
    if (result) {
      await say(input, JSON.stringify(result.content));
      return { type: 'end_turn' };
    }
    const use = await input.emit({ type: 'agent.custom_tool_use', name: 'stock', input: { item: 'boots' } });
    return { type: 'requires_action', event_ids: [use.id] };
  });
  const stock = betaTool({
    name: 'stock',
    description: 'How many are left.',
    inputSchema: { type: 'object', properties: { item: { type: 'string' } }, required: ['item'] },
    run: ({ item }) => `3 ${item}`,
  });
  const seen = await watch(
    harness.client,
    id,
    async () => {
      await send(id, userMessage('go'));
      for await (const call of beta.sessions.events.toolRunner(id, { tools: [stock] })) {
        expect(call.isError).toBe(false);
        break;
      }
    },
    event => event.type === 'session.status_idle' && event.stop_reason.type === 'end_turn',
  );
  expect(seen.find(event => event.type === 'agent.message')).toMatchObject({
    content: [{ text: '[{"type":"text","text":"3 boots"}]' }],
  });
});
