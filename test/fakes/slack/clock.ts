// The fake's own time. Everything Slack measures (stream lifetime, trigger expiry, ack timeouts, retries a
// minute and five minutes later, rate windows, token expiry) reads this clock, so a test can let minutes pass
// at once. It starts at the real time because Bolt compares request timestamps with the real clock and accepts
// ones ahead of it (verify-request.js in @slack/bolt).

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Lets `ms` pass at once and runs, in order, what falls due. */
  advance(ms: number): void;
  /** Runs `run` once `ms` have passed; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
  stop(): void;
}

interface Timer {
  readonly due: number;
  readonly run: () => void;
  real: NodeJS.Timeout | undefined;
}

/** `frozen`: time moves only through `advance`. Otherwise it also runs with the real one. */
export function createClock({ frozen = false }: { frozen?: boolean } = {}): Clock {
  const startedAt = Date.now();
  const timers = new Set<Timer>();
  let skipped = 0;
  let stopped = false;

  const now = () => (frozen ? startedAt : Date.now()) + skipped;

  function fire(timer: Timer): void {
    if (timers.delete(timer)) timer.run();
  }

  function arm(timer: Timer): void {
    clearTimeout(timer.real);
    if (frozen) return;
    timer.real = setTimeout(() => fire(timer), Math.max(0, timer.due - now()));
    timer.real.unref();
  }

  return {
    now,
    advance(ms) {
      const until = now() + ms;
      for (;;) {
        let next: Timer | undefined;
        for (const timer of timers) {
          if (timer.due <= until && (next === undefined || timer.due < next.due)) next = timer;
        }
        if (next === undefined) break;
        clearTimeout(next.real);
        skipped += Math.max(0, next.due - now());
        fire(next);
      }
      skipped += Math.max(0, until - now());
      for (const timer of timers) arm(timer);
    },
    after(ms, run) {
      if (stopped) return () => {};
      const timer: Timer = { due: now() + ms, run, real: undefined };
      timers.add(timer);
      arm(timer);
      return () => {
        clearTimeout(timer.real);
        timers.delete(timer);
      };
    },
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer.real);
      timers.clear();
    },
  };
}
