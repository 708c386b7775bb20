/** One note: in short among others, or in full with every fact and where it is from. Pure. */

import { clip } from '../../../core/reply/text-split.ts';
import { type Author, type Fact, type MemorySection, wordsOfAuthor } from '../../../core/views.ts';
import {
  actions,
  type Block,
  context,
  line,
  lines,
  plain,
  SECTION_CHARACTERS,
  section,
  TITLE_CHARACTERS,
  textSections,
  title,
} from '../blocks.ts';
import { escapeMrkdwn } from '../reply/markdown.ts';
import { memoryButton } from './memory-buttons.ts';
import { BUTTONS_CHARACTERS, charactersOf, fitting, type Room } from './panel-room.ts';

const NOTE_CHARACTERS = 1_200;

/** A note among others. */
export function noteBlocks(it: MemorySection): Block[] {
  const items = it.lines.map(each => `• ${line(each)}`);
  const facts = items.length === 0 ? ['_(empty)_'] : lines(items, NOTE_CHARACTERS);
  return [
    section([headOf(it), ...facts].join('\n')),
    actions([
      memoryButton('View in full', { type: 'show', memoryId: it.memoryId }),
      memoryButton('Edit', { type: 'editor', memoryId: it.memoryId }),
      shareButton(it),
      forgetButton(it),
    ]),
  ];
}

/**
 * Every fact with where it is from, then the text as it is stored. `from`: how far one that is longer than the room
 * has been read, with one for each fact and for each character of the text.
 */
export function fullNoteBlocks(it: MemorySection, room: Room, from = 0): Block[] {
  const content = it.content.trimEnd();
  const count = it.facts.length;
  const read = from < count + content.length ? from : 0;
  const groups = it.facts.slice(read).map(fact => [factBlock(it, fact)]);
  const facts = fitting(groups, withTextBelow(room), NOTE_BLOCKS, BUTTONS_CHARACTERS);
  const allFacts = read + facts.length >= count;
  const start = Math.max(0, read - count);
  const stored = textSections(allFacts ? content.slice(start) : '', {
    blocks: room.blocks - facts.length - NOTE_BLOCKS,
    characters: room.characters - charactersOf(facts, BUTTONS_CHARACTERS),
  });
  const end = content.length - stored.left;
  const next = allFacts ? count + end : read + facts.length;
  return [
    section(headOf(it)),
    ...facts,
    ...(count === 0 || !allFacts ? [] : [context('As it is stored:')]),
    ...(content === '' ? [section('_(empty)_')] : stored.blocks),
    ...(allFacts && stored.left === 0 && read === 0 ? [] : [context(placeOf(it, read, next))]),
    actions([
      ...(allFacts && stored.left === 0 ? [] : [partButton('Read on', it, next)]),
      ...(read > 0 ? [partButton('Back to the start', it, 0)] : []),
      memoryButton('Edit', { type: 'editor', memoryId: it.memoryId }),
      memoryButton('What changed', { type: 'history', memoryId: it.memoryId }),
      shareButton(it),
      forgetButton(it),
    ]),
  ];
}

/** Beside facts and text. */
const NOTE_BLOCKS = 5;

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

/** "the agent, in a private conversation on Slack", with the way there. */
export function authorText(author: Author): string {
  const words = line(wordsOfAuthor(author));
  const link = author.type === 'agent' ? (author.conversation?.link ?? null) : null;
  return link === null ? words : `<${escapeMrkdwn(link)}|${words}>`;
}

/** The title, and where the note is used. */
function headOf({ title: words, shared }: MemorySection): string {
  return `${title(words)}   ${shared ? '👥 _used in channels too_' : '🔒 _used in private only_'}`;
}

/** Making it known to more people is asked about; taking that back is not. */
function shareButton({ memoryId, shared, title: words }: MemorySection): Block {
  if (shared) return memoryButton('Private again', { type: 'share', memoryId, on: false });
  return {
    ...memoryButton('Use in channels too', { type: 'share', memoryId, on: true }),
    confirm: {
      title: plain('Use this in channels too?'),
      text: plain(
        `When you ask me where others can read, my answers may then draw on “${clip(words, TITLE_CHARACTERS)}”.`,
      ),
      confirm: plain('Use it there too'),
      deny: plain('Keep it private'),
    },
  };
}

function forgetButton(it: MemorySection): Block {
  return {
    ...memoryButton('Forget', { type: 'forget', memoryId: it.memoryId }),
    confirm: asking('Forget this note?', `I will no longer remember “${clip(it.title, TITLE_CHARACTERS)}”.`),
  };
}

function asking(question: string, text: string): Block {
  return { title: plain(question), text: plain(text), confirm: plain('Forget'), deny: plain('Keep') };
}

function factBlock(it: MemorySection, fact: Fact): Block {
  const from = [
    ...(fact.learnedOn === null ? [] : [line(fact.learnedOn)]),
    ...(fact.learnedBy === null ? [] : [authorText(fact.learnedBy)]),
  ];
  const words = [`• ${line(fact.text)}`, ...(from.length === 0 ? [] : [`_${from.join(', ')}_`])].join('\n');
  const forget = { type: 'forget' as const, memoryId: it.memoryId, factId: fact.id, revision: it.revision };
  return {
    ...section(words),
    accessory: {
      ...memoryButton('Forget', forget),
      confirm: asking('Forget this?', clip(fact.text, TITLE_CHARACTERS) || 'This line'),
    },
  };
}
