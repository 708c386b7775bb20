import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import type { AgentFile } from '../agent-file.ts';
import type { Accounts } from '../linking/accounts.ts';
import type { Memory, PersonStore } from '../memory/memory.ts';
import { createMemoryMarks, type Marked } from '../memory/memory-marks.ts';
import type { Audience } from '../memory/store-owner.ts';
import { type Conversation, conversationKey, type Person, personKey } from '../message.ts';
import { extentOf, type MemoryAccess, offRecordKey, type Privacy } from '../people/privacy.ts';
import type { Holds } from '../queue/holds.ts';
import type { State } from '../state/state.ts';
import type { Provision } from './provision.ts';
import { createSessionMaking, type MadeSession, type SessionPurpose } from './session-making.ts';
import { createSessionEndings } from './session-removal.ts';
import { createSpares } from './session-spares.ts';
import type { ConversationOfSession } from './whereabouts.ts';

/** What the bot keeps of a conversation: a cursor into the session, which itself is the log. */
export interface SessionRecord extends MadeSession {
  lastUsedAt: number;
  /** Never to be used again; kept because the conversation is still one the bot is in. */
  ended: boolean;
  /** The agent has been told of everything that is marked below this: see memory-marks. */
  listedAt: number;
  /** The same of what is kept where only the person reads. */
  listedPrivatelyAt: number;
  /** Our last user.message that the session holds; null while nothing was said, so <session_start> is still due. */
  lastSentId: string | null;
  /** The server's time of the last event of the last turn. */
  lastEventAt: string | null;
  /** What it had cost at list price after the last turn, in cents; null where that is not known. */
  listCents: number | null;
}

export interface OpenSession extends SessionRecord {
  /** Whose memory it is: the person, or who they are linked with. */
  owner: Person;
  /** The person's memory was deleted or archived from outside; they have not been told yet. */
  memoryLost: boolean;
  /** What happened to this account by another hand, for the person's eyes only; where others read, once, that there is something. */
  news: string | null;
  /** Somebody else has changed the memory since the agent was told what it holds. */
  stale: boolean;
  /** Saved once the agent has been told what memory holds now. */
  heard: Heard;
}

export type Heard = Pick<SessionRecord, 'listedAt' | 'listedPrivatelyAt'>;

export interface Sessions {
  /**
   * The conversation's session: the one it has, or a new one when that is old, ended, or for another agent or
   * store. `keep` names a session that already has the message of the turn: then that one, however old, unless its
   * memory is not the person's any more. Of one conversation one at a time.
   */
  open(conversation: Conversation, keep: string | null): Promise<OpenSession>;
  update(conversation: Conversation, change: Partial<SessionRecord>): Promise<void>;
  /** The person changed their memory: the agent is told with the next message what it holds now. */
  memoryEdited(owner: Person): Promise<void>;
  /**
   * A turn changed what may be said in places like this one: the agent is told the same in every other conversation.
   * `writer`: the session that wrote and knows of it; null: what stands there now is not what it wrote.
   */
  memoryWritten(owner: Person, conversation: Conversation, writer: string | null): Promise<void>;
  /** The next message begins a new session in every conversation that has this memory. Returns the old ones. */
  renew(owner: Person): Promise<string[]>;
  /** Deletes the sessions of everything that is off the record no more along with this conversation. */
  endOffRecord(conversation: Conversation): Promise<void>;
  /** Deletes sessions off the record that were not used for long, and spare ones that nobody took. Returns how many. */
  sweep(): Promise<number>;
  /** Forgets the session (not its history): the next `open` starts afresh. */
  drop(conversation: Conversation): Promise<void>;
  /** True where a store of the person is still there; where it is not, it is no longer theirs, and they are told once. */
  checkStore(person: Person, storeId: string): Promise<boolean>;
  /** A sentence that opens the account's next answer in private, below those that still wait for it. */
  tell(account: Person, news: string): Promise<void>;
  /** The person has been told. */
  told(session: OpenSession, account: Person): Promise<void>;
  known(conversation: Conversation): Promise<boolean>;
  /** A session that the conversation has, as it is kept, and whose memory it has; null when that is another one. */
  recorded(
    conversation: Conversation,
    sessionId: string | null,
  ): Promise<Pick<OpenSession, 'owner' | 'sessionId' | 'mounts' | 'lastEventAt'> | null>;
  /** Has a session ready for the person's next new conversation. */
  prepare(person: Person): Promise<void>;
}

