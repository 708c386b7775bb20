/** What is remembered, as panels: all of it, one note, the usual facts. Pure. */

import { type APIComponentInContainer, ButtonStyle } from 'discord.js';
import { platformName } from '../../core/message.ts';
import { clip } from '../../core/reply/text-split.ts';
import {
  type Author,
  type Fact,
  type FormField,
  type MemorySection,
  type PreferencesView,
  wordsOfAuthor,
} from '../../core/views.ts';
import type { PressedAction } from './custom-id.ts';
import { halvesOf } from './memory-forms.ts';
import {
  button,
  codeBlock,
  fenceless,
  type Item,
  itemBox,
  line,
  linesWithin,
  menu,
  type Panel,
  pager,
  pagesOf,
  panel,
  plain,
  row,
  text,
} from './parts.ts';

import { changeLines, decisions, headingOf } from './views.ts';

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

/** `note`: a sentence about what was just done, short enough to stand above. `page` counts from 0. */
export function memoryPanel(view: View<'memory'>, owner: string, page = 0, note?: string): Panel {
  const pages = pagesOf(
    view.sections.map(section => summaryOf(section, owner)),
    view.held === null ? PAGE_SECTIONS : PAGE_SECTIONS - 2,
  );
  const current = Math.min(page, pages.length - 1);
  return panel([
    ...noteAbove(note),
    ...heldAbove(view, owner),
    text(view.sections.length === 0 ? NOTHING_YET : '## What I remember about you'),
    ...(pages[current] ?? []).map(itemBox),
    ...pager(owner, current, pages.length, at => ({ type: 'memory', page: at, fresh: false })),
    ...statusText(view),
    line(),
    ...toolRows(view, owner),
  ]);
}

const NOTHING_YET =
  '## I remember nothing about you yet\nTell me your sizes, your budget, or what you like, and I will keep it for next time.';
/** With all else on the panel, what 40 components have room for. */
const PAGE_SECTIONS = 5;
const SUMMARY_TEXT = 550;

/** What waits for the person's word, wherever they were asked before, or could not be: in the room of two notes. */
function heldAbove({ held }: View<'memory'>, owner: string): APIComponentInContainer[] {
  if (held === null) return [];
  const lines = changeLines(held);
  const kept = linesWithin(lines, SUMMARY_TEXT);
  const rest = lines.length - kept.length;
  return [
    text([headingOf(held), ...kept, ...(rest === 0 ? [] : [`-# and ${rest} more`])].join('\n')),
    row(...decisions(held, owner, false)),
  ];
}

function summaryOf({ memoryId, title, lines, shared }: MemorySection, owner: string): Item {
  const open: PressedAction = { type: 'file', memoryId, page: 0, stored: false };
  const shown = lines.map(each => `- ${plain(each)}`);
  const kept = linesWithin(shown, SUMMARY_TEXT);
  const rest = lines.length - kept.length;
  const more = rest === 0 ? [] : [`-# ${kept.length === 0 ? 'A long text' : `and ${rest} more`}, under Open`];
  const empty = lines.length === 0 ? ['-# (empty)'] : [];
  const heading = `**${plain(title)}**${shared ? ' · also where others can read' : ''}`;
  return { text: [heading, ...kept, ...more, ...empty].join('\n'), button: button(owner, open, 'Open') };
}

function statusText(view: View<'memory'>): APIComponentInContainer[] {
  const linked = view.linked.map(
    ({ platform, name }) => `${plain(name)} on ${plain(platformName(platform))}`,
  );
  const lines = [
    ...(view.paused ? ['**Paused:** I use what I know but save nothing new.'] : []),
    ...(view.privateHere === true ? ['**Private:** in this conversation I know nothing about you.'] : []),
    ...(linked.length === 0 ? [] : [`Linked with ${linked.join(', ')}: one memory for all of them.`]),
  ].map(it => `-# ${it}`);
  return lines.length === 0 ? [] : [text(lines.join('\n'))];
}

function toolRows(view: View<'memory'>, owner: string): APIComponentInContainer[] {
  const { privateHere } = view;
  return [
    row(
      ...(view.hasForm ? [button(owner, { type: 'facts' }, 'The usual facts')] : []),
      button(owner, { type: 'editor' }, 'New note'),
      button(owner, { type: 'history', page: 0, part: 0 }, 'What changed'),
      button(owner, { type: 'export', format: 'markdown' }, 'Export'),
    ),
    row(
      view.paused
        ? button(owner, { type: 'resume' }, 'Resume memory')
        : button(owner, { type: 'pause' }, 'Pause memory'),
      ...(privateHere === null
        ? []
        : [
            button(
              owner,
              { type: 'private', on: !privateHere },
              privateHere ? 'End private conversation' : 'Private conversation',
            ),
          ]),
      view.linked.length === 0
        ? button(owner, { type: 'link' }, 'Link an account')
        : button(owner, { type: 'unlink', confirmed: false }, 'Unlink'),
      button(owner, { type: 'forget-me', confirmed: false }, 'Forget me', ButtonStyle.Danger),
    ),
    menu(
      owner,
      { type: 'notices' },
      NOTICE_CHOICES.map(([value, label]) => ({
        value,
        label,
        default: value === (view.noticesAreDefault ? 'default' : view.notices),
      })),
    ),
  ];
}

