import type { ApplicationCommandOptionChoiceData, AutocompleteInteraction, Interaction } from 'discord.js';
import { type CommandAction, type Person, personKey } from '../../../core/message.ts';
import { findNamed, type Named } from '../../../core/preferences/typed-preferences.ts';
import { clip } from '../../../core/reply/text-split.ts';
import {
  type HistoryEntry,
  lineOfChange,
  type MemorySection,
  type PreferencesView,
} from '../../../core/views.ts';
import { personBehind } from '../inbound/people.ts';
import { DATE_OPTION, FACT_OPTION, NOTE_OPTION, VERSION_OPTION } from './preferences-command.ts';

/** Notes, facts and versions by what a person chooses or types. A sentence for them where there is no such thing. */
export interface Choices {
  /** Suggests while they type, within the three seconds Discord gives; nothing where that takes too long. */
  suggest(interaction: AutocompleteInteraction): Promise<void>;
  named(interaction: Interaction, verb: Verb, typed: string): Promise<CommandAction | string>;
  version(typed: string): { versionId: string; revision?: string } | string;
  /** What was looked up for this person is out of date. */
  changed(person: Person): void;
}

/** People type faster than a memory is read. */
const FRESH_MS = 15_000;
const MOST_PEOPLE = 500;
const WAIT_MS = 2_000;
const MOST_CHOICES = 25;
const NAME_CHARACTERS = 100;
const HISTORY_PAGES = 3;
const DAY_MS = 24 * 3600_000;

/** What is to be done with what is named. */
export type Verb = Named['verb'];

type Choice = ApplicationCommandOptionChoiceData<string>;

interface Looked {
  at: number;
  sections?: Promise<MemorySection[]>;
  versions?: Promise<HistoryEntry[]>;
}

export function createChoices(deps: {
  ask(interaction: Interaction, action: CommandAction): Promise<PreferencesView>;
  now: () => number;
}): Choices {
  const { ask } = deps;
  const looked = new Map<string, Looked>();

  function lookedUp(interaction: Interaction): Looked {
    const key = personKey(personBehind(interaction));
    const kept = looked.get(key);
    if (kept !== undefined && deps.now() - kept.at < FRESH_MS) return kept;
    const fresh: Looked = { at: deps.now() };
    looked.delete(key);
    looked.set(key, fresh);
    for (const old of looked.keys()) {
      if (looked.size <= MOST_PEOPLE) break;
      looked.delete(old);
    }
    return fresh;
  }

  function sectionsOf(interaction: Interaction): Promise<MemorySection[]> {
    const kept = lookedUp(interaction);
    kept.sections ??= readSections(interaction).catch(error => {
      delete kept.sections;
      throw error;
    });
    return kept.sections;
  }

  async function readSections(interaction: Interaction): Promise<MemorySection[]> {
    const view = await ask(interaction, { type: 'view' });
    return view.type === 'memory' ? view.sections : [];
  }

  function versionsOf(interaction: Interaction): Promise<HistoryEntry[]> {
    const kept = lookedUp(interaction);
    kept.versions ??= readVersions(interaction).catch(error => {
      delete kept.versions;
      throw error;
    });
    return kept.versions;
  }

  async function readVersions(interaction: Interaction): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (let page = 0; page < HISTORY_PAGES; page += 1) {
      const view = await ask(interaction, { type: 'history', page });
      if (view.type !== 'history') break;
      entries.push(...view.entries.filter(({ restorable, current }) => restorable && !current));
      if (!view.more) break;
    }
    return entries;
  }

  async function choicesFor(interaction: AutocompleteInteraction, option: string): Promise<Choice[]> {
    switch (option) {
      case NOTE_OPTION:
        return (await sectionsOf(interaction)).map(({ title, memoryId, shared }) =>
          choice(shared ? `${title} (also where others can read)` : title, memoryId),
        );
      case FACT_OPTION:
        return (await sectionsOf(interaction)).flatMap(({ title, memoryId, facts }) =>
          facts.map(({ text, id }) => choice(`${text} (${title})`, valueOfFact({ memoryId, factId: id }))),
        );
      case VERSION_OPTION:
        return (await versionsOf(interaction)).map(entry => choice(wordsOf(entry), versionAs(entry)));
      case DATE_OPTION:
        return SINCE.map(([words, days]) => {
          const day = new Date(deps.now() - days * DAY_MS).toISOString().slice(0, 10);
          return choice(`${words} (${day})`, day);
        });
      default:
        return [];
    }
  }

  return {
    async suggest(interaction) {
      const { name, value } = interaction.options.getFocused(true);
      const wanted = value.trim().toLowerCase();
      const found = await Promise.race([choicesFor(interaction, name), nothing(WAIT_MS)]).catch(() => []);
      const fitting = found.filter(it => it.name.toLowerCase().includes(wanted));
      await interaction.respond(
        fitting.slice(0, MOST_CHOICES).map(it => ({ name: clip(it.name, NAME_CHARACTERS), value: it.value })),
      );
    },

    async named(interaction, verb, typed) {
      const found = meant(await sectionsOf(interaction), verb, typed);
      if (typeof found !== 'string' && !isUnknown(found)) return found;
      // It may have been noted since they began to type.
      looked.delete(personKey(personBehind(interaction)));
      return meant(await sectionsOf(interaction), verb, typed);
    },

    version(typed) {
      const [versionId, revision, more] = typed.trim().split(' ');
      if (versionId === undefined || more !== undefined || !/^\w*_\w+$/.test(versionId)) {
        return 'Please choose a version from the list, or look at /preferences history.';
      }
      return { versionId, ...(revision === undefined ? {} : { revision }) };
    },

    changed: person => void looked.delete(personKey(person)),
  };
}

function meant(sections: readonly MemorySection[], verb: Verb, typed: string): CommandAction | string {
  const fact = sections
    .flatMap(({ memoryId, facts }) => facts.map(({ id }) => ({ memoryId, factId: id })))
    .find(it => valueOfFact(it) === typed);
  if (fact !== undefined) return { type: 'forget', ...fact, confirmed: false };
  const note = sections.find(({ memoryId }) => memoryId === typed);
  const found =
    note === undefined
      ? findNamed({ type: 'named', verb, words: typed.trim() }, sections)
      : findNamed({ type: 'named', verb, words: note.title }, [note]);
  return found.type === 'do' ? found.action : [found.sentence, found.choices.join('; ')].join(' ').trim();
}

/** What is named is not there: a new note, or what was there once. */
function isUnknown(action: CommandAction): boolean {
  return action.type === 'forget-past' || (action.type === 'editor' && action.memoryId === undefined);
}

const SINCE: readonly (readonly [words: string, days: number])[] = [
  ['Since today', 0],
  ['Since yesterday', 1],
  ['Since a week ago', 7],
  ['Since a month ago', 30],
];

/** What is longer than a choice may be can still be typed. */
function choice(name: string, value: string): Choice {
  return { name: name === '' ? '(empty)' : name, value };
}

function wordsOf({ title, at, lines }: HistoryEntry): string {
  const when = `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
  return [`${title}, ${when}`, ...lines.map(lineOfChange)].join(' · ');
}

function valueOfFact({ memoryId, factId }: { memoryId: string; factId: string }): string {
  return `${memoryId} ${factId}`;
}

function versionAs({ versionId, revision }: HistoryEntry): string {
  return revision === null ? versionId : `${versionId} ${revision}`;
}

function nothing(ms: number): Promise<Choice[]> {
  return new Promise(resolve => {
    setTimeout(resolve, ms, []).unref();
  });
}
