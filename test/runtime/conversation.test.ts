import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildConversation } from '../../src/runtime/conversation.ts';
import type { NewEvent, SessionEvent } from '../../src/runtime/ports.ts';
import { protocolProblem } from '../fakes/messages-endpoint.ts';
import { createSession, type Session } from './session-harness.ts';

const PLENTY = { textBytes: 1_000_000, requestBytes: 30_000_000 };
const files: Record<string, { mediaType: string; data: Uint8Array }> = {
  file_png: { mediaType: 'image/png', data: Buffer.from('png') },
  file_pdf: { mediaType: 'application/pdf', data: Buffer.from('pdf') },
  file_csv: { mediaType: 'text/csv; charset=utf-8', data: Buffer.from('a,b') },
  file_zip: { mediaType: 'application/zip', data: Buffer.from('zip') },
};

async function readFile(fileId: string) {
  const file = files[fileId];
  if (file === undefined) throw new Error('gone');
  return file;
}

function build(log: readonly SessionEvent[], budget = PLENTY) {
  return buildConversation(log, { readFile, budget, replyWasCut: false });
}

type UserContent = Extract<NewEvent, { type: 'user.message' }>['content'];

async function shown(...content: UserContent) {
  const session = createSession();
  session.append({ type: 'user.message', content });
  const { messages } = await build(session.log);
  return messages[0]?.content;
}

test('pictures and documents reach the model from every kind of source', async () => {
  const png = Buffer.from('png').toString('base64');
  const pdf = Buffer.from('pdf').toString('base64');
  const content = await shown(
    { type: 'text', text: 'look' },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
    { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
    { type: 'image', source: { type: 'file', file_id: 'file_png' } },
    {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: pdf },
      title: 'Terms',
      context: 'signed',
    },
    { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } },
    { type: 'document', source: { type: 'file', file_id: 'file_pdf' }, title: null },
  );

  expect(content).toEqual([
    { type: 'text', text: 'look' },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
    { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
    {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: pdf },
      title: 'Terms',
      context: 'signed',
    },
    { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } },
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: pdf } },
  ]);
});

test('text documents travel as text, which every server takes', async () => {
  const content = await shown(
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'plain' }, title: 'Notes' },
    { type: 'document', source: { type: 'file', file_id: 'file_csv' } },
  );

  expect(content).toEqual([
    { type: 'text', text: 'Attached document (Notes):\n<document>\nplain\n</document>' },
    { type: 'text', text: 'Attached document (untitled):\n<document>\na,b\n</document>' },
  ]);
});

test('an attachment that cannot be shown is named, and the message still arrives', async () => {
  expect(
    await shown(
      { type: 'image', source: { type: 'file', file_id: 'file_gone' } },
      { type: 'document', source: { type: 'file', file_id: 'file_zip' } },
      { type: 'redacted' },
    ),
  ).toEqual([
    { type: 'text', text: '(the attached file file_gone cannot be read any more)' },
    { type: 'text', text: '(an attachment of type application/zip, which cannot be shown)' },
    { type: 'text', text: '(content withheld)' },
  ]);
  expect(await shown({ type: 'text', text: ' ' })).toEqual([{ type: 'text', text: '(an empty message)' }]);
});

test('half a character in what was said, used or answered does not make the session unusable', async () => {
  const session = createSession();
  session.say('cut \ud83d');
  const use = session.append({
    type: 'agent.tool_use',
    name: 'write',
    input: { content: 'and \ude00', lines: ['\ud83d'] },
    evaluated_permission: 'allow',
  });
  session.append({
    type: 'agent.tool_result',
    tool_use_id: use.id,
    content: [{ type: 'text', text: 'x\ud83d' }],
  });
  session.append({ type: 'agent.message', content: [{ type: 'text', text: 'ok \ud83d' }] });
  session.say('whole 😀');

  const { messages } = await build(session.log);

  const sent = JSON.stringify(messages);
  expect(sent).not.toMatch(/\\ud[89a-f]/);
  expect(sent).toContain('whole 😀');
});

test('system messages of the session are handed over apart from the conversation', async () => {
  const session = createSession();
  session.say('Hi');
  session.append({ type: 'system.message', content: [{ type: 'text', text: 'The shop closes at six.' }] });

  const { messages, systemAdditions } = await build(session.log);

  expect(systemAdditions).toEqual(['The shop closes at six.']);
  expect(messages).toHaveLength(1);
});

