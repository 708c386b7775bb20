/** Panels that bring files: an export, a note that no form holds, and texts that collided. Pure. */

import { type APIComponentInContainer, ButtonStyle } from 'discord.js';
import { wordsOfConflict } from '../../../core/panels.ts';
import { type Conflict, lineOfChange, type PreferencesView } from '../../../core/views.ts';
import {
  button,
  codeBlock,
  fileBox,
  linesWithin,
  type Panel,
  panel,
  plain,
  row,
  sentenceTexts,
  text,
} from '../parts.ts';
import { backButton, buttonsOf } from './panel-buttons.ts';

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;
type Box = APIComponentInContainer;

/** Of the 4,000 characters of a panel, for the texts of a conflict; longer ones are attached. */
const CONFLICT_TEXT = 2_600;
const CONFLICT_LINES = 500;

/** One panel each. */
export function conflictPanels({ sentence, conflicts }: View<'conflict'>, owner: string): Panel[] {
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
  const { title, now, mine } = conflict;
  const words = wordsOfConflict(conflict);
  const fits = mine.length + (now ?? '').length <= CONFLICT_TEXT / 1.5;
  const files = fits
    ? []
    : [
        ...(now === null ? [] : [{ name: 'as-it-is-now.md', attachment: Buffer.from(now) }]),
        { name: 'as-you-wrote-it.md', attachment: Buffer.from(mine) },
      ];
  const shown = (content: string) => (content.trim() === '' ? '*(empty)*' : codeBlock(content.trimEnd()));
  return panel(
    [
      ...above,
      text(`## ${plain(title)}`),
      ...(fits
        ? [
            text(now === null ? '**It is gone.**' : `**${plain(words.now)}**\n${shown(now)}`),
            text(`**${plain(words.mine)}**\n${shown(mine)}`),
          ]
        : [
            ...changes('Changed meanwhile', conflict.meanwhile),
            ...changes('Your changes', conflict.wanted),
            text(now === null ? 'It is gone; your text:' : 'Both texts in full:'),
            ...files.map(fileBox),
          ]),
      row(...buttonsOf(words.buttons, owner)),
    ],
    files,
  );
}

function changes(heading: string, of: Conflict['wanted']): Box[] {
  if (of.length === 0) return [];
  const lines = of.map(change => plain(lineOfChange(change)));
  const kept = linesWithin(lines, CONFLICT_LINES);
  const rest = lines.length - kept.length;
  return [text([`**${heading}**`, ...kept, ...(rest === 0 ? [] : [`-# and ${rest} more lines`])].join('\n'))];
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
        ...(index === parts.length - 1 ? [row(backButton(owner))] : []),
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
      row(attach, backButton(owner)),
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
