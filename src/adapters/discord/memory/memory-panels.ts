/** One note, and the usual facts, as panels. Pure. */

import { ButtonStyle } from 'discord.js';
import type { Item as CoreItem, Panel as CorePanel } from '../../../core/panels.ts';
import { clip } from '../../../core/reply/text-split.ts';
import type { FormField, MemorySection, PreferencesView } from '../../../core/views.ts';
import type { PressedAction } from '../custom-id.ts';
import {
  button,
  codeBlock,
  fenceless,
  type Item,
  line,
  menu,
  type Panel,
  pagesOf,
  panel,
  plain,
  row,
  text,
} from '../parts.ts';
import { halvesOf } from './memory-forms.ts';
import { backButton, buttonsOf, rows } from './panel-buttons.ts';
import { itemText, noteAbove, type Part, pager, quietText } from './panels.ts';

const MENU_OPTIONS = 25;

/** Fact by fact with where each is from, or (`stored`) the text as it is. */
export function notePanel(it: CorePanel, note: MemorySection, owner: string, at: Part): Panel {
  const { memoryId, revision, title, content } = note;
  const stored = at.stored === true || it.items.length === 0;
  const pages = stored
    ? pagesOf(storedItems(content), Number.POSITIVE_INFINITY)
    : pagesOf(it.items.map(factItem), MENU_OPTIONS);
  const page = Math.min(at.page ?? 0, pages.length - 1);
  const shown = pages[page] ?? [];
  const words = shown.map(each => each.text).join('\n');
  const file = (toPage: number, asStored: boolean): PressedAction => ({
    type: 'file',
    memoryId,
    page: toPage,
    stored: asStored,
  });
  const facts = new Map(
    shown.flatMap(({ option }) => (option === undefined ? [] : [[option.value, option]])),
  );
  return panel([
    ...noteAbove(at.note),
    text(`## ${plain(title)}\n-# ${it.quiet.map(quietText).join(' · ')}`),
    text(words === '' ? '*(empty)*' : stored ? codeBlock(words) : words),
    ...pager(page, pages.length, owner, to => file(to, stored)),
    ...(facts.size === 0
      ? []
      : [
          menu(owner, { type: 'pick-fact', memoryId, revision }, [...facts.values()], 'Forget one of these…'),
        ]),
    line(),
    ...rows([
      ...buttonsOf(it.buttons, owner),
      ...(it.items.length === 0
        ? []
        : [button(owner, file(0, !stored), stored ? 'Where it came from' : 'As it is stored')]),
      ...buttonsOf(it.back === undefined ? [] : [it.back], owner),
    ]),
  ]);
}

function factItem(item: CoreItem): Item {
  const [said = ''] = item.lines;
  const [forget] = item.buttons;
  const value = forget?.action.type === 'forget' ? forget.action.factId : undefined;
  return {
    text: itemText(item, Number.POSITIVE_INFINITY),
    ...(value === undefined ? {} : { option: { value, label: said === '' ? '(an empty line)' : said } }),
  };
}

/** Whole lines where they fit. */
function storedItems(content: string): Item[] {
  const lines = content.trim() === '' ? [] : fenceless(content.trimEnd()).split('\n');
  return lines.map(each => ({ text: each }));
}

/** The form's fields as they are, with the way to each half of it. */
export function factsPanel(
  { fields }: Extract<PreferencesView, { type: 'form' }>,
  owner: string,
  note?: string,
): Panel {
  const known = fields.map(
    ({ label, value, hint }) =>
      `**${plain(label)}:** ${value === '' ? `*not known, e.g. ${plain(hint)}*` : plain(clip(value, 200))}`,
  );
  return panel([
    ...noteAbove(note),
    text(['## The usual facts', ...known].join('\n')),
    line(),
    row(
      ...halvesOf(fields).map((some, half) =>
        button(owner, { type: 'fill', half }, labelsOf(some), ButtonStyle.Primary),
      ),
      backButton(owner),
    ),
  ]);
}

/** "Shoe size and 3 more": what is in one form. */
function labelsOf([first, ...more]: readonly FormField[]): string {
  const label = first?.label ?? 'Fill in';
  return more.length === 0 ? label : `${label} and ${more.length} more`;
}
