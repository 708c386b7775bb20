import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemoryStore } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-stores';
import type { Log } from '../log.ts';
import { underClaim } from './claim.ts';
import { failureOf, isRefusal } from './errors.ts';
import { type Person, personKey } from './message.ts';
import type { State } from './state.ts';
import { type Audience, linkedMetadata, newStoreOf, ownerOf } from './store-owner.ts';

/** A memory file as it stands. */
export interface MemoryFile {
  id: string;
  storeId: string;
  path: string;
  content: string;
  sha256: string;
  updatedAt: string;
}

export interface Listing {
  files: MemoryFile[];
  /** False when the bound on bytes left some out. */
  complete: boolean;
}

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
export interface Memory {
  /** The store, created on first use; exactly one however many ask at once, also across processes. */
  storeFor(person: Person, audience: Audience): Promise<string>;
  /**
   * What the person has already, the private one first, also when somebody else made it. Where the one that is
   * `needed` (the private one, which an operator may have seeded) is not known, the API is asked.
   */
  knownStores(person: Person, needed?: Audience): Promise<PersonStore[]>;
  /** Drops the mapping to a store that is gone, so that the next `storeFor` makes a new one. */
  lost(person: Person, storeId: string): Promise<void>;
  /** False once the store was deleted or archived. */
  isLive(storeId: string): Promise<boolean>;
  /** Files in path order, up to `maxBytes` of content. */
  list(storeId: string, maxBytes: number): Promise<Listing>;
  /**
   * True once for a store that this process has made within the last seconds: nothing is in it, and a person's first
   * answer need not wait for the service to say so.
   */
  isNew(storeId: string): boolean;
  /** Every file of some stores; one that was deleted from outside holds nothing. */
  files(storeIds: readonly string[]): Promise<MemoryFile[]>;
  /** One file, or null when it is gone. */
  read(storeId: string, memoryId: string): Promise<MemoryFile | null>;
  /** One of the person's own files, wherever it is; null when there is none (any more). */
  find(person: Person, memoryId: string): Promise<MemoryFile | null>;
  /**
   * Maps the people whose stores appeared at the API since the last look: seeded by an operator, made by another
   * process, or made just before a crash. On a new state that is everyone. Returns how many it mapped.
   */
  discover(): Promise<number>;
  /** Writes into the stores of the first of these accounts that the others have them too, so that it can be rebuilt. */
  name(accounts: readonly Person[]): Promise<void>;
}

const CLAIM_MS = 30_000;
const CLAIM_POLL_MS = 50;
/** A look goes back this far behind the newest store seen, for those that were being made at the time. */
const LOOK_BACK_MS = 2 * 60_000;
/**
 * A look is good for this long: new people who come together need not each wait for one. Whoever makes stores beside
 * a running bot waits as long before relying on it (`commands/seed`).
 */
export const LOOK_AGAIN_MS = 5_000;
const NEW_MS = 2_000;

