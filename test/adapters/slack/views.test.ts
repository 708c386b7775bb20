import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSubmission } from '../../../src/adapters/slack/memory/memory-forms.ts';
import { homeView, modalView, viewMessage, waitingModal } from '../../../src/adapters/slack/memory/views.ts';
import {
  answeredQuestion,
  detailMessage,
  noticeMessage,
  questionMessage,
} from '../../../src/adapters/slack/notices.ts';
import { type CommandAction, FIELD_NAMES } from '../../../src/core/message.ts';
import type { LineChange, MemorySection, PreferencesView } from '../../../src/core/views.ts';
import { checkBlocks, textLength } from '../../fakes/slack/blocks.ts';
import { elementsIn } from '../../fakes/slack/drivers/elements.ts';
import { SLACK_LIMITS } from '../../fakes/slack/limits.ts';
import { linksIn, parsedTextsOf, pingsIn, textsOf } from '../../fakes/slack/rendering.ts';
import type { Json } from '../../fakes/slack/world.ts';
import { memoryView } from '../scripted-bot.ts';

const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.constantFrom(
    '',
    '<!channel>',
    '<@U0BOSS>',
    '&amp;',
    '👟'.repeat(40),
    'x'.repeat(4_000),
    '<'.repeat(3_000),
  ),
);
const section: fc.Arbitrary<MemorySection> = fc
  .record({
    title: text.map(title => (title === '' ? 'Note' : title)),
    lines: fc.array(text, { maxLength: 60 }),
    content: fc.oneof(
      text,
      fc.string({ maxLength: 50 }).map(line => `${line}\n`.repeat(2_000)),
    ),
  })
  .map(it => ({
    ...it,
    facts: it.lines.map((line, index) => ({
      id: `f${index}`,
      text: line,
      learnedOn: index % 2 === 0 ? '2026-03-14' : null,
      learnedBy:
        index % 3 === 0 ? { type: 'agent' as const, conversation: { words: 'a chat', link: null } } : null,
    })),
    memoryId: `mem_${'x'.repeat(60)}`,
    path: '/note.md',
    revision: 'r',
    updatedAt: '2026-01-01T00:00:00Z',
    shared: it.lines.length % 2 === 0,
  }));
const lines = fc.array(text, { maxLength: 30 });
const changes = fc.array(
  fc.oneof(
    text.map(it => ({ type: 'added' as const, text: it })),
    fc.tuple(text, text, text).map(([label, from, to]) => ({ type: 'changed' as const, label, from, to })),
  ),
  { maxLength: 20 },
);
const long = fc.oneof(
  text,
  fc.array(text, { maxLength: 400 }).map(parts => parts.join('\n')),
  fc.constant('a line of a long note\n'.repeat(6_000)),
);
const forgettable = fc.record({ title: text, path: fc.constant('/a.md'), lines, wholeFile: fc.boolean() });
const conflict = fc.record({
  id: fc.constant('c1'),
  title: text,
  path: fc.constant('/a.md'),
  now: fc.option(text),
  mine: text,
  wanted: changes,
  meanwhile: changes,
});
const used = fc.record({
  memoryId: fc.option(fc.constant('mem_1')),
  path: fc.constant('/a.md'),
  title: text,
  how: fc.constant<('known' | 'read')[]>(['known', 'read']),
  forEveryone: fc.boolean(),
});
const entry = fc.record({
  versionId: fc.constant('ver_1'),
  memoryId: fc.constant('mem_1'),
  path: fc.option(fc.constant('/a.md')),
  title: text,
  operation: fc.constantFrom('created' as const, 'modified' as const, 'deleted' as const),
  at: fc.constant('2026-03-14T09:00:00Z'),
  by: fc.constantFrom({ type: 'operator' as const }, { type: 'person' as const, by: 'edit' as const }),
  lines: changes,
  movedFrom: fc.constant(null),
  restorable: fc.boolean(),
  current: fc.boolean(),
  revision: fc.option(fc.constant('r1')),
});
const said = text.map(it => (it === '' ? 'Yes.' : it));

