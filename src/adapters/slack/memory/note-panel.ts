/** One note in full. Pure. */

import type { Panel } from '../../../core/panels.ts';
import type { MemorySection } from '../../../core/views.ts';
import { actions, type Block, context, SECTION_CHARACTERS, section, textSections, title } from '../blocks.ts';
import { memoryButton } from './memory-buttons.ts';
import { itemBlocks, panelButton, quietText } from './panel-blocks.ts';
import { charactersOf, fitting, type Room } from './panel-room.ts';

/** Beside facts and text. */
const NOTE_BLOCKS = 5;

/**
 * Every fact with where it is from, then the text as it is stored. `from` of the room: how far one that is longer than the room
 * has been read, with one for each fact and for each character of the text.
 */
export function noteBlocks(panel: Panel, it: MemorySection, room: Room): Block[] {
  const content = it.content.trimEnd();
  const count = panel.items.length;
  const from = room.from ?? 0;
  const read = from < count + content.length ? from : 0;
  const facts = fitting(panel.items.slice(read).map(itemBlocks), withTextBelow(room), NOTE_BLOCKS);
  const allFacts = read + facts.length >= count;
  const start = Math.max(0, read - count);
  const stored = textSections(allFacts ? content.slice(start) : '', {
    blocks: room.blocks - facts.length - NOTE_BLOCKS,
    characters: room.characters - charactersOf(facts),
  });
  const next = allFacts ? count + content.length - stored.left : read + facts.length;
  const isWhole = allFacts && stored.left === 0;
  return [
    section([title(it.title), ...panel.quiet.map(each => `_${quietText(each)}_`)].join('\n')),
    ...facts.flat(),
    ...(count === 0 || !allFacts ? [] : [context('As it is stored:')]),
    ...(content === '' ? [section('_(empty)_')] : stored.blocks),
    ...(isWhole && read === 0 ? [] : [context(placeOf(it, read, next))]),
    actions([
      ...(isWhole ? [] : [partButton('Read on', it, next)]),
      ...(read > 0 ? [partButton('Back to the start', it, 0)] : []),
      ...panel.buttons.map(panelButton),
    ]),
  ];
}

/** However long the facts are, a piece of the text has room below the last of them. */
function withTextBelow(room: Room): Room {
  return { ...room, blocks: room.blocks - 1, characters: room.characters - SECTION_CHARACTERS };
}

function placeOf({ facts, content }: MemorySection, read: number, next: number): string {
  const all = content.trimEnd().length;
  if (next <= facts.length) return `Facts ${read + 1} to ${next} of ${facts.length}; the text follows`;
  return `Read up to character ${next - facts.length} of ${all}`;
}

function partButton(label: string, { memoryId }: MemorySection, from: number): Block {
  return memoryButton(label, { type: 'show', memoryId }, from === 0 ? '_first' : '_next', { from });
}
