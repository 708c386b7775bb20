import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../log.ts';
import type { AgentFile } from './agent-file.ts';
import { failureOf, PersonError } from './errors.ts';
import type { Memory } from './memory.ts';
import { type Conversation, conversationKey, type Person, personKey } from './message.ts';
import type { Provision } from './provision.ts';
import type { State } from './state.ts';

/** What the bot keeps of a conversation: a cursor into the session, which itself is the log. */
export interface SessionRecord {
  sessionId: string;
  storeId: string;
  /** Where the person's store is mounted, as the session said. */
  mountPath: string;
  /** The shared store's mount, if there is one. */
  sharedPath: string | null;
  agentVersion: number;
  lastUsedAt: number;
  /** Never to be used again; kept because the conversation is still one the bot is in. */
  ended: boolean;
  /** Our last user.message that the session holds; null while nothing was said, so <session_start> is still due. */
  lastSentId: string | null;
  /** The server's time of the last event of the last turn. */
  lastEventAt: string | null;
}

export interface OpenSession extends SessionRecord {
  /** The person's memory was deleted or archived from outside; they have not been told yet. */
  memoryLost: boolean;
}

export interface Sessions {
  /**
   * The conversation's session: the one it has, or a new one when that is old, ended, or for another agent or
   * store. `keep` names a session that already has the message of the turn: then that one, however old.
   */
  open(conversation: Conversation, keep: string | null): Promise<OpenSession>;
  update(conversation: Conversation, change: Partial<SessionRecord>): Promise<void>;
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
  /** The current agent and environment; `renew` makes them again when they were removed from outside. */
  provision: { current(): Provision; renew(): Promise<Provision> };
  log: Log;
  now?: () => number;
}): Sessions {
  const { client, file, memory, log } = deps;
  const now = deps.now ?? Date.now;
  const records = deps.state.table<SessionRecord>('session');
  const spares = deps.state.table<SessionRecord>('session-spare');
  const taken = deps.state.table<true>('session-taken');
  const losses = deps.state.table<true>('memory-lost');
  const opening = new Map<string, Promise<OpenSession>>();
  const idleMs = file.session.idle_hours * 3600_000;

  function isCurrent(record: SessionRecord, storeId: string): boolean {
    return (
      !record.ended &&
      now() - record.lastUsedAt < idleMs &&
      record.storeId === storeId &&
      record.agentVersion === deps.provision.current().agentVersion
    );
  }

  async function create(person: Person, storeId: string): Promise<SessionRecord> {
    const { agentId, agentVersion, environmentId } = deps.provision.current();
    const shared = file.memory.shared_store;
    const session = await client.beta.sessions.create(
      {
        agent: { type: 'agent', id: agentId, version: agentVersion },
        environment_id: environmentId,
        title: `${person.platform} conversation`,
        metadata: { platform: person.platform, workspace: person.workspace, person: person.id },
        resources: [
          {
            type: 'memory_store',
            memory_store_id: storeId,
            access: 'read_write',
            ...(file.memory.instructions === undefined ? {} : { instructions: file.memory.instructions }),
          },
          ...(shared === undefined ? [] : [sharedResource(shared, file.memory.shared_instructions)]),
        ],
        ...(file.session.budget_usd === undefined ? {} : { budget: budgetOf(file.session.budget_usd) }),
      },
      { maxRetries: 0 },
    );
    log.info({ event: 'session.created', session: session.id, store: storeId }, 'session created');
    const mountOf = (id: string) =>
      session.resources.find(resource => resource.type === 'memory_store' && resource.memory_store_id === id);
    const own = mountOf(storeId);
    const other = shared === undefined ? undefined : mountOf(shared);
    return {
      sessionId: session.id,
      storeId,
      mountPath: own !== undefined && 'mount_path' in own ? (own.mount_path ?? '/mnt/memory') : '/mnt/memory',
      sharedPath: other !== undefined && 'mount_path' in other ? (other.mount_path ?? null) : null,
      agentVersion,
      lastUsedAt: now(),
      ended: false,
      lastSentId: null,
      lastEventAt: null,
    };
  }

  /** A creation that fails because something it names was removed: find out what, put it right, try again. */
  async function createHealing(person: Person): Promise<SessionRecord> {
    const storeId = await memory.storeFor(person);
    try {
      return await create(person, storeId);
    } catch (error) {
      const failure = failureOf(error);
      const removed = failure.type === 'gone' || (failure.type === 'refused' && failure.reason === 'request');
      if (!removed) throw error;
      if (!(await memory.isLive(storeId))) {
        await memoryLost(person, storeId);
        return create(person, await memory.storeFor(person));
      }
      const shared = file.memory.shared_store;
      if (shared !== undefined && !(await memory.isLive(shared))) {
        throw new PersonError(
          'The shared memory I was set up with no longer exists. The people who run me need to correct memory.shared_store in agent.yml.',
          { cause: error },
        );
      }
      await deps.provision.renew();
      return create(person, storeId);
    }
  }

  async function memoryLost(person: Person, storeId: string): Promise<void> {
    log.warn({ event: 'store.lost', store: storeId }, 'a memory store was removed from outside');
    await memory.lost(person, storeId);
    await losses.set(personKey(person), true);
  }

  /** The prepared session, if it is still what a new one would be. Marked as taken first, so that only one takes it. */
  async function takeSpare(person: Person, storeId: string | null): Promise<SessionRecord | null> {
    const spare = await spares.get(personKey(person));
    if (spare === undefined || storeId === null || !isCurrent(spare, storeId)) return null;
    if (!(await taken.insert(spare.sessionId, true, idleMs))) return null;
    await spares.delete(personKey(person));
    return { ...spare, lastUsedAt: now() };
  }

  async function prepare(person: Person): Promise<void> {
    const key = personKey(person);
    const [spare, storeId] = await Promise.all([spares.get(key), memory.knownStore(person)]);
    if (spare !== undefined && storeId !== null && isCurrent(spare, storeId)) return;
    await spares.set(key, await createHealing(person), idleMs);
  }

  async function open(conversation: Conversation, keep: string | null): Promise<OpenSession> {
    const key = conversationKey(conversation);
    const person = personKey(conversation.person);
    const record = await records.get(key);
    const storeId = await memory.knownStore(conversation.person);
    const usable = record !== undefined && storeId !== null && isCurrent(record, storeId);
    if (record !== undefined && (usable || record.sessionId === keep)) {
      return { ...record, memoryLost: (await losses.get(person)) === true };
    }
    const created =
      (await takeSpare(conversation.person, storeId)) ?? (await createHealing(conversation.person));
    await records.set(key, created);
    return { ...created, memoryLost: (await losses.get(person)) === true };
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
      if (record !== undefined) await records.set(key, { ...record, ...change, lastUsedAt: now() });
    },

    async drop(conversation) {
      const key = conversationKey(conversation);
      const record = await records.get(key);
      if (record !== undefined) await records.set(key, { ...record, ended: true });
    },

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
