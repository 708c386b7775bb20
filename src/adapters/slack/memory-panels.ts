/** A person's memory and everything about it, as blocks. Pure. */

import type { NoticeMode } from '../../core/message.ts';
import {
  type Conflict,
  type Fact,
  type HistoryEntry,
  lineOfChange,
  type MemorySection,
  type PreferencesView,
  wordsOfAuthor,
  wordsOfCount,
} from '../../core/views.ts';
import {
  actions,
  type Block,
  clip,
  context,
  DIVIDER,
  LINE_CHARACTERS,
  line,
  lines,
  plain,
  section,
  sentence,
  TITLE_CHARACTERS,
  textSections,
  title,
} from './blocks.ts';
import { memoryButton } from './memory-buttons.ts';

/** What a surface takes. */
export interface Room {
  blocks: number;
  /** Of all text together. */
  characters: number;
  /** Whether what does not fit can be opened with a button. */
  opens: boolean;
}

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

const NOTE_CHARACTERS = 1_200;
/** Of the buttons below a note, with what they ask. */
const BUTTONS_CHARACTERS = 300;
const MOST_FACTS = 25;
const ENTRY_CHARACTERS = 700;

/** Forms are not here: they need a window of their own. */
export function panelBlocks(view: PreferencesView, room: Room): Block[] {
  switch (view.type) {
    case 'memory':
      return memoryBlocks(view, room);
    case 'file':
      return fileBlocks(view.section, room);
    case 'conflict':
      return [section(sentence(view.sentence)), ...fitting(view.conflicts.map(conflictBlocks), room, 1)];
    case 'confirm':
      return confirmBlocks(view, room);
    case 'receipt':
      return [
        section(
          [sentence(view.sentence), ...view.counts.map(it => `• ${line(wordsOfCount(it))}`)].join('\n'),
        ),
      ];
    case 'history':
      return historyBlocks(view, room);
    case 'export':
      return exportBlocks(view, room);
    case 'why':
      return whyBlocks(view, room);
    case 'outcome':
      return [section(sentence(view.sentence))];
    case 'link-code':
      return [section(sentence(view.sentence)), section(`*${line(view.code)}*`)];
    case 'form':
      return [section('This opens in a window: type `/preferences edit`.')];
    case 'editor':
      return [section('This opens in a window: use the buttons of `/preferences`.')];
  }
}

/** In a few words, for notifications and windows. */
export function headingOf(view: PreferencesView): string {
  switch (view.type) {
    case 'memory':
      return 'What I remember about you';
    case 'file':
      return view.section.title;
    case 'form':
      return 'The usual facts';
    case 'editor':
      return view.draft.title;
    case 'confirm':
      return view.question;
    case 'history':
      return 'What changed';
    case 'why':
      return 'What I used';
    case 'conflict':
    case 'receipt':
    case 'export':
    case 'link-code':
    case 'outcome':
      return view.sentence;
  }
}

function memoryBlocks(view: View<'memory'>, room: Room): Block[] {
  const head: Block[] = [{ type: 'header', text: plain('What I remember about you') }];
  const foot = [DIVIDER, ...toolBlocks(view)];
  if (view.sections.length === 0) {
    return [
      ...head,
      section('Nothing yet. Tell me what you like, and I will keep it for next time.'),
      ...foot,
    ];
  }
  const notes = view.sections.map(it => [section(summaryOf(it)), actions(noteButtons(it))]);
  const shown = fitting(notes, room, head.length + foot.length + 1, BUTTONS_CHARACTERS);
  const left = view.sections.length - shown.length / 2;
  const more = `And ${left} more note${left === 1 ? '' : 's'}.`;
  const rest: Block[] = room.opens
    ? [{ ...section(more), accessory: memoryButton('See all', { type: 'view' }) }]
    : [section(more)];
  return [...head, ...shown, ...(left === 0 ? [] : rest), ...foot];
}

function summaryOf(it: MemorySection): string {
  const items = it.lines.map(each => `• ${line(each)}`);
  return [title(it.title), ...(items.length === 0 ? ['_(empty)_'] : lines(items, NOTE_CHARACTERS))].join(
    '\n',
  );
}

