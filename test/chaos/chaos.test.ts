import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { POSTGRES, REDIS } from '../helpers/servers.ts';
import { readOptions } from './options.ts';
import { tableOf } from './report.ts';
import { run } from './run.ts';

const built = join(inject('built'), 'src');

/** What the bot promised and did not keep; empty, or a table that says where to look. */
async function broken(line: string): Promise<{ answered: number; table: string }> {
  const options = readOptions(line.split(' '));
  const outcome = await run(options, () => {}, { built });
  return { answered: outcome.verdict.answered, table: outcome.failed ? tableOf(options, outcome) : '' };
}

// Half a minute each where nobody else wants the cores. What comes late is no failure, what never comes is.
describe('a short run through kills, cut connections and double deliveries', { timeout: 300_000 }, () => {
  it('answers everyone once, in order, in one process on SQLite', async () => {
    const line = '--seed 4 --platform both --conversations 5 --rounds 2 --kills 3 --rolls 1 --troubles 2';
    const { answered, table } = await broken(line);
    expect(table).toBe('');
    expect(answered).toBeGreaterThan(3);
  });

  it.skipIf(POSTGRES === null || REDIS === null)(
    'answers everyone once, in order, in five processes on PostgreSQL and Redis',
    async () => {
      const line =
        '--seed 5 --layout postgres-redis --conversations 5 --rounds 2 --kills 2 --rolls 1 --troubles 2';
      const { answered, table } = await broken(line);
      expect(table).toBe('');
      expect(answered).toBeGreaterThan(3);
    },
  );
});
