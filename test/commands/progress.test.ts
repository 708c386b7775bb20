import { describe, expect, it } from 'vitest';
import { createProgress } from '../../src/commands/progress.ts';

function terminal(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  const output = { isTTY, columns, write: (text: string) => written.push(text) };
  return { output, written, shown: () => written.at(-1)?.replace(/^\r|\u001b\[K$/g, '') ?? '' };
}

describe('a progress bar', () => {
  it('fills, counts what was done before, and says how long it takes', () => {
    let now = 0;
    const { output, written, shown } = terminal(true);
    const progress = createProgress(output, 'Seeding', 1_000, 500, () => now);
    expect(shown()).toBe('Seeding [############............] 500 of 1,000 people');
    for (let n = 0; n < 250; n += 1) {
      now += 50;
      progress.tick();
    }
    expect(shown()).toBe('Seeding [##################......] 750 of 1,000 people, 13 s left');
    // Ten times a second at most: 250 ticks in 12.5 seconds.
    expect(written.length).toBeLessThan(127);
    for (let n = 0; n < 250; n += 1) progress.tick();
    expect(shown()).toBe('Seeding [########################] 1,000 of 1,000 people');
    progress.end();
    expect(written.at(-1)).toBe('\n');
  });

  it('keeps to the width of the terminal', () => {
    const { output, shown } = terminal(true, 20);
    createProgress(output, 'Seeding', 10);
    expect(shown()).toHaveLength(19);
  });

  it('writes nothing where nobody watches', () => {
    const { output, written } = terminal(false);
    const progress = createProgress(output, 'Seeding', 2);
    progress.tick();
    progress.end();
    expect(written).toEqual([]);
  });
});
