import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../log.ts';
import type { AgentFile } from './agent-file.ts';
import { failureOf, PersonError } from './errors.ts';
import type { Holds } from './holds.ts';
import type { Memory } from './memory.ts';
import { type Conversation, conversationKey, type Person, personKey } from './message.ts';
import type { MemoryAccess, Privacy } from './privacy.ts';
import type { Provision } from './provision.ts';
import { createSessionEndings } from './session-removal.ts';
import type { State } from './state.ts';
import type { ConversationOfSession } from './whereabouts.ts';

/** What the bot keeps of a conversation: a cursor into the session, which itself is the log. */
export interface SessionRecord {
  sessionId: string;
  /** The person's store; null in a private conversation. */
  storeId: string | null;
  /** Where the person's store is mounted, as the session said; null when it is not. */
  mountPath: string | null;
  access: MemoryAccess;
  /** The shared store's mount, if there is one. */
  sharedPath: string | null;
  agentVersion: number;
  lastUsedAt: number;
  /** Never to be used again; kept because the conversation is still one the bot is in. */
  ended: boolean;
  /** When the agent was last told all that memory holds (our clock). */
  listedAt: number;
  /** Our last user.message that the session holds; null while nothing was said, so <session_start> is still due. */
  lastSentId: string | null;
  /** The server's time of the last event of the last turn. */
  lastEventAt: string | null;
}

export interface OpenSession extends SessionRecord {
  /** The person's memory was deleted or archived from outside; they have not been told yet. */
  memoryLost: boolean;
  /** The person has changed their memory since the agent was told what it holds. */
  stale: boolean;
}

export interface Sessions {
  /**
   * The conversation's session: the one it has, or a new one when that is old, ended, or for another agent or
   * store. `keep` names a session that already has the message of the turn: then that one, however old.
   */
  open(conversation: Conversation, keep: string | null): Promise<OpenSession>;
  update(conversation: Conversation, change: Partial<SessionRecord>): Promise<void>;
  /** The person changed their memory: the agent is told with the next message what it holds now. */
  memoryEdited(person: Person): Promise<void>;
  /** The next message begins a new session in every conversation of the person that has memory. Returns the old ones. */
  renew(person: Person): Promise<string[]>;
  /** Deletes the session of a conversation that is private no more. */
  endPrivate(conversation: Conversation): Promise<void>;
  /** Deletes private sessions that were not used for long. Returns how many. */
  sweep(): Promise<number>;
  /** Forgets the session (not its history): the next `open` starts afresh. */
  drop(conversation: Conversation): Promise<void>;
  /** Called when the person's store turned out to be gone; they will be told once. */
  memoryLost(person: Person, storeId: string): Promise<void>;
  /** The person has been told. */
  told(person: Person): Promise<void>;
  known(conversation: Conversation): Promise<boolean>;
  /** Has a session ready for the person's next new conversation. */
  prepare(person: Person): Promise<void>;
}

