/** What the core has as a panel, as one or more of Discord's. Pure. */

import type { APIComponentInContainer } from 'discord.js';
import type { Item as CoreItem, Panel as CorePanel, Quiet } from '../../../core/panels.ts';
import type { Notice } from '../../../core/views.ts';
import type { PressedAction } from '../custom-id.ts';
import {
  button,
  codeBlock,
  type Item,
  itemBox,
  line,
  linesWithin,
  menu,
  type Panel,
  pagesOf,
  panel,
  plain,
  row,
  sentenceTexts,
  text,
} from '../parts.ts';
import { decisions } from '../views.ts';
import { buttonsOf, pressedOf, rows } from './panel-buttons.ts';

type Box = APIComponentInContainer;

/** Which part of a view is shown. All count from 0. */
export interface Part {
  page?: number;
  /** Of a page of the history as the core gives it, which may take several of ours; what is beyond the last is the last. */
  part?: number;
  stored?: boolean;
  /** Said above: what was just done. */
  note?: string;
  /** The message of the bot that a `why` is about. */
  reply?: string | undefined;
  /** What is to be decided with a history. */
  notice?: Pick<Notice, 'id' | 'heldBecauseOf'>;
}

/** With all else on the panel, what 40 components have room for. */
const PAGE_NOTES = 5;
/** Where none has a button. */
const PAGE_TEXTS = 20;
const SUMMARY_TEXT = 550;
const LAST_PART = 999;

/** In as many panels as the sentence takes; the last has all else. */
export function panelsOf(it: CorePanel, owner: string, at: Part): Panel[] {
  const pieces = it.sentence === undefined ? [] : sentenceTexts(it.sentence);
  const pages = pagesOf(
    it.items.map(item => itemOf(item, owner)),
    roomOf(it),
  );
  const page = Math.min(at.part ?? at.page ?? 0, pages.length - 1);
  return [
    ...pieces.slice(0, -1).map(piece => panel([text(piece)])),
    panel([
      ...noteAbove(at.note),
      ...heldBoxes(it.held, owner),
      ...(it.title === undefined ? [] : [text(`## ${plain(it.title)}`)]),
      ...pieces.slice(-1).map(text),
      ...(it.code === undefined ? [] : [text(codeBlock(it.code))]),
      ...(pages[page] ?? []).map(itemBox),
      ...pageBoxes(it, owner, page, pages.length, at.reply),
      ...(at.notice === undefined ? [] : [line(), row(...decisions(at.notice, owner))]),
      ...quietBoxes(it.quiet),
      ...(it.title === undefined ? [] : [line()]),
      ...rows(buttonsOf([...it.buttons, ...(it.back === undefined ? [] : [it.back])], owner)),
      ...modeBoxes(it, owner),
    ]),
  ];
}

/** In items; undefined: as many as a page takes that has nothing else. */
function roomOf({ items, modes, held }: CorePanel): number | undefined {
  if (modes.length > 0) return held === undefined ? PAGE_NOTES : PAGE_NOTES - 2;
  return items.some(({ buttons }) => buttons.length > 0) ? undefined : PAGE_TEXTS;
}

/** A note among others is shown in short, anything else on as many pages as it takes. */
function itemOf(item: CoreItem, owner: string): Item {
  const [first] = item.buttons;
  const isShort = first?.action.type === 'show';
  const [accessory] = buttonsOf(item.buttons.slice(0, 1), owner);
  return {
    text: itemText(item, isShort ? SUMMARY_TEXT : Number.POSITIVE_INFINITY),
    ...(accessory === undefined ? {} : { button: accessory }),
  };
}

export function itemText({ title, mark, lines, listed, quiet }: CoreItem, limit: number): string {
  const all = lines.map(each => `${listed === true ? '- ' : ''}${plain(each)}`);
  const kept = linesWithin(all, limit);
  const rest = all.length - kept.length;
  return [
    ...(title === undefined ? [] : [`**${plain(title)}**${mark === undefined ? '' : ` ${plain(mark)}`}`]),
    ...kept,
    ...(rest === 0 ? [] : [`-# ${kept.length === 0 ? 'A long text' : `and ${rest} more`}`]),
    ...(quiet.length === 0 ? [] : [`-# ${quietText(quiet)}`]),
  ].join('\n');
}

export function quietText(all: readonly Quiet[]): string {
  return all.map(pieceText).join(', ');
}

function pieceText(it: Quiet): string {
  if (typeof it === 'string') return plain(it);
  if ('at' in it) return `${it.before}<t:${Math.floor(Date.parse(it.at) / 1_000)}:f>`;
  return `${it.before}[${plain(it.words)}](${it.link})`;
}

/** In the room of two notes. */
function heldBoxes(held: CoreItem | undefined, owner: string): Box[] {
  if (held === undefined) return [];
  return [text(itemText(held, SUMMARY_TEXT)), row(...buttonsOf(held.buttons, owner))];
}

function quietBoxes(quiet: CorePanel['quiet']): Box[] {
  return quiet.length === 0 ? [] : [text(quiet.map(each => `-# ${quietText(each)}`).join('\n'))];
}

function modeBoxes({ modes }: CorePanel, owner: string): Box[] {
  if (modes.length === 0) return [];
  const options = modes.map(({ mode, label, chosen }) => ({ value: mode, label, default: chosen }));
  return [menu(owner, { type: 'notices' }, options)];
}

export function noteAbove(note: string | undefined): Box[] {
  return note === undefined ? [] : [text(plain(note)), line()];
}

/** Pages of the panel; a history goes on with those that the core gives one by one. */
function pageBoxes(
  { pages: ways, items }: CorePanel,
  owner: string,
  page: number,
  pages: number,
  reply: string | undefined,
): Box[] {
  if (ways?.again.type === 'history') {
    const newer = page > 0 ? pressedOf(ways.again, page - 1) : pressedOf(ways.newer, LAST_PART);
    const older = page < pages - 1 ? pressedOf(ways.again, page + 1) : pressedOf(ways.older);
    return rows([
      ...(newer === null ? [] : [button(owner, newer, 'Newer')]),
      ...(older === null ? [] : [button(owner, older, 'Older')]),
    ]);
  }
  if (items.length === 0) return [];
  return pager(page, pages, owner, to =>
    ways === undefined
      ? { type: 'why', page: to, ...(reply === undefined ? {} : { reply }) }
      : pressedOf(ways.again, to),
  );
}

/** Which page is shown, and the way to the others. */
export function pager(
  page: number,
  pages: number,
  owner: string,
  at: (page: number) => PressedAction | null,
): Box[] {
  if (pages < 2) return [];
  const [before, after] = [page === 0 ? null : at(page - 1), page === pages - 1 ? null : at(page + 1)];
  return [
    text(`-# Page ${page + 1} of ${pages}`),
    ...rows([
      ...(before === null ? [] : [button(owner, before, 'Previous')]),
      ...(after === null ? [] : [button(owner, after, 'Next')]),
    ]),
  ];
}
