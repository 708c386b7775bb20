/** What is said beside a reply: notices of changes, and questions. Pure. */

import type { Question } from '../../core/adapter.ts';
import { linesOfMemory, type Notice, titleOfPath } from '../../core/views.ts';
import {
  actions,
  blockIdOf,
  button,
  context,
  fallback,
  line,
  lines,
  type MessageContent,
  plainSection,
  section,
  sentence,
  title,
} from './blocks.ts';
import { memoryButton } from './memory/memory-buttons.ts';

export const NOTICE_BUTTONS = {
  all: 'notice_all',
  undo: 'notice_undo',
  keep: 'notice_keep',
  drop: 'notice_drop',
} as const;
export const QUESTION_BUTTONS = { allow: 'ask_allow', deny: 'ask_deny' } as const;

const MOST_LINES = 12;
/** Of a text object's 3,000, next to the title. */
const CHANGES_CHARACTERS = 1_400;

/** `owner`: the person's user id; nobody else can press the buttons. */
export function noticeMessage(notice: Notice, tenant: string, owner: string): MessageContent {
  const held = notice.heldBecauseOf;
  const heading = held === undefined ? 'Memory updated' : heldHeading(held);
  const value = JSON.stringify({ notice: notice.id, owner });
  const buttons =
    held === undefined
      ? [button('See all', NOTICE_BUTTONS.all, value), button('Undo', NOTICE_BUTTONS.undo, value)]
      : [button('Save it', NOTICE_BUTTONS.keep, value), button('Leave it out', NOTICE_BUTTONS.drop, value)];
  return {
    text: fallback(heading),
    blocks: [
      context([sentence(heading), ...changeLines(notice)].join('\n')),
      { ...actions(buttons), block_id: blockIdOf(tenant, 'notice') },
    ],
  };
}

function heldHeading(sources: readonly string[]): string {
  const read = sources.length === 0 ? 'something somebody else wrote' : sources.join(' and ');
  return `I had read ${read} before I wanted to note this, so I have not saved it. Is it from you?`;
}

function changeLines(notice: Notice): string[] {
  const all = notice.changes.flatMap(change => [
    `${title(titleOfPath(change.path))}${change.operation === 'deleted' ? ' (forgotten)' : ''}`,
    ...linesOfMemory(change).map(line),
  ]);
  const some = all.slice(0, MOST_LINES);
  const more = all.length - some.length;
  return lines(more === 0 ? some : [...some, `_and ${more} more_`], CHANGES_CHARACTERS);
}

/** For feedback. `messageId`: of the message that was answered, when who pressed may see what the answer used. */
export function thanksMessage(tenant: string, messageId: string | null): MessageContent {
  const why = { type: 'why' as const, ...(messageId === null ? {} : { messageId }) };
  const button = memoryButton('What was it based on?', why);
  return {
    text: 'Thank you.',
    blocks: [
      section('Thank you.'),
      ...(messageId === null ? [] : [{ ...actions([button]), block_id: blockIdOf(tenant, 'why') }]),
    ],
  };
}

/** What a notice becomes once it is dealt with: quiet, and without buttons. */
export function settledNotice(outcome: string): MessageContent {
  return quietLine(outcome);
}

/** `key` names the question to those who press. */
export function questionMessage(
  question: Question,
  tenant: string,
  key: string,
  withDetail: boolean,
): MessageContent {
  return {
    text: fallback(question.text),
    blocks: [
      section(sentence(question.text)),
      ...(withDetail && question.detail !== '' ? [plainSection(question.detail)] : []),
      {
        ...actions([
          { ...button('Approve', QUESTION_BUTTONS.allow, key), style: 'primary' },
          { ...button('Deny', QUESTION_BUTTONS.deny, key), style: 'danger' },
        ]),
        block_id: blockIdOf(tenant, 'question'),
      },
    ],
  };
}

export function detailMessage(detail: string): MessageContent {
  return { text: 'Exactly this:', blocks: [section('Exactly this:'), plainSection(detail)] };
}

export function answeredQuestion(question: Question, outcome: string): MessageContent {
  return quietLine(`${question.text} ${outcome}`);
}

function quietLine(text: string): MessageContent {
  return { text: fallback(text), blocks: [context(sentence(text))] };
}
