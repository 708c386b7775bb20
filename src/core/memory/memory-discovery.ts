import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemoryStore } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-stores';
import type { Log } from '../../log.ts';
import { allUnlessGone } from '../errors.ts';
import type { Person } from '../message.ts';
import type { State } from '../state/state.ts';
import { type Owned, ownerOf } from './store-owner.ts';

/** Finds whose the stores at the API are: their metadata says so. */
export interface MemoryDiscovery {
  /**
   * Passes the stores that appeared since the last look to `map`: seeded by an operator, made by another process, or
   * made just before a crash. On a new state that is all of them. Returns how many were news.
   */
  discover(): Promise<number>;
  /** A look is not old yet. */
  hasLooked(): boolean;
}

/** A look goes back this far behind the newest store seen, for those that were being made at the time. */
export const LOOK_BACK_MS = 2 * 60_000;
/**
 * A look is good for this long: new people who come together need not each wait for one. Whoever makes stores beside
 * a running bot waits as long before relying on it (`commands/seed`).
 */
export const LOOK_AGAIN_MS = 5_000;

export function createMemoryDiscovery(deps: {
  client: Anthropic;
  state: State;
  /** agent.yml's name: stores of other bots in the same account are not ours. */
  app: string;
  /** True when the person had no such store yet. */
  map(owned: Owned, storeId: string): Promise<boolean>;
  /** On a new state: a store says that these accounts had the memory of its owner. */
  onLinked(owner: Person, others: readonly Person[]): Promise<void>;
  log: Log;
  now: () => number;
}): MemoryDiscovery {
  const { client, app, now } = deps;
  const seen = deps.state.table<string>('stores-seen');
  let looking: Promise<number> | undefined;
  let lookingNext: Promise<number> | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let isWarned = false;

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
    const found = await storesSince(until === undefined ? null : Date.parse(until) - LOOK_BACK_MS);
    const ours = found.flatMap(store => {
      const owned = ownerOf(store, app);
      return owned === null ? [] : [{ id: store.id, owned }];
    });
    let news = 0;
    for (const { id, owned } of ours) if (await deps.map(owned, id)) news += 1;
    if (until === undefined) {
      for (const { owned } of ours) {
        if (owned.linked.length > 0) await deps.onLinked(owned.person, owned.linked);
      }
    }
    const newest = found.at(-1)?.created_at;
    if (newest !== undefined) await seen.set(app, newest);
    lookedAt = begun;
    return news;
  }

  /** Oldest first, because the first that is mapped stays: a person's oldest store is the one that holds their past. */
  async function storesSince(at: number | null): Promise<BetaManagedAgentsMemoryStore[]> {
    const since = at === null ? {} : { 'created_at[gte]': new Date(at).toISOString() };
    const found: BetaManagedAgentsMemoryStore[] = [];
    // Fails at once: whoever waits decides how long an outage is waited out, and says so meanwhile.
    const pages = client.beta.memoryStores.list({ limit: 100, ...since }, { maxRetries: 0 });
    for await (const store of allUnlessGone(pages, onMissing)) found.push(store);
    return found.sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  }

  function onMissing(err: unknown): void {
    if (isWarned) return;
    isWarned = true;
    deps.log.warn(
      { event: 'memory.unlisted', err },
      'the agent service lists no memory stores: what the state loses is not found again, so keep the state',
    );
  }

  return { discover, hasLooked: () => now() - lookedAt < LOOK_AGAIN_MS };
}
