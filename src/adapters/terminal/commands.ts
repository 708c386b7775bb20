import type { BotPort } from '../../core/adapter.ts';
import { PersonError } from '../../core/errors.ts';
import type { CommandAction, Conversation } from '../../core/message.ts';
import { findNamed, type Named, readTyped, type Typed } from '../../core/preferences/typed-preferences.ts';
import type { Draft, HistoryEntry, PreferencesView } from '../../core/views.ts';
import { type Dim, HELP, HISTORY_PAGE, historyNumber, renderView } from './render.ts';

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
}

type View<T extends PreferencesView['type']> = Extract<PreferencesView, { type: T }>;

export function createCommands(deps: {
  bot(): BotPort;
  conversation: Conversation;
  console: Console;
}): Commands {
  const { conversation, console } = deps;
  const { person } = conversation;
  /** What `restore` goes by: the entries that were shown last, by their numbers. */
  let entries = new Map<number, HistoryEntry>();

  const ask = (action: CommandAction) => deps.bot().command({ person, conversation, action });
  const say = (text: string) => console.write(`${text}\n`);
  const show = (view: PreferencesView) => say(renderView(view, console.dim));

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
    say(FORGETTING.includes(view.action.type) ? 'Nothing was forgotten.' : 'Nothing has changed.');
  }

  async function settle(view: View<'conflict'>): Promise<void> {
    say(view.sentence);
    for (const conflict of view.conflicts) {
      show({ ...view, sentence: '', conflicts: [conflict] });
      console.ask('Keep mine, theirs, or edit again?');
      const answer = (await console.read(() => true))?.trim().toLowerCase();
      const choice = (['mine', 'theirs', 'again'] as const).find(known => known === answer);
      if (choice === undefined) say('I leave it as it is.');
      else await follow(await ask({ type: 'resolve', conflictId: conflict.id, choice }));
    }
  }

  async function edit(draft: Draft): Promise<void> {
    show({ type: 'editor', draft });
    if (draft.now !== null) say(`  It now says:\n${draft.now.trimEnd().replace(/^/gm, '  ')}`);
    say('Type the text as it should be; a line with a single dot ends it. A dot right away leaves it alone.');
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

  async function restore(number: number | null): Promise<void> {
    if (number === null) return say('Give the number of an entry in /preferences history.');
    const entry = entries.get(number);
    if (entry === undefined)
      return say('I have not shown you that entry. Look at /preferences history first.');
    const { versionId, revision } = entry;
    await follow(await ask({ type: 'restore', versionId, ...(revision === null ? {} : { revision }) }));
  }

  async function named(typed: Named): Promise<void> {
    if (typed.verb === 'new' && typed.words === '') return say('What should the new note be called?');
    const view = await ask({ type: 'view' });
    const found = findNamed(typed, view.type === 'memory' ? view.sections : []);
    if (found.type === 'do') return follow(await ask(found.action));
    say([found.sentence, ...found.choices.map(choice => `  ${choice}`)].join('\n'));
  }

  async function dispatch(typed: Typed): Promise<void> {
    switch (typed.type) {
      case 'do':
        return follow(await ask(typed.action));
      case 'named':
        return named(typed);
      case 'restore':
        return restore(typed.entry);
      case 'unclear':
        return say(typed.sentence);
      case 'help':
        return say(HELP);
      case 'unknown':
        return say(`I don't know “/preferences ${typed.verb}”. Try /help.`);
    }
  }

  return {
    async run(words) {
      try {
        await dispatch(readTyped(words));
      } catch (error) {
        say(
          error instanceof PersonError
            ? error.message
            : "I can't reach your memory right now. Please try again in a moment.",
        );
      }
    },
  };
}

const FORGETTING: readonly CommandAction['type'][] = ['forget', 'forget-past', 'forget-since', 'forget-me'];