export function createSessions(deps: {
  client: Anthropic;
  state: State;
  file: AgentFile;
  memory: Memory;
  accounts: Accounts;
  privacy: Privacy;
  whereabouts: ConversationOfSession;
  /** The current agent and environment; `renew` makes them again when they were removed from outside. */
  provision: { current(): Provision; renew(): Promise<Provision> };
  holds: Holds;
  log: Log;
  now: () => number;
}): Sessions {
  const { client, file, memory, accounts, privacy, log, now } = deps;
  const records = deps.state.table<SessionRecord>('session');
  const losses = deps.state.table<true>('memory-lost');
  const news = deps.state.table<string>('news');
  const endings = createSessionEndings({ client, state: deps.state, log, now });
  const making = createSessionMaking({ ...deps, checkStore });
  const idleMs = file.session.idle_hours * 3600_000;
  const spares = createSpares({ ...deps, endings, making, make, isCurrent, keepMs: idleMs });
  const marks = createMemoryMarks({ state: deps.state, keepMs: idleMs, now });

  function isCurrent(record: SessionRecord, stores: readonly PersonStore[], access: MemoryAccess): boolean {
    const { agentId, agentVersion } = deps.provision.current();
    return (
      !record.ended &&
      now() - record.lastUsedAt < idleMs &&
      record.mounts.length === stores.length &&
      record.mounts.every((mount, index) => mount.storeId === stores[index]?.id) &&
      record.access === access &&
      record.agentId === agentId &&
      record.agentVersion === agentVersion
    );
  }

  /** As it is kept before anything was said in it. */
  async function make(purpose: SessionPurpose): Promise<SessionRecord> {
    const made = await making.make(purpose);
    return {
      ...made,
      lastUsedAt: now(),
      ended: false,
      listedAt: 0,
      listedPrivatelyAt: 0,
      lastSentId: null,
      lastEventAt: null,
      listCents: null,
    };
  }

  async function checkStore(person: Person, storeId: string): Promise<boolean> {
    // What seemed to say so may be about something else: a compatible service without versions answers as for a lost store.
    if (await memory.isLive(storeId)) return true;
    const owner = await accounts.ownerOf(person);
    // A turn that began with an earlier store says nothing of the one they have now.
    if (await memory.lost(owner, storeId)) {
      log.warn({ event: 'store.lost', store: storeId }, 'a memory store was removed from outside');
      await losses.set(personKey(owner), true);
    }
    return false;
  }

  /**
   * A turn moves its cursor while the person, perhaps in another process, ends the session: neither may write over
   * the other. Undefined: there is no such record.
   */
  async function changed(
    key: string,
    change: (record: SessionRecord) => Partial<SessionRecord> | null,
  ): Promise<SessionRecord | undefined> {
    for (;;) {
      const record = await records.get(key);
      if (record === undefined) return undefined;
      const wanted = change(record);
      if (wanted === null) return record;
      const next = { ...record, ...wanted };
      if (await records.replace(key, record, next)) return next;
    }
  }

  async function open(conversation: Conversation, keep: string | null): Promise<OpenSession> {
    const { person, audience } = conversation;
    const key = conversationKey(conversation);
    const [record, owner] = await Promise.all([records.get(key), accounts.ownerOf(person)]);
    if (record !== undefined && record.sessionId === keep) {
      if (await isTheirs(record, owner)) return opened(record, owner, conversation);
      await interrupt(keep);
    }
    const access = await privacy.accessFor(conversation, owner);
    const purpose: SessionPurpose = { person, owner, audience, access };
    const { stores, complete } = await making.storesFor(purpose);
    if (record !== undefined && complete && isCurrent(record, stores, access))
      return opened(record, owner, conversation);
    const spare =
      complete && audience === 'private' && access !== 'none'
        ? await spares.take(person, stores, access)
        : null;
    // Before anything is told of what memory holds.
    const [fresh, marked] = await Promise.all([spare ?? make(purpose), marks.of(owner)]);
    const created = { ...fresh, lastUsedAt: now(), ...heardOf(marked) };
    // First, so that no session is ever left behind: by these rows what is to be forgotten is found.
    if (access === 'none') await endings.schedule(personKey(person), created.sessionId, now() + idleMs);
    else await deps.whereabouts.remember(owner, conversation, created.sessionId);
    await records.set(key, created);
    // Swept rather than deleted here: the person waits for their answer.
    if (record?.access === 'none') await endings.schedule(personKey(person), record.sessionId, now());
    return opened(created, owner, conversation);
  }

  /** False when the account has left, or joined, another's memory since. */
  async function isTheirs({ mounts }: SessionRecord, owner: Person): Promise<boolean> {
    if (mounts.length === 0) return true;
    const known = await memory.knownStores(owner);
    return mounts.every(({ storeId }) => known.some(({ id }) => id === storeId));
  }

  /** What it would still write no longer belongs to this person. */
  async function interrupt(sessionId: string): Promise<void> {
    const event = { type: 'user.interrupt' as const };
    await client.beta.sessions.events.send(sessionId, { events: [event] }).catch((error: unknown) => {
      log.warn({ event: 'session.not_stopped', session: sessionId, err: error }, 'could not stop a session');
    });
  }

  async function opened(
    record: SessionRecord,
    owner: Person,
    { person, audience }: Conversation,
  ): Promise<OpenSession> {
    const key = personKey(owner);
    const [lost, marked, told] = await Promise.all([
      losses.get(key),
      marks.of(owner),
      newsFor(person, audience),
    ]);
    const stale =
      record.mounts.length > 0 && REACHING[audience].some(each => marked[each] >= heardIn(record, each));
    return { ...record, owner, memoryLost: lost === true, news: told, stale, heard: heardOf(marked) };
  }

  async function newsFor(person: Person, audience: Audience): Promise<string | null> {
    const waiting = (await news.get(personKey(person))) ?? null;
    if (waiting === null || audience === 'private') return waiting;
    return (await news.get(pointedKey(person))) === undefined ? NEWS_IN_PRIVATE : null;
  }

  return {
    open,

    async update(conversation, change) {
      const used = { ...change, lastUsedAt: now() };
      const record = await changed(conversationKey(conversation), () => used);
      if (record?.access !== 'none') return;
      const owner = personKey(conversation.person);
      if (record.ended) await endings.end(owner, record.sessionId);
      else await endings.schedule(owner, record.sessionId, now() + idleMs);
    },

    async drop(conversation) {
      await changed(conversationKey(conversation), () => ({ ended: true }));
    },

    async memoryEdited(owner) {
      await marks.mark(owner, 'shared');
    },

    async memoryWritten(owner, conversation, writer) {
      const { audience } = conversation;
      const { before, at } = await marks.mark(owner, audience);
      if (writer === null) return;
      await changed(conversationKey(conversation), record => {
        // With something else that it has not been told, it is told of all together.
        const knows = record.sessionId === writer && before < heardIn(record, audience);
        if (!knows) return null;
        return audience === 'private' ? { listedPrivatelyAt: at + 1 } : { listedAt: at + 1 };
      });
    },

    async renew(owner) {
      const ended: string[] = [];
      for (const account of await accounts.accountsOf(owner)) {
        for await (const [key, record] of records.entries(`${personKey(account)}/`)) {
          if (record.mounts.length === 0) continue;
          ended.push(record.sessionId);
          if (!record.ended) await changed(key, () => ({ ended: true }));
        }
      }
      return ended;
    },

    async endOffRecord(conversation) {
      const whole = offRecordKey(conversation);
      for await (const [key, record] of records.entries(whole)) {
        if (key !== whole && extentOf(conversation) !== 'place') continue;
        if (record.access !== 'none' || record.ended) continue;
        await changed(key, () => ({ ended: true }));
        await endings.end(personKey(conversation.person), record.sessionId);
      }
    },

    sweep: () => endings.sweep(),
    checkStore,
    prepare: spares.prepare,

    async tell(account, sentence) {
      const key = personKey(account);
      for (;;) {
        const before = await news.get(key);
        if (before?.includes(sentence)) return;
        const both = before === undefined ? sentence : `${before}\n\n${sentence}`;
        const done = before === undefined ? news.insert(key, both) : news.replace(key, before, both);
        if (!(await done)) continue;
        await news.delete(pointedKey(account));
        return;
      }
    },

    async told(session, account) {
      if (session.memoryLost) await losses.delete(personKey(session.owner));
      if (session.news === NEWS_IN_PRIVATE) await news.set(pointedKey(account), NEWS_IN_PRIVATE);
      else if (session.news !== null) {
        // Not what came since.
        await news.replace(personKey(account), session.news, '', 0);
        await news.delete(pointedKey(account));
      }
    },

    async recorded(conversation, sessionId) {
      const record = await records.get(conversationKey(conversation));
      if (record?.sessionId !== sessionId) return null;
      return { ...record, owner: await accounts.ownerOf(conversation.person) };
    },

    async known(conversation) {
      return (await records.get(conversationKey(conversation))) !== undefined;
    },
  };
}

const NEWS_IN_PRIVATE =
  'There is something I should tell you about your memory where nobody else reads: please send me a direct message.';

/** In the same table: that the person has been told where what waits for them is to be had. */
function pointedKey(person: Person): string {
  return `${personKey(person)}/pointed`;
}

/** Where a change of what may be said in such a place is heard of: what others may read is known everywhere. */
const REACHING = { private: ['private', 'shared'], shared: ['shared'] } as const;

function heardOf(marked: Marked): Heard {
  return { listedAt: marked.shared + 1, listedPrivatelyAt: marked.private + 1 };
}

function heardIn({ listedAt, listedPrivatelyAt }: SessionRecord, audience: Audience): number {
  return audience === 'private' ? listedPrivatelyAt : listedAt;
}
