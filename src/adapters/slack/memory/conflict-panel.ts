/** What a person is asked when two texts want the same place. Pure. */

import { wordsOfConflict } from '../../../core/panels.ts';
import { type Conflict, lineOfChange, type PreferencesView } from '../../../core/views.ts';
import { actions, type Block, line, lines, section, sentence, title } from '../blocks.ts';
import { panelButton } from './panel-blocks.ts';
import { fitting, type Room } from './panel-room.ts';

const BOTH_CHARACTERS = 1_500;
/** Of what changed on one side. */
const CHANGES_CHARACTERS = 700;

export function conflictBlocks(
  { sentence: words, conflicts }: Extract<PreferencesView, { type: 'conflict' }>,
  room: Room,
): Block[] {
  const shown = fitting(conflicts.map(oneConflict), room, 2);
  const left = conflicts.length - shown.length;
  const rest = `_And ${left} more that do not fit here; those stay as they are._`;
  return [section(sentence(words)), ...shown.flat(), ...(left === 0 ? [] : [section(rest)])];
}

/** Both texts where they are short; else what changed on either side, and a window with both. */
function oneConflict(it: Conflict): Block[] {
  const { now, mine, buttons } = wordsOfConflict(it);
  const texts = [
    title(it.title),
    it.now === null ? '_It is gone._' : `_${line(now)}:_`,
    ...textLines(it.now ?? ''),
    `_${line(mine)}:_`,
    ...textLines(it.mine),
  ].join('\n');
  return [
    section(texts.length <= BOTH_CHARACTERS ? texts : changesOf(it)),
    actions(buttons.map(panelButton)),
  ];
}

function textLines(content: string): string[] {
  return content
    .trimEnd()
    .split('\n')
    .map(each => `> ${line(each)}`);
}

function changesOf(it: Conflict): string {
  const changes = (some: Conflict['wanted']) =>
    lines(
      some.map(change => line(lineOfChange(change))),
      CHANGES_CHARACTERS,
    );
  return [
    title(it.title),
    'Your changes:',
    ...changes(it.wanted),
    it.now === null ? 'The note has been forgotten meanwhile.' : 'Changed meanwhile:',
    ...changes(it.meanwhile),
  ].join('\n');
}
