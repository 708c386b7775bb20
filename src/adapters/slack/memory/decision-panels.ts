/** What a person is asked before something goes, or when two texts want the same place. Pure. */

import type { CommandAction } from '../../../core/message.ts';
import { clip } from '../../../core/reply/text-split.ts';
import { type Conflict, lineOfChange, type PreferencesView } from '../../../core/views.ts';
import { actions, type Block, line, lines, section, sentence, title } from '../blocks.ts';
import { leaveButton, memoryButton } from './memory-buttons.ts';
import { ENTRY_CHARACTERS, fitting, type Room } from './panel-room.ts';

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

const GOING: readonly CommandAction['type'][] = ['forget', 'forget-past', 'forget-since', 'forget-me'];

export function confirmBlocks(view: View<'confirm'>, room: Room): Block[] {
  const items = view.items.map(it => [
    section(
      [
        `${title(it.title)}${it.wholeFile ? ' (all of it)' : ''}`,
        ...lines(
          it.lines.map(each => `• ${line(each)}`),
          ENTRY_CHARACTERS,
        ),
      ].join('\n'),
    ),
  ]);
  const shown = fitting(items, room, 5);
  const left = items.length - shown.length;
  const style = GOING.includes(view.action.type) ? 'danger' : 'primary';
  return [
    section(sentence(view.question)),
    ...shown,
    ...(left === 0 ? [] : [section(`_and ${left} more note${left === 1 ? '' : 's'}_`)]),
    actions([{ ...memoryButton(clip(view.button, 70), view.action), style }, leaveButton()]),
  ];
}

export function conflictsBlocks(view: View<'conflict'>, room: Room): Block[] {
  const shown = fitting(view.conflicts.map(conflictBlocks), room, 2);
  const left = view.conflicts.length - shown.length / 2;
  const rest = `_And ${left} more that do not fit here; those stay as they are._`;
  return [section(sentence(view.sentence)), ...shown, ...(left === 0 ? [] : [section(rest)])];
}

/** Both texts where they are short; else what changed on either side, and a window with both. */
function conflictBlocks(it: Conflict): Block[] {
  const { now = 'as it is now', mine = 'as you wrote it' } = it.labels ?? {};
  const texts = [
    title(it.title),
    it.now === null ? '_It is gone._' : `_${line(now)}:_`,
    ...textLines(it.now ?? ''),
    `_${line(mine)}:_`,
    ...textLines(it.mine),
  ].join('\n');
  const resolve = (choice: 'mine' | 'theirs' | 'again') => ({
    type: 'resolve' as const,
    conflictId: it.id,
    choice,
  });
  return [
    section(texts.length <= BOTH_CHARACTERS ? texts : changesOf(it)),
    actions([
      memoryButton(
        it.labels === undefined ? 'Save mine' : clip(`Keep it ${mine}`, 70),
        resolve('mine'),
        '_mine',
      ),
      memoryButton(
        it.labels === undefined ? 'Keep what is there' : clip(`Keep it ${now}`, 70),
        resolve('theirs'),
        '_theirs',
      ),
      memoryButton('See both', resolve('again'), '_again'),
    ]),
  ];
}

const BOTH_CHARACTERS = 1_500;

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
      ENTRY_CHARACTERS,
    );
  return [
    title(it.title),
    'Your changes:',
    ...changes(it.wanted),
    it.now === null ? 'The note has been forgotten meanwhile.' : 'Changed meanwhile:',
    ...changes(it.meanwhile),
  ].join('\n');
}
