import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import type { Accounts } from '../linking/accounts.ts';
import { createLinkCodes } from '../linking/codes.ts';
import { createLinking } from '../linking/linking.ts';
import { createMemoryCopy } from '../linking/memory-copy.ts';
import type { ChangeSets } from '../memory/change-sets.ts';
import type { Memory } from '../memory/memory.ts';
import type { Action, Command, CommandAction, NoticeMode, Person } from '../message.ts';
import type { ForgetMe } from '../people/forget-me.ts';
import type { Privacy } from '../people/privacy.ts';
import type { Holds } from '../queue/holds.ts';
import type { Sessions } from '../session/sessions.ts';
import type { ConversationOfSession } from '../session/whereabouts.ts';
import type { State } from '../state/state.ts';
import type { ReplySources } from '../turn/reply-sources.ts';
import { outcome, type PreferencesView } from '../views.ts';
import type { Authors } from './authors.ts';
import { createChoices } from './choices.ts';
import { createConflicts } from './conflicts.ts';
import { asJson, asMarkdown } from './export.ts';
import type { FieldRule } from './field-rules.ts';
import { createForgetting, type Forgetting } from './forgetting.ts';
import { createForgettingMe } from './forgetting-me.ts';
import { createFormEditing } from './form-editing.ts';
import { createHistory } from './history.ts';
import { createMemoryView } from './memory-view.ts';
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
  /** Before a memory is copied: see LateNotices.tryFor. */
  lookAtTurns(owner: Person): Promise<void>;
  /** What the form of usual facts asks for. */
  fields: readonly FieldRule[];
  /** What applies to a person who has chosen nothing. */
  notices: NoticeMode | undefined;
  log: Log;
  now: () => number;
}

export function createPreferences(deps: PreferencesDeps): Preferences {
  const { client, state, memory, accounts, sessions, whereabouts, authors, changeSets } = deps;
  const onWritten = (person: Person) => sessions.memoryEdited(person);
  const renewSessions = (person: Person) => sessions.renew(person);
  const origins = createOrigins({ client, state, authors, whereabouts });
  const writes = createWrites({ client, authors, ownChanges: createOwnChanges(changeSets), onWritten });
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
    renewSessions,
    log: deps.log,
  });

  const sharing = createSharing({ memory, writes, origins, conflicts, renewSessions });
  const linking = createLinking({
    ...deps,
    codes: createLinkCodes({ state, now: deps.now }),
    copy: createMemoryCopy({ memory, writes, origins }),
    conflicts,
    finishForgetting: owner => forgetting.finish(owner),
  });
  const merging = createMerging({ client, memory, writes });
  const choices = createChoices({ ...deps, endOffRecord: it => sessions.endOffRecord(it) });
  const shown = createMemoryView({ ...deps, origins, choices });
  const filesOf = async (owner: Person) => (await shown.filesOf(owner))[0];
  const forgetMe = createForgettingMe({ ...deps, filesOf });
  const why = createWhy({ ...deps, filesOf });

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

  async function exported(person: Person, format: 'json' | 'markdown'): Promise<PreferencesView> {
    const [files, shared] = await shown.filesOf(person);
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
          return shown.view(owner, person, conversation);
        case 'show':
          return shown.show(owner, action.memoryId);
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
          return choices.setOffRecord(conversation, action.on);
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
