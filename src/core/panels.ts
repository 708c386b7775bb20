/** Views as people see them on every platform, as plain data: what is said, in which order, and what can be done about it. */

import { type CommandAction, NOTICE_MODES, type NoticeMode, platformName } from './message.ts';
import {
  type Author,
  type Conflict,
  type Fact,
  type HistoryEntry,
  lineOfChange,
  linesOfMemory,
  type MemorySection,
  type Notice,
  type PreferencesView,
  wordOfRemoval,
  wordsOfAuthor,
  wordsOfCount,
} from './views.ts';

/** Platforms render it from above to below, in their own building blocks and within their own limits. */
export interface Panel {
  /** Waits for the person's word, so it stands above all else. */
  held?: Item;
  /** Names the panel; one without speaks for itself. */
  title?: string;
  sentence?: string;
  /** To be copied. */
  code?: string;
  items: Item[];
  /** The way to the items that do not fit, where an action leads to them. */
  pages?: Pages;
  /** Lines about all of it. */
  quiet: Quiet[][];
  buttons: PanelButton[];
  /** How they are told of changes, of which one is chosen. */
  modes: ModeChoice[];
  /** From where this is a closer look at, or an answer. */
  back?: PanelButton;
}

export interface Item {
  title?: string;
  /** Beside the title: "changed". */
  mark?: string;
  lines: string[];
  /** The lines are a list. */
  listed?: boolean;
  /** Below: where it is from. */
  quiet: Quiet[];
  /** The first leads on, where there is room for one. */
  buttons: PanelButton[];
}

/** Words, a moment (ISO 8601) as the reader's clock has it, or a way to somewhere. */
export type Quiet = string | { before: string; at: string } | { before: string; words: string; link: string };

export interface PanelButton {
  label: string;
  action: CommandAction;
  tone?: 'primary' | 'danger';
  /** What it shows takes the place of the panel. */
  instead?: true;
  /** To be asked first, by the platform or with the action's own `confirmed`. */
  asks?: { question: string; text: string; yes: string; no: string };
}

export interface Pages {
  /** The same again. */
  again: CommandAction;
  /** What is given page by page has others before and after this one. */
  newer?: CommandAction;
  older?: CommandAction;
}

export interface ModeChoice {
  mode: NoticeMode | 'default';
  label: string;
  chosen: boolean;
}

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

/** What has a shape of its own on each platform: texts to be written, and files. */
type Apart = 'form' | 'editor' | 'conflict' | 'export';

export function panelOf(view: Exclude<PreferencesView, { type: Apart }>): Panel {
  switch (view.type) {
    case 'memory':
      return memoryPanel(view);
    case 'file':
      return notePanel(view.section);
    case 'confirm':
      return confirmPanel(view);
    case 'receipt':
      return {
        ...NOTHING_ELSE,
        sentence: view.sentence,
        items: view.counts.length === 0 ? [] : [listOf(view.counts.map(wordsOfCount))],
        back: BACK,
      };
    case 'history':
      return historyPanel(view);
    case 'why':
      return whyPanel(view);
    case 'link-code':
      return {
        ...NOTHING_ELSE,
        title: 'A code for your other account',
        sentence: view.sentence,
        code: view.code,
        quiet: [[{ before: 'It is valid until ', at: view.expiresAt }]],
        back: BACK,
      };
    case 'outcome':
      return { ...NOTHING_ELSE, sentence: view.sentence, back: BACK };
  }
}

export const BACK: PanelButton = { label: 'Back to my memory', action: { type: 'view' } };
const NOTHING_ELSE: Panel = { items: [], quiet: [], buttons: [], modes: [] };

function listOf(lines: string[]): Item {
  return { lines, listed: true, quiet: [], buttons: [] };
}

function memoryPanel(view: View<'memory'>): Panel {
  const { sections, held, hasForm, paused, privateHere, privateWith, linked } = view;
  const [begin, end] = privateWith === 'thread' ? PRIVATE_THREAD : PRIVATE_CONVERSATION;
  return {
    ...(held === null ? {} : { held: heldItem(held) }),
    title: 'What I remember about you',
    ...(sections.length > 0 ? {} : { sentence: NOTHING_YET }),
    items: sections.map(noteItem),
    pages: { again: { type: 'view' } },
    quiet: [
      ...(paused ? [['Memory is paused: I use what I know but save nothing new.']] : []),
      ...(privateHere === true ? [[PRIVATE_WORDS[privateWith ?? 'conversation']]] : []),
      ...linked.map(({ platform, name }) => [
        `Linked with ${name} on ${platformName(platform)}: one memory for both.`,
      ]),
    ],
    buttons: [
      ...(hasForm ? [does('The usual facts', { type: 'form' })] : []),
      does('New note', { type: 'editor' }),
      does('What changed', { type: 'history' }),
      does('Export', { type: 'export', format: 'markdown' }),
      does('Link an account', { type: 'link' }),
      paused ? does('Resume memory', { type: 'resume' }) : does('Pause memory', { type: 'pause' }),
      ...(privateHere === null
        ? []
        : [does(privateHere ? end : begin, { type: 'private', on: !privateHere })]),
      ...(linked.length === 0 ? [] : [does('Unlink this account', { type: 'unlink', confirmed: false })]),
      { ...does('Forget me', { type: 'forget-me', confirmed: false }), tone: 'danger' },
    ],
    modes: modesOf(view),
  };
}

