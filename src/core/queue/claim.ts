import { randomUUID } from 'node:crypto';
import { pause } from '../patience.ts';
import type { Table } from '../state/state.ts';

export interface ClaimTimes {
  /** A claim whose process died is free after this long; it is renewed while the work continues. */
  ttlMs: number;
  pollMs: number;
  /** May reject, to wait no longer. */
  wait?: (ms: number) => Promise<void>;
}

/** Does the work while nobody else does any under this key, in whichever process that shares the table. Waits its turn. */
export async function underClaim<T>(
  claims: Table<string>,
  key: string,
  { ttlMs, pollMs, wait = pause }: ClaimTimes,
  work: () => Promise<T>,
): Promise<T> {
  const owner = randomUUID();
  while (!(await claims.insert(key, owner, ttlMs))) await wait(pollMs);
  // A renewal that fails is followed by others before the claim runs out.
  const renewal = setInterval(() => claims.replace(key, owner, owner, ttlMs).catch(() => {}), ttlMs / 4);
  renewal.unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    // Only ours: what has run out may be somebody else's by now. What cannot be given back runs out by itself.
    await claims.replace(key, owner, owner, -1).catch(() => {});
  }
}
