/** What people see of their memory: in messages, windows and on the Home tab. Pure. */

import type { types } from '@slack/bolt';
import { BACK, type PanelButton, panelOf } from '../../../core/panels.ts';
import { clip } from '../../../core/reply/text-split.ts';
import type { PreferencesView } from '../../../core/views.ts';
import {
  actions,
  type Block,
  DIVIDER,
  fallback,
  line,
  lines,
  type MessageContent,
  plain,
  section,
  sentence,
  textSections,
} from '../blocks.ts';
import { conflictBlocks } from './conflict-panel.ts';
import { editorWindow, formWindow, linkWindow } from './memory-forms.ts';
import { noteBlocks } from './note-panel.ts';
import { panelBlocks, panelButton } from './panel-blocks.ts';
import type { Room } from './panel-room.ts';

const IN_MESSAGE = { blocks: 46, characters: 10_000, inMessage: true };
/** A view takes 250,000 bytes as JSON. */
const IN_VIEW = { blocks: 94, characters: 60_000, inMessage: false };
const TOO_LONG = 'This note is too long to be edited here. Tell me in a message what should change.';

const CHOICES_CHARACTERS = 1_500;

/** In a message that only the person sees. `said`: what was just done; `from`: where what is long goes on. */
export function viewMessage(view: PreferencesView, said?: string, from = 0): MessageContent {
  const top = said === undefined ? [] : [section(sentence(said))];
  const { heading, blocks } = shown(view, { ...IN_MESSAGE, from });
  return { text: fallback(said ?? heading), blocks: [...top, ...blocks] };
}

export function homeView(view: PreferencesView): Block {
  return { type: 'home', blocks: shown(view, IN_VIEW).blocks };
}

/** A window. `said`, `from`: as in a message. */
export function modalView(view: PreferencesView, said?: string, from = 0): Block {
  if (view.type === 'form') return formWindow(view.formId, view.fields);
  if (view.type === 'editor') {
    return editorWindow(view.draft) ?? modalView({ type: 'outcome', ok: false, sentence: TOO_LONG });
  }
  const { blocks, back } = shown(view, { ...IN_VIEW, from });
  if (view.type === 'link-code') return linkWindow(blocks);
  const top = said === undefined ? [] : [section(sentence(said)), DIVIDER];
  return {
    type: 'modal',
    title: plain(view.type === 'file' ? clip(view.section.title, 24) : 'Your memory'),
    close: plain('Close'),
    blocks: [...top, ...blocks, ...(back === undefined ? [] : [actions([panelButton(back)])])],
  };
}

interface Shown {
  /** In a few words, for notifications. */
  heading: string;
  blocks: Block[];
  back?: PanelButton | undefined;
}

/** What has a panel of its own here: texts and files. Forms need a window. */
function shown(view: PreferencesView, room: Room): Shown {
  switch (view.type) {
    case 'form':
      return {
        heading: 'The usual facts',
        blocks: [section('This opens in a window: type `/preferences edit`.')],
      };
    case 'editor':
      return {
        heading: view.draft.title,
        blocks: [section('This opens in a window: use the buttons of `/preferences`.')],
      };
    case 'conflict':
      return { heading: view.sentence, blocks: conflictBlocks(view, room), back: BACK };
    case 'export':
      return { heading: view.sentence, blocks: exportBlocks(view, room), back: BACK };
    default: {
      const panel = panelOf(view);
      const blocks = view.type === 'file' ? noteBlocks(panel, view.section, room) : panelBlocks(panel, room);
      return { heading: panel.title ?? panel.sentence ?? '', blocks, back: panel.back };
    }
  }
}

function exportBlocks(view: Extract<PreferencesView, { type: 'export' }>, room: Room): Block[] {
  const { blocks, left } = textSections(view.file.content, {
    blocks: room.blocks - 4,
    characters: room.characters - 400,
  });
  return [
    section(`${sentence(view.sentence)}\n_${line(view.file.name)}_`),
    ...blocks,
    ...(left === 0 ? [] : [section(`_And ${left} more characters, which do not fit here._`)]),
  ];
}

/** Opened at once, because Slack gives three seconds and the memory may take longer. */
export function waitingModal() {
  return {
    type: 'modal',
    title: plain('Your memory'),
    close: plain('Close'),
    blocks: [section('One moment…')],
  } satisfies types.ModalView;
}

export function sentenceMessage(text: string): MessageContent {
  return { text: fallback(text), blocks: [section(sentence(text))] };
}

const HELP: readonly [heading: string, lines: readonly string[]][] = [
  [
    'What I remember',
    [
      '`/preferences` all of it, with buttons for everything below',
      '`/preferences show TITLE` one note in full, and where each fact came from',
      '`/preferences history [TITLE]` what changed, when and by whom; bring things back',
      '`/preferences why` what my last answer to you here was based on; for an older one choose _Why this answer?_ in its menu ⋮',
      '`/preferences export [json]` everything as a file, in our direct messages',
    ],
  ],
  [
    'Change it',
    [
      '`/preferences edit` the usual facts as a form, where I ask for any; `set FIELD VALUE` one of them, or one more of a list',
      '`/preferences edit TITLE`, `new TITLE` write a note yourself',
      '`/preferences undo` take back the last change, mine or yours; repeat for the one before; `keep` accept what I held back',
    ],
  ],
  [
    'Forget it (I ask before anything is deleted)',
    [
      '`/preferences forget TITLE` or a fact in it, even one that only earlier versions still have',
      '`/preferences forget since 2026-03-14` what I learned since then',
      '`/preferences forget me` everything I have about you',
    ],
  ],
  [
    'Where and how I remember',
    [
      '`/preferences share TITLE`, `unshare TITLE` whether a note is used where others can read',
      '`/preferences link`, `link CODE`, `unlink` one memory for your accounts elsewhere',
      '`/preferences pause`, `resume` save nothing new; save again',
      '`/preferences private on`, `off` no memory here: in all our direct messages, or in the thread of a channel you last wrote to me in',
      '`/preferences notices on`, `private`, `off` how I tell you what I changed',
    ],
  ],
];

/** `first`: what to say before it. */
export function helpMessage(first?: string): MessageContent {
  const heading = first ?? 'What /preferences can do';
  return {
    text: fallback(heading),
    blocks: [
      ...(first === undefined ? [] : [section(sentence(first))]),
      ...HELP.map(([title, lines]) => section([`*${title}*`, ...lines].join('\n'))),
    ],
  };
}

/** What might have been meant, as it would have to be said. */
export function choicesMessage(text: string, choices: readonly string[]): MessageContent {
  const items = lines(
    choices.map(choice => `• ${line(choice)}`),
    CHOICES_CHARACTERS,
  );
  return { text: fallback(text), blocks: [section([sentence(text), ...items].join('\n'))] };
}