const NOTHING_YET = 'Nothing yet. Tell me what you like, and I will keep it for next time.';
const PRIVATE_THREAD = ['Private thread', 'End private thread'] as const;
const PRIVATE_CONVERSATION = ['Private conversation', 'End private conversation'] as const;
const PRIVATE_WORDS = {
  conversation: 'This conversation is private: I know nothing about you here.',
  place: 'Everything between us here is private, in new threads too: I know nothing about you here.',
  thread: 'The thread where you last wrote to me here is private: I know nothing about you there.',
};

function does(label: string, action: CommandAction): PanelButton {
  return { label, action };
}

/** What was held back, wherever they were asked about it before, or could not be. */
function heldItem({ id: noticeId, changes, heldBecauseOf = [] }: Notice): Item {
  const read = heldBecauseOf.length === 0 ? 'something somebody else wrote' : heldBecauseOf.join(' and ');
  return {
    title: 'Not saved yet. Is it from you?',
    mark: `I had read ${read} before I wanted to note this.`,
    lines: changes.flatMap(linesOfMemory),
    quiet: [],
    buttons: [
      { ...does('Save it', { type: 'keep', noticeId }), tone: 'primary' },
      does('Leave it out', { type: 'undo', noticeId }),
    ],
  };
}

function modesOf({ notices, noticesAreDefault }: View<'memory'>): ModeChoice[] {
  const isDefault = noticesAreDefault ? `, ${MODE_WORDS[notices]}` : '';
  return [
    { mode: 'default', label: `Memory notices: the default here${isDefault}`, chosen: noticesAreDefault },
    ...NOTICE_MODES.map(mode => ({
      mode,
      label: `Memory notices: ${MODE_WORDS[mode]}`,
      chosen: !noticesAreDefault && mode === notices,
    })),
  ];
}

const MODE_WORDS: Record<NoticeMode, string> = {
  thread: 'below the reply',
  private: 'only to me',
  off: 'off',
};

/** A note among others. */
function noteItem(note: MemorySection): Item {
  const { memoryId, title, lines } = note;
  return {
    title,
    mark: `· ${audienceOf(note)}`,
    ...listOf(lines.length === 0 ? ['(empty)'] : lines),
    buttons: [
      does('View in full', { type: 'show', memoryId }),
      does('Edit', { type: 'editor', memoryId }),
      shareButton(note),
      forgetButton(note, 'Forget'),
    ],
  };
}

/** Fact by fact, with where each is from. The text as it is stored is the platform's to show. */
function notePanel(note: MemorySection): Panel {
  const { memoryId, title, facts, updatedAt } = note;
  return {
    ...NOTHING_ELSE,
    title,
    items: facts.map(fact => factItem(note, fact)),
    pages: { again: { type: 'show', memoryId } },
    quiet: [
      [audienceOf(note)],
      ...(Number.isNaN(Date.parse(updatedAt)) ? [] : [[{ before: 'Last changed ', at: updatedAt }]]),
    ],
    buttons: [
      does('Edit', { type: 'editor', memoryId }),
      does('What changed', { type: 'history', memoryId }),
      shareButton(note),
      { ...forgetButton(note, 'Forget this note'), tone: 'danger' },
    ],
    back: BACK,
  };
}

function factItem({ memoryId, revision }: MemorySection, { id, text, learnedOn, learnedBy }: Fact): Item {
  return {
    ...listOf([text]),
    quiet: [...(learnedOn === null ? [] : [learnedOn]), ...(learnedBy === null ? [] : [authorOf(learnedBy)])],
    buttons: [
      {
        ...does('Forget', { type: 'forget', memoryId, factId: id, revision }),
        asks: { question: 'Forget this?', text: text === '' ? 'This line' : text, yes: 'Forget', no: 'Keep' },
      },
    ],
  };
}

function audienceOf({ shared }: MemorySection): string {
  return shared ? '👥 used where others can read too' : '🔒 used in private only';
}

