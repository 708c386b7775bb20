/** All that is remembered, and what can be done with it as a whole. Pure. */

import { NOTICE_MODES, type NoticeMode, platformName } from '../../../core/message.ts';
import type { LinkedAccount, PreferencesView } from '../../../core/views.ts';
import { actions, type Block, context, DIVIDER, line, lines, plain, section, sentence } from '../blocks.ts';
import { changeLines, heldHeading } from '../notices.ts';
import { memoryButton, sinceDatePicker } from './memory-buttons.ts';
import { noteBlocks } from './note-panel.ts';
import { BUTTONS_CHARACTERS, charactersOf, fitting, type Room } from './panel-room.ts';

type MemoryView = Extract<PreferencesView, { type: 'memory' }>;

/** `from` of the room: the note to begin with. */
export function memoryBlocks(view: MemoryView, room: Room): Block[] {
  const held = heldBlocks(view);
  const head: Block[] = [...held, { type: 'header', text: plain('What I remember about you') }];
  const foot = [DIVIDER, ...toolBlocks(view, room)];
  if (view.sections.length === 0) {
    return [
      ...head,
      section('Nothing yet. Tell me what you like, and I will keep it for next time.'),
      ...foot,
    ];
  }
  const count = view.sections.length;
  const from = Math.min(room.from ?? 0, count - 1);
  const groups = view.sections.slice(from).map(noteBlocks);
  const taken = held.length === 0 ? 0 : charactersOf(held, BUTTONS_CHARACTERS);
  const left = { ...room, characters: room.characters - taken };
  const shown = fitting(groups, left, head.length + foot.length + 2, BUTTONS_CHARACTERS);
  const next = from + shown.length / 2;
  return [
    ...head,
    ...(from === 0 ? [] : [turn(`Notes ${from + 1} to ${next} of ${count}.`, 'Back to the first', 0)]),
    ...shown,
    ...(next === count
      ? []
      : [turn(moreWords(count - next), room.opens ? 'See all' : 'See more', room.opens ? 0 : next)]),
    ...foot,
  ];
}

/** What waits for the person's word, wherever they were asked before, or could not be. */
function heldBlocks({ held }: MemoryView): Block[] {
  if (held === null) return [];
  const { id: noticeId, heldBecauseOf = [] } = held;
  return [
    section([sentence(heldHeading(heldBecauseOf)), ...changeLines(held)].join('\n')),
    actions([
      memoryButton('Save it', { type: 'keep', noticeId }),
      memoryButton('Leave it out', { type: 'undo', noticeId }),
    ]),
  ];
}

/** To other notes: from a message to all of them in a window, and there to those that did not fit. */
function turn(words: string, label: string, from: number): Block {
  return { ...section(words), accessory: memoryButton(label, { type: 'view' }, `_from_${from}`, { from }) };
}

function moreWords(count: number): string {
  return `And ${count} more note${count === 1 ? '' : 's'}.`;
}

const MODE_WORDS: Record<NoticeMode, string> = {
  thread: 'shown below the reply',
  private: 'shown only to you',
  off: 'off',
};
const MODE_BUTTONS: Record<NoticeMode, string> = {
  thread: 'Show below the reply',
  private: 'Show only to me',
  off: 'Turn off',
};

function toolBlocks(view: MemoryView, room: Room): Block[] {
  const modes = NOTICE_MODES.filter(mode => mode !== view.notices);
  return [
    actions([
      ...(view.hasForm ? [memoryButton('The usual facts', { type: 'form' })] : []),
      memoryButton('New note', { type: 'editor' }, '_new'),
      memoryButton('What changed', { type: 'history' }),
      memoryButton('Export', { type: 'export', format: 'markdown' }),
      memoryButton('Link an account', { type: 'link' }),
      view.paused
        ? memoryButton('Resume memory', { type: 'resume' })
        : memoryButton('Pause memory', { type: 'pause' }),
      ...privateButtons(view, room),
      sinceDatePicker(),
      { ...memoryButton('Forget me', { type: 'forget-me', confirmed: false }), style: 'danger' },
    ]),
    ...(view.linked.length === 0 ? [] : [linkedBlock(view.linked)]),
    context(stateLines(view).join('\n')),
    actions(modes.map(mode => memoryButton(MODE_BUTTONS[mode], { type: 'notices', mode }, `_${mode}`))),
  ];
}

/** Only in a message it is plain which conversation is meant: the one that it stands in. */
function privateButtons({ privateHere, privateWith }: MemoryView, room: Room): Block[] {
  if (privateHere === null || !room.opens) return [];
  const [begin, end] =
    privateWith === 'thread'
      ? ['Private thread', 'End private thread']
      : ['Private conversation', 'End private conversation'];
  return [memoryButton(privateHere ? end : begin, { type: 'private', on: !privateHere })];
}

const ACCOUNTS_CHARACTERS = 800;

function linkedBlock(linked: readonly LinkedAccount[]): Block {
  const accounts = linked.map(({ platform, name }) => `• ${line(name)} on ${line(platformName(platform))}`);
  return {
    ...section(['This account is linked with', ...lines(accounts, ACCOUNTS_CHARACTERS)].join('\n')),
    accessory: memoryButton('Unlink this account', { type: 'unlink', confirmed: false }),
  };
}

const PRIVATE_WORDS = {
  conversation: 'This conversation is *private*: I know nothing about you here.',
  place: 'Everything between us here is *private*, in new threads too: I know nothing about you here.',
  thread: 'The thread where you last wrote to me here is *private*: I know nothing about you there.',
};

function stateLines(view: MemoryView): string[] {
  const isDefault = view.noticesAreDefault ? ' (the default here)' : '';
  return [
    `Memory notices: *${MODE_WORDS[view.notices]}*${isDefault}`,
    ...(view.paused ? ['Memory is *paused*: I use what I know but save nothing new.'] : []),
    ...(view.privateHere === true ? [PRIVATE_WORDS[view.privateWith ?? 'conversation']] : []),
    'Everything else: `/preferences help`',
  ];
}
