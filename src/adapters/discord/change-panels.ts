/** Changes as panels: what is to go, what went, what collided, what happened and what was used. Pure. */

import { type APIComponentInContainer, ButtonStyle } from 'discord.js';
import type { CommandAction } from '../../core/message.ts';
import { clip } from '../../core/reply/text-split.ts';
import {
  type Conflict,
  type Forgettable,
  type HistoryEntry,
  lineOfChange,
  type Notice,
  type PreferencesView,
  type UsedMemory,
  wordOfRemoval,
  wordsOfCount,
} from '../../core/views.ts';
import type { PressedAction } from './custom-id.ts';
import { authorText, noteAbove } from './memory-panels.ts';
import {
  button,
  codeBlock,
  fileBox,
  type Item,
  itemBox,
  line,
  linesWithin,
  type Panel,
  pager,
  pagesOf,
  panel,
  plain,
  row,
  sentenceTexts,
  text,
} from './parts.ts';
import { decisions } from './views.ts';

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;
type Box = APIComponentInContainer;

const backRow = (owner: string): Box =>
  row(button(owner, { type: 'memory', page: 0, fresh: false }, 'See all'));

/** A sentence where nothing else can be shown, in as many panels as it takes. */
export function sentencePanels(sentence: string, owner: string): Panel[] {
  const pieces = sentenceTexts(sentence);
  return pieces.map((piece, index) =>
    panel([text(piece), ...(index === pieces.length - 1 ? [backRow(owner)] : [])]),
  );
}

/** What is gone, in numbers. */
export function receiptPanels({ sentence, counts }: View<'receipt'>, owner: string): Panel[] {
  const said = counts.map(it => `- ${plain(wordsOfCount(it))}`);
  const pieces = sentenceTexts(sentence);
  return pieces.map((piece, index) => {
    const isLast = index === pieces.length - 1;
    return panel([
      text(piece),
      ...(isLast && said.length > 0 ? [text(said.join('\n'))] : []),
      ...(isLast ? [backRow(owner)] : []),
    ]);
  });
}

/** Everything that would go, by name, on as many pages as it takes. */
export function confirmPanel(view: View<'confirm'>, owner: string, page: number): Panel {
  const goes = pressedOf(view.action);
  const asked = askedAgain(view.action);
  const pages = pagesOf(view.items.map(itemOf), MOST_ITEMS);
  const current = Math.min(page, pages.length - 1);
  return panel([
    text(plain(view.question)),
    ...(pages[current] ?? []).map(itemBox),
    ...(asked === null ? [] : pager(owner, current, pages.length, asked)),
    row(
      ...(goes === null
        ? []
        : [button(owner, goes, clip(view.button, BUTTON_CHARACTERS), ButtonStyle.Danger)]),
      button(owner, { type: 'memory', page: 0, fresh: false }, 'Leave it as it is'),
    ),
  ]);
}

const MOST_ITEMS = 20;
const BUTTON_CHARACTERS = 80;

/** What a confirmation does, as a button says it; null for what no button can say. */
function pressedOf(action: CommandAction): PressedAction | null {
  switch (action.type) {
    case 'forget':
    case 'forget-past':
    case 'forget-since':
    case 'forget-me':
    case 'link':
    case 'unlink':
    case 'restore':
    case 'resolve':
      return action;
    case 'share':
      return { ...action, sure: true };
    default:
      return null;
  }
}

/** The same question again, on another page. */
function askedAgain(action: CommandAction): ((page: number) => PressedAction) | null {
  switch (action.type) {
    case 'forget':
    case 'forget-past':
    case 'forget-since':
    case 'forget-me':
    case 'link':
    case 'unlink':
      return page => ({ ...action, confirmed: false, page });
    default:
      return null;
  }
}

function itemOf({ title, lines, wholeFile }: Forgettable): Item {
  const heading = `**${plain(title)}**${wholeFile ? ' (the whole note)' : ''}`;
  return { text: [heading, ...lines.map(each => `- ${plain(each)}`)].join('\n') };
}

/** Of the 4,000 characters of a panel, for the texts of a conflict; longer ones are attached. */
const CONFLICT_TEXT = 2_600;
const CONFLICT_LINES = 500;

/** One panel each. */
export function conflictPanels({ sentence, conflicts }: View<'conflict'>, owner: string): Panel[] {
  if (conflicts.length === 0) return sentencePanels(sentence, owner);
  const pieces = sentenceTexts(sentence);
  const stands = sentence.length <= CONFLICT_LINES ? pieces : [];
  return [
    ...(stands.length === 0 ? pieces.map(piece => panel([text(piece)])) : []),
    ...conflicts.map((conflict, index) =>
      conflictPanel(conflict, owner, index === 0 ? stands.map(text) : []),
    ),
  ];
}

