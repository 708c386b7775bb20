import { expect, it } from 'vitest';
import { withoutSecrets } from '../../../src/commands/doctor/secrets.ts';

it('takes a password out as it stands in the URL and as the server is given it', () => {
  const clean = withoutSecrets({ DATABASE_URL: 'postgres://bot:s3cret%2Fword@db/bot' });
  expect(clean('s3cret%2Fword or s3cret/word')).toBe('[secret] or [secret]');
});

it('takes a password with a bare % in it for what it is', () => {
  const clean = withoutSecrets({ REDIS_URL: 'redis://bot:100%secret@queue' });
  expect(clean('wrong password 100%secret for bot')).toBe('wrong password [secret] for bot');
});
