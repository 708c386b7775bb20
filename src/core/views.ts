/** What people see of their memory, as plain data; platforms render it. */

import type { CommandAction, NoticeMode } from './message.ts';

/** One line that changed in a memory file. */
export type LineChange =
  | { type: 'added'; text: string }
  | { type: 'removed'; text: string }
  /** The same topic with another value: label "budget", from "$80", to "$120". */
  | { type: 'changed'; label: string; from: string; to: string };

/** What happened to one memory during a turn. */
export interface MemoryChange {
  memoryId: string;
  /** e.g. "/sizes.md" */
  path: string;
  operation: 'created' | 'modified' | 'deleted';
  /** None where what it said before is no longer kept. */
  lines: LineChange[];
}

/** Shown after a turn that changed the person's memory. `id` is what Undo refers to. */
export interface Notice {
  id: string;
  changes: MemoryChange[];
  /**
   * Where the text came from that the agent had read before it wanted these changes; they are not made until the
   * person says `keep`. Absent: the changes are made, and can be undone.
   */
  heldBecauseOf?: string[];
}

/** A conversation as its person recognises it: "a private conversation on Slack", and the way there if there is one. */
export interface Whereabouts {
  words: string;
  link: string | null;
}

/**
 * Who made a change: the agent while talking, the person through /preferences, the bot by itself, or somebody at
 * the API.
 */
export type Author =
  | { type: 'agent'; conversation: Whereabouts | null }
  | { type: 'person'; by: PersonalChange }
  | { type: 'bot'; by: BotChange }
  | { type: 'operator' };

/** `hold`: taken back until the person decides; `merge`: put back what was written over in the same moment. */
export type BotChange = 'hold' | 'merge';

export type PersonalChange =
  | 'form'
  | 'edit'
  | 'forget'
  | 'undo'
  | 'keep'
  | 'restore'
  | 'share'
  | 'link'
  | 'unlink';

/** One line of a memory file. */
export interface Fact {
  /** Names the line in its file; short, and another once the line says something else. */
  id: string;
  /** Without list mark and date. */
  text: string;
  /** YYYY-MM-DD: the day the line gives, else that of the version that brought it; null when neither is known. */
  learnedOn: string | null;
  /** Null when the version that brought it is no longer kept. */
  learnedBy: Author | null;
}

/** One memory file, made readable. */
export interface MemorySection {
  memoryId: string;
  path: string;
  /** e.g. "Sizes" for /sizes.md */
  title: string;
  facts: Fact[];
  /** The facts as lines, without list marks and headings. */
  lines: string[];
  /** The file as stored. */
  content: string;
  /** Names this content; short. */
  revision: string;
  updatedAt: string;
  /** May be used where others can read what I say; see the action `share`. */
  shared: boolean;
}

/** Another account of the same person. */
export interface LinkedAccount {
  platform: string;
  /** As the platform shows it. */
  name: string;
}

export interface FormField {
  name: string;
  /** "Shoe size" */
  label: string;
  /** An example of what to write. */
  hint: string;
  /** As it is remembered; empty when it is not. */
  value: string;
  /** Several values, with commas between them. */
  several: boolean;
}

/** A text to be edited; it goes back with `edit`, or with `create` where there is no file yet. */
export interface Draft {
  memoryId: string | null;
  title: string;
  /** What to begin with. */
  content: string;
  /** What stands in the file now, when that is not what to begin with. */
  now: string | null;
  /** Of what is in the file; null for a new file. */
  revision: string | null;
}

/** Something the person wrote could not be saved, because the file has changed since they saw it. */
export interface Conflict {
  id: string;
  title: string;
  path: string;
  /** What is there now; null: the file is gone. */
  now: string | null;
  /** What would stand there by the person's will. */
  mine: string;
  /** What the person wanted to change in what they saw. */
  wanted: LineChange[];
  /** What had changed meanwhile; empty where that cannot be said. */
  meanwhile: LineChange[];
  /** What to call either text; absent: "as it stands now" and "as you wrote it". */
  labels?: { now: string; mine: string };
}

/** What would be forgotten, file by file. */
export interface Forgettable {
  title: string;
  path: string;
  /** The facts that go. */
  lines: string[];
  /** The file goes with them. */
  wholeFile: boolean;
}

export interface HistoryEntry {
  versionId: string;
  memoryId: string;
  /** Null when it was forgotten for good. */
  path: string | null;
  title: string;
  operation: 'created' | 'modified' | 'deleted';
  /** ISO 8601 */
  at: string;
  by: Author;
  lines: LineChange[];
  /** Where the file was before, when it was moved. */
  movedFrom: string | null;
  /** `restore` can bring this back. */
  restorable: boolean;
  /** The file is as this entry left it. */
  current: boolean;
  /** Of what is in the file now; null when it is gone. */
  revision: string | null;
}

export type Counted = 'facts' | 'memories' | 'versions' | 'redacted' | 'sessions' | 'files' | 'rows';

/** One memory that a reply had before it. */
export interface UsedMemory {
  /** Null when the file is gone by now, and for shared facts. */
  memoryId: string | null;
  path: string;
  title: string;
  /** `known`: given to the agent when the conversation began; `read`, `written`: by a tool for this reply. */
  how: ('known' | 'read' | 'written')[];
  /** A fact from the store that everyone's session may read, not a memory of this person. */
  forEveryone: boolean;
}

