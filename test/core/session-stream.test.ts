import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followSession } from '../../src/core/session/session-stream.ts';
import { createLog } from '../../src/log.ts';
import { type Bench, collect, createBench } from '../helpers/bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.stop());

it('does not wait for a stream whose beginning never comes', async () => {
  await bench.adapter.say('Hello');
  const [session] = await collect(bench.client.beta.sessions.list());
  bench.proxy.plan(({ path, index }) =>
    // The service never ends a stream, so this one has neither a beginning nor an end.
    path.endsWith('/events/stream') && index < 2 ? { type: 'drop_after' } : undefined,
  );
  const over = new AbortController();
  const batches = followSession({
    client: new Anthropic({ baseURL: bench.proxy.url, apiKey: 'key', logLevel: 'off' }),
    sessionId: session?.id ?? '',
    opened: async () => {},
    since: () => null,
    resume: true,
    onTrouble: () => {},
    signal: over.signal,
    log: createLog('silent'),
    openMs: 200,
  });
  const { value } = await batches.next();
  over.abort();
  expect(value?.events.map(({ type }) => type)).toContain('session.status_idle');
});