const NOTICE_CHOICES = [
  ['default', 'Memory notices: the default here'],
  ['thread', 'Memory notices: below the reply'],
  ['private', 'Memory notices: only to me'],
  ['off', 'Memory notices: off'],
] as const;

const MENU_OPTIONS = 25;

/** Fact by fact with where each is from, or (`stored`) the text as it is. */
export function filePanel(
  section: MemorySection,
  owner: string,
  at: { page: number; stored: boolean; note?: string },
): Panel {
  const { memoryId, revision, shared } = section;
  const stored = at.stored || section.facts.length === 0;
  const pages = stored
    ? pagesOf(storedItems(section.content), Number.POSITIVE_INFINITY)
    : pagesOf(section.facts.map(factItem), MENU_OPTIONS);
  const current = Math.min(at.page, pages.length - 1);
  const facts = stored ? [] : factsOn(pages, current, section.facts);
  const since = Math.floor(Date.parse(section.updatedAt) / 1_000);
  const below = [
    ...(Number.isFinite(since) ? [`Last changed <t:${since}:R>`] : []),
    shared ? 'May be used where others can read' : 'Used in private only',
  ];
  const file = (page: number, asStored: boolean) =>
    ({ type: 'file', memoryId, page, stored: asStored }) as const;
  const content = (pages[current] ?? []).map(it => it.text).join('\n');
  return panel([
    ...noteAbove(at.note),
    text(`## ${plain(section.title)}\n-# ${below.join(' · ')}`),
    text(content === '' ? '*(empty)*' : stored ? codeBlock(content) : content),
    ...pager(owner, current, pages.length, page => file(page, stored)),
    ...(facts.length === 0
      ? []
      : [
          menu(
            owner,
            { type: 'pick-fact', memoryId, revision },
            facts.map(fact => ({ value: fact.id, label: fact.text === '' ? '(an empty line)' : fact.text })),
            'Forget one of these…',
          ),
        ]),
    line(),
    row(
      button(owner, { type: 'memory', page: 0, fresh: false }, 'Back'),
      button(owner, { type: 'editor', memoryId }, 'Edit'),
      button(owner, { type: 'history', page: 0, part: 0, memoryId }, 'What changed'),
      ...(section.facts.length === 0
        ? []
        : [button(owner, file(0, !stored), stored ? 'Where it came from' : 'As it is stored')]),
    ),
    row(
      button(
        owner,
        { type: 'share', memoryId, on: !shared },
        shared ? 'Use in private only' : 'Also use where others can read',
      ),
      button(
        owner,
        { type: 'forget', memoryId, revision, confirmed: false },
        'Forget this note',
        ButtonStyle.Danger,
      ),
    ),
  ]);
}

function factItem({ text: said, learnedOn, learnedBy }: Fact): Item {
  const from = [
    ...(learnedOn === null ? [] : [plain(learnedOn)]),
    ...(learnedBy === null ? [] : [authorText(learnedBy)]),
  ];
  return { text: [`- ${plain(said)}`, ...(from.length === 0 ? [] : [`-# ${from.join(', ')}`])].join('\n') };
}

/** Whole lines where they fit. */
function storedItems(content: string): Item[] {
  const lines = content.trim() === '' ? [] : fenceless(content.trimEnd()).split('\n');
  return lines.map(each => ({ text: each }));
}

/** The facts that begin on a page, each once. */
function factsOn(pages: readonly Item[][], page: number, facts: readonly Fact[]): Fact[] {
  const begins = (it: Item) => it.text.startsWith('- ');
  const before = pages.slice(0, page).flat().filter(begins).length;
  const here = (pages[page] ?? []).filter(begins).length;
  const some = facts.slice(before, before + here);
  return some.filter((fact, index) => some.findIndex(({ id }) => id === fact.id) === index);
}

/** "the agent, in a private conversation on Discord", with the way there. */
export function authorText(author: Author): string {
  const words = plain(wordsOfAuthor(author));
  const link = author.type === 'agent' ? (author.conversation?.link ?? null) : null;
  return link === null ? words : `[${words}](${link})`;
}

/** The form's fields as they are, with the way to each half of it. */
export function factsPanel(view: View<'form'>, owner: string, note?: string): Panel {
  const known = view.fields.map(
    ({ label, value, hint }) =>
      `**${plain(label)}:** ${value === '' ? `*not known, e.g. ${plain(hint)}*` : plain(clip(value, 200))}`,
  );
  return panel([
    ...noteAbove(note),
    text(['## The usual facts', ...known].join('\n')),
    line(),
    row(
      ...halvesOf(view.fields).map((fields, half) =>
        button(owner, { type: 'fill', half }, labelsOf(fields), ButtonStyle.Primary),
      ),
      button(owner, { type: 'memory', page: 0, fresh: false }, 'Back'),
    ),
  ]);
}

/** "Shoe size and 3 more": what is in one form. */
function labelsOf([first, ...more]: readonly FormField[]): string {
  const label = first?.label ?? 'Fill in';
  return more.length === 0 ? label : `${label} and ${more.length} more`;
}

export function noteAbove(note: string | undefined): APIComponentInContainer[] {
  return note === undefined ? [] : [text(plain(note)), line()];
}
