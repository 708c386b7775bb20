import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import type { AgentFile } from '../agent-file.ts';
import { failureOf, PersonError } from '../errors.ts';
import type { Memory, PersonStore } from '../memory/memory.ts';
import type { Audience } from '../memory/store-owner.ts';
import type { Person } from '../message.ts';
import type { MemoryAccess } from '../people/privacy.ts';
import type { Provision } from './provision.ts';
import { APP_KEY } from './provision-wanted.ts';
import { budgetOf, commonResource, mountPathOf, ownResource } from './session-resources.ts';

/** One of the person's stores, and where it is mounted, as the session said. */
export interface OwnMount {
  storeId: string;
  audience: Audience;
  path: string;
}

/** A session as it was made, with nothing said in it yet. */
export interface MadeSession {
  sessionId: string;
  /** The private store first; none off the record. */
  mounts: OwnMount[];
  access: MemoryAccess;
  /** Where the facts that hold for everyone are mounted, if there are any. */
  commonPath: string | null;
  agentId: string;
  agentVersion: number;
}

/** Who a session is for, and what of whose memory it may use. */
export interface SessionPurpose {
  /** Named in the session's metadata. */
  person: Person;
  /** Whose memory it is: the person, or who they are linked with. */
  owner: Person;
  audience: Audience;
  access: MemoryAccess;
}

/** Sessions at the API, each with exactly one person's memory. */
export interface SessionMaking {
  /** What of the memory belongs into such a session; `complete`: with what every such session has. */
  storesFor(purpose: SessionPurpose): Promise<{ stores: PersonStore[]; complete: boolean }>;
  /**
   * A new session. What is missing of the memory is made first; where something it names was removed from outside,
   * that is put right and tried again: `checkStore` is asked about each store.
   */
  make(purpose: SessionPurpose): Promise<MadeSession>;
}

export function createSessionMaking(deps: {
  client: Anthropic;
  file: AgentFile;
  memory: Memory;
  /** The current agent and environment; `renew` makes them again when they were removed from outside. */
  provision: { current(): Provision; renew(): Promise<Provision> };
  /** False where the store is gone; then it is no longer the person's. */
  checkStore(owner: Person, storeId: string): Promise<boolean>;
  log: Log;
}): SessionMaking {
  const { client, file, memory, log } = deps;
  const common = file.memory.shared_store;

  async function storesFor({ owner, audience, access }: SessionPurpose) {
    if (access === 'none') return { stores: [], complete: true };
    const known = await memory.knownStores(owner, audience);
    // What is known in private alone must not be within reach where others read.
    const stores = known.filter(store => audience === 'private' || store.audience === 'shared');
    return { stores, complete: stores.some(store => store.audience === audience) };
  }

  async function completeStores(purpose: SessionPurpose): Promise<PersonStore[]> {
    const { owner, audience } = purpose;
    const { stores, complete } = await storesFor(purpose);
    if (complete) return stores;
    const made: PersonStore = { id: await memory.storeFor(owner, audience, true), audience };
    return [made, ...stores.filter(store => store.id !== made.id)];
  }

  async function create(
    { person, audience, access }: SessionPurpose,
    stores: readonly PersonStore[],
  ): Promise<MadeSession> {
    const { agentId, agentVersion, environmentId } = deps.provision.current();
    const session = await client.beta.sessions.create(
      {
        agent: { type: 'agent', id: agentId, version: agentVersion },
        environment_id: environmentId,
        title: `${person.platform} conversation`,
        metadata: {
          [APP_KEY]: file.name,
          platform: person.platform,
          workspace: person.workspace,
          person: person.id,
        },
        resources: [
          ...(access === 'none'
            ? []
            : stores.map(store => ownResource(store, audience, access, file.memory.instructions))),
          ...(common === undefined ? [] : [commonResource(common, file.memory.shared_instructions)]),
        ],
        ...(file.session.budget_usd === undefined ? {} : { budget: budgetOf(file.session.budget_usd) }),
      },
      { maxRetries: 0 },
    );
    log.info(
      { event: 'session.created', session: session.id, stores: stores.map(store => store.id) },
      'session created',
    );
    // A compatible service may not repeat what it was given.
    const mountOf = (id: string) =>
      session.resources?.find(
        resource => resource.type === 'memory_store' && resource.memory_store_id === id,
      );
    const other = common === undefined ? undefined : mountOf(common);
    return {
      sessionId: session.id,
      mounts: stores.map(({ id, audience }) => ({ storeId: id, audience, path: mountPathOf(mountOf(id)) })),
      access,
      commonPath: other === undefined ? null : mountPathOf(other),
      agentId,
      agentVersion,
    };
  }

  /** True when a store of the person was gone: it is no longer theirs. */
  async function missStores(owner: Person, stores: readonly PersonStore[]): Promise<boolean> {
    let lost = false;
    for (const { id } of stores) if (!(await deps.checkStore(owner, id))) lost = true;
    return lost;
  }

  return {
    storesFor,
    async make(purpose) {
      const stores = await completeStores(purpose);
      try {
        return await create(purpose, stores);
      } catch (error) {
        const failure = failureOf(error);
        const removed =
          failure.type === 'gone' || (failure.type === 'refused' && failure.reason === 'request');
        if (!removed) throw error;
        if (await missStores(purpose.owner, stores)) return create(purpose, await completeStores(purpose));
        if (common !== undefined && !(await memory.isLive(common))) {
          throw new PersonError(
            'The shared memory I was set up with no longer exists. The people who run me need to correct memory.shared_store in agent.yml.',
            { cause: error },
          );
        }
        await deps.provision.renew();
        return create(purpose, stores);
      }
    },
  };
}