test('a picture that the model failed with is not sent again, in what the person said or in what a tool read', async () => {
  const session = createSession();
  const picture = { type: 'image' as const, source: { type: 'file' as const, file_id: 'file_png' } };
  const gaveUp = () =>
    session.append({
      type: 'session.status_idle',
      stop_reason: { type: 'retries_exhausted' },
      stop_details: null,
    });
  session.append({ type: 'user.message', content: [{ type: 'text', text: 'look' }, picture] });
  gaveUp();
  session.say('and now');
  const use = session.append({
    type: 'agent.tool_use',
    name: 'read',
    input: {},
    evaluated_permission: 'allow',
  });
  session.append({ type: 'agent.tool_result', tool_use_id: use.id, content: [picture] });
  gaveUp();
  session.append({ type: 'user.message', content: [{ type: 'text', text: 'another' }, picture] });

  const { messages } = await build(session.log);

  const sent = JSON.stringify(messages);
  expect(sent.match(/"type":"image"/g)).toHaveLength(1);
  expect(sent.match(/left out, because the model failed with it/g)).toHaveLength(2);
  for (const words of ['look', 'and now', 'another']) expect(sent).toContain(words);
  expect(JSON.stringify(messages.at(-1))).toContain('"type":"image"');
});

/** A turn with a tool use whose result has `size` bytes. */
function addTurn(session: Session, text: string, size: number): void {
  session.say(text);
  session.append({ type: 'span.model_request_start' });
  const use = session.append({
    type: 'agent.tool_use',
    name: 'read',
    input: {},
    evaluated_permission: 'allow',
  });
  session.append({
    type: 'agent.tool_result',
    tool_use_id: use.id,
    content: [{ type: 'text', text: 'x'.repeat(size) }],
  });
  session.append({ type: 'span.model_request_start' });
  session.append({ type: 'agent.message', content: [{ type: 'text', text: `answer to ${text}` }] });
  session.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
}

test('a long conversation loses its oldest turns whole, but keeps what came before the first message', async () => {
  const session = createSession();
  session.append({
    type: 'user.message',
    content: [
      { type: 'text', text: '<session_start>shoe: 9</session_start>' },
      { type: 'text', text: 'first' },
    ],
  });
  addTurn(session, 'and first too', 5_000);
  addTurn(session, 'second', 5_000);
  addTurn(session, 'third', 5_000);
  session.say('fourth');

  const { messages, shortened } = await build(session.log, { textBytes: 6_000, requestBytes: 1_000_000 });

  expect(shortened).toBe(true);
  expect(messages[0]).toEqual({
    role: 'user',
    content: [
      { type: 'text', text: '<session_start>shoe: 9</session_start>' },
      { type: 'text', text: 'third' },
    ],
  });
  const text = JSON.stringify(messages);
  expect(text).not.toContain('first');
  expect(text).not.toContain('second');
  expect(text).toContain('fourth');
  expect(protocolProblem({ model: 'm', max_tokens: 1, messages: messages as never })).toBeUndefined();
  expect((await build(session.log)).shortened).toBe(false);
});

test('what was told again before a later message moves on with it, and nothing that the person said', async () => {
  const told = (...texts: string[]) =>
    session.append({ type: 'user.message', content: texts.map(text => ({ type: 'text', text })) });
  const session = createSession();
  told('<session_start>shoe: 9</session_start>', 'first');
  addTurn(session, 'and first too', 5_000);
  told('<session_start>shoe: 12</session_start>', 'second');
  addTurn(session, 'and second too', 5_000);
  told('one', 'of two');
  addTurn(session, 'third', 5_000);
  session.say('fourth');

  const { messages } = await build(session.log, { textBytes: 3_000, requestBytes: 1_000_000 });

  expect(messages).toEqual([
    {
      role: 'user',
      content: [
        { type: 'text', text: '<session_start>shoe: 12</session_start>' },
        { type: 'text', text: 'fourth' },
      ],
    },
  ]);
});

test('what was told before a message that the model refused is not lost with it', async () => {
  const session = createSession();
  const told = (...texts: string[]) =>
    session.append({ type: 'user.message', content: texts.map(text => ({ type: 'text', text })) });
  told('<session_start>shoe: 9</session_start>', 'first');
  addTurn(session, 'and first too', 10);
  told('<session_start>shoe: 12</session_start>', 'bad');
  session.append({ type: 'session.status_idle', stop_reason: { type: 'refusal' }, stop_details: null });
  session.say('second');

  const { messages } = await build(session.log);

  expect(messages.at(-1)).toEqual({
    role: 'user',
    content: [
      { type: 'text', text: '<session_start>shoe: 12</session_start>' },
      { type: 'text', text: 'second' },
    ],
  });
  expect(JSON.stringify(messages)).not.toContain('bad');
});

