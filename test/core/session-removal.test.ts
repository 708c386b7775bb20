import Anthropic from '@anthropic-ai/sdk';
import { afterEach, expect, it } from 'vitest';
import { removeSession } from '../../src/core/session/session-removal.ts';
import { type Harness, newSession, startHarness, untilAborted, userMessage } from '../runtime/harness.ts';

let harness: Harness;
afterEach(() => harness.close());

it('an interrupt that got lost on its way is sent again, and the session goes', async () => {
  harness = await startHarness({ loop: ({ signal }) => untilAborted(signal) });
  const { client } = harness;
  const session = await newSession(client);
  await client.beta.sessions.events.send(session, { events: [userMessage('go on and on')] });
  let lost = 0;
  const losing = new Anthropic({
    baseURL: harness.runtime.url,
    apiKey: 'test-key',
    maxRetries: 0,
    fetch: async (url, init) => {
      if (init?.method === 'POST' && lost === 0) {
        lost += 1;
        throw new TypeError('connection reset');
      }
      return fetch(url, init);
    },
  });

  const removed = await removeSession(losing, session, {
    interrupt: true,
    wait: () => new Promise(resolve => setImmediate(resolve)),
  });

  expect(lost).toBe(1);
  expect(removed).toBe('removed');
});
