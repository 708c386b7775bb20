import { describe, expect, it } from 'vitest';
import { panelsOf } from '../../src/adapters/discord/memory/panels.ts';
import { noticeBody } from '../../src/adapters/discord/views.ts';
import { viewMessage } from '../../src/adapters/slack/memory/views.ts';
import { noticeMessage } from '../../src/adapters/slack/notices.ts';
import { renderNotice, renderView } from '../../src/adapters/terminal/render.ts';
import { panelOf } from '../../src/core/panels.ts';
import type { Notice } from '../../src/core/views.ts';
import { memoryView } from './scripted-bot.ts';

const NOTICE: Notice = {
  id: 'n',
  changes: [{ memoryId: 'm', path: '/sizes.md', operation: 'modified', lines: [] }],
};

it.each([
  ['Slack', JSON.stringify(noticeMessage(NOTICE, 'T0', 'U0').blocks)],
  ['Discord', noticeBody(NOTICE, 'U0').content],
  ['the terminal', renderNotice(NOTICE)],
])('%s names a note that changed where nobody can say how', (_, shown) => {
  expect(shown).toContain('Sizes has changed; what it said before is no longer kept');
});

describe('what waits for the person’s word', () => {
  const section = {
    memoryId: 'm',
    path: '/a.md',
    title: 'A',
    facts: [],
    lines: ['one'],
    content: '- one\n',
    revision: 'r',
    updatedAt: '2026-11-29T10:00:00Z',
    shared: false,
  };
  const view = memoryView({
    sections: Array.from({ length: 9 }, (_, index) => ({ ...section, memoryId: `m${index}` })),
    held: {
      id: 'n1',
      changes: [
        {
          memoryId: 'm',
          path: '/a.md',
          operation: 'created',
          lines: [{ type: 'added', text: 'hates: Ann' }],
        },
      ],
      heldBecauseOf: ['what Ben wrote'],
    },
  });

  const onDiscord = (page: number) => panelsOf(panelOf(view), '1', { page, note: 'Saved.' })[0];

  it.each([
    ['Slack', JSON.stringify(viewMessage(view).blocks), ['Save it', 'Leave it out']],
    ['Discord', JSON.stringify(onDiscord(0)), ['Save it', 'Leave it out']],
    ['the terminal', renderView(view, words => words), ['/preferences keep', '/preferences undo']],
  ])('stands in what is remembered, in %s, with both answers', (_, shown, answers) => {
    for (const said of ['hates: Ann', 'what Ben wrote', ...answers]) expect(shown).toContain(said);
  });

  it('has room on a panel of Discord, which takes 40 components', () => {
    const count = (it: unknown): number => {
      if (Array.isArray(it)) return it.reduce((sum: number, each) => sum + count(each), 0);
      if (typeof it !== 'object' || it === null) return 0;
      const { components = [], accessory } = it as { components?: unknown; accessory?: unknown };
      return ('type' in it ? 1 : 0) + count(components) + count(accessory);
    };
    expect(count(onDiscord(1)?.components)).toBeLessThanOrEqual(40);
  });
});