const view: fc.Arbitrary<PreferencesView> = fc.oneof(
  fc
    .record({
      sections: fc.array(section, { maxLength: 80 }),
      notices: fc.constantFrom('thread' as const, 'private' as const, 'off' as const),
      noticesAreDefault: fc.boolean(),
      paused: fc.boolean(),
      privateHere: fc.option(fc.boolean()),
      linked: fc.array(fc.record({ platform: text, name: text }), { maxLength: 15 }),
    })
    .map(it => memoryView(it)),
  section.map(it => ({ type: 'file' as const, section: it })),
  fc.record({
    type: fc.constant('confirm' as const),
    question: said,
    items: fc.array(forgettable, { maxLength: 60 }),
    action: fc.constantFrom<CommandAction>(
      { type: 'forget-me', confirmed: true },
      { type: 'link', code: 'x'.repeat(30), confirmed: true },
    ),
    button: said,
  }),
  fc.record({
    type: fc.constant('conflict' as const),
    sentence: said,
    conflicts: fc.array(conflict, { minLength: 1, maxLength: 30 }),
  }),
  fc.record({
    type: fc.constant('history' as const),
    entries: fc.array(entry, { maxLength: 30 }),
    page: fc.nat(3),
    more: fc.boolean(),
    memoryId: fc.option(fc.constant('mem_1')),
  }),
  fc.record({
    type: fc.constant('why' as const),
    sentence: said,
    memories: fc.array(used, { maxLength: 60 }),
    searched: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('export' as const),
    sentence: said,
    file: fc.record({ name: said, mediaType: fc.constant('text/markdown'), content: long }),
  }),
  fc.record({
    type: fc.constant('receipt' as const),
    ok: fc.boolean(),
    sentence: said,
    counts: fc.array(
      fc.record({ what: fc.constantFrom('facts' as const, 'rows' as const), count: fc.nat() }),
      {
        maxLength: 7,
      },
    ),
  }),
  fc.record({
    type: fc.constant('link-code' as const),
    sentence: said,
    code: fc.constant('K7PQ-2MXD'),
    expiresAt: fc.constant('2026-03-14T10:10:00.000Z'),
  }),
  fc.record({
    type: fc.constant('form' as const),
    formId: fc.constant('f1'),
    fields: fc
      .record({ label: said, hint: said, value: text, several: fc.boolean() })
      .map(it => FIELD_NAMES.map(name => ({ ...it, name }))),
  }),
  text.map(sentence => ({
    type: 'outcome' as const,
    ok: true,
    sentence: sentence === '' ? 'Yes.' : sentence,
  })),
);

function expectMessage({
  text: fallback,
  blocks,
}: {
  text: string;
  blocks: readonly Record<string, unknown>[];
}): void {
  expect(checkBlocks(blocks, 'message', SLACK_LIMITS.messageBlocks)).toEqual([]);
  expect(textLength(blocks)).toBeLessThanOrEqual(SLACK_LIMITS.messageBlocksText);
  expect(fallback.length).toBeLessThanOrEqual(SLACK_LIMITS.ephemeralText);
}

function expectView(it: Record<string, unknown>, surface: 'home' | 'modal'): void {
  const blocks = Array.isArray(it.blocks) ? it.blocks : [];
  expect(checkBlocks(blocks, surface, SLACK_LIMITS.viewBlocks)).toEqual([]);
  expect(Buffer.byteLength(JSON.stringify(it))).toBeLessThanOrEqual(SLACK_LIMITS.viewBytes);
  const title = it.title as { text: string } | undefined;
  if (surface === 'modal') expect(title?.text.length).toBeLessThanOrEqual(24);
}

const WAY = 'https://app.slack.com/client/T1/D1/thread/D1-1.2';

function fromOf(value: unknown): number[] {
  return typeof value === 'object' && value !== null && 'from' in value ? [Number(value.from)] : [];
}

