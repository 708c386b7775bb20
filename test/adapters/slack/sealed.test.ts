import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { openSealed, seal } from '../../../src/adapters/slack/connection/sealed.ts';

it('a sealed value opens with its key, under its own name, unchanged', () => {
  const key = randomBytes(32);
  const sealed = seal({ token: 'xoxb-1' }, key, 'T1');
  expect(JSON.stringify(sealed)).not.toContain('xoxb');
  expect(openSealed(sealed, key, 'T1')).toEqual({ token: 'xoxb-1' });
  expect(() => openSealed(sealed, key, 'T2')).toThrow();
  expect(() => openSealed(sealed, randomBytes(32), 'T1')).toThrow();
  const changed = Buffer.from(sealed.data, 'base64');
  changed[0] = (changed[0] ?? 0) ^ 1;
  expect(() => openSealed({ ...sealed, data: changed.toString('base64') }, key, 'T1')).toThrow();
});
