import type { BotPort } from '../../core/adapter.ts';
import { PersonError } from '../../core/errors.ts';
import type { CommandAction, Conversation, FieldName } from '../../core/message.ts';
import type { Draft, HistoryEntry, MemorySection, PreferencesView } from '../../core/views.ts';
import { type Dim, HISTORY_PAGE, historyNumber, renderView } from './render.ts';

/** What a command may do besides asking the bot. */
export interface Console {
  write(text: string): void;
  /** Asks for a line, which `read` then takes. */
  ask(text: string): void;
  /** The next line, if `takes` accepts it; null at the end of the input, or for a line that is no answer. */
  read(takes: (line: string) => boolean): Promise<string | null>;
  /** Puts an export somewhere and says where; null: it is to be printed. */
  save: ((file: { name: string; content: string }) => Promise<string>) | null;
  dim: Dim;
}

export interface Commands {
  /** Everything behind "/preferences". Says what went wrong rather than reject. */
  run(words: string): Promise<void>;
  /** The change that was shown last; what `undo` and `keep` are about. */
  shown(notice: { id: string; held: boolean }): void;
}

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

export function createCommands(deps: {
  bot(): BotPort;
  conversation: Conversation;
  console: Console;
}): Commands {
  const { conversation, console } = deps;
  const { person } = conversation;
  let notice: string | null = null;
  let heldNotice: string | null = null;
  /** What `restore` goes by: the entries that were shown last, by their numbers. */
  let entries = new Map<number, HistoryEntry>();

  const ask = (action: CommandAction) => deps.bot().command({ person, conversation, action });
  const say = (text: string) => console.write(`${text}\n`);
  const show = (view: PreferencesView) => say(renderView(view, console.dim));

  async function memory(): Promise<MemorySection[]> {
    const view = await ask({ type: 'view' });
    return view.type === 'memory' ? view.sections : [];
  }

  const named = (sections: readonly MemorySection[], name: string) =>
    sections.find(({ title, path }) =>
      [title, path, path.slice(1)].some(it => it.toLowerCase() === name.toLowerCase()),
    );

  /** Goes on for as long as a view asks for something. */
  async function follow(view: PreferencesView): Promise<void> {
    switch (view.type) {
      case 'confirm':
        return confirm(view);
      case 'conflict':
        return settle(view);
      case 'editor':
        return edit(view.draft);
      case 'export':
        return save(view);
      case 'history':
        return history(view);
      default:
        show(view);
    }
  }

  async function confirm(view: View<'confirm'>): Promise<void> {
    show(view);
    console.ask('Type yes to go ahead:');
    const answer = await console.read(line => /^(?:y(?:es)?|no?|)$/i.test(line.trim()));
    if (/^y(?:es)?$/i.test(answer?.trim() ?? '')) return follow(await ask(view.action));
    say('Nothing was forgotten.');
  }

  async function settle(view: View<'conflict'>): Promise<void> {
    say(view.sentence);
    for (const conflict of view.conflicts) {
      show({ ...view, sentence: '', conflicts: [conflict] });
      console.ask('Keep mine, theirs, or edit again?');
      const answer = (await console.read(() => true))?.trim().toLowerCase();
      const choice = answer === 'mine' || answer === 'again' ? answer : 'theirs';
      await follow(await ask({ type: 'resolve', conflictId: conflict.id, choice }));
    }
  }

  async function edit(draft: Draft): Promise<void> {
    show({ type: 'editor', draft });
    if (draft.now !== null) say(`  It stands there now as:\n${draft.now.trimEnd().replace(/^/gm, '  ')}`);
    say('Type the text as it is to be; a line with a single dot ends it. A dot at once leaves it alone.');
    const lines: string[] = [];
    for (;;) {
      const line = await console.read(() => true);
      if (line === null || line.trim() === '.') break;
      lines.push(line);
    }
    if (lines.length === 0) return say('Left as it was.');
    const content = lines.join('\n');
    const { memoryId, revision, title } = draft;
    await follow(
      await ask(
        memoryId === null || revision === null
          ? { type: 'create', title, content }
          : { type: 'edit', memoryId, revision, content },
      ),
    );
  }

  async function save(view: View<'export'>): Promise<void> {
    if (console.save === null) console.write(view.file.content);
    else say(`${view.sentence} ${await console.save(view.file)}`);
  }

  function history(view: View<'history'>): void {
    entries = new Map(view.entries.map((entry, index) => [historyNumber(view, index, HISTORY_PAGE), entry]));
    show(view);
  }

  async function set(words: string): Promise<void> {
    if (words === '') return follow(await ask({ type: 'form' }));
    const field = FIELDS.find(({ pattern }) => pattern.test(words));
    if (field === undefined) return say('I do not know that field. /preferences set shows them.');
    const value = words.replace(field.pattern, '').trim();
    if (value === '') return say('What shall it be? A dash forgets it.');
    const values = { [field.name]: /^[-–—]$/.test(value) ? '' : value };
    await follow(await ask({ type: 'set', values }));
  }

  async function forget(words: string): Promise<void> {
    if (words === '') return say('Forget what? A title, a fact, “since 2026-03-14”, or “me”.');
    if (words.toLowerCase() === 'me') return follow(await ask({ type: 'forget-me' }));
    const since = /^since\s+(.+)$/i.exec(words)?.[1];
    if (since !== undefined) return follow(await ask({ type: 'forget-since', since }));
    const sections = await memory();
    const file = named(sections, words);
    if (file !== undefined) {
      const { memoryId, revision } = file;
      return follow(await ask({ type: 'forget', memoryId, revision, confirmed: false }));
    }
    const facts = sections.flatMap(({ memoryId, facts: some }) => some.map(fact => ({ memoryId, fact })));
    const wanted = words.toLowerCase();
    const exact = facts.filter(({ fact }) => fact.text.toLowerCase() === wanted);
    const found =
      exact.length > 0 ? exact : facts.filter(({ fact }) => fact.text.toLowerCase().includes(wanted));
    const [first] = found;
    if (first === undefined) return say(`I have no note and no fact called “${words}”.`);
    if (new Set(found.map(({ fact }) => fact.id)).size > 1) {
      const choices = found.map(({ fact }) => `  ${fact.text}`);
      return say(['Which one? Say it in full:', ...choices].join('\n'));
    }
    const { memoryId, fact } = first;
    await follow(await ask({ type: 'forget', memoryId, factId: fact.id, confirmed: false }));
  }

  async function showHistory(words: string): Promise<void> {
    const [, title = '', number] = /^(.*?)\s*(\d+)?$/.exec(words) ?? [];
    const page = number === undefined ? 0 : Math.max(0, Number(number) - 1);
    if (title === '') return follow(await ask({ type: 'history', page }));
    const file = named(await memory(), title);
    if (file === undefined) return say(unknown(title));
    await follow(await ask({ type: 'history', page, memoryId: file.memoryId }));
  }

  async function restore(words: string): Promise<void> {
    const number = Number(words);
    if (!Number.isInteger(number) || number < 1)
      return say('Say the number of an entry in /preferences history.');
    const entry = entries.get(number);
    if (entry === undefined)
      return say('I have not shown you that entry. Look at /preferences history first.');
    const { versionId, revision } = entry;
    await follow(await ask({ type: 'restore', versionId, ...(revision === null ? {} : { revision }) }));
  }

  async function open(words: string): Promise<void> {
    if (words === '') return say('Edit which note? Say its title, or a new one.');
    const file = named(await memory(), words);
    await follow(
      await ask({ type: 'editor', ...(file === undefined ? { title: words } : { memoryId: file.memoryId }) }),
    );
  }

  async function dispatch(verb: string, words: string): Promise<void> {
    switch (verb) {
      case 'view':
        return follow(await ask({ type: 'view' }));
      case 'show': {
        const file = named(await memory(), words);
        return file === undefined
          ? say(unknown(words))
          : follow(await ask({ type: 'show', memoryId: file.memoryId }));
      }
      case 'set':
        return set(words);
      case 'edit':
        return open(words);
      case 'forget':
        return forget(words);
      case 'history':
        return showHistory(words);
      case 'restore':
        return restore(words);
      case 'undo':
        return notice === null
          ? say('There is no change here to take back.')
          : follow(await ask({ type: 'undo', noticeId: notice }));
      case 'keep':
        return heldNotice === null
          ? say('There is no change here that waits for you.')
          : follow(await ask({ type: 'keep', noticeId: heldNotice }));
      case 'pause':
      case 'resume':
        return follow(await ask({ type: verb }));
      case 'private':
        return words === 'on' || words === 'off'
          ? follow(await ask({ type: 'private', on: words === 'on' }))
          : say('Say /preferences private on or off.');
      case 'notices': {
        const mode = words === 'on' ? 'thread' : words;
        return mode === 'thread' || mode === 'private' || mode === 'off' || mode === 'default'
          ? follow(await ask({ type: 'notices', mode }))
          : say('Say /preferences notices on, private, off or default.');
      }
      case 'export':
        return words === '' || words === 'json' || words === 'markdown'
          ? follow(await ask({ type: 'export', format: words === '' ? 'markdown' : words }))
          : say('Say /preferences export json or markdown.');
      case 'why':
        return follow(await ask({ type: 'why' }));
      default:
        return say(`I don't know “/preferences ${verb}”. Try /help.`);
    }
  }

  return {
    async run(words) {
      const [verb = 'view', ...rest] = words.split(/\s+/).filter(word => word !== '');
      try {
        await dispatch(verb.toLowerCase(), rest.join(' '));
      } catch (error) {
        say(
          error instanceof PersonError
            ? error.message
            : "I can't reach your memory right now. Please try again in a moment.",
        );
      }
    },
    shown({ id, held }) {
      notice = id;
      if (held) heldNotice = id;
    },
  };
}

function unknown(title: string): string {
  return `I have no note called “${title}”. /preferences lists them.`;
}

/** What people call the fields of the form; the longer names first. */
const FIELDS: readonly { name: FieldName; pattern: RegExp }[] = [
  { name: 'shoe_size', pattern: /^shoes?(?:[ _]size)?\b/i },
  { name: 'clothing_sizes', pattern: /^(?:cloth(?:es|ing)(?:[ _]sizes?)?|sizes?)\b/i },
  { name: 'budget', pattern: /^budget\b/i },
  {
    name: 'brands_avoided',
    pattern: /^(?:brands?[ _](?:avoided|to avoid|you avoid)|avoid(?:ed)? brands?)\b/i,
  },
  { name: 'brands_liked', pattern: /^(?:brands?(?:[ _](?:liked|you like))?|liked brands?)\b/i },
  { name: 'materials_avoided', pattern: /^(?:materials?(?:[ _](?:avoided|to avoid))?|allerg(?:y|ies))\b/i },
  { name: 'colours_liked', pattern: /^colou?rs?(?:[ _](?:liked|you like))?\b/i },
  { name: 'style', pattern: /^style\b/i },
];
