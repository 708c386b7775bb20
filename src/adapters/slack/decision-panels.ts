/** What a person is asked before something goes, or when two texts want the same place. Pure. */

import type { CommandAction } from '../../core/message.ts';
import { type Conflict, lineOfChange, type PreferencesView } from '../../core/views.ts';
import { actions, type Block, clip, line, lines, section, sentence, title } from './blocks.ts';
import { leaveButton, memoryButton } from './memory-buttons.ts';
import { ENTRY_CHARACTERS, fitting, type Room } from './panel-room.ts';

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

const GOING: readonly CommandAction['type'][] = ['forget', 'forget-since', 'forget-me'];

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
  return [section(sentence(view.sentence)), ...fitting(view.conflicts.map(conflictBlocks), room, 1)];
}

function conflictBlocks(it: Conflict): Block[] {
  const wanted = it.wanted.map(change => line(lineOfChange(change)));
  const meanwhile = it.meanwhile.map(change => line(lineOfChange(change)));
  const resolve = (choice: 'mine' | 'theirs' | 'again') => ({
    type: 'resolve' as const,
    conflictId: it.id,
    choice,
  });
  return [
    section(
      [
        title(it.title),
        'You wanted:',
        ...lines(wanted, ENTRY_CHARACTERS),
        it.now === null ? 'Meanwhile the note was forgotten.' : 'Meanwhile:',
        ...lines(meanwhile, ENTRY_CHARACTERS),
      ].join('\n'),
    ),
    actions([
      memoryButton('Save mine', resolve('mine'), '_mine'),
      memoryButton('Leave what is there', resolve('theirs'), '_theirs'),
      memoryButton('Look at both', resolve('again'), '_again'),
    ]),
  ];
}
