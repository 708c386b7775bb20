// The fake's own time. Everything Discord measures (rate-limit windows, the three seconds and fifteen
// minutes of an interaction, auto-archiving, CDN expiry) reads this clock, so that a test can let an hour
// pass without waiting. Heartbeats and the frames on the wire stay in real time, because the client's do.

export interface Clock {
  /** Milliseconds since the Unix epoch, as the fake sees it. */
  now(): number;
  /** Lets `ms` milliseconds pass at once. */
  advance(ms: number): void;
  /** How many real milliseconds the fake needs for `ms` of its own. */
  toReal(ms: number): number;
}

/** `speed` 10 means that ten seconds pass here in one real second. */
export function createClock(speed = 1): Clock {
  const startedAt = Date.now();
  let skipped = 0;
  return {
    now: () => Math.floor(startedAt + (Date.now() - startedAt) * speed + skipped),
    advance(ms) {
      skipped += ms;
    },
    toReal: ms => ms / speed,
  };
}
