/** What is typed after "/preferences", where people type it whole: on Slack and in the terminal. Pure. */

import { type CommandAction, noticeChoice } from '../message.ts';
import { isCalled, type MemorySection } from '../views.ts';

/** What was typed means an action, or asks the platform for something first. */
export type Typed =
  | { type: 'do'; action: CommandAction }
  /** Names a note or a fact: `findNamed` says what it means, once the memory is known. */
  | Named
  /** An entry of the history by its number; null: none was said. */
  | { type: 'restore'; entry: number | null }
  | { type: 'help' }
  /** It cannot be meant; the sentence says what can. */
  | { type: 'unclear'; sentence: string }
  | { type: 'unknown'; verb: string };

export interface Named {
  type: 'named';
  verb: 'show' | 'edit' | 'new' | 'forget' | 'history' | 'share' | 'unshare';
  words: string;
}

/** What a name turned out to mean. */
export type Found =
  | { type: 'do'; action: CommandAction }
  /** `choices`: what it might have been, as the person would have to say it. */
  | { type: 'unclear'; sentence: string; choices: string[] };

export function readTyped(text: string): Typed {
  const [first = 'view', ...rest] = text.split(/\s+/).filter(word => word !== '');
  const verb = first.toLowerCase();
  const words = unquoted(rest.join(' '));
  const bare = words === '';
  switch (verb) {
    case 'view':
    case 'show':
      return bare ? act({ type: 'view' }) : { type: 'named', verb: 'show', words };
    case 'set':
      return act(bare ? { type: 'form' } : { type: 'set-typed', words });
    case 'form':
      return act({ type: 'form' });
    case 'edit':
      return bare ? act({ type: 'form' }) : { type: 'named', verb, words };
    case 'new':
      return { type: 'named', verb, words };
    case 'forget':
      return readForget(words);
    case 'history':
      return { type: 'named', verb, words };
    case 'restore': {
      const entry = /^\d+$/.test(words) ? Number(words) : 0;
      return { type: 'restore', entry: entry > 0 ? entry : null };
    }
    case 'undo':
    case 'keep':
    case 'pause':
    case 'resume':
      return act({ type: verb });
    case 'private':
      return readPrivate(words.toLowerCase());
    case 'notices':
      return readNotices(words.toLowerCase());
    case 'share':
    case 'unshare':
      return bare ? unclear(WHICH[verb]) : { type: 'named', verb, words };
    case 'link':
      return act(bare ? { type: 'link' } : { type: 'link', code: words, confirmed: false });
    case 'unlink':
      return act({ type: 'unlink', confirmed: false });
    case 'export':
      return readExport(words.toLowerCase());
    case 'why':
      return act({ type: 'why' });
    case 'help':
      return { type: 'help' };
    default:
      return { type: 'unknown', verb: first };
  }
}

const WHICH = {
  share: 'Which note may I also use where others can read? Give its title: /preferences share sizes.',
  unshare: 'Which note should be for private conversations only again? Give its title.',
};

/** `sections`: what is remembered now. */
export function findNamed({ verb, words }: Named, sections: readonly MemorySection[]): Found {
  switch (verb) {
    case 'history': {
      // "history sizes 2" is the second page; a note may also be called "2".
      const whole = noteNamed(sections, words);
      const [, title = '', number] = whole === null ? (/^(.*?)\s*(\d+)?$/.exec(words) ?? []) : [];
      const page = number === undefined ? 0 : Math.max(0, Number(number) - 1);
      if (words === '' || (whole === null && title === '')) return act({ type: 'history', page });
      const file = whole ?? noteNamed(sections, title);
      return file === null
        ? noNote(title, sections)
        : act({ type: 'history', page, memoryId: file.memoryId });
    }
    case 'new':
    case 'edit': {
      if (words === '') return act({ type: 'editor' });
      // What is new is private: beside a note for where others read it may have the same title.
      const file = noteNamed(verb === 'new' ? sections.filter(({ shared }) => !shared) : sections, words);
      return act({ type: 'editor', ...(file === null ? { title: words } : { memoryId: file.memoryId }) });
    }
    case 'forget':
      return findForgettable(words, sections);
    case 'show': {
      const file = noteNamed(sections, words);
      return file === null ? noNote(words, sections) : act({ type: 'show', memoryId: file.memoryId });
    }
    case 'share':
    case 'unshare': {
      const on = verb === 'share';
      // A note may stand in private and where others can read under the same title.
      const others = sections.filter(({ shared }) => shared !== on);
      const file = noteNamed(others, words) ?? noteNamed(sections, words);
      return file === null ? noNote(words, sections) : act({ type: 'share', memoryId: file.memoryId, on });
    }
  }
}

