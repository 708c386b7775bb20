import Anthropic from '@anthropic-ai/sdk';
import { failureOf } from '../../core/errors.ts';
import { newStoreOf } from '../../core/memory/store-owner.ts';
import { personKey } from '../../core/message.ts';
import { retryTransient } from '../../core/patience.ts';
import type { FieldRule } from '../../core/preferences/field-rules.ts';
import type { Operator } from '../operator.ts';
import { nameOf, ownedStores, type Store } from '../people.ts';
import { eachOf } from '../pool.ts';
import type { Customer } from './customers.ts';
import type { Journal, PersonResult } from './journal.ts';
import { type Plan, type PlanOptions, planFor } from './plan.ts';

/** Marks the stores of one seeding, so that a later run knows its own. */
const SEED_KEY = 'shopper_seed';
/** What an operator knows of a customer is not for the ears of others. */
const PRIVATE = { audience: 'private' } as const;
/** A service that stays out of reach for longer ends the command; a later run carries on. */
const PATIENCE_MS = 120_000;
const MAX_CONFLICTS = 5;
const CREATE_TIMEOUT_MS = 30_000;
/** How far our clock and the API's may differ. */
const CLOCK_SKEW_MS = 10 * 60_000;

export interface SeedOptions {
  /** Names this list and how it is applied. */
  id: string;
  overwrite: boolean;
  own: readonly FieldRule[];
  /** People seeded at the same time. */
  atOnce: number;
  signal: AbortSignal;
  onPerson(): void;
  /** The service takes what is written for this person amiss; the others go on. */
  onRefused(person: string, error: unknown): void;
}

export interface Settled {
  /** Stores made twice, by a crash at the wrong moment or by the bot at the same time, and removed again. */
  removed: number;
  /** People with more than one store, which only an operator can put right. */
  left: string[];
}

export interface Preview {
  files: StoredFile[];
  plan: Plan;
  result: PersonResult;
}

/** A file as it stands at the API. */
interface StoredFile {
  id: string;
  path: string;
  content: string;
  sha256: string;
}

/** The private stores there are, by account; the oldest where there are several, the owner's for who is linked with one. */
export async function storesByPerson({ client, app }: Operator): Promise<Map<string, Store>> {
  const stores = new Map<string, Store>();
  const owners = new Map<string, string>();
  // Newest first, so the last one stays.
  for await (const { person, audience, linked, store } of ownedStores(client, app)) {
    if (audience === 'private') stores.set(personKey(person), store);
    for (const account of linked) owners.set(personKey(account), personKey(person));
  }
  for (const [account, owner] of owners) {
    const store = stores.get(owner);
    if (store !== undefined) stores.set(account, store);
  }
  return stores;
}

/** What would be done for one person. */
export async function previewOf(
  client: Anthropic,
  store: Store | undefined,
  customer: Customer,
  options: PlanOptions,
): Promise<Preview> {
  const files = store === undefined ? [] : await filesOf(client, store.id);
  const plan = planFor(files, customer, options);
  const existing = new Set(files.map(file => file.path));
  const paths = [...plan.writes.keys()];
  const result: PersonResult = {
    store: store === undefined ? 'created' : 'existing',
    created: paths.filter(path => !existing.has(path)).length,
    changed: paths.filter(path => existing.has(path)).length,
    added: plan.added.length,
    replaced: plan.replaced.length,
    kept: plan.kept.length,
  };
  return { files, plan, result };
}

/**
 * Gives every customer a store, where they have none, and writes what their memory does not say yet. Can be
 * killed at any moment: stores are found again by their owner, files are compared before they are written, and
 * the journal knows what was planned. `stores` are those there are, by person; new ones are added.
 */
export async function seed(
  operator: Operator,
  customers: readonly Customer[],
  journal: Journal,
  stores: Map<string, Store>,
  options: SeedOptions,
): Promise<void> {
  const { client } = operator;
  const { signal, overwrite, own } = options;
  const how = { overwrite, own, date: journal.date };

  async function seedOne(customer: Customer): Promise<void> {
    const key = personKey(customer.person);
    const known = stores.get(key);
    const { files, result } = await retrying(signal, () => previewOf(client, known, customer, how));
    const planned = journal.begun.get(key) ?? result;
    const hasWork = result.store === 'created' || result.created + result.changed > 0;
    if (hasWork && !journal.begun.has(key)) await journal.begin(key, result);
    const store = known ?? (await createStore(customer));
    stores.set(key, store);
    if (hasWork) await writeAll(client, store.id, customer, how, signal, files);
    await journal.finish(key, planned);
    options.onPerson();
  }

  /** There is no idempotency key: what may have arrived is looked for before it is sent again. */
  async function createStore(customer: Customer): Promise<Store> {
    const params = newStoreOf(operator.app, operator.file.memory.description, customer.person);
    const marked = { ...params, metadata: { ...params.metadata, [SEED_KEY]: options.id } };
    let mayExist = false;
    return retrying(signal, async () => {
      const made = mayExist ? await findMade(customer) : undefined;
      if (made !== undefined) return made;
      try {
        return await client.beta.memoryStores.create(marked, { maxRetries: 0, timeout: CREATE_TIMEOUT_MS });
      } catch (error) {
        const turnedAway = error instanceof Anthropic.APIError && [429, 529].includes(error.status);
        mayExist ||= !turnedAway;
        throw error;
      }
    });
  }

  async function findMade(customer: Customer): Promise<Store | undefined> {
    const since = new Date(Date.parse(journal.startedAt) - CLOCK_SKEW_MS).toISOString();
    const key = personKey(customer.person);
    let oldest: Store | undefined;
    for await (const { person, store } of ownedStores(client, operator.app, { since, ...PRIVATE })) {
      if (personKey(person) === key) oldest = store;
    }
    return oldest;
  }

  async function seedOrSay(customer: Customer): Promise<void> {
    try {
      await seedOne(customer);
    } catch (error) {
      const failure = failureOf(error);
      const theirs =
        failure.type === 'gone' ||
        (failure.type === 'refused' && ['request', 'conflict', 'too_large'].includes(failure.reason));
      if (!theirs) throw error;
      options.onRefused(nameOf(customer.person), error);
    }
  }

  const left = customers.filter(({ person }) => !journal.done.has(personKey(person)));
  await eachOf(left, options.atOnce, seedOrSay, signal);
}

