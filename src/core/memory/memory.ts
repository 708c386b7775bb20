import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import { isRefusal } from '../errors.ts';
import { type Person, personKey } from '../message.ts';
import { underClaim } from '../queue/claim.ts';
import type { State } from '../state/state.ts';
import { createMemoryDiscovery, LOOK_BACK_MS, type MemoryDiscovery } from './memory-discovery.ts';
import { createMemoryFiles, type MemoryFile, type MemoryFiles } from './memory-files.ts';
import { type Audience, linkedMetadata, newStoreOf } from './store-owner.ts';

export interface PersonStore {
  id: string;
  audience: Audience;
}

/** Which store is a person's, in the table "store" by `storeKey`. */
export interface StoreRecord {
  storeId: string;
}

/**
 * A person has up to two stores. The private one is never mounted where others read, so nothing in it can be said
 * there; the shared one holds what was said or put there by the person, and is mounted everywhere.
 */
export interface Memory extends MemoryFiles, Pick<MemoryDiscovery, 'discover'> {
  /**
   * The store, created on first use; exactly one however many ask at once, also across processes. `forSession`: nothing
   * is written into it before the session that it is for.
   */
  storeFor(person: Person, audience: Audience, forSession?: boolean): Promise<string>;
  /**
   * What the person has already, the private one first, also when somebody else made it. Where the one that is
   * `needed` (the private one, which an operator may have seeded) is not known, the API is asked.
   */
  knownStores(person: Person, needed?: Audience): Promise<PersonStore[]>;
  /**
   * Drops the mapping to a store that is gone, so that the next `storeFor` makes a new one. False when the person has
   * another one by now.
   */
  lost(person: Person, storeId: string): Promise<boolean>;
  /** Stores that were theirs until they were lost. Those that were archived can still be read. */
  lostStores(person: Person): Promise<string[]>;
  /**
   * True once for a store that this process has made for a session within the last seconds: nothing is in it, and a
   * person's first answer need not wait for the service to say so.
   */
  isNew(storeId: string): boolean;
  /** One of the person's own files, wherever it is; null when there is none (any longer). */
  find(person: Person, memoryId: string): Promise<MemoryFile | null>;
  /** Writes into the stores of the first of these accounts that the others have them too, so that it can be rebuilt. */
  name(accounts: readonly Person[]): Promise<void>;
}

const CLAIM_MS = 30_000;
const CLAIM_POLL_MS = 50;
const NEW_MS = 2_000;

