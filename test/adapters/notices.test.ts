import { expect, it } from 'vitest';
import { noticeBody } from '../../src/adapters/discord/views.ts';
import { noticeMessage } from '../../src/adapters/slack/notices.ts';
import { renderNotice } from '../../src/adapters/terminal/render.ts';
import type { Notice } from '../../src/core/views.ts';

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
