import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import type { Accounts } from '../linking/accounts.ts';
import { createLinkCodes } from '../linking/codes.ts';
import { createLinking } from '../linking/linking.ts';
import { createMemoryCopy } from '../linking/memory-copy.ts';
import type { ChangeSets } from '../memory/change-sets.ts';
import type { Memory } from '../memory/memory.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { factLines } from '../memory/memory-lines.ts';
import { readableLines } from '../memory/memory-text.ts';
import {
  type Action,
  type Command,
  type CommandAction,
  type Conversation,
  type NoticeMode,
  type Person,
  personKey,
} from '../message.ts';
import type { ForgetMe, Forgotten } from '../people/forget-me.ts';
import { extentOf, type Privacy } from '../people/privacy.ts';
import type { Holds } from '../queue/holds.ts';
import type { Sessions } from '../session/sessions.ts';
import type { ConversationOfSession } from '../session/whereabouts.ts';
import type { State } from '../state/state.ts';
import type { ReplySources } from '../turn/reply-sources.ts';
import { type Fact, type MemorySection, outcome, type PreferencesView, titleOfPath } from '../views.ts';
import type { Authors } from './authors.ts';
import { createChoices } from './choices.ts';
import { createConflicts } from './conflicts.ts';
import { asJson, asMarkdown } from './export.ts';
import type { FieldRule } from './field-rules.ts';
import { createForgetting, type Forgetting } from './forgetting.ts';
import { createFormEditing } from './form-editing.ts';
import { createHistory, revisionOf } from './history.ts';
import { createMerging, type Merging } from './merging.ts';
import { openQuestion } from './open-questions.ts';
import { createOrigins } from './origins.ts';
import { createOwnChanges } from './own-changes.ts';
import { createRestoring } from './restoring.ts';
import { createSharing } from './sharing.ts';
import { createTextEditing } from './text-editing.ts';
import { createWhy } from './why.ts';
import { createWrites } from './writes.ts';

export interface Preferences {
  /** Does what the person asks with their own memory; nobody else's can be named. */
  run(command: Command): Promise<PreferencesView>;
  /** What a turn wrote meets what was done by hand meanwhile: see Forgetting.afterTurn and Merging. */
  readonly afterTurn: Forgetting['afterTurn'];
  readonly mend: Merging['mend'];
  /** Finishes forgetting and linking that an earlier process had begun. Failures are logged; it never rejects. */
  resume(): Promise<void>;
}

export interface PreferencesDeps {
  client: Anthropic;
  state: State;
  memory: Memory;
  accounts: Accounts;
  sessions: Sessions;
  privacy: Privacy;
  whereabouts: ConversationOfSession;
  authors: Authors;
  changeSets: ChangeSets;
  sources: ReplySources;
  forgetMe: ForgetMe;
  holds: Holds;
  /** Stops what is being answered to an account, and resolves when nothing is. */
  halt(person: string): Promise<void>;
  /** What the form of usual facts asks for. */
  fields: readonly FieldRule[];
  /** What applies to a person who has chosen nothing. */
  notices: NoticeMode | undefined;
  log: Log;
  now: () => number;
}

/** Files looked through at once for where their facts come from. */
const AT_ONCE = 6;

