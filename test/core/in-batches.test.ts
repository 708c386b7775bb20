import { describe, expect, it } from 'vitest';
import { inBatches, oneByOne } from '../../src/core/state/in-batches.ts';

describe('what is asked for in batches', () => {
  it('begins at once, and what comes meanwhile goes together', async () => {
    const batches: number[][] = [];
    const double = inBatches<number, number>(oneByOne(), async batch => {
      batches.push(batch.map(({ work }) => work));
      await new Promise(resolve => setImmediate(resolve));
      for (const { work, resolve } of batch) resolve(work * 2);
    });
    const first = double(1);
    await Promise.resolve();
    expect(batches).toEqual([[1]]);
    const later = [2, 3].map(double);
    expect(await Promise.all([first, ...later])).toEqual([2, 4, 6]);
    expect(batches).toEqual([[1], [2, 3]]);
  });

  it('is never too much at once, and all of it is done', async () => {
    const sizes: number[] = [];
    const same = inBatches<number, number>(oneByOne(), async batch => {
      sizes.push(batch.length);
      for (const { work, resolve } of batch) resolve(work);
    });
    const all = Array.from({ length: 250 }, (_, index) => index);
    expect(await Promise.all(all.map(same))).toEqual(all);
    expect(sizes).toEqual([100, 100, 50]);
  });

  it('fails with its batch, and not with another', async () => {
    let broken = true;
    const same = inBatches<string, string>(oneByOne(), async batch => {
      if (broken) throw new Error('the disk is gone');
      for (const { work, resolve } of batch) resolve(work);
    });
    const outcomes = await Promise.allSettled(['a', 'b'].map(same));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    broken = false;
    expect(await same('c')).toBe('c');
  });
});