export type PreferencesView =
  | {
      type: 'memory';
      sections: MemorySection[];
      notices: NoticeMode;
      noticesAreDefault: boolean;
      /** Nothing is written, what is known may be used. */
      paused: boolean;
      /** The conversation the command came from has no memory; null when it came from none. */
      privateHere: boolean | null;
      /** What `privateHere` is about when that is not just the conversation: see OffRecordExtent. */
      privateWith?: 'place' | 'thread';
      /** The person's other accounts that have this same memory. */
      linked: LinkedAccount[];
      /** Something that was held back and waits for the person's word, `keep` or `undo`; null when nothing does. */
      held: Notice | null;
      /** There are usual facts to ask for; see the action `form`. */
      hasForm: boolean;
    }
  | { type: 'file'; section: MemorySection }
  /** `formId` goes back with `set`, so that nothing is overwritten unseen. */
  | { type: 'form'; formId: string; fields: FormField[] }
  | { type: 'editor'; draft: Draft }
  /** `sentence` says in general what happened; each conflict is settled with `resolve`. */
  | { type: 'conflict'; sentence: string; conflicts: Conflict[] }
  /** To be asked before something goes for good; `action` does it. */
  | { type: 'confirm'; question: string; items: Forgettable[]; action: CommandAction; button: string }
  /** What is gone, in numbers. */
  | { type: 'receipt'; ok: boolean; sentence: string; counts: { what: Counted; count: number }[] }
  /** `page` counts from 0; `memoryId`: of one file. */
  | { type: 'history'; entries: HistoryEntry[]; page: number; more: boolean; memoryId: string | null }
  | { type: 'export'; sentence: string; file: { name: string; mediaType: string; content: string } }
  /** `searched`: a tool went through the folder as a whole. */
  | { type: 'why'; sentence: string; memories: UsedMemory[]; searched: boolean }
  /** For the person's eyes only; worth nothing after `expiresAt` (ISO 8601) or its first use. */
  | { type: 'link-code'; sentence: string; code: string; expiresAt: string }
  /** Something was done, or could not be: one sentence, then the memory as it now is. */
  | { type: 'outcome'; ok: boolean; sentence: string };

/** "+ shoe size: 9", "− wool", "~ budget: $80 → $120" */
export function lineOfChange(change: LineChange): string {
  switch (change.type) {
    case 'added':
      return `+ ${change.text}`;
    case 'removed':
      return `− ${change.text}`;
    case 'changed':
      return `~ ${change.label}: ${change.from} → ${change.to}`;
  }
}

/** What happened to one memory; without its lines where what it said before is no longer kept. */
export function linesOfMemory({ path, operation, lines }: MemoryChange): string[] {
  if (lines.length > 0) return lines.map(lineOfChange);
  const what = operation === 'deleted' ? 'is gone' : 'has changed';
  return [`${titleOfPath(path)} ${what}; what it said before is no longer kept`];
}

export function outcome(ok: boolean, sentence: string): Extract<PreferencesView, { type: 'outcome' }> {
  return { type: 'outcome', ok, sentence };
}

/** "/sizes.md" → "Sizes", "/style/winter_coats.md" → "Style: winter coats" */
export function titleOfPath(path: string): string {
  const words = path
    .replace(/^\//, '')
    .replace(/\.[a-z0-9]+$/i, '')
    .split('/')
    .map(part => part.replace(/[-_]+/g, ' ').trim())
    .filter(part => part !== '');
  const title = words.join(': ');
  return title === '' ? path : title.charAt(0).toUpperCase() + title.slice(1);
}

/** Whether people mean this note: by its title or its path, however it is capitalised. */
export function isCalled(path: string, name: string): boolean {
  const wanted = name.toLowerCase();
  return [titleOfPath(path), path, path.slice(1)].some(it => it.toLowerCase() === wanted);
}

/** "the agent, in a private conversation on Slack" */
export function wordsOfAuthor(author: Author): string {
  switch (author.type) {
    case 'agent':
      return author.conversation === null ? 'the agent' : `the agent, in ${author.conversation.words}`;
    case 'person':
      return `you, ${WORDS_OF_CHANGE[author.by]}`;
    case 'bot':
      return author.by === 'hold'
        ? 'me, holding it back until you decide'
        : 'me, putting back what was overwritten at the same moment';
    case 'operator':
      return 'the people who run me';
  }
}

/** What became of a note that is no longer there: its history is kept, so this is not forgetting. */
export function wordOfRemoval(by: Author): 'moved' | 'removed' {
  return by.type === 'person' && by.by === 'share' ? 'moved' : 'removed';
}

const WORDS_OF_CHANGE: Record<PersonalChange, string> = {
  form: 'in the form',
  edit: 'by hand',
  forget: 'forgetting',
  undo: 'undoing',
  keep: 'keeping what I had held back',
  restore: 'restoring',
  share: 'choosing where it may be used',
  link: 'linking your accounts',
  unlink: 'unlinking your accounts',
};

/** "3 facts", "1 conversation" */
export function wordsOfCount({ what, count }: { what: Counted; count: number }): string {
  const [one, many] = WORDS_OF_COUNTED[what];
  return `${count} ${count === 1 ? one : many}`;
}

const WORDS_OF_COUNTED: Record<Counted, [one: string, many: string]> = {
  facts: ['fact', 'facts'],
  memories: ['note', 'notes'],
  versions: ['version of your notes', 'versions of your notes'],
  redacted: ['earlier version cleared', 'earlier versions cleared'],
  sessions: ['conversation', 'conversations'],
  files: ['file', 'files'],
  rows: ['entry in my own records', 'entries in my own records'],
};