test('what a person said alone in the first message is not kept when its turn goes', async () => {
  const session = createSession();
  addTurn(session, 'first', 5_000);
  session.say('second');

  const { messages } = await build(session.log, { textBytes: 1_000, requestBytes: 1_000_000 });

  expect(messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'second' }] }]);
});

test('in one long turn the oldest tool results are emptied first, the newest stays', async () => {
  const session = createSession();
  session.say('read everything');
  for (const fill of ['a', 'b', 'c']) {
    session.append({ type: 'span.model_request_start' });
    const use = session.append({
      type: 'agent.tool_use',
      name: 'read',
      input: {},
      evaluated_permission: 'allow',
    });
    session.append({
      type: 'agent.tool_result',
      tool_use_id: use.id,
      content: [{ type: 'text', text: fill.repeat(2_000) }],
    });
  }

  const { messages, textBytes } = await build(session.log, { textBytes: 4_500, requestBytes: 1_000_000 });

  const text = JSON.stringify(messages);
  expect(text).not.toContain('aaaa');
  expect(text).toContain('left out to fit');
  expect(text).toContain('bbbb');
  expect(text).toContain('cccc');
  expect(textBytes).toBeLessThanOrEqual(4_500);
  expect(protocolProblem({ model: 'm', max_tokens: 1, messages: messages as never })).toBeUndefined();
});

test('pictures count by what they cost, and by their size against the size of a request', async () => {
  const session = createSession();
  const picture = { type: 'base64' as const, media_type: 'image/png', data: 'A'.repeat(200_000) };
  session.append({ type: 'user.message', content: [{ type: 'image', source: picture }] });
  session.append({ type: 'agent.message', content: [{ type: 'text', text: 'Nice.' }] });
  session.say('next');

  expect((await build(session.log, { textBytes: 10_000, requestBytes: 1_000_000 })).messages).toHaveLength(3);
  expect((await build(session.log, { textBytes: 10_000, requestBytes: 100_000 })).messages).toHaveLength(1);
});

// Any log, however odd: turns cut by interrupts, results early, late, twice or never.
const step = fc.constantFrom(
  'say',
  'start',
  'text',
  'use',
  'custom',
  'result',
  'stale',
  'interrupt',
  'idle',
  'refuse',
  'end',
);

test('any log makes a conversation the Messages API accepts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(60, 300, 1_000_000),
      async (steps, textBytes) => {
        const session = createSession();
        const open: SessionEvent[] = [];
        session.say('begin');
        for (const kind of steps) applyStep(session, kind, open);
        session.say('end');

        const { messages } = await build(session.log, { textBytes, requestBytes: 1_000_000 });

        expect(protocolProblem({ model: 'm', max_tokens: 1, messages: messages as never })).toBeUndefined();
        expect(JSON.stringify(messages.at(-1))).toContain('"end"');
      },
    ),
    { numRuns: 300 },
  );
});

function applyStep(session: Session, kind: string, open: SessionEvent[]): void {
  switch (kind) {
    case 'say':
      session.say('more');
      return;
    case 'start':
      session.append({ type: 'span.model_request_start' });
      return;
    case 'text':
      session.append({ type: 'agent.message', content: [{ type: 'text', text: 'words' }] });
      return;
    case 'use':
      open.push(
        session.append({ type: 'agent.tool_use', name: 'read', input: {}, evaluated_permission: 'allow' }),
      );
      return;
    case 'custom':
      open.push(session.append({ type: 'agent.custom_tool_use', name: 'c', input: {} }));
      return;
    case 'result':
    case 'stale': {
      const use = kind === 'result' ? open.pop() : open.shift();
      if (use?.type === 'agent.tool_use') session.append({ type: 'agent.tool_result', tool_use_id: use.id });
      if (use?.type === 'agent.custom_tool_use') {
        session.append({ type: 'user.custom_tool_result', custom_tool_use_id: use.id });
      }
      return;
    }
    case 'interrupt':
      session.append({ type: 'user.interrupt' });
      return;
    case 'idle':
      session.append({ type: 'session.status_idle', stop_reason: { type: 'end_turn' }, stop_details: null });
      return;
    case 'refuse':
      session.append({ type: 'session.status_idle', stop_reason: { type: 'refusal' }, stop_details: null });
      return;
  }
}