export function createMemory(deps: {
  client: Anthropic;
  state: State;
  /** agent.yml's name: stores of other bots in the same account are not ours. */
  app: string;
  /** Told to the agent with the mount. */
  description: string | undefined;
  /** Of whoever the person belongs to, the owner first. */
  accountsOf(person: Person): Promise<Person[]>;
  /** On a new state: a store says that these accounts had the memory of its owner. */
  onLinked(owner: Person, others: readonly Person[]): Promise<void>;
  log: Log;
  now: () => number;
}): Memory {
  const { client, state, app, log, now } = deps;
  const stores = state.table<StoreRecord>('store');
  const losses = state.table<true>('store-lost');
  const claims = state.table<string>('store-claim');
  const files = createMemoryFiles(client);
  const { discover, hasLooked } = createMemoryDiscovery({
    client,
    state,
    app,
    map: ({ person, audience }, storeId) => stores.insert(storeKey(person, audience), { storeId }),
    onLinked: deps.onLinked,
    log: deps.log,
    now,
  });
  const underway = new Map<string, Promise<string>>();
  const made = new Map<string, number>();

  async function create(person: Person, audience: Audience): Promise<string> {
    const key = storeKey(person, audience);
    return underClaim(claims, key, { ttlMs: CLAIM_MS, pollMs: CLAIM_POLL_MS }, async () => {
      const [known, doubt] = await Promise.all([stores.get(key), claims.get(doubtOf(key))]);
      if (known !== undefined) return known.storeId;
      // A store made by an operator while we run, or of which nobody knows whether it was made, is not mapped yet.
      if (!hasLooked() || doubt !== undefined) {
        await discover();
        const found = await stores.get(key);
        if (found !== undefined) return found.storeId;
      }
      try {
        return await createStore(person, audience);
      } catch (error) {
        if (!isRefusal(error)) await claims.set(doubtOf(key), 'unanswered', LOOK_BACK_MS);
        throw error;
      }
    });
  }

  const doubtOf = (key: string) => `${key}/doubt`;

  async function createStore(person: Person, audience: Audience): Promise<string> {
    const store = await client.beta.memoryStores.create(
      newStoreOf(app, deps.description, person, audience, await othersOf(person)),
      // Shorter than the claim, so that nobody else starts while this may still succeed.
      { maxRetries: 0, timeout: CLAIM_MS / 2 },
    );
    await stores.set(storeKey(person, audience), { storeId: store.id });
    for (const [id, at] of made) if (now() - at > NEW_MS) made.delete(id);
    made.set(store.id, now());
    log.info(
      { event: 'store.created', store: store.id, platform: person.platform, person: person.id, audience },
      'memory store created',
    );
    return store.id;
  }

  /** Who has the person's memory too. An account that gets a copy on parting belongs to another until it has that. */
  async function othersOf(person: Person): Promise<Person[]> {
    const [owner, ...others] = await deps.accountsOf(person);
    return owner !== undefined && personKey(owner) === personKey(person) ? others : [];
  }

  async function mapped(person: Person): Promise<PersonStore[]> {
    const found = await Promise.all(
      AUDIENCES.map(async audience => ({ audience, record: await stores.get(storeKey(person, audience)) })),
    );
    return found.flatMap(({ audience, record }) =>
      record === undefined ? [] : [{ id: record.storeId, audience }],
    );
  }

  async function knownStores(person: Person, needed: Audience = 'private'): Promise<PersonStore[]> {
    const known = await mapped(person);
    const settled = known.some(store => store.audience === needed);
    if (settled || hasLooked()) return known;
    await discover();
    return mapped(person);
  }

  async function storeIdFor(person: Person, audience: Audience): Promise<string> {
    const key = storeKey(person, audience);
    const known = await stores.get(key);
    if (known !== undefined) return known.storeId;
    const running = underway.get(key);
    if (running !== undefined) return running;
    const creating = create(person, audience).finally(() => underway.delete(key));
    underway.set(key, creating);
    return creating;
  }

  return {
    ...files,
    discover,
    knownStores,

    async storeFor(person, audience, forSession = false) {
      const storeId = await storeIdFor(person, audience);
      // What is written into it now may be there before a session that begins at the same moment is told of it.
      if (!forSession) made.delete(storeId);
      return storeId;
    },

    async lost(person, storeId) {
      for (const audience of AUDIENCES) {
        const key = storeKey(person, audience);
        const record = await stores.get(key);
        if (record?.storeId !== storeId) continue;
        // First: by this row it is found when the person is to be forgotten.
        await losses.set(`${personKey(person)}/${storeId}`, true);
        return stores.replace(key, record, record, -1);
      }
      return false;
    },

    async lostStores(person) {
      const ids: string[] = [];
      const prefix = `${personKey(person)}/`;
      for await (const [key] of losses.entries(prefix)) ids.push(key.slice(prefix.length));
      return ids;
    },

    isNew(storeId) {
      const at = made.get(storeId);
      made.delete(storeId);
      return at !== undefined && now() - at <= NEW_MS;
    },

    async find(person, memoryId) {
      for (const { id } of await knownStores(person)) {
        const file = await files.read(id, memoryId);
        if (file !== null) return file;
      }
      return null;
    },

    async name([owner, ...others]) {
      if (owner === undefined) return;
      for (const { id } of await mapped(owner)) {
        try {
          await client.beta.memoryStores.update(id, { metadata: linkedMetadata(others) });
        } catch (error) {
          // One that was removed or archived takes no names, and nothing is rebuilt from it.
          if (await files.isLive(id)) throw error;
        }
      }
    },
  };
}

const AUDIENCES = ['private', 'shared'] as const;

/** Starts with the person's key, so that the row is found by it. */
export function storeKey(person: Person, audience: Audience): string {
  return audience === 'private' ? personKey(person) : `${personKey(person)}/shared`;
}