function conflictPanel(conflict: Conflict, owner: string, above: Box[]): Panel {
  const { id, title, now, mine, labels } = conflict;
  const fits = mine.length + (now ?? '').length <= CONFLICT_TEXT / 1.5;
  const files = fits
    ? []
    : [
        ...(now === null ? [] : [{ name: 'as-it-is-now.md', attachment: Buffer.from(now) }]),
        { name: 'as-you-wrote-it.md', attachment: Buffer.from(mine) },
      ];
  const shown = (content: string) => (content.trim() === '' ? '*(empty)*' : codeBlock(content.trimEnd()));
  const resolve = (choice: 'mine' | 'theirs' | 'again') =>
    ({ type: 'resolve', conflictId: id, choice }) as const;
  return panel(
    [
      ...above,
      text(`## ${plain(title)}`),
      ...(fits
        ? [
            text(
              now === null ? '**It is gone.**' : `**${plain(labels?.now ?? 'As it is now')}**\n${shown(now)}`,
            ),
            text(`**${plain(labels?.mine ?? 'As you wrote it')}**\n${shown(mine)}`),
          ]
        : [
            ...changes('Changed meanwhile', conflict.meanwhile),
            ...changes('Your changes', conflict.wanted),
            text(now === null ? 'It is gone; your text:' : 'Both texts in full:'),
            ...files.map(fileBox),
          ]),
      row(
        button(owner, resolve('mine'), keepLabel(labels?.mine) ?? 'Keep mine', ButtonStyle.Primary),
        button(
          owner,
          resolve('theirs'),
          now === null ? 'Leave it out' : (keepLabel(labels?.now) ?? 'Keep what is there'),
        ),
        button(owner, resolve('again'), 'Edit again'),
      ),
    ],
    files,
  );
}

/** “Keep it as this account has it” */
function keepLabel(which: string | undefined): string | undefined {
  return which === undefined ? undefined : clip(`Keep it ${which}`, BUTTON_CHARACTERS);
}

function changes(heading: string, of: Conflict['wanted']): Box[] {
  if (of.length === 0) return [];
  const lines = of.map(change => plain(lineOfChange(change)));
  const kept = linesWithin(lines, CONFLICT_LINES);
  const rest = lines.length - kept.length;
  return [text([`**${heading}**`, ...kept, ...(rest === 0 ? [] : [`-# and ${rest} more lines`])].join('\n'))];
}

const OPERATIONS = { created: 'noted', modified: 'changed' };

/** `part` counts the panels that one page of the core takes; what is beyond the last is the last. */
export function historyPanel(
  view: View<'history'>,
  owner: string,
  at: { part: number; note?: string; notice?: Pick<Notice, 'id' | 'heldBecauseOf'> },
): Panel {
  const { page, more, memoryId } = view;
  const parts = pagesOf(view.entries.map(entry => entryItem(entry, owner)));
  const part = Math.min(at.part, parts.length - 1);
  const go = (toPage: number, toPart: number): PressedAction => ({
    type: 'history',
    page: toPage,
    part: toPart,
    ...(memoryId === null ? {} : { memoryId }),
  });
  const newer = part > 0 ? go(page, part - 1) : page > 0 ? go(page - 1, LAST_PART) : null;
  const older = part < parts.length - 1 ? go(page, part + 1) : more ? go(page + 1, 0) : null;
  const nothing = page === 0 ? 'Nothing has changed yet.' : 'That is all.';
  return panel([
    ...noteAbove(at.note),
    text('## What changed, newest first'),
    ...(view.entries.length === 0 ? [text(nothing)] : (parts[part] ?? []).map(itemBox)),
    ...(at.notice === undefined ? [] : [line(), row(...decisions(at.notice, owner, false))]),
    line(),
    row(
      ...(newer === null ? [] : [button(owner, newer, 'Newer')]),
      ...(older === null ? [] : [button(owner, older, 'Older')]),
      memoryId === null
        ? button(owner, { type: 'memory', page: 0, fresh: false }, 'Back')
        : button(owner, { type: 'file', memoryId, page: 0, stored: false }, 'Back'),
    ),
  ]);
}

const LAST_PART = 999;

