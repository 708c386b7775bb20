import { describe, expect, it } from 'vitest';
import { POSTGRES, REDIS } from '../helpers/servers.ts';
import { FAILURES } from './judge.ts';
import { type Options, readOptions } from './options.ts';
import { tableOf } from './report.ts';
import { run } from './run.ts';

/** What the bot promised and did not keep, and where to look when that is anything. */
async function broken(options: Options): Promise<{ answered: number; problems: string }> {
  const outcome = await run(options, () => {});
  const problems = FAILURES.flatMap(name => outcome.verdict[name]);
  return {
    answered: outcome.verdict.answered,
    problems: outcome.failed ? tableOf(options, outcome) : problems.join(),
  };
}

const ABOUT_A_MINUTE = 120_000;

describe('a short run through kills, cut connections and double deliveries', () => {
  it('answers everyone once, in order, in one process on SQLite', { timeout: ABOUT_A_MINUTE }, async () => {
    const options = readOptions(
      '--seed 4 --platform both --conversations 6 --rounds 2 --kills 3 --rolls 1 --troubles 2'.split(' '),
    );
    const { answered, problems } = await broken(options);
    expect(problems).toBe('');
    expect(answered).toBeGreaterThan(6);
  });

  it.skipIf(POSTGRES === null || REDIS === null)(
    'answers everyone once, in order, in five processes on PostgreSQL and Redis',
    { timeout: 2 * ABOUT_A_MINUTE },
    async () => {
      const options = readOptions(
        '--seed 5 --layout postgres-redis --conversations 5 --rounds 2 --kills 2 --rolls 1 --troubles 2'.split(
          ' ',
        ),
      );
      const { answered, problems } = await broken(options);
      expect(problems).toBe('');
      expect(answered).toBeGreaterThan(5);
    },
  );
});
