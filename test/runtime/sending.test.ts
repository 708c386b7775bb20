import Anthropic, { toFile } from '@anthropic-ai/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import type { AgentLoop } from '../../src/runtime/ports.ts';
import {
  collect,
  type Harness,
  newSession,
  refusal,
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
