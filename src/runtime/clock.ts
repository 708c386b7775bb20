/** Milliseconds since the epoch, never smaller than a value already given. */
export type Clock = () => number;

/**
 * Lists are ordered and filtered by time, so a wall clock set back must not reorder them: nor one that was set back
 * while nothing ran, which is why time goes on from the newest moment stored.
 */
export function createClock(now: () => number = Date.now, newest = 0): Clock {
  let last = newest;
  return () => {
    last = Math.max(last, now());
    return last;
  };
}

/** RFC 3339 with milliseconds, as every timestamp of the API. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

export function timestampOrNull(ms: number | null): string | null {
  return ms === null ? null : timestamp(ms);
}
