import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import type { ChatAdapter } from '../adapter.ts';
import { failureOf, unlessGone } from '../errors.ts';
import type { Accounts } from '../linking/accounts.ts';
import { conversationKey, type Message, type Person, personKey } from '../message.ts';
import { backoff, pause } from '../patience.ts';
import { createPersonClaims } from '../people/person-claims.ts';
import type { Inbox } from '../queue/inbox.ts';
import { readLog } from '../session/session-stream.ts';
import type { State, Table } from '../state/state.ts';
import { tellNotices } from '../turn/turn-notice.ts';
import { turnRecords } from '../turn/turn-record.ts';
import { TurnState } from '../turn/turn-state.ts';
import { type ForeignText, foreignText, type SourceOf, withMore } from './foreign-text.ts';
import type { Notices } from './notices.ts';

/** A turn that ended without anybody having looked at what it changed in memory. */
export interface DueNotice {
  /** Where it is told. */
  message: Message;
  owner: Person;
  storeIds: string[];
  sessionId: string;
  /** From when on the session's writes are the turn's (the server's time); null: from its beginning. */
  since: string | null;
  foreign: ForeignText | null;
  /** The session was left while it may still have worked; nothing else is said to it any more. */
  leftOpen: boolean;
  /** When (by a clock of ours) it first failed in a way that does not pass by itself; absent: it has not. */
  brokenSince?: number;
}

/** By the owner of the memory, first. */
export function dueNotices(state: State): Table<DueNotice> {
  return state.table<DueNotice>('notice-due');
}

/**
 * What a failed turn's session wrote, and what could not be looked at when its turn ended. Until it has been, words of others
 * may stand in memory unasked, and what the person had forgotten.
 */
export interface LateNotices {
  /** Durable when it resolves; then looked at in the background, for some minutes now and with every `resume`. */
  add(due: DueNotice): Promise<void>;
  /**
   * Tries what is due of a person's memory once more, before it is used again for this message. What an attempt at the same
   * turn has left in this session is due no more: it is looked at when the turn is over. Rejects only when the state cannot
   * be read.
   */
  before(message: Message, sessionId: string | null): Promise<void>;
  /** The same of all that is due of an owner's memory, before it is copied to where nobody would look for it. */
  tryFor(owner: Person): Promise<void>;
  /** Tries everything that is due, once. Does not reject for a single one. */
  resume(): Promise<void>;
  /** What is still due is for a later process. */
  stop(): void;
}

/** Some four minutes, with pauses of up to fifteen seconds. */
const ATTEMPTS = 20;
/** What is refused or not understood for so long is for people to look at; an update or an operator may have mended it before. */
const GIVE_UP_MS = 24 * 3600_000;
/** Before anything that a session can have done. */
export const BEGINNING = '1970-01-01T00:00:00Z';

