import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../log.ts';
import { failureOf } from './errors.ts';
import type { ForgetMe, Forgotten } from './forget-me.ts';
import type { Memory, MemoryFile } from './memory.ts';
import { factLines } from './memory-lines.ts';
import { readableLines } from './memory-text.ts';
import {
  type Command,
  type CommandAction,
  type Conversation,
  type NoticeMode,
  type Person,
  personKey,
} from './message.ts';
import type { Authors } from './preferences/authors.ts';
import { createConflicts } from './preferences/conflicts.ts';
import { asJson, asMarkdown } from './preferences/export.ts';
import { createForgetting, type Forgetting } from './preferences/forgetting.ts';
import { createFormEditing } from './preferences/form-editing.ts';
import { createHistory, revisionOf } from './preferences/history.ts';
import { createMerging, type Merging } from './preferences/merging.ts';
import { createOrigins } from './preferences/origins.ts';
import { createRestoring } from './preferences/restoring.ts';
import { createTextEditing } from './preferences/text-editing.ts';
import { createWrites } from './preferences/writes.ts';
import type { Privacy } from './privacy.ts';
import type { ReplySources } from './reply-sources.ts';
import type { Sessions } from './sessions.ts';
import type { State } from './state.ts';
import {
  type Fact,
  type MemorySection,
  type PreferencesView,
  titleOfPath,
  type UsedMemory,
} from './views.ts';
import type { ConversationOfSession } from './whereabouts.ts';

export interface Preferences {
  /** Does what the person asks with their own memory; nobody else's can be named. */
  run(command: Command): Promise<PreferencesView>;
  /** What a turn wrote meets what was done by hand meanwhile: see Forgetting.afterTurn and Merging. */
  readonly afterTurn: Forgetting['afterTurn'];
  readonly mend: Merging['mend'];
  /** Finishes forgetting that an earlier process had begun. */
  resume(): Promise<void>;
}

export interface PreferencesDeps {
  client: Anthropic;
  state: State;
  memory: Memory;
  sessions: Sessions;
  privacy: Privacy;
  whereabouts: ConversationOfSession;
  authors: Authors;
  sources: ReplySources;
  forgetMe: ForgetMe;
  /** What applies to a person who has chosen nothing. */
  notices: NoticeMode | undefined;
  log: Log;
  now: () => number;
}

type Action<T extends CommandAction['type']> = Extract<CommandAction, { type: T }>;

/** Files looked through at once for where their facts come from. */
const AT_ONCE = 6;

