import { describe, expect, it } from 'vitest';
import type { Dispatcher, Run } from '../../../src/core/queue/dispatcher.ts';
import type { Caps } from '../../../src/core/queue/fair-queue.ts';
import { gate } from '../../helpers/gate.ts';

type Create = (run: Run, caps?: Partial<Caps>) => Promise<Dispatcher> | Dispatcher;

/**
 * What every dispatcher must do, however it finds its workers. `queued` resolves once that many conversations are
 * running or waiting, where waking them takes time.
 */
export function dispatcherContract(
  name: string,
  create: Create,
  queued: (count: number) => Promise<void> = async () => {},
): void {
  describe(`dispatcher ${name}`, () => {
    it('runs one turn at a time per conversation, and different conversations side by side', async () => {
      const running = new Map<string, number>();
      let most = 0;
      let overlap = false;
      const both = gate();
      const dispatcher = await create(async conversation => {
        running.set(conversation, (running.get(conversation) ?? 0) + 1);
        if ((running.get(conversation) ?? 0) > 1) overlap = true;
        most = Math.max(most, [...running.values()].filter(n => n > 0).length);
        if (most === 2) both.open();
        await both.opened;
        running.set(conversation, (running.get(conversation) ?? 0) - 1);
      });
      for (let n = 0; n < 5; n += 1) {
        dispatcher.wake('a');
        dispatcher.wake('b');
      }
      await dispatcher.idle();
      expect({ most, overlap }).toEqual({ most: 2, overlap: false });
      await dispatcher.stop();
    });

    it('runs once more for wakes that came while it ran, however many', async () => {
      const entered = gate();
      const leave = gate();
      let runs = 0;
      const dispatcher = await create(async () => {
        runs += 1;
        entered.open();
        await leave.opened;
      });
      dispatcher.wake('a');
      await entered.opened;
      for (let n = 0; n < 10; n += 1) dispatcher.wake('a');
      leave.open();
      await dispatcher.idle();
      expect(runs).toBe(2);
      await dispatcher.stop();
    });

    it('keeps to its limit and still runs everything', async () => {
      const three = gate();
      let now = 0;
      let most = 0;
      const seen = new Set<string>();
      const dispatcher = await create(
        async conversation => {
          now += 1;
          most = Math.max(most, now);
          if (now === 3) three.open();
          await three.opened;
          await new Promise(resolve => setImmediate(resolve));
          seen.add(conversation);
          now -= 1;
        },
        { total: 3, workspace: 3 },
      );
      for (let n = 0; n < 20; n += 1) dispatcher.wake(`slack/T1/U${n}/D1/`);
      await dispatcher.idle();
      expect(most).toBe(3);
      expect(seen.size).toBe(20);
      await dispatcher.stop();
    });

    it('runs no more of a person or a workspace than their caps, and everything in the end', async () => {
      const now = new Map<string, number>();
      const most = new Map<string, number>();
      const done = new Set<string>();
      const count = (name: string, by: number) => {
        const n = (now.get(name) ?? 0) + by;
        now.set(name, n);
        most.set(name, Math.max(most.get(name) ?? 0, n));
      };
      const dispatcher = await create(
        async conversation => {
          const [, workspace = '', person = ''] = conversation.split('/');
          for (const name of [workspace, person]) count(name, 1);
          await new Promise(resolve => setTimeout(resolve, 5));
          for (const name of [workspace, person]) count(name, -1);
          done.add(conversation);
        },
        { total: 10, workspace: 4, person: 2 },
      );
      for (let n = 0; n < 6; n += 1) {
        for (const person of ['T1/ann', 'T1/bob', 'T1/cy', 'T2/dee'])
          dispatcher.wake(`slack/${person}/D${n}/`);
      }
      await dispatcher.idle();
      expect(done.size).toBe(24);
      const { T1 = 0, T2: _, ...people } = Object.fromEntries(most);
      expect(T1).toBeLessThanOrEqual(4);
      expect(T1).toBeGreaterThan(2);
      expect(Math.max(...Object.values(people))).toBe(2);
      await dispatcher.stop();
    });

    it('lets workspaces and people take turns, so that many conversations of one do not come first', async () => {
      const entered = gate();
      const leave = gate();
      const order: string[] = [];
      const dispatcher = await create(
        async conversation => {
          const [, workspace, person] = conversation.split('/');
          order.push(`${workspace}/${person}`);
          entered.open();
          await leave.opened;
        },
        { total: 1, workspace: 1, person: 1 },
      );
      dispatcher.wake('slack/T0/first/D1/');
      await entered.opened;
      for (let n = 0; n < 20; n += 1) dispatcher.wake(`slack/T1/ann/D${n}/`);
      dispatcher.wake('slack/T1/bob/D1/');
      dispatcher.wake('slack/T2/cy/D1/');
      await queued(23);
      leave.open();
      await dispatcher.idle();
      expect(order).toHaveLength(23);
      expect(order.indexOf('T1/bob')).toBeLessThan(6);
      expect(order.indexOf('T2/cy')).toBeLessThan(6);
      await dispatcher.stop();
    });

    it('starts nothing after stop, and stop waits for what runs', async () => {
      const entered = gate();
      const leave = gate();
      const finished: string[] = [];
      const dispatcher = await create(async conversation => {
        entered.open();
        await leave.opened;
        finished.push(conversation);
      });
      dispatcher.wake('a');
      await entered.opened;
      const stopped = dispatcher.stop();
      dispatcher.wake('b');
      leave.open();
      await stopped;
      await dispatcher.stop();
      expect(finished).toEqual(['a']);
    });
  });
}
