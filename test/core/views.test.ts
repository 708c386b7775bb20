import { describe, expect, it } from 'vitest';
import { paginate } from '../../src/core/views.ts';

describe('pages', () => {
  it('hold every item once, in order, and never more than they may', () => {
    const items = Array.from({ length: 50 }, (_, n) => 'x'.repeat((n * 37) % 90));
    const pages = paginate(items, { most: 7, room: 200 }, item => item);
    expect(pages.flat()).toEqual(items);
    for (const page of pages) {
      expect(page.length).toBeLessThanOrEqual(7);
      expect(page.length === 1 || page.join('').length <= 200).toBe(true);
    }
    expect(paginate([], { most: 7, room: 200 }, String)).toEqual([]);
  });
});