export function createPreferences(deps: PreferencesDeps): Preferences {
  const { client, state, memory, sessions, privacy, whereabouts, authors } = deps;
  const modes = state.table<NoticeMode>('notice-mode');
  const onWritten = (person: Person) => sessions.memoryEdited(person);
  const origins = createOrigins({ client, state, authors, whereabouts });
  const writes = createWrites({ client, authors, onWritten });
  const history = createHistory({ client, authors });
  const conflicts = createConflicts({ client, state, memory });
  const forms = createFormEditing({ state, memory, writes, conflicts, now: deps.now });
  const texts = createTextEditing({ client, memory, writes, conflicts });
  const restoring = createRestoring({ client, state, memory, authors, writes, texts, onWritten });
  const forgetting = createForgetting({
    client,
    state,
    memory,
    writes,
    authors,
    origins,
    renewSessions: person => sessions.renew(person),
  });

  const merging = createMerging({ client, memory, writes });

  async function view(person: Person, conversation: Conversation | undefined): Promise<PreferencesView> {
    const storeId = await memory.knownStore(person);
    const mode = await modes.get(personKey(person));
    return {
      type: 'memory',
      sections: storeId === null ? [] : await sectionsOf(person, storeId),
      notices: mode ?? deps.notices ?? 'thread',
      noticesAreDefault: mode === undefined,
      paused: await privacy.isPaused(person),
      privateHere: conversation === undefined ? null : await privacy.isPrivate(conversation),
      linked: [],
    };
  }

  async function sectionsOf(person: Person, storeId: string): Promise<MemorySection[]> {
    const files = await filesOf(storeId);
    const sections: MemorySection[] = [];
    for (let start = 0; start < files.length; start += AT_ONCE) {
      const some = files.slice(start, start + AT_ONCE);
      sections.push(...(await Promise.all(some.map(file => sectionOf(person, storeId, file)))));
    }
    return sections;
  }

  async function sectionOf(person: Person, storeId: string, file: MemoryFile): Promise<MemorySection> {
    return section(file, await origins.factsOf(person, storeId, file));
  }

  /** A store deleted from outside holds nothing; that is not an error to the person who looks. */
  async function filesOf(storeId: string): Promise<MemoryFile[]> {
    try {
      return (await memory.list(storeId, Number.POSITIVE_INFINITY)).files;
    } catch (error) {
      if (failureOf(error).type === 'gone') return [];
      throw error;
    }
  }

  async function show(person: Person, memoryId: string): Promise<PreferencesView> {
    const storeId = await memory.knownStore(person);
    const file = storeId === null ? null : await memory.read(storeId, memoryId);
    if (storeId === null || file === null) return outcome(false, 'That is no longer in your memory.');
    return { type: 'file', section: await sectionOf(person, storeId, file) };
  }

  async function changes(
    person: Person,
    { page = 0, memoryId }: Action<'history'>,
  ): Promise<PreferencesView> {
    const storeId = await memory.knownStore(person);
    const query = { page: Math.max(0, page), ...(memoryId === undefined ? {} : { memoryId }) };
    const found =
      storeId === null ? { entries: [], more: false } : await history.page(person, storeId, query);
    return { type: 'history', ...found, page: query.page, memoryId: memoryId ?? null };
  }

  async function forgetMe(person: Person, confirmed: boolean): Promise<PreferencesView> {
    if (!confirmed) {
      const storeId = await memory.knownStore(person);
      const files = storeId === null ? [] : await filesOf(storeId);
      return {
        type: 'confirm',
        question: FORGET_ME,
        items: files.map(file => ({
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
      sentence: 'You are forgotten. If you write to me again, we start from nothing.',
      counts: (['memories', 'versions', 'sessions', 'files', 'rows'] as const).map(what => ({
        what,
        count: counts[what],
      })),
    };
  }

  async function setPaused(person: Person, paused: boolean): Promise<PreferencesView> {
    const changed = await privacy.setPaused(person, paused);
    if (paused) {
      return outcome(
        true,
        changed
          ? 'Paused. From your next message on I use what I know and write nothing new.'
          : 'It is paused already: I write nothing new.',
      );
    }
    return outcome(
      true,
      changed ? 'From your next message on I remember new things again.' : 'It is not paused.',
    );
  }

  async function setPrivate(conversation: Conversation | undefined, on: boolean): Promise<PreferencesView> {
    if (conversation === undefined) {
      return outcome(false, 'Say that in the conversation that is to be private.');
    }
    const changed = await privacy.setPrivate(conversation, on);
    if (on) {
      return outcome(
        true,
        changed
          ? 'This conversation is private from your next message on: I know nothing about you here and keep nothing of it.'
          : 'This conversation is private already.',
      );
    }
    await sessions.endPrivate(conversation);
    return outcome(
      true,
      changed
        ? 'Private no more. What was said is deleted; from your next message on I know you again.'
        : 'This conversation is not private.',
    );
  }

  async function setMode(person: Person, mode: NoticeMode | 'default'): Promise<PreferencesView> {
    const key = personKey(person);
    if (mode === 'default') await modes.delete(key);
    else await modes.set(key, mode);
    return outcome(true, SENTENCE_OF_MODE[mode]);
  }

  async function exported(person: Person, format: 'json' | 'markdown'): Promise<PreferencesView> {
    const storeId = await memory.knownStore(person);
    const all = {
      person,
      at: new Date(deps.now()).toISOString(),
      files: storeId === null ? [] : await filesOf(storeId),
      history: storeId === null ? [] : await history.all(person, storeId),
    };
    return {
      type: 'export',
      sentence: 'Here is everything I remember about you, and how it came about.',
      file: format === 'json' ? asJson(all) : asMarkdown(all),
    };
  }

  async function why(
    person: Person,
    conversation: Conversation | undefined,
    { messageId }: Action<'why'>,
  ): Promise<PreferencesView> {
    if (conversation === undefined || personKey(conversation.person) !== personKey(person)) {
      return outcome(false, 'Ask that in the conversation with the reply.');
    }
    const trace = await deps.sources.find(conversation, messageId ?? null);
    if (trace === null) {
      return outcome(
        false,
        (await privacy.isPrivate(conversation))
          ? 'This conversation is private: no memory is used here.'
          : 'I do not know any more what was before me for that reply.',
      );
    }
    const { files, searched } = await deps.sources.filesOf(trace);
    const storeId = await memory.knownStore(person);
    const now = storeId === null ? [] : await filesOf(storeId);
    const memories: UsedMemory[] = files.map(({ path, shared, how }) => ({
      memoryId: shared ? null : (now.find(file => file.path === path)?.id ?? null),
      path,
      title: titleOfPath(path),
      how: [...how],
      shared,
    }));
    const sentence =
      memories.length > 0
        ? 'This is what I had before me for that reply:'
        : searched
          ? 'For that reply I searched your memory, and opened nothing in particular.'
          : 'For that reply I used nothing from your memory.';
    return { type: 'why', sentence, memories, searched };
  }

  return {
    async run({ person, conversation, action }) {
      switch (action.type) {
        case 'view':
          return view(person, conversation);
        case 'show':
          return show(person, action.memoryId);
        case 'form':
          return forms.form(person);
        case 'set':
          return forms.set(person, action);
        case 'editor':
          return texts.editor(person, action);
        case 'edit':
          return texts.edit(person, action);
        case 'create':
          return texts.create(person, action);
        case 'resolve':
          return texts.resolve(person, action);
        case 'forget':
          return forgetting.forget(person, action);
        case 'forget-since':
          return forgetting.forgetSince(person, action);
        case 'forget-me':
          return forgetMe(person, action.confirmed === true);
        case 'history':
          return changes(person, action);
        case 'restore':
          return restoring.restore(person, action);
        case 'undo':
          return restoring.undo(person, action.noticeId);
        case 'keep':
          return restoring.keep(person, action.noticeId);
        case 'pause':
          return setPaused(person, true);
        case 'resume':
          return setPaused(person, false);
        case 'private':
          return setPrivate(conversation, action.on);
        case 'notices':
          return setMode(person, action.mode);
        case 'share':
        case 'link':
        case 'unlink':
          return outcome(false, 'That is not possible yet.');
        case 'export':
          return exported(person, action.format);
        case 'why':
          return why(person, conversation, action);
      }
    },

    afterTurn: forgetting.afterTurn,
    mend: merging.mend,

    async resume() {
      await deps.forgetMe.resume();
      await forgetting.resume();
    },
  };
}

const FORGET_ME =
  'Forget you altogether? All your notes go with their history, and so do our conversations as I keep them, the files in ' +
  'them and every record about you. This cannot be undone.';

const UNFINISHED =
  'I could not finish forgetting you: something I need cannot be reached. I go on by myself within the hour, or at once ' +
  'when you ask again. What you write to me before that goes as well.';

const SENTENCE_OF_MODE: Record<NoticeMode | 'default', string> = {
  thread: 'From now on I show below my reply what I changed in your memory.',
  private: 'From now on I show what I changed in your memory to you alone.',
  off: 'From now on I change your memory without a notice. /preferences still shows everything.',
  default: 'Memory notices are back to how they were set up here.',
};

function outcome(ok: boolean, sentence: string): PreferencesView {
  return { type: 'outcome', ok, sentence };
}

function section(file: MemoryFile, facts: Fact[]): MemorySection {
  return {
    memoryId: file.id,
    path: file.path,
    title: titleOfPath(file.path),
    facts,
    lines: readableLines(file.content),
    content: file.content,
    revision: revisionOf(file.sha256),
    updatedAt: file.updatedAt,
    shared: false,
  };
}
