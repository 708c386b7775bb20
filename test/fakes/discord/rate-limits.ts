// Rate limits as in Discord's topics/rate-limits: one bucket per route and major parameter (channel, guild,
// webhook with its token), 50 requests a second for the whole bot except on the interaction endpoints, 429
// with `retry_after` and a scope, and the ban after 10,000 answers of 401, 403 or 429 in ten minutes (429s of
// scope `shared` do not count). Discord publishes no numbers for the buckets and asks clients to read the
// headers; the numbers each route carries here are what clients commonly see, and a test may change them.

import { createHash } from 'node:crypto';
import type { Clock } from './clock.ts';

export interface BucketRule {
  /** Routes with the same name share one bucket. */
  name: string;
  limit: number;
  windowMs: number;
}

export interface RateLimitOptions {
  enabled: boolean;
  globalPerSecond: number;
  invalidRequestsPerTenMinutes: number;
  /** Other numbers for single buckets, by name. */
  overrides: Record<string, { limit: number; windowMs: number }>;
}

export interface Verdict {
  headers: Record<string, string>;
  /** Set when the call is refused. */
  refusal?: { body: Record<string, unknown>; scope: 'user' | 'shared' | 'global' };
}

/** Thrown by rules that refuse a single message, such as slow mode. */
export class RateLimitedError extends Error {
  readonly verdict: Verdict;

  constructor(verdict: Verdict) {
    super('You are being rate limited.');
    this.name = 'RateLimitedError';
    this.verdict = verdict;
  }
}

export interface RateLimits {
  readonly options: RateLimitOptions;
  /** How many answers of each kind were given. */
  readonly counters: { user: number; shared: number; global: number; invalidRequests: number };
  banned(): boolean;
  take(rule: BucketRule | null, major: string, countsGlobally: boolean): Verdict;
  /** A refusal that no bucket decided, for faults and for the limits of single messages. */
  refuse(retryAfterMs: number, scope: 'user' | 'shared' | 'global', code?: number): Verdict;
  countInvalid(status: number, scope?: string): void;
}

export function createRateLimits(clock: Clock, options: RateLimitOptions): RateLimits {
  const buckets = new Map<string, { used: number; resetAt: number }>();
  const counters = { user: 0, shared: 0, global: 0, invalidRequests: 0 };
  let global = { used: 0, resetAt: 0 };
  let invalid = { count: 0, resetAt: 0 };

  function refuse(retryAfterMs: number, scope: 'user' | 'shared' | 'global', code?: number): Verdict {
    counters[scope] += 1;
    const seconds = clock.toReal(retryAfterMs) / 1000;
    return {
      headers: {
        'retry-after': String(Math.max(1, Math.ceil(seconds))),
        'x-ratelimit-scope': scope,
        ...(scope === 'global' ? { 'x-ratelimit-global': 'true' } : {}),
      },
      refusal: {
        scope,
        body: {
          message: scope === 'shared' ? 'The resource is being rate limited.' : 'You are being rate limited.',
          retry_after: Number(seconds.toFixed(3)),
          global: scope === 'global',
          ...(code === undefined ? {} : { code }),
        },
      },
    };
  }

  function takeGlobal(): Verdict | undefined {
    const now = clock.now();
    if (now >= global.resetAt) global = { used: 0, resetAt: now + 1000 };
    if (global.used >= options.globalPerSecond) return refuse(global.resetAt - now, 'global');
    global.used += 1;
    return undefined;
  }

  return {
    options,
    counters,
    banned: () => clock.now() < invalid.resetAt && invalid.count >= options.invalidRequestsPerTenMinutes,
    refuse,
    take(rule, major, countsGlobally) {
      if (!options.enabled) return { headers: {} };
      const refusedGlobally = countsGlobally ? takeGlobal() : undefined;
      if (refusedGlobally) return refusedGlobally;
      if (!rule) return { headers: {} };
      const { limit, windowMs } = options.overrides[rule.name] ?? rule;
      const now = clock.now();
      const key = `${rule.name}:${major}`;
      let bucket = buckets.get(key);
      if (!bucket || now >= bucket.resetAt) {
        bucket = { used: 0, resetAt: now + windowMs };
        buckets.set(key, bucket);
      }
      const refused = bucket.used >= limit;
      if (!refused) bucket.used += 1;
      const leftMs = bucket.resetAt - now;
      const headers = {
        'x-ratelimit-limit': String(limit),
        'x-ratelimit-remaining': String(limit - bucket.used),
        'x-ratelimit-reset': (bucket.resetAt / 1000).toFixed(3),
        'x-ratelimit-reset-after': (clock.toReal(leftMs) / 1000).toFixed(3),
        'x-ratelimit-bucket': createHash('md5').update(rule.name).digest('hex'),
      };
      if (!refused) return { headers };
      const verdict = refuse(leftMs, 'user');
      return { ...verdict, headers: { ...headers, ...verdict.headers } };
    },
    countInvalid(status, scope) {
      if (status !== 401 && status !== 403 && status !== 429) return;
      if (status === 429 && scope === 'shared') return;
      const now = clock.now();
      if (now >= invalid.resetAt) invalid = { count: 0, resetAt: now + 600_000 };
      invalid.count += 1;
      counters.invalidRequests += 1;
    },
  };
}