/** A note, or else the one fact that says this, or else what earlier versions say. Asks before anything goes. */
function findForgettable(words: string, sections: readonly MemorySection[]): Found {
  const file = noteNamed(sections, words);
  if (file !== null) {
    const { memoryId, revision } = file;
    return act({ type: 'forget', memoryId, revision, confirmed: false });
  }
  const facts = sections.flatMap(({ memoryId, facts: some }) => some.map(fact => ({ memoryId, fact })));
  const wanted = words.toLowerCase();
  const exact = facts.filter(({ fact }) => fact.text.toLowerCase() === wanted);
  const found =
    exact.length > 0 ? exact : facts.filter(({ fact }) => fact.text.toLowerCase().includes(wanted));
  const [first] = found;
  if (first === undefined) return act({ type: 'forget-past', words });
  if (new Set(found.map(({ fact }) => fact.id)).size > 1) {
    const choices = [...new Set(found.map(({ fact }) => fact.text))];
    return { type: 'unclear', sentence: 'Which one? Write it in full:', choices };
  }
  return act({ type: 'forget', memoryId: first.memoryId, factId: first.fact.id, confirmed: false });
}

function noteNamed(sections: readonly MemorySection[], name: string): MemorySection | null {
  return sections.find(({ path }) => isCalled(path, name)) ?? null;
}

function noNote(words: string, sections: readonly MemorySection[]): Found {
  const sentence = `I have no note called “${words}”.`;
  return sections.length === 0
    ? { type: 'unclear', sentence: `${sentence} I remember nothing about you yet.`, choices: [] }
    : {
        type: 'unclear',
        sentence: `${sentence} Your notes are:`,
        choices: sections.map(({ title }) => title),
      };
}

function readForget(words: string): Typed {
  if (words === '') return unclear('Forget what? A title, a fact, “since 2026-03-14”, or “me”.');
  if (words.toLowerCase() === 'me') return act({ type: 'forget-me', confirmed: false });
  const since = /^since\s+(.+)$/i.exec(words)?.[1];
  return since === undefined
    ? { type: 'named', verb: 'forget', words }
    : act({ type: 'forget-since', since, confirmed: false });
}

function readPrivate(words: string): Typed {
  if (words !== '' && words !== 'on' && words !== 'off')
    return unclear('Use /preferences private on or off.');
  return act({ type: 'private', on: words !== 'off' });
}

function readNotices(words: string): Typed {
  const mode = noticeChoice.safeParse(words).data;
  return mode === undefined
    ? unclear('Use /preferences notices on, private, off or default.')
    : act({ type: 'notices', mode });
}

function readExport(words: string): Typed {
  if (words === 'json') return act({ type: 'export', format: 'json' });
  return words === '' || words === 'markdown'
    ? act({ type: 'export', format: 'markdown' })
    : unclear('Use /preferences export json or markdown.');
}

/** A title may be typed with quotation marks around it, as it is shown. */
function unquoted(words: string): string {
  return /^["“„«](.+)["”“»]$/.exec(words)?.[1]?.trim() ?? words;
}

function act(action: CommandAction): { type: 'do'; action: CommandAction } {
  return { type: 'do', action };
}

function unclear(sentence: string): Typed {
  return { type: 'unclear', sentence };
}