/**
 * Two stores for one person can come about where nobody could know: a request that was still under way when its
 * process was killed, or a first message to the bot at the same instant. The bot's own stays, else the oldest;
 * ours is removed once its facts stand in that one, if no session has used it.
 */
export async function settle(
  operator: Operator,
  customers: readonly Customer[],
  journal: Journal,
  options: Pick<SeedOptions, 'id' | 'overwrite' | 'own' | 'signal'>,
): Promise<Settled> {
  const { client } = operator;
  const { signal, overwrite, own } = options;
  const byPerson = new Map<string, Store[]>();
  for await (const { person, store } of ownedStores(client, operator.app, PRIVATE)) {
    const key = personKey(person);
    byPerson.set(key, [store, ...(byPerson.get(key) ?? [])]);
  }
  const settled: Settled = { removed: 0, left: [] };
  for (const customer of customers) {
    const stores = byPerson.get(personKey(customer.person)) ?? [];
    const kept = stores.find(store => store.metadata[SEED_KEY] === undefined) ?? stores[0];
    if (kept === undefined || stores.length === 1) continue;
    await writeAll(client, kept.id, customer, { overwrite, own, date: journal.date }, signal);
    let removed = 0;
    for (const store of stores) {
      if (store === kept || store.metadata[SEED_KEY] !== options.id || (await isUsed(client, store.id)))
        continue;
      await client.beta.memoryStores.delete(store.id);
      removed += 1;
    }
    settled.removed += removed;
    if (stores.length - removed > 1) settled.left.push(nameOf(customer.person));
  }
  return settled;
}

async function isUsed(client: Anthropic, storeId: string): Promise<boolean> {
  const sessions = await client.beta.sessions.list({
    memory_store_id: storeId,
    include_archived: true,
    limit: 1,
  });
  return sessions.data.length > 0;
}

/** Writes what is missing; starts over when somebody else wrote at the same time. `files`: as just read. */
async function writeAll(
  client: Anthropic,
  storeId: string,
  customer: Customer,
  how: PlanOptions,
  signal: AbortSignal,
  files?: readonly StoredFile[],
): Promise<void> {
  let current = files;
  let conflicts = 0;
  await retrying(signal, async () => {
    for (;;) {
      const known = current ?? (await filesOf(client, storeId));
      // Whatever comes now may change them.
      current = undefined;
      const { writes } = planFor(known, customer, how);
      try {
        for (const [path, content] of writes) {
          await writeFile(
            client,
            storeId,
            known.find(file => file.path === path),
            path,
            content,
          );
        }
        return;
      } catch (error) {
        const failure = failureOf(error);
        const conflict = failure.type === 'refused' && failure.reason === 'conflict';
        conflicts += 1;
        if (!conflict || conflicts > MAX_CONFLICTS) throw error;
      }
    }
  });
}

async function writeFile(
  client: Anthropic,
  storeId: string,
  before: StoredFile | undefined,
  path: string,
  content: string,
): Promise<void> {
  const { memories } = client.beta.memoryStores;
  if (before === undefined) {
    await memories.create(storeId, { path, content }, { maxRetries: 0 });
    return;
  }
  const precondition = { type: 'content_sha256' as const, content_sha256: before.sha256 };
  await memories.update(before.id, { memory_store_id: storeId, content, precondition }, { maxRetries: 0 });
}

async function filesOf(client: Anthropic, storeId: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const item of client.beta.memoryStores.memories.list(storeId, { view: 'full', limit: 20 })) {
    if (item.type !== 'memory') continue;
    files.push({ id: item.id, path: item.path, content: item.content ?? '', sha256: item.content_sha256 });
  }
  return files;
}

/** Waits out an overloaded or unreachable service. Everything in `work` may be done again. */
function retrying<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return retryTransient(work, { limitMs: PATIENCE_MS, signals: [signal] });
}
