import { describe, expect, it } from 'vitest';
import { type ContenderName, openArena } from '../../bench/arena.ts';
import { createResults } from '../../bench/results.ts';
import { tokenAt, tokensIn } from '../../bench/words.ts';

const programs = new URL('../../bench/programs/', import.meta.url);

// Seven processes begin, and all of them read TypeScript.
const START_MS = 90_000;

describe('the benchmark', () => {
  it.each<[ContenderName, Record<string, number>]>([
    ['bare-bolt', { 'POST plain': 2 }],
    ['shopper', { 'POST sessions/events': 2, 'GET memory_stores/memory_versions': 2 }],
  ])(
    'sees every token of %s after it was said, and what a later turn asks for',
    async (contender, asked) => {
      const arena = await openArena({ programs, contender, workspaces: 2, people: 2 });
      try {
        await arena.pace({ tokens: 4, everyMs: 5, afterMs: 20 });
        const work = { clients: 2, turns: 2, tokens: 4, settle: false };
        const first = await arena.work(work);
        expect(first).toMatchObject({ lost: 0, limited: 0 });
        for (const turn of first.turns) {
          expect(turn.deltaMs).toHaveLength(4);
          expect(Math.min(...turn.deltaMs)).toBeGreaterThan(0);
          expect(turn.signMs).toBeGreaterThan(0);
          expect(turn.calls).toContain('chat.startStream');
        }
        expect((await arena.settled()).cpuMs).toBeGreaterThan(0);
        await arena.requests();
        await arena.work({ ...work, again: true });
        await arena.settled();
        expect(await arena.requests()).toEqual(asked);
      } finally {
        await arena.stop();
      }
    },
    START_MS,
  );

  it('reads from a text how many tokens it shows', () => {
    expect(tokensIn('nothing')).toBe(0);
    expect(tokensIn(`${tokenAt(0)}${tokenAt(1)}`)).toBe(2);
    expect(tokensIn(`**${tokenAt(58)}**${tokenAt(59)}`)).toBe(60);
  });

  it('says the median of the runs with the lowest and the highest', () => {
    const results = createResults();
    for (const value of [3, 1, 200]) results.add('Waiting', 'p50', 'ms', 'shopper', value);
    results.add('Waiting', 'p50', 'ms', 'bare-bolt', 2);
    expect(results.table()).toContain('| p50 | 3 ms (1–200) | 2 ms |');
  });
});
