import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { underClaim } from '../../src/core/queue/claim.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';

let dir: string;
let state: State;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shopper-claim-'));
  state = await openSqliteState(dir);
});
afterEach(async () => {
  await state.close();
  await rm(dir, { recursive: true });
});

const QUICK = { ttlMs: 200, pollMs: 5 };

describe('work under a claim', () => {
  it('is done by one at a time, however long it takes', async () => {
    const claims = state.table<string>('claims');
    let working = 0;
    let most = 0;
    const work = async () => {
      working += 1;
      most = Math.max(most, working);
      await new Promise(resolve => setTimeout(resolve, 2 * QUICK.ttlMs));
      working -= 1;
    };
    await Promise.all([1, 2, 3].map(() => underClaim(claims, 'key', QUICK, work)));
    expect(most).toBe(1);
  });

  it('is taken up again when it failed, and when its process died', async () => {
    const claims = state.table<string>('claims');
    await expect(underClaim(claims, 'key', QUICK, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    await claims.insert('key', 'a process that is no more', QUICK.ttlMs);
    expect(await underClaim(claims, 'key', QUICK, async () => 'done')).toBe('done');
  });

  it('gives back nothing that is not its own', async () => {
    const claims = state.table<string>('claims');
    await underClaim(claims, 'key', QUICK, async () => {
      await claims.set('key', 'somebody else', 60_000);
    });
    expect(await claims.get('key')).toBe('somebody else');
  });
});
