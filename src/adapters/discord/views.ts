/** What people see besides replies, as Discord's components. Pure. */

import {
  type APIActionRowComponent,
  type APIButtonComponentWithCustomId,
  type APIComponentInContainer,
  type APIMessageTopLevelComponent,
  type APIModalInteractionResponseCallbackData,
  ButtonStyle,
  ComponentType,
  escapeMarkdown,
  MessageFlags,
  SeparatorSpacingSize,
  TextInputStyle,
} from 'discord.js';
import type { Question } from '../../core/adapter.ts';
import { splitText } from '../../core/text-split.ts';
import { lineOfChange, type MemorySection, type Notice, type PreferencesView } from '../../core/views.ts';
import type { Body } from './api.ts';
import { customId, type PressedAction } from './custom-id.ts';
import { discordMarkdown } from './markdown.ts';

/** A view of Components V2: once a message is one, it stays one. */
export interface Panel {
  flags: MessageFlags.IsComponentsV2;
  components: APIMessageTopLevelComponent[];
}

const MAX_CONTENT = 2_000;

export function stopRow(owner: string, channel: string): APIMessageTopLevelComponent {
  return row(button(owner, { type: 'stop', channel }, 'Stop', ButtonStyle.Secondary));
}

/** A yes/no question; `key` names it in its buttons. */
export function questionBody(question: Question, owner: string, key: string): Body {
  return {
    content: questionText(question),
    components: [
      row(
        button(owner, { type: 'answer', question: key, allow: true }, 'Approve', ButtonStyle.Success),
        button(owner, { type: 'answer', question: key, allow: false }, 'Deny', ButtonStyle.Danger),
      ),
    ],
  };
}

export function answeredBody(question: Question, answer: 'allowed' | 'denied' | 'unanswered'): Body {
  const words = { allowed: 'Approved', denied: 'Denied', unanswered: 'No answer, so no' };
  return { content: `${questionText(question)}\n-# ${words[answer]}.`, components: [] };
}

