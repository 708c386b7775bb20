import type Anthropic from '@anthropic-ai/sdk';
import type { Accounts } from '../linking/accounts.ts';
import type { ChangeSets } from '../memory/change-sets.ts';
import type { Memory } from '../memory/memory.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { factLines } from '../memory/memory-lines.ts';
import { readableLines } from '../memory/memory-text.ts';
import { type Conversation, type NoticeMode, type Person, personKey } from '../message.ts';
import { extentOf, type Privacy } from '../people/privacy.ts';
import { type Fact, type MemorySection, outcome, type PreferencesView, titleOfPath } from '../views.ts';
import type { Choices } from './choices.ts';
import { revisionOf } from './history.ts';
import { openQuestion } from './open-questions.ts';
import type { Origins } from './origins.ts';

/** What is remembered of a person, and what they have chosen, as they see it. */
export interface MemoryView {
  /** `person`: the account that asks, of those that have the owner's memory. */
  view(owner: Person, person: Person, conversation: Conversation | undefined): Promise<PreferencesView>;
  /** One note. */
  show(owner: Person, memoryId: string): Promise<PreferencesView>;
  /** All there is, and which of the stores may be used where others read. */
  filesOf(owner: Person): Promise<[files: MemoryFile[], shared: string | undefined]>;
}

/** Files looked through at once for where their facts come from. */
const AT_ONCE = 6;

export function createMemoryView(deps: {
  client: Anthropic;
  memory: Memory;
  accounts: Accounts;
  privacy: Privacy;
  changeSets: ChangeSets;
  origins: Origins;
  choices: Choices;
  fields: readonly unknown[];
  /** What applies to a person who has chosen nothing. */
  notices: NoticeMode | undefined;
}): MemoryView {
  const { client, memory, accounts, privacy, changeSets, origins, choices } = deps;

  async function view(
    owner: Person,
    person: Person,
    conversation: Conversation | undefined,
  ): Promise<PreferencesView> {
    const [all, shared] = await filesOf(owner);
    const files = all.filter(saysSomething);
    const mode = await choices.modeOf(owner);
    const others = (await accounts.accountsOf(owner)).filter(it => personKey(it) !== personKey(person));
    return {
      type: 'memory',
      sections: await sectionsOf(owner, files, shared),
      notices: mode ?? deps.notices ?? 'thread',
      noticesAreDefault: mode === undefined,
      paused: await privacy.isPaused(owner),
      privateHere: conversation === undefined ? null : await privacy.isOffRecord(conversation),
      ...(conversation === undefined ? {} : privateWith(conversation)),
      hasForm: deps.fields.length > 0,
      linked: others.map(({ platform, name }) => ({ platform, name })),
      held: await openQuestion(client, changeSets, owner),
    };
  }

  async function sectionsOf(
    person: Person,
    files: readonly MemoryFile[],
    shared: string | undefined,
  ): Promise<MemorySection[]> {
    const sections: MemorySection[] = [];
    for (let start = 0; start < files.length; start += AT_ONCE) {
      const some = files.slice(start, start + AT_ONCE);
      sections.push(...(await Promise.all(some.map(file => sectionOf(person, file, shared)))));
    }
    return sections;
  }

  async function sectionOf(
    person: Person,
    file: MemoryFile,
    shared: string | undefined,
  ): Promise<MemorySection> {
    return section(file, await origins.factsOf(person, file), file.storeId === shared);
  }

  async function filesOf(person: Person): Promise<[files: MemoryFile[], shared: string | undefined]> {
    const stores = await memory.knownStores(person);
    const files = await memory.files(stores.map(store => store.id));
    return [files, stores.find(store => store.audience === 'shared')?.id];
  }

  async function show(person: Person, memoryId: string): Promise<PreferencesView> {
    const file = await memory.find(person, memoryId);
    if (file === null) return outcome(false, 'That is no longer in your memory.');
    const shared = (await memory.knownStores(person)).find(store => store.audience === 'shared');
    return { type: 'file', section: await sectionOf(person, file, shared?.id) };
  }

  return { view, show, filesOf };
}

function privateWith(conversation: Conversation): { privateWith?: 'place' | 'thread' } {
  const extent = extentOf(conversation);
  return extent === 'conversation' ? {} : { privateWith: extent };
}

/** The agent leaves a note behind that it has taken every line out of: to the person that is none. */
export function saysSomething({ content }: MemoryFile): boolean {
  return factLines(content).length > 0;
}

function section(file: MemoryFile, facts: Fact[], shared: boolean): MemorySection {
  return {
    memoryId: file.id,
    path: file.path,
    title: titleOfPath(file.path),
    facts,
    lines: readableLines(file.content),
    content: file.content,
    revision: revisionOf(file.sha256),
    updatedAt: file.updatedAt,
    shared,
  };
}