function entryItem(entry: HistoryEntry, owner: string): Item {
  const { title, operation, at, by, lines, movedFrom, current, restorable, versionId, revision } = entry;
  const moved = movedFrom === null ? '' : `, moved from ${plain(movedFrom)}`;
  const seconds = Math.floor(Date.parse(at) / 1_000);
  const restore: PressedAction = { type: 'restore', versionId, ...(revision === null ? {} : { revision }) };
  return {
    text: [
      `**${plain(title)}** ${operation === 'deleted' ? wordOfRemoval(by) : OPERATIONS[operation]}${moved}${current ? ' · as it is now' : ''}`,
      ...lines.map(change => plain(lineOfChange(change))),
      `-# <t:${seconds}:f>, by ${authorText(by)}`,
    ].join('\n'),
    ...(restorable && !current ? { button: button(owner, restore, 'Bring back') } : {}),
  };
}

const HOW = { known: 'known from the start', read: 'read for it', written: 'written during it' };

/** `reply`: the message of the bot that it is about; absent: the latest. */
export function whyPanel(view: View<'why'>, owner: string, page: number, reply: string | undefined): Panel {
  const pages = pagesOf(view.memories.map(it => usedItem(it, owner)));
  const current = Math.min(page, pages.length - 1);
  return panel([
    text(plain(view.sentence)),
    ...(pages[current] ?? []).map(itemBox),
    ...(view.searched && view.memories.length > 0
      ? [text('-# A tool also went through your whole memory.')]
      : []),
    ...pager(owner, current, pages.length, at => ({
      type: 'why',
      page: at,
      ...(reply === undefined ? {} : { reply }),
    })),
    backRow(owner),
  ]);
}

function usedItem({ memoryId, title, how, forEveryone }: UsedMemory, owner: string): Item {
  const used = [...how.map(it => HOW[it]), ...(forEveryone ? ['the same for everyone'] : [])];
  const open = (id: string): PressedAction => ({ type: 'file', memoryId: id, page: 0, stored: false });
  return {
    text: `**${plain(title)}**\n-# ${used.join(', ')}`,
    ...(memoryId === null ? {} : { button: button(owner, open(memoryId), 'Open') }),
  };
}

/** A file for each part that Discord takes; `limit` is in bytes. */
export function exportPanels(view: View<'export'>, owner: string, limit: number): Panel[] {
  const parts = partsOf(view.file.content, limit);
  const [, stem = view.file.name, ending = ''] = /^(.*?)(\.[^.]*)?$/.exec(view.file.name) ?? [];
  return parts.map((attachment, index) => {
    const name = parts.length === 1 ? view.file.name : `${stem}-${index + 1}-of-${parts.length}${ending}`;
    const file = { name, attachment };
    const together = '-# It is too large for one file here; join these in order to get it all.';
    return panel(
      [
        ...(index === 0 ? [text(plain(view.sentence))] : []),
        ...(index === 0 && parts.length > 1 ? [text(together)] : []),
        fileBox(file),
        ...(index === parts.length - 1 ? [backRow(owner)] : []),
      ],
      [file],
    );
  });
}

/** Bytes cut between lines where that is possible, and never within a character. */
function partsOf(content: string, limit: number): Buffer[] {
  const bytes = Buffer.from(content);
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + limit, bytes.length);
    if (end < bytes.length) {
      const newline = bytes.lastIndexOf(0x0a, end - 1);
      if (newline >= start) end = newline + 1;
      else while (end > start + 1 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
    }
    parts.push(bytes.subarray(start, end));
    start = end;
  }
  return parts.length === 0 ? [bytes] : parts;
}

/** The code stands alone, so that it can be copied on a phone as well. */
export function linkPanel(view: View<'link-code'>, owner: string): Panel {
  const until = Math.floor(Date.parse(view.expiresAt) / 1_000);
  return panel([
    text(plain(view.sentence)),
    text(codeBlock(view.code)),
    ...(Number.isFinite(until) ? [text(`-# It expires <t:${until}:R>, or once it is used.`)] : []),
    backRow(owner),
  ]);
}

/** For a note that no form can hold: the text as a file, and the way back for a changed one. */
export function attachPanel({ draft }: View<'editor'>, owner: string): Panel {
  const { memoryId, revision, content, title } = draft;
  const file = { name: fileNameOf(title), attachment: Buffer.from(content) };
  const attach =
    memoryId === null || revision === null
      ? button(owner, { type: 'editor' }, 'New note…', ButtonStyle.Primary)
      : button(owner, { type: 'attach', memoryId, revision }, 'Upload the changed text', ButtonStyle.Primary);
  return panel(
    [
      text(
        `**${plain(title)}** is too long for a form. Download it, change it in any text editor, and upload it again.`,
      ),
      fileBox(file),
      row(attach, button(owner, { type: 'memory', page: 0, fresh: false }, 'Back')),
    ],
    [file],
  );
}

function fileNameOf(title: string): string {
  const stem = title
    .normalize('NFKD')
    .replace(/[^\w-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
  return `${stem === '' ? 'note' : stem.slice(0, 60)}.md`;
}
