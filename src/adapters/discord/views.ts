/** What stands under a reply or in place of one: buttons, questions, notices. Pure. */

import {
  type APIMessageTopLevelComponent,
  type APIModalInteractionResponseCallbackData,
  ButtonStyle,
  ComponentType,
  MessageFlags,
  TextInputStyle,
} from 'discord.js';
import type { Question } from '../../core/adapter.ts';
import { splitText } from '../../core/reply/text-split.ts';
import { linesOfMemory, type Notice } from '../../core/views.ts';
import type { Body } from './connection/api.ts';
import { customId } from './custom-id.ts';
import { button, codeBlock, linesWithin, plain, row } from './parts.ts';
import type { Outcome } from './reply/questions.ts';

const MAX_CONTENT = 2_000;

/** Next to the heading of a notice. */
const NOTICE_TEXT = MAX_CONTENT - 400;

export function stopRow(owner: string, channel: string): APIMessageTopLevelComponent {
  return row(button(owner, { type: 'stop', channel }, 'Stop'));
}

/**
 * A yes/no question; `key` names it in its buttons. What exactly it is about may tell something of the person:
 * where others read along (not `openly`), it is behind a button of its own.
 */
export function questionBody(question: Question, owner: string, key: string, openly: boolean): Body {
  const hides = !openly && question.detail !== '';
  return {
    content: questionText(question, openly),
    components: [
      row(
        button(owner, { type: 'answer', question: key, allow: true }, 'Approve', ButtonStyle.Success),
        button(owner, { type: 'answer', question: key, allow: false }, 'Deny', ButtonStyle.Danger),
        ...(hides ? [button(owner, { type: 'details', question: key }, 'What exactly?')] : []),
      ),
    ],
  };
}

export function answeredBody(question: Question, outcome: Outcome, openly: boolean): Body {
  const words = { allowed: 'Approved', denied: 'Denied', unanswered: 'No answer, so denied' };
  return { content: `${questionText(question, openly)}\n-# ${words[outcome]}.`, components: [] };
}

function questionText({ text, detail }: Question, openly: boolean): string {
  if (detail === '' || !openly) return plain(text);
  // The core keeps it to a few hundred characters.
  return `${plain(text)}\n${codeBlock(detail)}`;
}

/** A quiet message under the reply: what changed, and what can be done about it. */
export function noticeBody(notice: Notice, owner: string): Body {
  const lines = changeLines(notice);
  const kept = linesWithin(lines, NOTICE_TEXT);
  const rest = lines.length - kept.length;
  const details = button(owner, { type: 'notice', noticeId: notice.id }, 'Everything that changed');
  return quiet(
    [headingOf(notice), ...kept, ...(rest === 0 ? [] : [`-# and ${rest} more`])],
    ...(rest === 0 ? [] : [details]),
    ...decisions(notice, owner),
  );
}

/** The same with nothing left out, in as many messages as it takes; the last one has the buttons. */
export function noticeBodies(notice: Notice, owner: string): Body[] {
  const text = [headingOf(notice), ...changeLines(notice)].join('\n');
  const pieces = splitText(text, { limit: MAX_CONTENT });
  return pieces.map((piece, index) =>
    index === pieces.length - 1 ? quiet([piece], ...decisions(notice, owner)) : quiet([piece]),
  );
}

/** Where others read along and nothing private can be shown: only that something changed, and for whom. */
export function lineBody(notice: Notice, owner: { id: string; name: string }): Body {
  const held = notice.heldBecauseOf !== undefined;
  const who = plain(owner.name);
  const undo = { type: 'undo', noticeId: notice.id, quiet: true } as const;
  return quiet(
    [
      held
        ? `-# There is something for ${who} to decide about their memory`
        : `-# I updated my memory of ${who}`,
    ],
    button(owner.id, { type: 'notice', noticeId: notice.id }, held ? 'What is it?' : 'What changed?'),
    button(owner.id, undo, held ? 'Leave it out' : 'Undo'),
  );
}

/** A notice once it is dealt with: what came of it. */
export function settledBody(sentence: string, owner: string): Body {
  return quiet([`-# ${plain(sentence)}`], seeAll(owner));
}

function headingOf({ heldBecauseOf }: Notice): string {
  if (heldBecauseOf === undefined) return '-# **I updated my memory of you**';
  const read = heldBecauseOf.length === 0 ? 'something somebody else wrote' : heldBecauseOf.join(' and ');
  return `-# **Not saved yet.** I had read ${plain(read)} before I wanted to note this. Is it from you?`;
}

function changeLines({ changes }: Notice): string[] {
  return changes.flatMap(linesOfMemory).map(line => `-# ${plain(line)}`);
}

/** What can be done about a notice. */
export function decisions(
  notice: Pick<Notice, 'id' | 'heldBecauseOf'>,
  owner: string,
): ReturnType<typeof button>[] {
  const about = { noticeId: notice.id, quiet: false };
  return notice.heldBecauseOf === undefined
    ? [seeAll(owner), button(owner, { type: 'undo', ...about }, 'Undo')]
    : [
        button(owner, { type: 'keep', ...about }, 'Save it', ButtonStyle.Primary),
        button(owner, { type: 'undo', ...about }, 'Leave it out'),
      ];
}

function seeAll(owner: string): ReturnType<typeof button> {
  return button(owner, { type: 'memory', page: 0, fresh: true }, 'See all');
}

function quiet(lines: readonly string[], ...buttons: ReturnType<typeof button>[]): Body {
  return {
    content: lines.join('\n'),
    components: buttons.length === 0 ? [] : [row(...buttons)],
    flags: MessageFlags.SuppressNotifications,
  };
}

/** The form behind the message command: the question belongs to the person, the message does not. */
export function askForm(owner: string, about: string): APIModalInteractionResponseCallbackData {
  return {
    custom_id: customId(owner, { type: 'ask', about }),
    title: 'Ask about this message',
    components: [
      {
        type: ComponentType.Label,
        label: 'What would you like to know?',
        component: {
          type: ComponentType.TextInput,
          custom_id: QUESTION_FIELD,
          style: TextInputStyle.Paragraph,
          placeholder: 'For example: would this suit me? Is it within my budget?',
          max_length: 4_000,
          required: true,
        },
      },
    ],
  };
}

export const QUESTION_FIELD = 'question';
