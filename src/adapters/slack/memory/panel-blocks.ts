/** A panel as blocks. Pure. */

import type { Item, Pages, Panel, PanelButton, Quiet } from '../../../core/panels.ts';
import { clip } from '../../../core/reply/text-split.ts';
import {
  actions,
  type Block,
  context,
  DIVIDER,
  line,
  lines,
  plain,
  section,
  sentence,
  TITLE_CHARACTERS,
  title,
} from '../blocks.ts';
import { escapeMrkdwn } from '../reply/markdown.ts';
import { LEAVE, memoryButton, sinceDatePicker } from './memory-buttons.ts';
import { charactersOf, fitting, type Room } from './panel-room.ts';

const BUTTON_CHARACTERS = 70;
/** Of an item, beside its title; and beside where it is from. */
const LINES_CHARACTERS = 1_200;
const SOURCED_CHARACTERS = 700;
const QUIET_CHARACTERS = 1_500;
const ASKED_CHARACTERS = 250;

/** `from` of the room: the item to begin with. */
export function panelBlocks(panel: Panel, room: Room): Block[] {
  const held = panel.held === undefined ? [] : itemBlocks(panel.held);
  const head = [...held, ...headBlocks(panel)];
  const hasLine = panel.title !== undefined && panel.buttons.length > 0;
  const foot = [...(hasLine ? [DIVIDER] : []), ...footBlocks(panel, room)];
  const count = panel.items.length;
  const from = Math.min(room.from ?? 0, Math.max(0, count - 1));
  const taken = held.length === 0 ? 0 : charactersOf([held]);
  const left = { ...room, characters: room.characters - taken };
  const shown = fitting(panel.items.slice(from).map(itemBlocks), left, head.length + foot.length + 3);
  const next = from + shown.length;
  return [
    ...head,
    ...(from === 0 || panel.pages === undefined
      ? []
      : [turn(`${from + 1} to ${next} of ${count}.`, 'Back to the first', panel.pages, 0)]),
    ...shown.flat(),
    ...(next === count ? [] : [turn(`And ${count - next} more.`, 'See more', panel.pages, next)]),
    ...pageButtons(panel.pages, next === count),
    ...foot,
  ];
}

function headBlocks({ title: name, sentence: words, code }: Panel): Block[] {
  return [
    ...(name === undefined ? [] : [{ type: 'header', text: plain(clip(name, TITLE_CHARACTERS)) }]),
    ...(words === undefined ? [] : [section(sentence(words))]),
    ...(code === undefined ? [] : [{ type: 'header', text: plain(code) }]),
  ];
}

function footBlocks(panel: Panel, room: Room): Block[] {
  // Only in a message it is plain which conversation is meant: the one that it stands in.
  const buttons = panel.buttons.filter(({ action }) => room.inMessage || action.type !== 'private');
  const current = panel.modes.find(({ chosen }) => chosen);
  const quiet = [
    ...panel.quiet.map(quietText),
    ...(current === undefined ? [] : [line(current.label), 'Everything else: `/preferences help`']),
  ];
  const modes = panel.modes.filter(({ chosen }) => !chosen);
  const picker = panel.modes.length === 0 ? [] : [sinceDatePicker()];
  return [
    ...row([...buttons.map(panelButton), ...picker]),
    ...(quiet.length === 0 ? [] : [context(lines(quiet, QUIET_CHARACTERS).join('\n'))]),
    ...row(modes.map(({ mode, label }) => memoryButton(label, { type: 'notices', mode }))),
  ];
}

/** To items that did not fit; only how many where nothing leads there. */
function turn(words: string, label: string, pages: Pages | undefined, from: number): Block {
  if (pages === undefined) return section(`_${words}_`);
  return { ...section(words), accessory: memoryButton(label, pages.again, `_from_${from}`, { from }) };
}

function pageButtons(pages: Pages | undefined, isEnd: boolean): Block[] {
  return row([
    ...(pages?.newer === undefined ? [] : [memoryButton('Newer', pages.newer, '_newer')]),
    ...(pages?.older === undefined || !isEnd ? [] : [memoryButton('Older', pages.older, '_older')]),
  ]);
}

function row(elements: Block[]): Block[] {
  return elements.length === 0 ? [] : [actions(elements)];
}

/** One button beside the text, several below it. */
export function itemBlocks(item: Item): Block[] {
  const words = section(itemText(item));
  const [first, ...more] = item.buttons;
  if (first === undefined) return [words];
  if (more.length === 0) return [{ ...words, accessory: panelButton(first) }];
  return [words, actions(item.buttons.map(panelButton))];
}

function itemText({ title: words, mark, lines: all, listed, quiet }: Item): string {
  const some = lines(
    all.map(each => `${listed === true ? '• ' : ''}${line(each)}`),
    quiet.length === 0 ? LINES_CHARACTERS : SOURCED_CHARACTERS,
  );
  return [
    ...(words === undefined ? [] : [`${title(words)}${mark === undefined ? '' : ` ${line(mark)}`}`]),
    ...some,
    ...(quiet.length === 0 ? [] : [`_${quietText(quiet)}_`]),
  ].join('\n');
}

export function quietText(all: readonly Quiet[]): string {
  return all.map(pieceText).join(', ');
}

function pieceText(it: Quiet): string {
  if (typeof it === 'string') return line(it);
  if ('at' in it) return `${it.before}${momentText(it.at)}`;
  return `${it.before}<${escapeMrkdwn(it.link)}|${line(it.words)}>`;
}

/** In the person's own time zone; the words after the bar are for clients that cannot say it. */
function momentText(at: string): string {
  const seconds = Math.floor(Date.parse(at) / 1_000);
  return `<!date^${seconds}^{date_short_pretty} {time}|${at.slice(0, 16).replace('T', ' ')} UTC>`;
}

export function panelButton({ label, action, tone, asks, instead }: PanelButton): Block {
  return {
    ...memoryButton(clip(label, BUTTON_CHARACTERS), action, instead === true ? LEAVE : undefined),
    ...(tone === undefined ? {} : { style: tone }),
    ...(asks === undefined
      ? {}
      : {
          confirm: {
            title: plain(asks.question),
            text: plain(clip(asks.text, ASKED_CHARACTERS)),
            confirm: plain(asks.yes),
            deny: plain(asks.no),
          },
        }),
  };
}
