import type { SetTimer } from '../../src/core/timer.ts';

/** Time that moves only when told; everything due is run in order, and promises get their turn in between. */
export function manualClock() {
  let time = 0;
  let timers: { due: number; run: () => void }[] = [];
  const setTimer: SetTimer = (run, ms) => {
    const timer = { due: time + ms, run };
    timers.push(timer);
    return () => {
      timers = timers.filter(other => other !== timer);
    };
  };
  return {
    now: () => time,
    setTimer,
    async advance(ms: number) {
      const until = time + ms;
      await settle();
      for (;;) {
        const next = timers.filter(timer => timer.due <= until).sort((a, b) => a.due - b.due)[0];
        if (next === undefined) break;
        timers = timers.filter(timer => timer !== next);
        time = next.due;
        next.run();
        await settle();
      }
      time = until;
      await settle();
    },
  };
}

export const settle = () => new Promise<void>(resolve => setImmediate(resolve));
