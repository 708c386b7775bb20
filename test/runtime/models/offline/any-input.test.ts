import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOfflineModel } from '../../../../src/runtime/models/offline.ts';
import type { ModelRequest } from '../../../../src/runtime/ports.ts';
import { createConversation, mountPath } from './conversation.ts';

const pieces = [
  'I wear',
  'size',
  '9',
  'shoes',
  'and',
  'hate',
  'wool',
  ',',
  '.',
  '?',
  'my budget is',
  '$120',
  'forget',
  'everything',
  'remember that',
  "don't",
  'any more',
  '\n',
  '> ',
  '<session_start>',
  '</session_start>',
  'File /sizes.md',
  'call me',
  'Annie',
  'but',
  'under',
  '€',
  '12,5',
  'brand',
  'favourite',
  'colour',
  'is',
  'not',
  '“',
  '4111 1111 1111 1111',
  '`',
  '*',
];
const phrase = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map(words => words.join(' '));
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), phrase);

const block = fc.oneof(
  text.map(value => ({ type: 'text', text: value })),
  fc.record({
    type: fc.constant('tool_result'),
    tool_use_id: fc.constantFrom('a', 'b'),
    content: fc.oneof(text, fc.constant(undefined)),
    is_error: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('tool_use'),
    id: fc.constantFrom('a', 'b'),
    name: fc.constantFrom('read', 'write', 'edit', 'glob', 'bash'),
    input: fc.record(
      {
        file_path: fc.oneof(text, fc.constant(`${mountPath}/sizes.md`)),
        content: text,
        old_string: text,
        new_string: text,
      },
      { requiredKeys: [] },
    ),
  }),
  fc.constant({ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }),
);
const message = fc.record({
  role: fc.constantFrom('user', 'assistant', 'system'),
  content: fc.oneof(text, fc.array(block, { maxLength: 5 })),
});

describe('any input at all', () => {
  it('ends every request with end_turn or tool_use, and text that matches its deltas', async () => {
    const model = createOfflineModel();
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 8 }),
        fc.subarray(['read', 'write', 'edit', 'glob']),
        fc.oneof(text, fc.constant(`Folder: ${mountPath} (you can read and write here)`)),
        async (messages, tools, system) => {
          const request = {
            model: 'x',
            system,
            messages,
            tools: tools.map(name => ({ name, input_schema: { type: 'object' } })),
          } as unknown as ModelRequest;
          let streamed = '';
          let finished = 0;
          for await (const event of model.complete(request, new AbortController().signal)) {
            if (event.type === 'text_delta') streamed += event.text;
            if (event.type !== 'finished') continue;
            finished++;
            const spoken = event.content.map(part => (part.type === 'text' ? part.text : '')).join('');
            const calls = event.content.some(part => part.type === 'tool_use');
            expect(event.stopReason).toBe(calls ? 'tool_use' : 'end_turn');
            expect(spoken).toBe(streamed);
          }
          expect(finished).toBe(1);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('comes to an end in a session with working tools, and in one where some fail', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 4 }),
        fc.dictionary(fc.constantFrom('/sizes.md', '/a.md', '/notes.md'), text),
        fc.option(fc.constantFrom('read', 'write', 'edit', 'glob')),
        async (texts, files, broken) => {
          const session = createConversation({ files, fail: name => (name === broken ? 'denied' : null) });
          for (const said of texts) {
            const reply = await session.say(said);
            expect(reply.requests).toBeLessThanOrEqual(6);
            expect(reply.text).not.toBe('');
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('saves what it says it saved', async () => {
    await fc.assert(
      fc.asyncProperty(phrase, fc.option(fc.constantFrom('write', 'edit')), async (said, broken) => {
        const files = { '/materials.md': '# Materials\n- likes: wool\n' };
        const session = createConversation({ files, fail: name => (name === broken ? 'denied' : null) });
        const before = session.memory();
        const reply = await session.say(said);
        if (/Saved: |Removed from memory: /.test(reply.text)) expect(session.memory()).not.toBe(before);
        else expect(session.memory()).toBe(before);
        expect(session.memory()).not.toContain('4111');
      }),
      { numRuns: 500 },
    );
  });

  // Rules that look at everything would take longer than a test may.
  it('reads a message of 200 KB', async () => {
    const said = 'I hate wool and '.repeat(13_000);
    const reply = await createConversation().say(
      said,
      '1 '.repeat(100_000),
      '"'.repeat(50_000),
      '<context>'.repeat(20_000),
    );
    expect(reply.text).toContain('only looked for facts at the beginning');
  });

  // A rule that can match the same words in two ways takes exponential time on enough of them.
  const repeated = [
    'please ',
    'can you ',
    'i think that ',
    'a max of ',
    'up to ',
    'really ',
    'casual and ',
    'wool, ',
    'size 9 ',
    '$1 ',
    '1,111 ',
    'my brother ',
    'forget ',
    'password ',
    'allergic to very ',
    'a medium or ',
    'five hundred ',
    'EU 42 / ',
    'that is wrong, ',
    'stop saving that ',
    '*a',
    '<context ',
    '9 in Zara, ',
    "5'11 / ",
    'for a wedding in may 11 ',
    '. ',
  ];
  it.each(repeated)('answers also when a person repeats “%s”', async piece => {
    for (const other of repeated) {
      const { text } = await createConversation().say((piece + other).repeat(2_000));
      expect(text).not.toBe('');
    }
  });
});