export function createMemory(deps: {
  client: Anthropic;
  state: State;
  /** agent.yml's name: stores of other bots in the same account are not ours. */
  app: string;
  /** Told to the agent with the mount. */
  description: string | undefined;
  /** On a new state: a store says that these accounts had the memory of its owner. */
  onLinked?(owner: Person, others: readonly Person[]): Promise<void>;
  log: Log;
  now?: () => number;
  wait?: (ms: number) => Promise<void>;
}): Memory {
  const { client, app, log } = deps;
  const now = deps.now ?? Date.now;
  const stores = deps.state.table<StoreRecord>('store');
  const claims = deps.state.table<string>('store-claim');
  const seen = deps.state.table<string>('stores-seen');
  const underway = new Map<string, Promise<string>>();
  const made = new Map<string, number>();
  let looking: Promise<number> | undefined;
  let lookingNext: Promise<number> | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;

  async function create(person: Person, audience: Audience): Promise<string> {
    const key = storeKey(person, audience);
    return underClaim(claims, key, { ttlMs: CLAIM_MS, pollMs: CLAIM_POLL_MS, wait: deps.wait }, async () => {
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
  const hasLooked = () => now() - lookedAt < LOOK_AGAIN_MS;

  async function createStore(person: Person, audience: Audience): Promise<string> {
    const store = await client.beta.memoryStores.create(
      newStoreOf(app, deps.description, person, audience),
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

  async function read(storeId: string, memoryId: string): Promise<MemoryFile | null> {
    try {
      return fileOf(
        storeId,
        await client.beta.memoryStores.memories.retrieve(memoryId, { memory_store_id: storeId }),
      );
    } catch (error) {
      if (failureOf(error).type === 'gone') return null;
      throw error;
    }
  }

  async function list(storeId: string, maxBytes: number): Promise<Listing> {
    const files: MemoryFile[] = [];
    let bytes = 0;
    let skipped = 0;
    const pages = client.beta.memoryStores.memories.list(storeId, { view: 'full', limit: 20 });
    for await (const item of pages) {
      if (item.type !== 'memory') continue;
      if (bytes + item.content_size_bytes > maxBytes) {
        // A few large files should not keep the small ones out; a large store should not be read to its end.
        skipped += 1;
        if (skipped === 5) break;
        continue;
      }
      bytes += item.content_size_bytes;
      files.push(fileOf(storeId, item));
    }
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { files, complete: skipped === 0 };
  }

  /** Joins a look that has not begun yet; one under way may already have passed what the caller is after. */
  function discover(): Promise<number> {
    if (looking === undefined) {
      looking = look().finally(() => {
        looking = undefined;
      });
      return looking;
    }
    lookingNext ??= looking
      .catch(() => 0)
      .then(() => {
        lookingNext = undefined;
        return discover();
      });
    return lookingNext;
  }

  async function look(): Promise<number> {
    const begun = now();
    const until = await seen.get(app);
    const found: BetaManagedAgentsMemoryStore[] = [];
    const since =
      until === undefined
        ? {}
        : { 'created_at[gte]': new Date(Date.parse(until) - LOOK_BACK_MS).toISOString() };
    // Fails at once: whoever waits decides how long an outage is waited out, and says so meanwhile.
    const pages = client.beta.memoryStores.list({ limit: 100, ...since }, { maxRetries: 0 });
    for await (const store of pages) found.push(store);
    // Oldest first, because the first insert stays: a person's oldest store is the one that holds their past.
    found.sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
    let news = 0;
    for (const store of found) {
      const owned = ownerOf(store, app);
      if (owned === null) continue;
      if (await stores.insert(storeKey(owned.person, owned.audience), { storeId: store.id })) news += 1;
    }
    if (until === undefined) {
      for (const store of found) {
        const owned = ownerOf(store, app);
        if (owned !== null && owned.linked.length > 0) await deps.onLinked?.(owned.person, owned.linked);
      }
    }
    const newest = found.at(-1)?.created_at;
    if (newest !== undefined) await seen.set(app, newest);
    lookedAt = begun;
    return news;
  }

  return {
    async storeFor(person, audience) {
      const key = storeKey(person, audience);
      const known = await stores.get(key);
      if (known !== undefined) return known.storeId;
      const running = underway.get(key);
      if (running !== undefined) return running;
      const creating = create(person, audience).finally(() => underway.delete(key));
      underway.set(key, creating);
      return creating;
    },

    knownStores,

    async lost(person, storeId) {
      for (const audience of AUDIENCES) {
        const key = storeKey(person, audience);
        if ((await stores.get(key))?.storeId === storeId) await stores.delete(key);
      }
    },

    async isLive(storeId) {
      try {
        return (await client.beta.memoryStores.retrieve(storeId)).archived_at === null;
      } catch (error) {
        if (failureOf(error).type === 'gone') return false;
        throw error;
      }
    },

    list,

    isNew(storeId) {
      const at = made.get(storeId);
      made.delete(storeId);
      return at !== undefined && now() - at <= NEW_MS;
    },

    async files(storeIds) {
      const found = await Promise.all(storeIds.map(id => unlessGone(list(id, Number.POSITIVE_INFINITY))));
      return found.flatMap(listing => listing?.files ?? []);
    },

    read,

    async find(person, memoryId) {
      for (const { id } of await knownStores(person)) {
        const file = await read(id, memoryId);
        if (file !== null) return file;
      }
      return null;
    },

    discover,

    async name([owner, ...others]) {
      if (owner === undefined) return;
      for (const { id } of await mapped(owner)) {
        await unlessGone(client.beta.memoryStores.update(id, { metadata: linkedMetadata(others) }));
      }
    },
  };
}

const AUDIENCES = ['private', 'shared'] as const;

/** Starts with the person's key, so that the row is found by it. */
export function storeKey(person: Person, audience: Audience): string {
  return audience === 'private' ? personKey(person) : `${personKey(person)}/shared`;
}

async function unlessGone<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (failureOf(error).type === 'gone') return null;
    throw error;
  }
}

function fileOf(
  storeId: string,
  memory: {
    id: string;
    path: string;
    content?: string | null;
    content_sha256: string;
    updated_at: string;
  },
): MemoryFile {
  return {
    id: memory.id,
    storeId,
    path: memory.path,
    content: memory.content ?? '',
    sha256: memory.content_sha256,
    updatedAt: memory.updated_at,
  };
}
