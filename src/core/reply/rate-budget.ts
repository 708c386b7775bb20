import { realTimer, type SetTimer } from '../timer.ts';

/** How often something may be done. No minute ever sees more than `burst + perMinute` of it. */
export interface Rate {
  /** How many may come at once after a quiet time; at least 1. */
  burst: number;
  perMinute: number;
}

export interface RateBudget {
  /**
   * 0: taken. Otherwise nothing was taken, and this is in how many milliseconds it is worth asking again.
   * `reserve` leaves that much of the burst to those who cannot do without.
   */
  tryTake(key: string, rate: Rate, reserve?: number): number;
  /** What `tryTake` would answer; takes nothing. */
  waitFor(key: string, rate: Rate, reserve?: number): number;
  /** Resolves when it is taken, in the order of asking. Rejects with the signal's reason when that comes first. */
  take(key: string, rate: Rate, signal?: AbortSignal): Promise<void>;
  /** The platform itself said "not before": nobody takes from this key for so long. */
  block(key: string, forMs: number): void;
}

interface Bucket {
  rate: Rate;
  tokens: number;
  /** When `tokens` was right. */
  at: number;
  blockedUntil: number;
  waiting: (() => void)[];
  cancelTimer: (() => void) | undefined;
}

const MINUTE_MS = 60_000;
const PRUNE_FROM = 1_000;

/** Token buckets, one per key; a busy key never delays another. */
export function createRateBudget(options: { now?: () => number; setTimer?: SetTimer } = {}): RateBudget {
  const now = options.now ?? Date.now;
  const setTimer = options.setTimer ?? realTimer;
  const buckets = new Map<string, Bucket>();
  let pruneAt = PRUNE_FROM;

  function bucketOf(key: string, rate: Rate): Bucket {
    const known = buckets.get(key);
    if (known !== undefined) {
      known.rate = rate;
      refill(known);
      return known;
    }
    if (buckets.size >= pruneAt) prune();
    const bucket: Bucket = {
      rate,
      tokens: rate.burst,
      at: now(),
      blockedUntil: Number.NEGATIVE_INFINITY,
      waiting: [],
      cancelTimer: undefined,
    };
    buckets.set(key, bucket);
    return bucket;
  }

  function refill(bucket: Bucket): void {
    const { burst, perMinute } = bucket.rate;
    const time = now();
    bucket.tokens = Math.min(burst, bucket.tokens + ((time - bucket.at) * perMinute) / MINUTE_MS);
    bucket.at = time;
  }

  /** A full bucket that nobody waits for is no different from a new one. */
  function prune(): void {
    for (const [key, bucket] of buckets) {
      refill(bucket);
      const full = bucket.tokens >= bucket.rate.burst && bucket.blockedUntil <= now();
      if (full && bucket.waiting.length === 0) buckets.delete(key);
    }
    pruneAt = Math.max(PRUNE_FROM, buckets.size * 2);
  }

  /** Milliseconds until `tokens` are there; 0 when they are. */
  function missingMs(bucket: Bucket, tokens: number): number {
    const blocked = Math.max(0, bucket.blockedUntil - now());
    // Refilling adds fractions: what is a whole token but for rounding counts as one.
    const missing = tokens - bucket.tokens - 1e-6;
    const refilling = missing <= 0 ? 0 : Math.ceil((missing * MINUTE_MS) / bucket.rate.perMinute);
    return Math.max(blocked, refilling);
  }

  function serve(bucket: Bucket): void {
    bucket.cancelTimer?.();
    bucket.cancelTimer = undefined;
    refill(bucket);
    while (bucket.waiting.length > 0) {
      const wait = missingMs(bucket, 1);
      if (wait > 0) {
        bucket.cancelTimer = setTimer(() => serve(bucket), wait);
        return;
      }
      bucket.tokens -= 1;
      bucket.waiting.shift()?.();
    }
  }

  function waitFor(bucket: Bucket, reserve: number): number {
    const ahead = bucket.waiting.length;
    return missingMs(bucket, Math.min(bucket.rate.burst, 1 + reserve) + ahead);
  }

  return {
    tryTake(key, rate, reserve = 0) {
      const bucket = bucketOf(key, rate);
      const wait = waitFor(bucket, reserve);
      if (wait === 0) bucket.tokens -= 1;
      return wait;
    },

    waitFor: (key, rate, reserve = 0) => waitFor(bucketOf(key, rate), reserve),

    take(key, rate, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        const bucket = bucketOf(key, rate);
        const onAbort = () => {
          bucket.waiting = bucket.waiting.filter(waiter => waiter !== taken);
          reject(signal?.reason);
        };
        const taken = () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        bucket.waiting.push(taken);
        if (bucket.waiting.length === 1) serve(bucket);
      });
    },

    block(key, forMs) {
      const bucket = buckets.get(key);
      if (bucket !== undefined) bucket.blockedUntil = Math.max(bucket.blockedUntil, now() + forMs);
    },
  };
}