export function createSessions(deps: {
  client: Anthropic;
  state: State;
  file: AgentFile;
  memory: Memory;
  privacy: Privacy;
  whereabouts: ConversationOfSession;
  /** The current agent and environment; `renew` makes them again when they were removed from outside. */
  provision: { current(): Provision; renew(): Promise<Provision> };
  holds: Holds;
  log: Log;
  now?: () => number;
}): Sessions {
  const { client, file, memory, privacy, log } = deps;
  const now = deps.now ?? Date.now;
  const records = deps.state.table<SessionRecord>('session');
  const spares = deps.state.table<SessionRecord>('session-spare');
  const taken = deps.state.table<true>('session-taken');
  const losses = deps.state.table<true>('memory-lost');
  const edits = deps.state.table<number>('memory-edited');
  const endings = createSessionEndings({ client, state: deps.state, log, now });
  const opening = new Map<string, Promise<OpenSession>>();
  const idleMs = file.session.idle_hours * 3600_000;

  function isCurrent(record: SessionRecord, storeId: string | null, access: MemoryAccess): boolean {
    return (
      !record.ended &&
      now() - record.lastUsedAt < idleMs &&
      record.storeId === storeId &&
      record.access === access &&
      record.agentVersion === deps.provision.current().agentVersion
    );
  }

  async function create(
    person: Person,
    storeId: string | null,
    access: MemoryAccess,
  ): Promise<SessionRecord> {
    const { agentId, agentVersion, environmentId } = deps.provision.current();
    const shared = file.memory.shared_store;
    const session = await client.beta.sessions.create(
      {
        agent: { type: 'agent', id: agentId, version: agentVersion },
        environment_id: environmentId,
        title: `${person.platform} conversation`,
        metadata: { platform: person.platform, workspace: person.workspace, person: person.id },
        resources: [
          ...(storeId === null || access === 'none'
            ? []
            : [ownResource(storeId, access, file.memory.instructions)]),
          ...(shared === undefined ? [] : [sharedResource(shared, file.memory.shared_instructions)]),
        ],
        ...(file.session.budget_usd === undefined ? {} : { budget: budgetOf(file.session.budget_usd) }),
      },
      { maxRetries: 0 },
    );
    log.info({ event: 'session.created', session: session.id, store: storeId }, 'session created');
    const mountOf = (id: string) =>
      session.resources.find(resource => resource.type === 'memory_store' && resource.memory_store_id === id);
    const own = storeId === null ? undefined : mountOf(storeId);
    const other = shared === undefined ? undefined : mountOf(shared);
    return {
      sessionId: session.id,
      storeId,
      access,
      mountPath: storeId === null ? null : mountPathOf(own),
      sharedPath: other === undefined ? null : mountPathOf(other),
      agentVersion,
      lastUsedAt: now(),
      ended: false,
      listedAt: now(),
      lastSentId: null,
      lastEventAt: null,
    };
  }

  /** A creation that fails because something it names was removed: find out what, put it right, try again. */
  async function createHealing(person: Person, access: MemoryAccess): Promise<SessionRecord> {
    const storeId = access === 'none' ? null : await memory.storeFor(person);
    try {
      return await create(person, storeId, access);
    } catch (error) {
      const failure = failureOf(error);
      const removed = failure.type === 'gone' || (failure.type === 'refused' && failure.reason === 'request');
      if (!removed) throw error;
      if (storeId !== null && !(await memory.isLive(storeId))) {
        await memoryLost(person, storeId);
        return create(person, await memory.storeFor(person), access);
      }
      const shared = file.memory.shared_store;
      if (shared !== undefined && !(await memory.isLive(shared))) {
        throw new PersonError(
          'The shared memory I was set up with no longer exists. The people who run me need to correct memory.shared_store in agent.yml.',
          { cause: error },
        );
      }
      await deps.provision.renew();
      return create(person, storeId, access);
    }
  }

  async function memoryLost(person: Person, storeId: string): Promise<void> {
    log.warn({ event: 'store.lost', store: storeId }, 'a memory store was removed from outside');
    await memory.lost(person, storeId);
    await losses.set(personKey(person), true);
  }

  /** The prepared session, if it is still what a new one would be. Marked as taken first, so that only one takes it. */
  async function takeSpare(
    person: Person,
    storeId: string | null,
    access: MemoryAccess,
  ): Promise<SessionRecord | null> {
    const spare = await spares.get(personKey(person));
    if (spare === undefined || storeId === null || !isCurrent(spare, storeId, access)) return null;
    if (!(await taken.insert(spare.sessionId, true, idleMs))) return null;
    await spares.delete(personKey(person));
    return { ...spare, lastUsedAt: now() };
  }

  async function prepare(person: Person): Promise<void> {
    const key = personKey(person);
    await deps.holds.free(key);
    const [spare, storeId, paused] = await Promise.all([
      spares.get(key),
      memory.knownStore(person),
      privacy.isPaused(person),
    ]);
    const access = paused ? 'read_only' : 'read_write';
    if (spare !== undefined && storeId !== null && isCurrent(spare, storeId, access)) return;
    await spares.set(key, await createHealing(person, access), idleMs);
  }

  async function open(conversation: Conversation, keep: string | null): Promise<OpenSession> {
    const key = conversationKey(conversation);
    const person = personKey(conversation.person);
    const record = await records.get(key);
    if (record !== undefined && record.sessionId === keep) return opened(record, person);
    const access = await privacy.accessFor(conversation);
    const storeId = access === 'none' ? null : await memory.knownStore(conversation.person);
    const isUsable =
      record !== undefined && (storeId !== null || access === 'none') && isCurrent(record, storeId, access);
    if (isUsable) return opened(record, person);
    const created =
      (await takeSpare(conversation.person, storeId, access)) ??
      (await createHealing(conversation.person, access));
    if (access === 'none') await endings.schedule(person, created.sessionId, now() + idleMs);
    else await deps.whereabouts.remember(conversation, created.sessionId);
    await records.set(key, created);
    // Swept rather than deleted here: the person waits for their answer.
    if (record?.access === 'none') await endings.schedule(person, record.sessionId, now());
    return opened(created, person);
  }

  async function opened(record: SessionRecord, person: string): Promise<OpenSession> {
    const [lost, editedAt] = await Promise.all([losses.get(person), edits.get(person)]);
    const stale = record.storeId !== null && editedAt !== undefined && editedAt >= record.listedAt;
    return { ...record, memoryLost: lost === true, stale };
  }

  return {
    open(conversation, keep) {
      // Preparing and answering may ask at the same time; a conversation has one session.
      const key = conversationKey(conversation);
      const running = opening.get(key) ?? open(conversation, keep).finally(() => opening.delete(key));
      opening.set(key, running);
      return running;
    },

    async update(conversation, change) {
      const key = conversationKey(conversation);
      const record = await records.get(key);
      if (record === undefined) return;
      await records.set(key, { ...record, ...change, lastUsedAt: now() });
      if (record.access !== 'none') return;
      const owner = personKey(conversation.person);
      if (record.ended) await endings.end(owner, record.sessionId);
      else await endings.schedule(owner, record.sessionId, now() + idleMs);
    },

    async drop(conversation) {
      const key = conversationKey(conversation);
      const record = await records.get(key);
      if (record !== undefined) await records.set(key, { ...record, ended: true });
    },

    async memoryEdited(person) {
      await edits.set(personKey(person), now(), idleMs);
    },

    async renew(person) {
      const ended: string[] = [];
      for await (const [key, record] of records.entries(`${personKey(person)}/`)) {
        if (record.storeId === null) continue;
        ended.push(record.sessionId);
        if (!record.ended) await records.set(key, { ...record, ended: true });
      }
      return ended;
    },

    async endPrivate(conversation) {
      const key = conversationKey(conversation);
      const record = await records.get(key);
      if (record?.access !== 'none') return;
      await records.set(key, { ...record, ended: true });
      await endings.end(personKey(conversation.person), record.sessionId);
    },

    sweep: () => endings.sweep(),
    memoryLost,
    prepare,

    async told(person) {
      await losses.delete(personKey(person));
    },

    async known(conversation) {
      return (await records.get(conversationKey(conversation))) !== undefined;
    },
  };
}

function ownResource(
  storeId: string,
  access: Exclude<MemoryAccess, 'none'>,
  instructions: string | undefined,
) {
  return {
    type: 'memory_store' as const,
    memory_store_id: storeId,
    access,
    ...(instructions === undefined ? {} : { instructions }),
  };
}

function mountPathOf(resource: object | undefined): string {
  const path = resource !== undefined && 'mount_path' in resource ? resource.mount_path : null;
  return typeof path === 'string' ? path : '/mnt/memory';
}

function sharedResource(storeId: string, instructions: string | undefined) {
  return {
    type: 'memory_store' as const,
    memory_store_id: storeId,
    access: 'read_only' as const,
    instructions: instructions ?? 'Facts that hold for everyone. Read only.',
  };
}

/** The API takes a budget in cents, as a string. */
function budgetOf(usd: number) {
  return {
    type: 'limit' as const,
    max_list_cost: { amount: String(Math.round(usd * 100)), currency: 'USD' as const },
  };
}
