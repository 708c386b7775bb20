import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '../../src/core/message.ts';
import {
  createLocalSignals,
  type Signal,
  type SignalHandler,
  type Signals,
} from '../../src/core/queue/signals.ts';
import { createRedisSignals } from '../../src/core/queue/signals-redis.ts';
import { createLog } from '../../src/log.ts';
import { REDIS, uniqueName } from '../helpers/servers.ts';

const interrupt = (conversation: string): Signal => ({ type: 'interrupt', conversation, entry: null });
const running =
  (mine: string): SignalHandler =>
  signal =>
    signal.type === 'interrupt' && signal.conversation === mine ? true : null;

describe('signals within a process', () => {
  it('are answered by it alone', async () => {
    const signals = createLocalSignals();
    expect(await signals.ask(interrupt('a'))).toBeNull();
    signals.answer(running('a'));
    expect(await signals.ask(interrupt('a'))).toBe(true);
    expect(await signals.ask(interrupt('b'))).toBeNull();
  });
});

describe.skipIf(REDIS === null)('signals between processes', () => {
  const url = REDIS ?? '';
  const all: Signals[] = [];
  const prefix = uniqueName();
  const another = async (handler: SignalHandler, patienceMs = 5_000) => {
    const signals = await createRedisSignals({ url, log: createLog('silent'), prefix, patienceMs });
    signals.answer(handler);
    all.push(signals);
    return signals;
  };
  afterEach(() => Promise.all(all.splice(0).map(signals => signals.stop())));

  it('reach the one they concern, here or elsewhere', async () => {
    const here = await another(running('a'));
    await another(running('b'));
    await another(running('c'));
    expect(await here.ask(interrupt('a'))).toBe(true);
    expect(await here.ask(interrupt('b'))).toBe(true);
    expect(await here.ask(interrupt('c'))).toBe(true);
  });

  it('come back as null as soon as everyone has said that it does not concern them', async () => {
    // Whoever waits for more than their answers waits for longer than this test may take.
    const here = await another(() => null, 3600_000);
    for (let n = 0; n < 3; n += 1) await another(() => null);
    expect(await here.ask(interrupt('a'))).toBeNull();
  });

  it('do not wait for ever for one that does not answer', async () => {
    const here = await another(() => null, 100);
    const dead = new Redis(url);
    await dead.subscribe(`${prefix}:signals`);
    expect(await here.ask(interrupt('a'))).toBeNull();
    dead.disconnect();
  });

  it('find the process that answers a person', async () => {
    const here = await another(() => null);
    await another(signal => (signal.type === 'halt' && signal.person === 'slack/T1/U1' ? true : null));
    expect(await here.ask({ type: 'halt', person: 'slack/T1/U1' })).toBe(true);
    expect(await here.ask({ type: 'halt', person: 'slack/T1/U2' })).toBeNull();
  });

  it('carry what adapters say to one another', async () => {
    const here = await another(() => null);
    await another(signal =>
      signal.type === 'relay' ? { platform: signal.platform, got: signal.payload } : null,
    );
    const payload: Json = { key: 'k', allow: true, list: [1, null, 'ü'] };
    expect(await here.ask({ type: 'relay', platform: 'slack', payload })).toEqual({
      platform: 'slack',
      got: payload,
    });
  });
});