function questionText({ text, detail }: Question): string {
  if (detail === '') return plain(text);
  // A zero-width space keeps what is shown from ending the block it is shown in.
  const shown = detail.replaceAll('```', '`\u200B``');
  return `${plain(text)}\n\`\`\`\n${shown.slice(0, 1_500)}\n\`\`\``;
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

/** `note`: a sentence about what was just done. `page` counts from 0. */
export function memoryPanel(
  view: Extract<PreferencesView, { type: 'memory' }>,
  owner: string,
  page = 0,
  note?: string,
): Panel {
  const pages = pagesOf(view.sections);
  const current = Math.min(page, Math.max(0, pages.length - 1));
  const shown: APIComponentInContainer[] = (pages[current] ?? []).map(({ section, summary }) => ({
    type: ComponentType.Section,
    components: [{ type: ComponentType.TextDisplay, content: summary }],
    accessory: button(
      owner,
      { type: 'file', memoryId: section.memoryId, page: 0 },
      'Open',
      ButtonStyle.Secondary,
    ),
  }));
  return panel([
    ...(note === undefined ? [] : [text(plain(note)), line()]),
    text(
      view.sections.length === 0
        ? '## I remember nothing about you yet\nTell me your sizes, your budget, or what you like, and I keep it for next time.'
        : '## What I remember about you',
    ),
    ...shown,
    ...pageRow(owner, current, pages.length, at => ({ type: 'memory', page: at, fresh: false })),
    line(),
    {
      type: ComponentType.ActionRow,
      components: [
        {
          type: ComponentType.StringSelect,
          custom_id: customId(owner, { type: 'notices' }),
          options: NOTICE_CHOICES.map(([value, label]) => ({
            value,
            label,
            default: value === (view.noticesAreDefault ? 'default' : view.notices),
          })),
        },
      ],
    },
  ]);
}

const NOTICE_CHOICES = [
  ['default', 'Memory notices: as set up here'],
  ['thread', 'Memory notices: below the reply'],
  ['private', 'Memory notices: to me alone'],
  ['off', 'Memory notices: off'],
] as const;

/** One memory in full, over as many pages as it takes. */
export function filePanel(section: MemorySection, owner: string, page = 0): Panel {
  const pages = splitText(discordMarkdown(section.content.trim()), { limit: 3_500 });
  const current = Math.min(page, Math.max(0, pages.length - 1));
  const { memoryId } = section;
  const since = Math.floor(Date.parse(section.updatedAt) / 1_000);
  return panel([
    text(`## ${plain(section.title)}${Number.isFinite(since) ? `\n-# Last changed <t:${since}:R>` : ''}`),
    text(pages[current]?.trim() || '*(empty)*'),
    ...pageRow(owner, current, pages.length, at => ({ type: 'file', memoryId, page: at })),
    line(),
    row(
      button(owner, { type: 'memory', page: 0, fresh: false }, 'Back', ButtonStyle.Secondary),
      button(owner, { type: 'forget', memoryId, confirmed: false }, 'Forget', ButtonStyle.Danger),
    ),
  ]);
}

export function forgetPanel(section: MemorySection, owner: string): Panel {
  const { memoryId } = section;
  return panel([
    text(`## Forget “${plain(section.title)}”?\nIt goes from my memory for good.`),
    row(
      button(owner, { type: 'forget', memoryId, confirmed: true }, 'Forget it', ButtonStyle.Danger),
      button(owner, { type: 'file', memoryId, page: 0 }, 'Keep it', ButtonStyle.Secondary),
    ),
  ]);
}

/** A sentence where nothing else can be shown. */
export function sentencePanel(sentence: string, owner: string): Panel {
  return panel([
    text(plain(sentence)),
    row(button(owner, { type: 'memory', page: 0, fresh: false }, 'See all', ButtonStyle.Secondary)),
  ]);
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

interface Summary {
  section: MemorySection;
  summary: string;
}

const PAGE_SECTIONS = 7;
const PAGE_TEXT = 3_200;
const SUMMARY_TEXT = 700;

function pagesOf(sections: readonly MemorySection[]): Summary[][] {
  const pages: Summary[][] = [];
  let room = 0;
  for (const section of sections) {
    const summary = summaryOf(section);
    const last = pages.at(-1);
    if (last === undefined || last.length >= PAGE_SECTIONS || summary.length > room) {
      pages.push([{ section, summary }]);
      room = PAGE_TEXT - summary.length;
    } else {
      last.push({ section, summary });
      room -= summary.length;
    }
  }
  return pages;
}

function summaryOf({ title, lines }: MemorySection): string {
  if (lines.length === 0) return `**${plain(title)}**\n-# (empty)`;
  const shown = lines.map(line => `- ${plain(line)}`);
  const kept = linesWithin(shown, SUMMARY_TEXT);
  const rest = lines.length - kept.length;
  const more = rest === 0 ? [] : [`-# ${kept.length === 0 ? 'A long text' : `and ${rest} more`}, under Open`];
  return [`**${plain(title)}**`, ...kept, ...more].join('\n');
}

/** As many whole lines as fit. */
function linesWithin(lines: readonly string[], limit: number): string[] {
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > limit) break;
    kept.push(line);
  }
  return kept;
}

function pageRow(
  owner: string,
  page: number,
  pages: number,
  at: (page: number) => PressedAction,
): APIComponentInContainer[] {
  if (pages < 2) return [];
  return [
    text(`-# Page ${page + 1} of ${pages}`),
    row(
      ...(page === 0 ? [] : [button(owner, at(page - 1), 'Previous', ButtonStyle.Secondary)]),
      ...(page === pages - 1 ? [] : [button(owner, at(page + 1), 'Next', ButtonStyle.Secondary)]),
    ),
  ];
}

function panel(components: APIComponentInContainer[]): Panel {
  return {
    flags: MessageFlags.IsComponentsV2,
    components: [{ type: ComponentType.Container, components }],
  };
}

function text(content: string): APIComponentInContainer {
  return { type: ComponentType.TextDisplay, content };
}

function line(): APIComponentInContainer {
  return { type: ComponentType.Separator, divider: true, spacing: SeparatorSpacingSize.Small };
}

function row(
  ...components: APIButtonComponentWithCustomId[]
): APIActionRowComponent<APIButtonComponentWithCustomId> {
  return { type: ComponentType.ActionRow, components };
}

function button(
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
