/** Parts of forgetting somebody that a command and the bot share. Each is safe to repeat. */

import type Anthropic from '@anthropic-ai/sdk';
import { allUnlessGone, unlessGone } from '../errors.ts';

/** The files that belong to a session; returns how many went. */
export async function removeFiles(client: Anthropic, sessionId: string): Promise<number> {
  let removed = 0;
  const ids: string[] = [];
  const list = client.beta.files.list({ scope_id: sessionId, betas: ['managed-agents-2026-04-01'] });
  for await (const file of allUnlessGone(list)) ids.push(file.id);
  for (const id of ids) if (await deleted(client.beta.files.delete(id))) removed += 1;
  return removed;
}

/** What goes with a store. */
export async function countStore(
  client: Anthropic,
  storeId: string,
): Promise<{ memories: number; versions: number }> {
  const { memoryStores } = client.beta;
  let memories = 0;
  let versions = 0;
  for await (const item of allUnlessGone(memoryStores.memories.list(storeId, { limit: 100 })))
    if (item.type === 'memory') memories += 1;
  for await (const _ of allUnlessGone(memoryStores.memoryVersions.list(storeId, { limit: 100 })))
    versions += 1;
  return { memories, versions };
}

/** False when there was nothing to delete. */
export async function deleted(deleting: PromiseLike<unknown>): Promise<boolean> {
  return (await unlessGone(deleting)) !== null;
}
