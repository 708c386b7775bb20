import { describe, expect, it } from 'vitest';
import type { Dispatcher } from '../../../src/core/dispatcher.ts';

type Create = (
  run: (conversation: string) => Promise<void>,
  limit?: number,
) => Promise<Dispatcher> | Dispatcher;

/** What every dispatcher must do, however it finds its workers. */
export function dispatcherContract(name: string, create: Create): void {
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
      let now = 0;
      let most = 0;
      const seen = new Set<string>();
      const dispatcher = await create(async conversation => {
        now += 1;
        most = Math.max(most, now);
        await new Promise(resolve => setImmediate(resolve));
        seen.add(conversation);
        now -= 1;
      }, 3);
      for (let n = 0; n < 20; n += 1) dispatcher.wake(`c${n}`);
      await dispatcher.idle();
      expect(most).toBe(3);
      expect(seen.size).toBe(20);
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

function gate(): { opened: Promise<void>; open(): void } {
  let open: () => void = () => {};
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  return { opened, open };
}