export function createPreferences(deps: PreferencesDeps): Preferences {
  const { client, state, memory, accounts, sessions, privacy, whereabouts, authors } = deps;
  const onWritten = (person: Person) => sessions.memoryEdited(person);
  const origins = createOrigins({ client, state, authors, whereabouts });
  const { changeSets } = deps;
  const ownChanges = createOwnChanges(changeSets);
  const writes = createWrites({ client, authors, ownChanges, onWritten });
  const history = createHistory({ client, authors });
  const conflicts = createConflicts({ client, state, memory });
  const forms = createFormEditing({ ...deps, writes, conflicts });
  const texts = createTextEditing({ client, memory, writes, conflicts });
  const restoring = createRestoring({ client, memory, authors, changeSets, writes, texts, onWritten });
  const forgetting = createForgetting({
    client,
    state,
    memory,
    writes,
    authors,
    origins,
    accounts,
    renewSessions: person => sessions.renew(person),
    log: deps.log,
  });

  const sharing = createSharing({
    memory,
    writes,
    origins,
    conflicts,
    renewSessions: person => sessions.renew(person),
  });
  const linking = createLinking({
    ...deps,
    codes: createLinkCodes({ state, now: deps.now }),
    copy: createMemoryCopy({ memory, writes, origins }),
    conflicts,
    finishForgetting: owner => forgetting.finish(owner),
  });
  const merging = createMerging({ client, memory, writes });
  const choices = createChoices({ state, privacy, endPrivate: it => sessions.endPrivate(it) });
  const why = createWhy({ ...deps, filesOf: async owner => (await filesOf(owner))[0] });

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
      privateHere: conversation === undefined ? null : await privacy.isPrivate(conversation),
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

  /** All there is, and which of the stores may be used where others read. */
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

  async function changes(
    person: Person,
    { page = 0, memoryId }: Action<'history'>,
  ): Promise<PreferencesView> {
    const query = { page: Math.max(0, page), ...(memoryId === undefined ? {} : { memoryId }) };
    const found = await history.page(person, await storeIdsOf(person), query);
    return { type: 'history', ...found, page: query.page, memoryId: memoryId ?? null };
  }

  async function keepNext(owner: Person): Promise<PreferencesView> {
    const question = await openQuestion(client, changeSets, owner);
    return question === null ? outcome(false, NOTHING_WAITS) : restoring.keep(owner, question.id);
  }

  async function storeIdsOf(person: Person): Promise<string[]> {
    return (await memory.knownStores(person)).map(store => store.id);
  }

  async function forgetMe(person: Person, confirmed: boolean): Promise<PreferencesView> {
    if (!confirmed) {
      const [files] = await filesOf(person);
      const { length } = await accounts.accountsOf(person);
      return {
        type: 'confirm',
        question:
          length > 1 ? `${FORGET_ME} That goes for all ${length} of your linked accounts.` : FORGET_ME,
        items: files.filter(saysSomething).map(file => ({
          title: titleOfPath(file.path),
          path: file.path,
          lines: factLines(file.content).map(fact => fact.text),
          wholeFile: true,
        })),
        action: { type: 'forget-me', confirmed: true },
        button: 'Forget me',
      };
    }
    let counts: Forgotten;
    try {
      counts = await deps.forgetMe.run(person);
    } catch (error) {
      deps.log.error({ event: 'forget_me.unfinished', err: error }, 'a person could not be forgotten yet');
      return { type: 'receipt', ok: false, sentence: UNFINISHED, counts: [] };
    }
    return {
      type: 'receipt',
      ok: true,
      sentence: 'I have forgotten you. If you write to me again, we start from scratch.',
      counts: (['memories', 'versions', 'sessions', 'files', 'rows'] as const).map(what => ({
        what,
        count: counts[what],
      })),
    };
  }

  async function exported(person: Person, format: 'json' | 'markdown'): Promise<PreferencesView> {
    const [files, shared] = await filesOf(person);
    const all = {
      person,
      at: new Date(deps.now()).toISOString(),
      files: files.map(file => ({ ...file, shared: file.storeId === shared })),
      history: await history.all(person, await storeIdsOf(person)),
    };
    return {
      type: 'export',
      sentence: 'Here is everything I remember about you, and how it came about.',
      file: format === 'json' ? asJson(all) : asMarkdown(all),
    };
  }

  return {
    async run({ person, conversation, action }) {
      // Linking that is half done would bring back what is changed meanwhile. Forgetting reaches all there is, and goes on.
      if (CHANGING.includes(action.type) && !(await linking.settle(person, action.type)))
        return outcome(false, UNSETTLED);
      // What linked accounts remember, they remember as one person.
      const owner = await accounts.ownerOf(person);
      switch (action.type) {
        case 'view':
          return view(owner, person, conversation);
        case 'show':
          return show(owner, action.memoryId);
        case 'form':
          return forms.form(owner);
        case 'set':
          return forms.set(owner, action);
        case 'set-typed':
          return forms.setTyped(owner, action);
        case 'editor':
          return texts.editor(owner, action);
        case 'edit':
          return texts.edit(owner, action);
        case 'create':
          return texts.create(owner, action);
        case 'resolve':
          return texts.resolve(owner, action);
        case 'forget':
          return forgetting.forget(owner, action);
        case 'forget-past':
          return forgetting.forgetPast(owner, action);
        case 'forget-since':
          return forgetting.forgetSince(owner, action);
        case 'forget-me':
          return forgetMe(owner, action.confirmed === true);
        case 'history':
          return changes(owner, action);
        case 'restore':
          return restoring.restore(owner, action);
        case 'undo':
          return action.noticeId === undefined
            ? restoring.undoLatest(owner)
            : restoring.undo(owner, action.noticeId);
        case 'keep':
          return action.noticeId === undefined ? keepNext(owner) : restoring.keep(owner, action.noticeId);
        case 'pause':
          return choices.setPaused(owner, true);
        case 'resume':
          return choices.setPaused(owner, false);
        case 'private':
          return choices.setPrivate(conversation, action.on);
        case 'notices':
          return choices.setMode(owner, action.mode);
        case 'share':
          return sharing.share(owner, action);
        case 'link':
          return linking.link(person, action);
        case 'unlink':
          return linking.unlink(person, action);
        case 'export':
          return exported(owner, action.format);
        case 'why':
          return why(owner, person, conversation, action.messageId);
      }
    },

    afterTurn: forgetting.afterTurn,
    mend: merging.mend,

    async resume() {
      // What is to be forgotten goes before linking could copy it; and one that fails keeps nothing else waiting.
      const { log } = deps;
      await deps.forgetMe
        .resume()
        .catch((err: unknown) => log.error({ event: 'forget_me.unfinished', err }, UNRESUMED));
      await forgetting
        .resume()
        .catch((err: unknown) => log.error({ event: 'forgetting.unfinished', err }, UNRESUMED));
      await linking
        .resume()
        .catch((err: unknown) => log.error({ event: 'accounts.unfinished', err }, UNRESUMED));
    },
  };
}

const UNRESUMED = 'could not finish what was begun; trying again later';

/** What changes what the memory says, other than by forgetting, or whose it is. */
const CHANGING: readonly CommandAction['type'][] = [
  'set',
  'set-typed',
  'edit',
  'create',
  'resolve',
  'restore',
  'undo',
  'keep',
  'share',
  'link',
  'unlink',
];

const UNSETTLED =
  'I am still linking or unlinking your accounts and cannot finish that right now. Please try again in a few minutes.';

const NOTHING_WAITS = 'No change is waiting for you.';

const FORGET_ME =
  'Forget you completely? I delete all your notes with their history, my copy of our conversations, the files in ' +
  'them and every record about you. This cannot be undone.';

const UNFINISHED =
  'I could not finish forgetting you because I cannot reach something I need. I will carry on by myself within the hour, or ' +
  'at once if you ask again. Anything you write to me before then is forgotten too.';

function privateWith(conversation: Conversation): { privateWith?: 'place' | 'thread' } {
  const extent = extentOf(conversation);
  return extent === 'conversation' ? {} : { privateWith: extent };
}

/** The agent leaves a note behind that it has taken every line out of: to the person that is none. */
function saysSomething({ content }: MemoryFile): boolean {
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