describe('views of a memory', () => {
  it('fit Slack’s limits and call nobody, whatever is remembered', () => {
    fc.assert(
      fc.property(view, it => {
        expectMessage(viewMessage(it, 'x'.repeat(200)));
        expectView(homeView(it), 'home');
        expectView(modalView(it, 'x'.repeat(200)), 'modal');
        expect(pingsIn(parsedTextsOf(viewMessage(it).blocks).join('\n'), false)).toEqual([]);
        expect(pingsIn(parsedTextsOf(homeView(it).blocks).join('\n'), false)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('say how much there is that does not fit, and lead to it', () => {
    const sections = Array.from({ length: 60 }, (_, n) => ({
      ...SIZES,
      title: `Note ${n}`,
      memoryId: `m${n}`,
    }));
    const { blocks } = viewMessage(memoryView({ sections }));
    const shown = textsOf(blocks).join('\n');
    const left = Number(/And (\d+) more\./.exec(shown)?.[1]);
    expect(left).toBeGreaterThan(0);
    expect((shown.match(/\*Note \d+\*/g) ?? []).length + left).toBe(60);
    expect(JSON.stringify(blocks)).toContain('See more');
  });

  const facts = Array.from({ length: 300 }, (_, n) => ({
    id: `f${n}`,
    text: `Fact ${n} & ${'more '.repeat(30)}.`,
    learnedOn: '2026-03-14',
    learnedBy: { type: 'agent' as const, conversation: { words: 'a chat', link: WAY } },
  }));
  const note = { ...SIZES, facts, content: facts.map(fact => `- ${fact.text}\n`).join('') };
  const entries = facts.map(fact => ({
    versionId: 'ver_1',
    memoryId: 'mem_1',
    path: '/a.md',
    title: fact.text,
    operation: 'modified' as const,
    at: '2026-03-14T09:00:00Z',
    by: fact.learnedBy,
    lines: [],
    movedFrom: null,
    restorable: true,
    current: false,
    revision: 'r1',
  }));

  it.each<[string, PreferencesView, number]>([
    ['a note', { type: 'file', section: note }, 2],
    ['a history', { type: 'history', entries, page: 0, more: false, memoryId: null }, 1],
    ['a memory', memoryView({ sections: facts.map(fact => ({ ...SIZES, title: fact.text })) }), 1],
  ])('lead to the end of %s, part by part', (_, view, times) => {
    const inMessage = (from: number) => {
      const it = viewMessage(view, undefined, from);
      expectMessage(it);
      return it.blocks;
    };
    const inWindow = (from: number) => {
      const it = modalView(view, undefined, from);
      expectView(it, 'modal');
      return it.blocks;
    };
    for (const show of [inMessage, inWindow]) {
      const parts: string[] = [];
      for (let from: number | undefined = 0; from !== undefined; ) {
        const blocks = show(from);
        parts.push(textsOf(blocks).join('\n'));
        const before: number = from;
        from = elementsIn(blocks as Json[])
          .map(({ element }): unknown => JSON.parse(String(element.value ?? '{}')))
          .flatMap(value => fromOf(value))
          .find(next => next > before);
        expect(parts.length).toBeLessThan(100);
      }
      const shown = parts.join('\n');
      for (const { text } of facts) {
        const said = text.slice(0, 90).replace('&', '&amp;');
        expect(shown.split(said).length - 1).toBe(times);
      }
    }
  });

  it('lead back to where something was learned', () => {
    expect(textsOf(viewMessage({ type: 'file', section: note }).blocks).join('\n')).toContain(
      `_2026-03-14, <${WAY}|the agent, in a chat>_`,
    );
  });

  it('hold every character of a note', () => {
    const content = `${'a <b> & c. '.repeat(400)}\n\n${'👟 line\n'.repeat(900)}`;
    const shown = textsOf(modalView({ type: 'file', section: { ...SIZES, content } }).blocks);
    const joined = shown
      .slice(1, -1)
      .join('')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
    expect(joined.startsWith(content.trimEnd())).toBe(true);
  });

  it('bring an edited note back whole, or do not offer to edit it', () => {
    fc.assert(
      fc.property(long, content => {
        const draft = { memoryId: 'm', revision: 'r', title: 'Note', content, now: null };
        const modal = modalView({ type: 'editor', draft });
        if (modal.callback_id === undefined) return;
        expect(readSubmission({ ...modal, state: { values: asTyped(modal) } })).toEqual({
          type: 'edit',
          memoryId: 'm',
          revision: 'r',
          content: content.trim() === '' ? '' : content.replace(/\n+$/, ''),
        });
      }),
      { numRuns: 100 },
    );
  });

  it('greet who is not known yet', () => {
    expect(textsOf(homeView(memoryView()).blocks).join('\n')).toContain('Nothing yet');
    expectView(waitingModal(), 'modal');
  });
});

describe('notices and questions', () => {
  const line: fc.Arbitrary<LineChange> = fc.oneof(
    text.map(it => ({ type: 'added' as const, text: it })),
    text.map(it => ({ type: 'removed' as const, text: it })),
    fc.tuple(text, text, text).map(([label, from, to]) => ({ type: 'changed' as const, label, from, to })),
  );

  it('fit Slack’s limits and call nobody', () => {
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 10 }), { maxLength: 10 }), text, (lines, words) => {
        const changes = lines.map(each => ({
          memoryId: 'm',
          path: '/sizes.md',
          operation: 'modified' as const,
          lines: each,
        }));
        const notice = noticeMessage({ id: 'n'.repeat(20), changes }, 'T0', 'U0');
        expectMessage(notice);
        const question = { id: 'q', text: `May I ${words}?`, detail: words };
        for (const message of [
          questionMessage(question, 'T0', 'key', true),
          answeredQuestion(question, 'Allowed.'),
          ...(words.trim() === '' ? [] : [detailMessage(words)]),
        ]) {
          expectMessage(message);
          expect(pingsIn([message.text, ...parsedTextsOf(message.blocks)].join('\n'), false)).toEqual([]);
        }
        expect(pingsIn([notice.text, ...parsedTextsOf(notice.blocks)].join('\n'), false)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('have nothing fetched', () => {
    const lines: LineChange[] = [{ type: 'added', text: 'shop: https://evil.example/x' }];
    const changes = [{ memoryId: 'm', path: '/a.md', operation: 'created' as const, lines }];
    const shown = textsOf(noticeMessage({ id: 'n', changes }, 'T0', 'U0').blocks).join('\n');
    expect(linksIn(shown)).toEqual([]);
    expect(shown).toContain('evil.example/x');
  });
});

/** What Slack sends back of a window's inputs when nothing was changed in them. */
function asTyped(modal: Record<string, unknown>): Record<string, Record<string, { value: string | null }>> {
  const blocks = Array.isArray(modal.blocks) ? modal.blocks : [];
  const inputs = blocks.filter(block => block.type === 'input');
  return Object.fromEntries(
    inputs.map(block => [block.block_id, { value: { value: block.element.initial_value ?? null } }]),
  );
}

const SIZES: MemorySection = {
  memoryId: 'mem_sizes',
  path: '/sizes.md',
  title: 'Sizes',
  facts: [],
  lines: ['shoe size: 9'],
  content: '- shoe size: 9\n',
  revision: 'r1',
  updatedAt: '2026-03-14T00:00:00Z',
  shared: false,
};
