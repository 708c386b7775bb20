import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { createLocalDispatcher, type Dispatcher, type Run } from '../../src/core/queue/dispatcher.ts';
import { createBullmqDispatcher } from '../../src/core/queue/dispatcher-bullmq.ts';
import { createLog } from '../../src/log.ts';
import { REDIS, uniqueName } from '../helpers/servers.ts';

const url = REDIS ?? '';
const caps = { total: 1 };
const log = createLog('silent');
const prefix = `{${uniqueName()}}`;

const dispatchers: Record<string, ((run: Run) => Promise<Dispatcher>) | null> = {
  'in one process': async run => createLocalDispatcher(run, caps),
  'on Redis': REDIS === null ? null : run => createBullmqDispatcher({ url, run, caps, log, prefix }),
};

afterAll(async () => {
  if (REDIS === null) return;
  const client = new Redis(url);
  const keys = await client.keys(`${prefix}*`);
  if (keys.length > 0) await client.del(keys);
  client.disconnect();
});

describe.each(Object.entries(dispatchers))('the load of a dispatcher %s', (_name, create) => {
  it.skipIf(create === null)('is what runs here and what waits, and nothing once all is done', async () => {
    let release = () => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    const dispatcher = await create?.(() => held);
    if (dispatcher === undefined) return;
    for (const person of ['ann', 'ben', 'cleo']) dispatcher.wake(`slack/W1/${person}/D1`);
    await expect.poll(() => dispatcher.load(), { timeout: 10_000 }).toEqual({ running: 1, waiting: 2 });
    release();
    await dispatcher.idle();
    expect(await dispatcher.load()).toEqual({ running: 0, waiting: 0 });
    await dispatcher.stop();
  });
});
