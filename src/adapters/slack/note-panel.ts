/** One note: in short among others, or in full with every fact and where it is from. Pure. */

import { type Fact, type MemorySection, wordsOfAuthor } from '../../core/views.ts';
import {
  actions,
  type Block,
  clip,
  context,
  LINE_CHARACTERS,
  line,
  lines,
  plain,
  section,
  TITLE_CHARACTERS,
  textSections,
  title,
} from './blocks.ts';
import { memoryButton } from './memory-buttons.ts';
import { BUTTONS_CHARACTERS, type Room } from './panel-room.ts';

const NOTE_CHARACTERS = 1_200;
const MOST_FACTS = 25;

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

export function fullNoteBlocks(it: MemorySection, room: Room): Block[] {
  const facts = it.facts.slice(0, MOST_FACTS).map(fact => factBlock(it, fact));
  const content = it.content.trimEnd();
  const used = facts.length * (LINE_CHARACTERS * 2 + BUTTONS_CHARACTERS) + BUTTONS_CHARACTERS;
  const stored = textSections(content, {
    blocks: room.blocks - facts.length - 5,
    characters: room.characters - used,
  });
  return [
    section(headOf(it)),
    ...facts,
    ...(facts.length === 0 ? [] : [context('As it is stored:')]),
    ...(content === '' ? [section('_(empty)_')] : stored.blocks),
    ...(stored.left > 0 ? [section(`_And ${stored.left} more characters._`)] : []),
    actions([
      memoryButton('Edit', { type: 'editor', memoryId: it.memoryId }),
      memoryButton('What changed', { type: 'history', memoryId: it.memoryId }),
      shareButton(it),
      forgetButton(it),
    ]),
  ];
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
  const from = [fact.learnedOn, fact.learnedBy === null ? null : wordsOfAuthor(fact.learnedBy)];
  const origin = from.filter(words => words !== null).join(', ');
  const words = `• ${line(fact.text)}${origin === '' ? '' : `\n_${line(origin)}_`}`;
  const forget = { type: 'forget' as const, memoryId: it.memoryId, factId: fact.id, revision: it.revision };
  return {
    ...section(words),
    accessory: {
      ...memoryButton('Forget', forget),
      confirm: asking('Forget this?', clip(fact.text, TITLE_CHARACTERS) || 'This line'),
    },
  };
}
