import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Dispatcher, Run } from '../../src/core/queue/dispatcher.ts';
import { createBullmqDispatcher } from '../../src/core/queue/dispatcher-bullmq.ts';
import { createLog } from '../../src/log.ts';
import { type Started, startProgram } from '../helpers/cli.ts';
import { cuttable, type Way } from '../helpers/cuttable.ts';
import { gate } from '../helpers/gate.ts';
import { REDIS, uniqueName } from '../helpers/servers.ts';
import { dispatcherContract } from './contracts/dispatcher.ts';

const url = REDIS ?? '';
const log = createLog('silent');

describe.skipIf(REDIS === null)('on Redis', () => {
  const dispatchers: Dispatcher[] = [];
  const programs: Started[] = [];
  let prefix = `{${uniqueName()}}`;
  const create = async (run: Run | null, caps = {}, quick = {}) => {
    const dispatcher = await createBullmqDispatcher({ url, run, caps, log, prefix, ...quick });
    dispatchers.push(dispatcher);
    return dispatcher;
  };
  const withRedis = async <T>(work: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis(url);
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  };

  afterEach(async () => {
    for (const { child } of programs.splice(0)) child.kill('SIGKILL');
    await Promise.all(dispatchers.splice(0).map(dispatcher => dispatcher.stop()));
    await withRedis(async client => {
      const keys = await client.keys(`${prefix}*`);
      if (keys.length > 0) await client.del(keys);
    });
    prefix = `{${uniqueName()}}`;
  });

  const inLine = (client: Redis) =>
    Promise.all([
      client.llen(`${prefix}:turns:active`),
      client.llen(`${prefix}:turns:wait`),
      client.zcard(`${prefix}:turns:prioritized`),
    ]);
  dispatcherContract('BullMQ', create, count =>
    withRedis(client =>
      vi.waitFor(async () => {
        expect((await inLine(client)).reduce((sum, n) => sum + n, 0)).toBe(count);
      }),
    ),
  );

  it('runs what any process wakes, one at a time per conversation across all of them', async () => {
    const running = new Set<string>();
    const seen = new Set<string>();
    const workers = new Set<number>();
    let overlap = false;
    for (let worker = 0; worker < 3; worker += 1) {
      await create(async conversation => {
        if (running.has(conversation)) overlap = true;
        running.add(conversation);
        workers.add(worker);
        seen.add(conversation);
        await new Promise(resolve => setTimeout(resolve, 3));
        running.delete(conversation);
      });
    }
    const ingest = [await create(null), await create(null)];
    for (let n = 0; n < 300; n += 1) ingest[n % 2]?.wake(`slack/T1/U${n % 30}/D1/`);
    await Promise.all(ingest.map(dispatcher => dispatcher.idle()));
    expect({ overlap, seen: seen.size, workers: workers.size }).toEqual({
      overlap: false,
      seen: 30,
      workers: 3,
    });
  });

  it('never loses the last wake, whenever it comes', async () => {
    const pending = new Map<string, number>();
    for (let worker = 0; worker < 2; worker += 1) {
      await create(async conversation => {
        while ((pending.get(conversation) ?? 0) > 0) {
          pending.set(conversation, 0);
          await new Promise(resolve => setImmediate(resolve));
        }
      });
    }
    const ingest = await create(null);
    for (let n = 0; n < 2_000; n += 1) {
      const conversation = `slack/T1/U${n % 5}/D1/`;
      pending.set(conversation, 1);
      ingest.wake(conversation);
      if (n % 7 === 0) await new Promise(resolve => setImmediate(resolve));
    }
    await ingest.idle();
    expect([...pending.values()]).toEqual([0, 0, 0, 0, 0]);
  });

  it('hands over what it leaves when it stops', async () => {
    const ran: string[] = [];
    let enter = () => {};
    const entered = new Promise<void>(resolve => {
      enter = resolve;
    });
    let leave = () => {};
    const left = new Promise<void>(resolve => {
      leave = resolve;
    });
    const leaving = await create(async () => {
      ran.push('leaving');
      enter();
      await left;
    });
    leaving.wake('slack/T1/U1/D1/');
    await entered;
    const stopped = leaving.stop();
    leave();
    await stopped;
    const heir = await create(async () => {
      ran.push('heir');
    });
    await heir.idle();
    expect(ran).toEqual(['leaving', 'heir']);
  });

  describe('whose connection is lost', () => {
    const ways: Way[] = [];
    const quick = { closeMs: 1 };
    const through = async (run: Run) => {
      const way = await cuttable(url, 6379);
      ways.push(way);
      let refusals = 0;
      const write = (line: string) => {
        if (line.includes('ECONNREFUSED')) refusals += 1;
      };
      const heard = createLog('warn', { write });
      const dispatcher = await createBullmqDispatcher({ url: way.url, run, log: heard, prefix, ...quick });
      return { way, dispatcher, refusals: () => refusals };
    };
    const aWhile = async () => {
      for (let n = 0; n < 5; n += 1) await withRedis(client => client.ping());
    };
    afterEach(async () => {
      for (const way of ways.splice(0)) await way.stop();
    });

    it('stops all the same, also when Redis is back meanwhile', async () => {
      for (const isBack of [false, true]) {
        const { way, dispatcher, refusals } = await through(async () => {});
        dispatcher.wake('slack/T1/U1/D1/');
        await dispatcher.idle();
        await way.down();
        // Its connections wait to be made again then.
        await vi.waitFor(() => expect(refusals()).toBeGreaterThan(4), { timeout: 10_000 });
        const stopped = dispatcher.stop();
        if (isBack) await way.up();
        await stopped;
      }
    });

    it('stops also when Redis hangs', async () => {
      const { way, dispatcher } = await through(async () => {});
      way.hang();
      await dispatcher.stop();
    });

    it('waits until what runs is over, however long that takes', async () => {
      const entered = gate();
      const leave = gate();
      const { way, dispatcher } = await through(async () => {
        entered.open();
        await leave.opened;
      });
      dispatcher.wake('slack/T1/U1/D1/');
      await entered.opened;
      await way.down();
      let isStopped = false;
      const stopped = dispatcher.stop().then(() => {
        isStopped = true;
      });
      // Long enough for one that does not wait.
      await aWhile();
      expect(isStopped).toBe(false);
      leave.open();
      await stopped;
    });

    it('says that nobody answers', async () => {
      const { way, dispatcher } = await through(async () => {});
      expect(await dispatcher.answers?.()).toBe('PONG');
      way.hang();
      expect(await Promise.race([dispatcher.answers?.(), aWhile()])).toBeUndefined();
      await dispatcher.stop();
    });
  });

  it('runs nothing while it drains, and passes on what it is woken for', async () => {
    const ran: string[] = [];
    const draining = await create(async () => {
      ran.push('draining');
    });
    draining.drain();
    draining.wake('slack/T1/U1/D1/');
    const other = await create(async () => {
      ran.push('other');
    });
    await other.idle();
    expect(ran).toEqual(['other']);
  });

  it('takes over what a killed process was running', async () => {
    const victim = startProgram('test/core/programs/hanging-worker.ts', [], {
      REDIS_URL: url,
      PREFIX: prefix,
    });
    programs.push(victim);
    await victim.says(/ready/);
    const ingest = await create(null);
    ingest.wake('slack/T1/U1/D1/');
    await victim.says(/running slack\/T1\/U1\/D1\//);
    // Woken again while it ran there: that is for whoever takes it over as well.
    ingest.wake('slack/T1/U1/D1/');
    let runs = 0;
    const count = async () => {
      runs += 1;
    };
    await create(count, {}, { lockMs: 1_000, checkMs: 200 });
    expect(runs).toBe(0);
    victim.child.kill('SIGKILL');
    await ingest.idle();
    expect(runs).toBeGreaterThanOrEqual(1);
  });
});

it('says that Redis cannot be reached, at once and without the password', async () => {
  const opening = createBullmqDispatcher({
    url: 'redis://:secret@127.0.0.1:1',
    run: null,
    log,
    prefix: '{x}',
  });
  await expect(opening).rejects.toThrow(/^Cannot use the Redis at 127.0.0.1:1: .*ECONNREFUSED.*REDIS_URL/);
});
