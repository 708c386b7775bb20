/** /preferences as Components V2: what is remembered, one memory in full, forgetting it. Pure. */

import {
  type APIComponentInContainer,
  type APIMessageTopLevelComponent,
  ButtonStyle,
  ComponentType,
  MessageFlags,
  SeparatorSpacingSize,
} from 'discord.js';
import { splitText } from '../../core/text-split.ts';
import type { MemorySection, PreferencesView } from '../../core/views.ts';
import { customId, type PressedAction } from './custom-id.ts';
import { discordMarkdown } from './markdown.ts';
import { button, linesWithin, plain, row } from './views.ts';

/** A view of Components V2: once a message is one, it stays one. */
export interface Panel {
  flags: MessageFlags.IsComponentsV2;
  components: APIMessageTopLevelComponent[];
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
