import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../log.ts';
import type { ChatAdapter } from './adapter.ts';
import type { CustomToolRegistry } from './custom-tools.ts';
import { failureOf, unlessGone } from './errors.ts';
import { type ForeignText, foreignText, withMore } from './foreign-text.ts';
import { conversationKey, type Message, type Person, personKey } from './message.ts';
import type { Notices } from './notices.ts';
import { backoff, pause } from './patience.ts';
import { readLog } from './session-stream.ts';
import type { State } from './state.ts';
import { tellNotices } from './turn-notice.ts';
import { TurnState } from './turn-state.ts';

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
}

/**
 * What a failed turn's session wrote, and what could not be looked at when its turn ended. Until it has been, words of others
 * may stand in memory unasked, and what the person had forgotten.
 */
export interface LateNotices {
  /** Durable when it resolves; then looked at in the background, for some minutes now and with every `resume`. */
  add(due: DueNotice): Promise<void>;
  /** Tries what this process knows to be due of a person once more, before memory is used again. Does not reject. */
  before(person: Person): Promise<void>;
  /** Tries everything that is due, once. Does not reject for a single one. */
  resume(): Promise<void>;
  /** What is still due is for a later process. */
  stop(): void;
}

/** Some four minutes, with pauses of up to fifteen seconds. */
const ATTEMPTS = 20;
/** Before anything that a session can have done. */
export const BEGINNING = '1970-01-01T00:00:00Z';

export function createLateNotices(deps: {
  client: Anthropic;
  state: State;
  notices: Notices;
  tools: CustomToolRegistry;
  adapterOf(platform: string): ChatAdapter | undefined;
  log: Log;
}): LateNotices {
  const { client, notices, log } = deps;
  const rows = deps.state.table<DueNotice>('notice-due');
  const here = new Map<string, DueNotice>();
  const stopped = new AbortController();

  const keyOf = ({ message, sessionId }: DueNotice) =>
    `${conversationKey(message.conversation)}/${sessionId}/${encodeURIComponent(message.id)}`;

  /** False while the session cannot be looked at for good. Rejects when the service does not answer. */
  async function settle(key: string, due: DueNotice): Promise<boolean> {
    const { owner, storeIds, sessionId, leftOpen } = due;
    const since = due.since ?? BEGINNING;
    const foreign = leftOpen ? await afterAll(due, since) : due.foreign;
    if (foreign === 'running') return false;
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

  /** What it read of others by the time it was over, by its own log; one that still runs is stopped. */
  async function afterAll(due: DueNotice, since: string): Promise<ForeignText | null | 'running'> {
    const { sessionId, foreign } = due;
    const session = await unlessGone(client.beta.sessions.retrieve(sessionId));
    if (session === null) return foreign;
    if (session.status === 'running' || session.status === 'rescheduling') {
      const event = { type: 'user.interrupt' as const };
      await client.beta.sessions.events.send(sessionId, { events: [event] }, { maxRetries: 0 });
      return 'running';
    }
    const state = new TurnState(() => null);
    for (const event of await readLog(client, sessionId, due.since, stopped.signal))
      state.apply(event, false);
    return withMore(foreign, foreignText([], state.uses.values(), deps.tools, since));
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
      return passes ? 'later' : 'broken';
    }
  }

  async function chase(key: string, due: DueNotice): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      await pause(backoff(attempt), stopped.signal);
      if (stopped.signal.aborted || !here.has(key)) return;
      if ((await tryOnce(key, due)) !== 'later') break;
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

    async before(person) {
      const start = `${personKey(person)}/`;
      for (const [key, due] of [...here]) if (key.startsWith(start)) await tryOnce(key, due);
    },

    async resume() {
      for await (const [key, due] of rows.entries()) {
        if (stopped.signal.aborted) return;
        await tryOnce(key, due);
      }
    },

    stop: () => stopped.abort(),
  };
}
