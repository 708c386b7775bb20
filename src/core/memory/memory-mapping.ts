import type Anthropic from '@anthropic-ai/sdk';
import type { Person } from '../message.ts';
import type { State } from '../state/state.ts';
import { type StoreRecord, storeKey } from './memory.ts';
import { createMemoryFiles } from './memory-files.ts';
import { ownerOf } from './store-owner.ts';

/** What was wrong with the mapping from people to their stores, and what it is now. */
export interface Rebuilt {
  /** People whose store was known and is there. */
  kept: number;
  /** People who have a store that was not known here. */
  mapped: Person[];
  /** People whose store is gone and who have another one. */
  corrected: Person[];
  /** Keys of people whose store is gone; they get a new one with their next message. */
  dropped: string[];
  /** People with several stores, oldest first, and which is used. */
  several: { person: Person; stores: string[]; used: string }[];
}

/**
 * Makes the mapping agree with the stores at the API, whose metadata names their owners. A mapping to a store that
 * is there is never changed, whoever's it is by its metadata: people can share one memory. With `dryRun` nothing is
 * written. The state must not be in use by a bot that cannot see the change.
 */
export async function rebuildMapping(deps: {
  client: Anthropic;
  state: State;
  app: string;
  dryRun: boolean;
}): Promise<Rebuilt> {
  const { client, app, dryRun } = deps;
  const { isLive } = createMemoryFiles(client);
  const mapping = deps.state.table<StoreRecord>('store');
  const stores = new Map<string, { person: Person; ids: string[] }>();
  const live = new Set<string>();
  for await (const store of client.beta.memoryStores.list({ limit: 100 })) {
    live.add(store.id);
    const owned = ownerOf(store, app);
    if (owned === null) continue;
    const { person, audience } = owned;
    const key = storeKey(person, audience);
    // Newest first, as the API lists them.
    stores.set(key, { person, ids: [store.id, ...(stores.get(key)?.ids ?? [])] });
  }
  const rebuilt: Rebuilt = { kept: 0, mapped: [], corrected: [], dropped: [], several: [] };
  const used = new Map<string, string>();
  for await (const [key, { storeId }] of mapping.entries()) {
    if (live.has(storeId) || (await isLive(storeId))) {
      rebuilt.kept += 1;
      used.set(key, storeId);
      continue;
    }
    const other = stores.get(key);
    const [replacement] = other?.ids ?? [];
    if (other === undefined || replacement === undefined) {
      rebuilt.dropped.push(key);
      if (!dryRun) await mapping.delete(key);
    } else {
      rebuilt.corrected.push(other.person);
      used.set(key, replacement);
      if (!dryRun) await mapping.set(key, { storeId: replacement });
    }
  }
  for (const [key, { person, ids }] of stores) {
    const [oldest] = ids;
    if (oldest === undefined) continue;
    if (!used.has(key)) {
      rebuilt.mapped.push(person);
      used.set(key, oldest);
      if (!dryRun) await mapping.insert(key, { storeId: oldest });
    }
    if (ids.length > 1) rebuilt.several.push({ person, stores: ids, used: used.get(key) ?? oldest });
  }
  return rebuilt;
}
