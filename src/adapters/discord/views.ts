/** What stands under a reply or in place of one: buttons, questions, notices. Pure. */

import {
  type APIActionRowComponent,
  type APIButtonComponentWithCustomId,
  type APIMessageTopLevelComponent,
  type APIModalInteractionResponseCallbackData,
  ButtonStyle,
  ComponentType,
  escapeMarkdown,
  MessageFlags,
  TextInputStyle,
} from 'discord.js';
import type { Question } from '../../core/adapter.ts';
import { lineOfChange, type Notice } from '../../core/views.ts';
import type { Body } from './api.ts';
import { customId, type PressedAction } from './custom-id.ts';
import type { Outcome } from './questions.ts';

const MAX_CONTENT = 2_000;

export function stopRow(owner: string, channel: string): APIMessageTopLevelComponent {
  return row(button(owner, { type: 'stop', channel }, 'Stop', ButtonStyle.Secondary));
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
        ...(hides
          ? [button(owner, { type: 'details', question: key }, 'What exactly?', ButtonStyle.Secondary)]
          : []),
      ),
    ],
  };
}

export function answeredBody(question: Question, outcome: Outcome, openly: boolean): Body {
  const words = { allowed: 'Approved', denied: 'Denied', unanswered: 'No answer, so no' };
  return { content: `${questionText(question, openly)}\n-# ${words[outcome]}.`, components: [] };
}

function questionText({ text, detail }: Question, openly: boolean): string {
  if (detail === '' || !openly) return plain(text);
  // The core keeps it to a few hundred characters. A zero-width space keeps it from ending its own block.
  return `${plain(text)}\n\`\`\`\n${detail.replaceAll('```', '`\u200B``')}\n\`\`\``;
}

/** A quiet line under the reply: what changed, and what can be done about it. */
export function noticeBody(notice: Notice, owner: string): Body {
  const lines = notice.changes.flatMap(change => change.lines.map(line => `-# ${plain(lineOfChange(line))}`));
  const kept = linesWithin(lines, MAX_CONTENT - 200);
  const rest = lines.length - kept.length;
  return {
    content: [
      '-# **I updated my memory of you**',
      ...kept,
      ...(rest === 0 ? [] : [`-# and ${rest} more, under See all`]),
    ].join('\n'),
    components: [
      row(
        button(owner, { type: 'memory', page: 0, fresh: true }, 'See all', ButtonStyle.Secondary),
        button(owner, { type: 'undo', noticeId: notice.id, quiet: false }, 'Undo', ButtonStyle.Secondary),
      ),
    ],
    flags: MessageFlags.SuppressNotifications,
  };
}

/** Where others read along and nothing private can be shown: only that something changed, and for whom. */
export function lineBody(notice: Notice, owner: { id: string; name: string }): Body {
  return {
    content: `-# I updated my memory of ${plain(owner.name)}`,
    components: [
      row(
        button(owner.id, { type: 'notice', noticeId: notice.id }, 'What changed?', ButtonStyle.Secondary),
        button(owner.id, { type: 'undo', noticeId: notice.id, quiet: true }, 'Undo', ButtonStyle.Secondary),
      ),
    ],
    flags: MessageFlags.SuppressNotifications,
  };
}

/** A notice after Undo: what came of it. */
export function undoneBody(sentence: string, owner: string): Body {
  return {
    content: `-# ${plain(sentence)}`,
    components: [
      row(button(owner, { type: 'memory', page: 0, fresh: true }, 'See all', ButtonStyle.Secondary)),
    ],
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

/** As many whole lines as fit. */
export function linesWithin(lines: readonly string[], limit: number): string[] {
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > limit) break;
    kept.push(line);
  }
  return kept;
}

/** One row of buttons. */
export function row(
  ...components: APIButtonComponentWithCustomId[]
): APIActionRowComponent<APIButtonComponentWithCustomId> {
  return { type: ComponentType.ActionRow, components };
}

export function button(
  owner: string,
  action: PressedAction,
  label: string,
  style: APIButtonComponentWithCustomId['style'],
): APIButtonComponentWithCustomId {
  return { type: ComponentType.Button, custom_id: customId(owner, action), label, style };
}

/** Text that is no markdown of ours: shown as it is. */
export function plain(value: string): string {
  return escapeMarkdown(value.replace(/\s*\n\s*/g, ' '), {
    heading: true,
    bulletedList: true,
    numberedList: true,
    maskedLink: true,
  });
}
