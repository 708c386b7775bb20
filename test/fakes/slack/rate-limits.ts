// Web API rate limits, per workspace and method and minute (docs.slack.dev/apis/web-api/rate-limits): Tier 1
// 1+, Tier 2 20+, Tier 3 50+, Tier 4 100+ with bursts tolerated; chat.postMessage one a second a channel with
// short bursts, under a workspace-wide ceiling of several hundred a minute. "Special" methods without a
// published figure get 600, the figure Slack gives for assistant.threads.setStatus.

import type { Clock } from './clock.ts';

export type Tier = 1 | 2 | 3 | 4 | 'special' | 'post';

export interface RateLimitOptions {
  /** False switches refusals off; the counters still count. */
  enabled: boolean;
  /** How far above a tier's minute a burst may go: 1.2 lets 24 Tier 2 calls pass in a minute. */
  burst: number;
  /** Messages a channel takes at once before one a second applies. */
  postBurst: number;
  postsPerMinute: number;
  /** Overrides by method, e.g. `{'conversations.replies': 1}` for an app sold outside the Marketplace. */
  perMinute: Readonly<Record<string, number>>;
}

export const RATE_LIMITS: RateLimitOptions = {
  enabled: true,
  burst: 1.2,
  postBurst: 3,
  postsPerMinute: 300,
  perMinute: {},
};

export interface Usage {
  /** Calls let through. */
  accepted: number;
  /** Calls refused with 429. */
  limited: number;
  /** The most calls let through in any sixty seconds. */
  peakPerMinute: number;
}

export interface RateLimits {
  /** Undefined: let through and counted. Otherwise the whole seconds for the retry-after header. */
  take(team: string, method: string, tier: Tier, channel?: string): number | undefined;
  usage(team: string, method: string): Readonly<Usage>;
  /** The sum of all refusals, for a quick "nobody was throttled". */
  limited(): number;
}

const MINUTE = 60_000;
const PER_MINUTE = { 1: 1, 2: 20, 3: 50, 4: 100, special: 600 } as const;

/** The times of the calls of the last minute; a queue that drops its head without moving the rest each time. */
class Window {
  #times: number[] = [];
  #head = 0;

  count(now: number): number {
    while (this.#head < this.#times.length && (this.#times[this.#head] ?? 0) <= now - MINUTE) this.#head += 1;
    if (this.#head > 1_024) {
      this.#times = this.#times.slice(this.#head);
      this.#head = 0;
    }
    return this.#times.length - this.#head;
  }

  add(now: number): void {
    this.#times.push(now);
  }

  oldest(): number {
    return this.#times[this.#head] ?? 0;
  }
}

interface Bucket {
  tokens: number;
  at: number;
}

export function createRateLimits(clock: Clock, options: RateLimitOptions): RateLimits {
  const windows = new Map<string, Window>();
  const usages = new Map<string, Usage>();
  const channels = new Map<string, Bucket>();

  function usageOf(team: string, method: string): Usage {
    const key = `${team} ${method}`;
    let usage = usages.get(key);
    if (usage === undefined) {
      usage = { accepted: 0, limited: 0, peakPerMinute: 0 };
      usages.set(key, usage);
    }
    return usage;
  }

  function ceiling(method: string, tier: Tier): number {
    const override = options.perMinute[method];
    if (override !== undefined) return override;
    if (tier === 'post') return options.postsPerMinute;
    return tier === 'special' ? PER_MINUTE.special : Math.ceil(PER_MINUTE[tier] * options.burst);
  }

  function channelWait(key: string, now: number): number {
    const bucket = channels.get(key) ?? { tokens: options.postBurst, at: now };
    bucket.tokens = Math.min(options.postBurst, bucket.tokens + (now - bucket.at) / 1_000);
    bucket.at = now;
    channels.set(key, bucket);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil(1 - bucket.tokens));
    bucket.tokens -= 1;
    return 0;
  }

  return {
    take(team, method, tier, channel) {
      const now = clock.now();
      const key = `${team} ${method}`;
      let window = windows.get(key);
      if (window === undefined) {
        window = new Window();
        windows.set(key, window);
      }
      const usage = usageOf(team, method);
      const count = window.count(now);
      let wait = 0;
      if (options.enabled) {
        if (count >= ceiling(method, tier)) {
          wait = Math.max(1, Math.ceil((window.oldest() + MINUTE - now) / 1_000));
        } else if (tier === 'post' && channel !== undefined) {
          wait = channelWait(`${team} ${channel}`, now);
        }
      }
      if (wait > 0) {
        usage.limited += 1;
        return wait;
      }
      window.add(now);
      usage.accepted += 1;
      usage.peakPerMinute = Math.max(usage.peakPerMinute, count + 1);
      return undefined;
    },
    usage: usageOf,
    limited: () => [...usages.values()].reduce((sum, usage) => sum + usage.limited, 0),
  };
}