function noteButtons(it: MemorySection): Block[] {
  return [
    memoryButton('View in full', { type: 'show', memoryId: it.memoryId }),
    memoryButton('Edit', { type: 'editor', memoryId: it.memoryId }),
    forgetButton(it),
  ];
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

const MODE_WORDS: Record<NoticeMode, string> = {
  thread: 'shown below the reply',
  private: 'shown to you alone',
  off: 'off',
};
const MODE_BUTTONS: Record<NoticeMode, string> = {
  thread: 'Show below the reply',
  private: 'Show to me alone',
  off: 'Turn off',
};

function toolBlocks(view: View<'memory'>): Block[] {
  const paused = view.paused ? '\nMemory is *paused*: I use what I know and write nothing new.' : '';
  const hidden =
    view.privateHere === true ? '\nThis conversation is *private*: I know nothing about you here.' : '';
  const isDefault = view.noticesAreDefault ? ' (as set up here)' : '';
  const modes = (['thread', 'private', 'off'] as const).filter(mode => mode !== view.notices);
  return [
    actions([
      memoryButton('The usual facts', { type: 'form' }),
      memoryButton('New note', { type: 'editor' }, '_new'),
      memoryButton('What changed', { type: 'history' }),
      view.paused
        ? memoryButton('Go on remembering', { type: 'resume' })
        : memoryButton('Pause memory', { type: 'pause' }),
      memoryButton('Export', { type: 'export', format: 'markdown' }),
      { ...memoryButton('Forget me', { type: 'forget-me', confirmed: false }), style: 'danger' },
    ]),
    context(`Memory notices: *${MODE_WORDS[view.notices]}*${isDefault}${paused}${hidden}`),
    actions(modes.map(mode => memoryButton(MODE_BUTTONS[mode], { type: 'notices', mode }, `_${mode}`))),
  ];
}

function fileBlocks(it: MemorySection, room: Room): Block[] {
  const tools = actions([
    memoryButton('Edit', { type: 'editor', memoryId: it.memoryId }),
    memoryButton('What changed', { type: 'history', memoryId: it.memoryId }),
    forgetButton(it),
  ]);
  const facts = it.facts.slice(0, MOST_FACTS).map(fact => factBlock(it, fact));
  const content = it.content.trimEnd();
  const used = facts.length * (LINE_CHARACTERS * 2 + BUTTONS_CHARACTERS) + BUTTONS_CHARACTERS;
  const stored = textSections(content, {
    blocks: room.blocks - facts.length - 5,
    characters: room.characters - used,
  });
  return [
    section(title(it.title)),
    ...facts,
    ...(facts.length === 0 ? [] : [context('As it is stored:')]),
    ...(content === '' ? [section('_(empty)_')] : stored.blocks),
    ...(stored.left > 0 ? [section(`_And ${stored.left} more characters._`)] : []),
    tools,
  ];
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

function confirmBlocks(view: View<'confirm'>, room: Room): Block[] {
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
  return [
    section(sentence(view.question)),
    ...shown,
    ...(left === 0 ? [] : [section(`_and ${left} more notes_`)]),
    actions([{ ...memoryButton(clip(view.button, 70), view.action), style: 'danger' }]),
  ];
}

function historyBlocks(view: View<'history'>, room: Room): Block[] {
  const { entries, page, more, memoryId } = view;
  const head = section('*What changed*, newest first');
  if (entries.length === 0) return [head, section(page === 0 ? 'Nothing yet.' : 'Nothing more.')];
  const shown = fitting(
    entries.map(entry => [entryBlock(entry)]),
    room,
    3,
    BUTTONS_CHARACTERS,
  );
  const of = memoryId === null ? {} : { memoryId };
  const turns = [
    ...(page === 0 ? [] : [memoryButton('Newer', { type: 'history', page: page - 1, ...of }, '_newer')]),
    ...(more ? [memoryButton('Older', { type: 'history', page: page + 1, ...of }, '_older')] : []),
  ];
  return [head, ...shown, ...(turns.length === 0 ? [] : [actions(turns)])];
}

const OPERATIONS = { created: 'noted', modified: 'changed', deleted: 'forgotten' };

function entryBlock(entry: HistoryEntry): Block {
  const when = `${entry.at.slice(0, 16).replace('T', ' ')} UTC`;
  const words = section(
    [
      `${title(entry.title)} ${OPERATIONS[entry.operation]}`,
      ...lines(
        entry.lines.map(change => line(lineOfChange(change))),
        ENTRY_CHARACTERS,
      ),
      `_${when}, by ${line(wordsOfAuthor(entry.by))}_`,
    ].join('\n'),
  );
  if (!entry.restorable || entry.current) return words;
  const revision = entry.revision === null ? {} : { revision: entry.revision };
  return {
    ...words,
    accessory: memoryButton('Bring back', { type: 'restore', versionId: entry.versionId, ...revision }),
  };
}

function exportBlocks(view: View<'export'>, room: Room): Block[] {
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

const HOW = { known: 'known from the start', read: 'read for this', written: 'written' };

function whyBlocks(view: View<'why'>, room: Room): Block[] {
  const used = view.memories.map((it): Block[] => {
    const words = section(
      `${title(it.title)}\n_${[...it.how.map(how => HOW[how]), ...(it.shared ? ['holds for everyone'] : [])].join(', ')}_`,
    );
    if (it.memoryId === null) return [words];
    return [{ ...words, accessory: memoryButton('View in full', { type: 'show', memoryId: it.memoryId }) }];
  });
  const searched = view.searched ? [context('A tool also went through the folder as a whole.')] : [];
  return [section(sentence(view.sentence)), ...fitting(used, room, 3), ...searched];
}

/** As many groups of blocks as there is room for beside `reserved` others; each may bring `extra` characters. */
function fitting(groups: readonly Block[][], room: Room, reserved: number, extra = 150): Block[] {
  const shown: Block[] = [];
  let characters = 500;
  for (const group of groups) {
    characters += textLength(group) + extra;
    if (shown.length + group.length + reserved > room.blocks || characters > room.characters) break;
    shown.push(...group);
  }
  return shown;
}

function textLength(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { text }) => {
    const words = typeof text === 'object' && text !== null && 'text' in text ? String(text.text) : '';
    return sum + words.length;
  }, 0);
}