/** Making it known to more people is asked about; taking that back is not. */
function shareButton({ memoryId, title, shared }: MemorySection): PanelButton {
  if (shared) return does('Use in private only', { type: 'share', memoryId, on: false });
  return {
    ...does('Use where others can read too', { type: 'share', memoryId, on: true }),
    asks: {
      question: 'Use it there too?',
      text: `When you ask me where others can read, my answers may then draw on “${title}”.`,
      yes: 'Use it there too',
      no: 'Keep it private',
    },
  };
}

function forgetButton({ memoryId, title, revision }: MemorySection, label: string): PanelButton {
  return {
    ...does(label, { type: 'forget', memoryId, revision }),
    asks: {
      question: 'Forget this note?',
      text: `I will no longer remember “${title}”.`,
      yes: 'Forget',
      no: 'Keep',
    },
  };
}

/** "the agent, in a private conversation on Slack", with the way there. */
function authorOf(author: Author, before = ''): Quiet {
  const words = wordsOfAuthor(author);
  const link = author.type === 'agent' ? (author.conversation?.link ?? null) : null;
  return link === null ? `${before}${words}` : { before, words, link };
}

const FORGETTING: readonly CommandAction['type'][] = ['forget', 'forget-past', 'forget-since', 'forget-me'];

function confirmPanel({ question, items, action, button }: View<'confirm'>): Panel {
  return {
    ...NOTHING_ELSE,
    sentence: question,
    items: items.map(({ title, lines, wholeFile }) => ({
      title,
      ...(wholeFile ? { mark: '(the whole note)' } : {}),
      ...listOf(lines),
    })),
    ...('confirmed' in action ? { pages: { again: { ...action, confirmed: false } } } : {}),
    buttons: [
      { ...does(button, action), tone: FORGETTING.includes(action.type) ? 'danger' : 'primary' },
      { ...does('Leave it as it is', { type: 'view' }), instead: true },
    ],
  };
}

function historyPanel({ entries, page, more, memoryId }: View<'history'>): Panel {
  const at = (toPage: number): CommandAction => ({
    type: 'history',
    page: toPage,
    ...(memoryId === null ? {} : { memoryId }),
  });
  return {
    ...NOTHING_ELSE,
    title: 'What changed, newest first',
    ...(entries.length > 0 ? {} : { sentence: page === 0 ? 'Nothing has changed yet.' : 'That is all.' }),
    items: entries.map(entryItem),
    pages: {
      again: at(page),
      ...(page === 0 ? {} : { newer: at(page - 1) }),
      ...(more ? { older: at(page + 1) } : {}),
    },
    back: memoryId === null ? BACK : does('Back to the note', { type: 'show', memoryId }),
  };
}

const OPERATIONS = { created: 'noted', modified: 'changed' };

function entryItem(entry: HistoryEntry): Item {
  const { title, operation, at, by, lines, movedFrom, current, restorable, versionId, revision } = entry;
  const verb = operation === 'deleted' ? wordOfRemoval(by) : OPERATIONS[operation];
  return {
    title,
    mark: `${verb}${movedFrom === null ? '' : `, moved from ${movedFrom}`}${current ? ' · as it is now' : ''}`,
    lines: lines.map(lineOfChange),
    quiet: [{ before: '', at }, authorOf(by, 'by ')],
    buttons:
      restorable && !current
        ? [does('Bring back', { type: 'restore', versionId, ...(revision === null ? {} : { revision }) })]
        : [],
  };
}

const HOW = { known: 'known from the start', read: 'read for it', written: 'written during it' };

function whyPanel({ sentence, memories, searched }: View<'why'>): Panel {
  return {
    ...NOTHING_ELSE,
    sentence,
    items: memories.map(({ memoryId, title, how, forEveryone }) => ({
      title,
      lines: [],
      quiet: [...how.map(each => HOW[each]), ...(forEveryone ? ['the same for everyone'] : [])],
      buttons: memoryId === null ? [] : [does('View in full', { type: 'show', memoryId })],
    })),
    quiet: searched ? [['A tool also went through your whole memory.']] : [],
    back: BACK,
  };
}

/** What either text of a conflict is called, and what can be done; the texts are shown as each platform can. */
export function wordsOfConflict({ id, now, labels }: Conflict): {
  now: string;
  mine: string;
  buttons: PanelButton[];
} {
  const resolve = (label: string, choice: 'mine' | 'theirs' | 'again') =>
    does(label, { type: 'resolve', conflictId: id, choice });
  const keepTheirs = labels === undefined ? 'Keep what is there' : `Keep it ${labels.now}`;
  return {
    now: labels?.now ?? 'As it is now',
    mine: labels?.mine ?? 'As you wrote it',
    buttons: [
      { ...resolve(labels === undefined ? 'Keep mine' : `Keep it ${labels.mine}`, 'mine'), tone: 'primary' },
      resolve(now === null ? 'Leave it out' : keepTheirs, 'theirs'),
      resolve('Edit again', 'again'),
    ],
  };
}