export function createLateNotices(deps: {
  client: Anthropic;
  state: State;
  notices: Notices;
  sourceOf: SourceOf;
  inbox: Pick<Inbox, 'idOf' | 'pending'>;
  accounts: Accounts;
  adapterOf(platform: string): ChatAdapter | undefined;
  /** A sentence that opens the account's next answer in private. */
  tell(account: Person, sentence: string): Promise<void>;
  log: Log;
  now: () => number;
}): LateNotices {
  const { client, notices, inbox, log, now } = deps;
  const rows = dueNotices(deps.state);
  const turns = turnRecords(deps.state);
  const claims = createPersonClaims(deps.state, deps.accounts);
  const here = new Map<string, DueNotice>();
  const stopped = new AbortController();

  const keyOf = ({ owner, message, sessionId }: DueNotice) =>
    [personKey(owner), conversationKey(message.conversation), sessionId, encodeURIComponent(message.id)].join(
      '/',
    );

  /** False while the session cannot be looked at for good. Rejects when the service does not answer. */
  async function settle(key: string, due: DueNotice): Promise<boolean> {
    if (await isCarriedOn(due)) return false;
    const { owner, storeIds, sessionId } = due;
    const over = due.leftOpen ? await afterAll(due) : { foreign: due.foreign, since: due.since ?? BEGINNING };
    if (over === 'running') return false;
    const { since, foreign } = over;
    const { conversation } = due.message;
    const made = await notices.of({ person: owner, conversation, storeIds, sessionId, since, foreign });
    // With nobody to show it any more it is for a later process.
    if (stopped.signal.aborted) return false;
    here.delete(key);
    // Another process may have been as quick: one of them tells.
    if (!(await rows.delete(key))) return true;
    const adapter = deps.adapterOf(due.message.conversation.person.platform);
    if (adapter !== undefined) await tellNotices(notices, due, adapter, made);
    return true;
  }

  /** A process that ended in the middle of a turn's bookkeeping left it to be carried on: then the turn itself tells. */
  async function isCarriedOn({ message, sessionId }: DueNotice): Promise<boolean> {
    const conversation = conversationKey(message.conversation);
    const turn = await turns.get(conversation);
    if (turn === undefined || turn.sessionId !== sessionId || turn.replied !== null) return false;
    const id = inbox.idOf(message.conversation, message.id);
    return turn.entries.includes(id) && (await inbox.pending(conversation)).some(entry => entry.id === id);
  }

  /**
   * From when on the session's writes count, and what it read of others by the time it was over, by its own log; one that still
   * runs is stopped.
   */
  async function afterAll(
    due: DueNotice,
  ): Promise<{ since: string; foreign: ForeignText | null } | 'running'> {
    const { sessionId, foreign } = due;
    const session = await unlessGone(client.beta.sessions.retrieve(sessionId));
    if (session === null) return { since: due.since ?? BEGINNING, foreign };
    if (session.status === 'running' || session.status === 'rescheduling') {
      const event = { type: 'user.interrupt' as const };
      await client.beta.sessions.events.send(sessionId, { events: [event] }, { maxRetries: 0 });
      return 'running';
    }
    const state = new TurnState(() => null);
    for (const event of await readLog(client, sessionId, due.since, stopped.signal))
      state.apply(event, false);
    // What others had changed in memory before there was a session, it has not written over unseen.
    const since = due.since ?? session.created_at;
    return { since, foreign: withMore(foreign, foreignText([], state.uses.values(), deps.sourceOf, since)) };
  }

  async function tryOnce(key: string, due: DueNotice): Promise<'done' | 'later' | 'broken'> {
    try {
      return (await settle(key, due)) ? 'done' : 'later';
    } catch (error) {
      const passes = failureOf(error).type === 'retry';
      log.warn(
        { event: 'notice.late', session: due.sessionId, passes, err: error },
        'could not look yet at what a turn changed in memory',
      );
      if (passes) return 'later';
      if (!isMendable(error) && !stopped.signal.aborted) await noteBroken(key, due, error);
      return 'broken';
    }
  }

  /**
   * Never while the person is linked, parted or forgotten: what it writes would be left behind. A turn must not wait for
   * that, because that waits for turns.
   */
  async function tryAlone(key: string, due: DueNotice): Promise<'done' | 'later' | 'broken'> {
    try {
      return await claims.withAll(due.owner, async () =>
        (await rows.get(key)) === undefined ? 'done' : tryOnce(key, due),
      );
    } catch (error) {
      log.warn(
        { event: 'notice.late', session: due.sessionId, passes: true, err: error },
        'could not come yet to what a turn changed in memory',
      );
      return 'later';
    }
  }

  /**
   * What failed in the same way for a day is given up, and the person looks for themselves: tried before each of their messages
   * for ever, it would change nothing, and what others' words brought into memory would stand there unasked.
   */
  async function noteBroken(key: string, due: DueNotice, error: unknown): Promise<void> {
    const { brokenSince, sessionId, message, foreign } = due;
    if (brokenSince === undefined) await rows.replace(key, due, { ...due, brokenSince: now() });
    else if (now() - brokenSince >= GIVE_UP_MS) {
      // First: a crash in between is to have told them rather than not.
      await deps.tell(message.conversation.person, unchecked(foreign));
      if (!(await rows.delete(key))) return;
      log.error(
        { event: 'notice.given_up', session: sessionId, err: error },
        'what a turn changed in memory could not be looked at for a day; the person is told to look',
      );
    }
  }

  async function chase(key: string, due: DueNotice): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      await pause(backoff(attempt), stopped.signal);
      if (stopped.signal.aborted || !here.has(key)) return;
      if ((await tryAlone(key, due)) !== 'later') break;
    }
    here.delete(key);
  }

  return {
    async add(due) {
      const key = keyOf(due);
      // What they said is not needed for it.
      const kept = { ...due, message: { ...due.message, text: '', attachments: [], context: [] } };
      await rows.set(key, kept);
      here.set(key, kept);
      void chase(key, kept);
    },

    async before({ conversation, id }, sessionId) {
      const owner = await deps.accounts.ownerOf(conversation.person);
      const key = conversationKey(conversation);
      for await (const [row, due] of rows.entries(`${personKey(owner)}/`)) {
        const isSame = due.sessionId === sessionId && due.message.id === id;
        if (!isSame || conversationKey(due.message.conversation) !== key) await tryOnce(row, due);
        else {
          here.delete(row);
          await rows.delete(row);
        }
      }
    },

    async tryFor(owner) {
      for await (const [key, due] of rows.entries(`${personKey(owner)}/`)) await tryOnce(key, due);
    },

    async resume() {
      for await (const [key, due] of rows.entries()) {
        if (stopped.signal.aborted) return;
        await tryAlone(key, due);
      }
    },

    stop: () => stopped.abort(),
  };
}

/** Credentials and bills: it goes on once the operator has seen to them, and until then nobody is answered either. */
function isMendable(error: unknown): boolean {
  const failure = failureOf(error);
  return failure.type === 'refused' && ['key', 'permission', 'billing'].includes(failure.reason);
}

function unchecked(foreign: ForeignText | null): string {
  const sources = foreign === null ? '' : `, which may come from ${foreign.sources.join(' and ')}`;
  return (
    `I could not check what I noted about you in an earlier conversation${sources}. ` +
    'Please look through /preferences history; you can take back anything that is wrong.'
  );
}
