/** What a session is created with, as the API wants it. */

import type { PersonStore } from '../memory/memory.ts';
import type { Audience } from '../memory/store-owner.ts';
import type { MemoryAccess } from '../people/privacy.ts';

/**
 * One of the person's stores in a conversation with this audience. In private the shared store can be read and no
 * more: what is said there must not get out by a slip of the agent, only by the person's own hand.
 */
export function ownResource(
  store: PersonStore,
  audience: Audience,
  access: Exclude<MemoryAccess, 'none'>,
  instructions: string | undefined,
) {
  const foreign = store.audience !== audience;
  const told = foreign ? SHARED_INSTRUCTIONS : instructions;
  return {
    type: 'memory_store' as const,
    memory_store_id: store.id,
    access: foreign ? ('read_only' as const) : access,
    ...(told === undefined ? {} : { instructions: told }),
  };
}

const SHARED_INSTRUCTIONS =
  'What you may also use where others read what you say to this person. Only the person changes what stands here.';

export function mountPathOf(resource: object | undefined): string {
  const path = resource !== undefined && 'mount_path' in resource ? resource.mount_path : null;
  return typeof path === 'string' ? path : '/mnt/memory';
}

export function commonResource(storeId: string, instructions: string | undefined) {
  return {
    type: 'memory_store' as const,
    memory_store_id: storeId,
    access: 'read_only' as const,
    instructions: instructions ?? 'Facts that hold for everyone. Read only.',
  };
}

/** The API takes a budget in cents, as a string. */
export function budgetOf(usd: number) {
  return {
    type: 'limit' as const,
    max_list_cost: { amount: String(Math.round(usd * 100)), currency: 'USD' as const },
  };
}
