import type { Failure } from '../core/errors.ts';
import type { RateLimited, Reconnect, TurnEnding } from '../core/telemetry.ts';
import type { Metrics } from './metrics.ts';

// Written as records, so that none can be left out.
const OUTCOMES = { accepted: 0, duplicate: 0, refused: 0, failed: 0 };
const ENDINGS: Record<TurnEnding, 0> = {
  answered: 0,
  refused: 0,
  budget_reached: 0,
  retries_exhausted: 0,
  terminated: 0,
  deleted: 0,
  stopped: 0,
  timed_out: 0,
  turned_away: 0,
  failed: 0,
  left: 0,
};
const HOLDERS: Record<Parameters<RateLimited>[0], 0> = { platform: 0, budget: 0 };
const NOTICES = { told: 0, held: 0 };
const TOKENS = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
const REASONS: Record<Reconnect, 0> = { ended: 0, stalled: 0, unreachable: 0, busy: 0, broken: 0 };
type Kind = Extract<Failure, { reason: string }>['reason'] | Exclude<Failure, { reason: string }>['type'];
const KINDS: Record<Kind | 'none', 0> = {
  unreachable: 0,
  busy: 0,
  broken: 0,
  key: 0,
  permission: 0,
  billing: 0,
  request: 0,
  too_large: 0,
  conflict: 0,
  gone: 0,
  aborted: 0,
  unknown: 0,
  none: 0,
};
/** Of errors there are too many events for a series each, ahead of time: those that the alerting rules ask about. */
const ALERTED = ['turn.stuck'];

/** A counter that appears with its first event is born at 1, and rate() and increase() do not see that event. */
export function startAtZero(metrics: Metrics, platforms: readonly string[]): void {
  for (const reason of Object.keys(REASONS)) metrics.reconnects.inc({ reason }, 0);
  for (const event of ALERTED)
    for (const kind of Object.keys(KINDS)) metrics.errors.inc({ level: 'error', event, kind }, 0);
  for (const platform of platforms) {
    for (const outcome of Object.keys(OUTCOMES)) metrics.deliveries.inc({ platform, outcome }, 0);
    for (const ending of Object.keys(ENDINGS)) metrics.turns.inc({ platform, ending }, 0);
    for (const kind of Object.keys(NOTICES)) metrics.notices.inc({ platform, kind }, 0);
    for (const kind of Object.keys(TOKENS)) metrics.tokens.inc({ platform, kind }, 0);
    for (const by of Object.keys(HOLDERS)) {
      metrics.rateLimits.inc({ platform, by }, 0);
      metrics.rateLimitSeconds.inc({ platform, by }, 0);
    }
  }
}
