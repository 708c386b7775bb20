import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

describe('a limit in seconds', () => {
  it.each(['TURN_LIMIT_SECONDS', 'QUESTION_LIMIT_SECONDS', 'OUTAGE_LIMIT_SECONDS'])(
    '%s that no timer can wait for is refused, and the longest that one can is taken',
    name => {
      expect(() => readConfig({ [name]: '9999999' })).toThrow(`${name} must be at most 2147483`);
      const { limits } = readConfig({ [name]: '2147483' });
      expect(Object.values(limits)).toContain(2_147_483_000);
    },
  );
});
