import type { ChatAdapter } from '../core/adapter.ts';
import type { State } from '../core/state/state.ts';
import type { RateLimited } from '../core/telemetry.ts';
import { type Load, noTelemetry, type Telemetry } from '../core/telemetry.ts';
import { apiFetch } from '../fetch.ts';
import type { Log } from '../log.ts';
import type { AgentRequests } from './agent-requests.ts';
import type { QueueWatch } from './readiness.ts';

/** What of the settings concerns it. */
export interface ObservabilitySettings {
  /** Null: no server. */
  health: { host: string; port: number } | null;
  /** Spans are made, and exported as the environment's OTEL_… variables say. */
  traces: boolean;
}

export interface Observability {
  /** The given log; where anything is observed, one that counts its warnings and names traces. */
  log: Log;
  telemetry: Telemetry;
  /** For the agent service's client. */
  fetch: typeof fetch;
  rateLimitedOn(platform: string): RateLimited;
  /** Where the server listens; null without one. */
  url: string | null;
  /** Says what readiness and load are to be asked of; `queue` where processes share one. */
  watch(parts: {
    state: State;
    adapters: readonly ChatAdapter[];
    load: () => Promise<Load>;
    queue?: QueueWatch;
  }): void;
  started(): void;
  draining(): void;
  /** Ends the server and sends what is left of traces. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * What operators see of the process. With nothing set this costs nothing: no library is loaded, and the core's hooks
 * do nothing.
 */
export async function openObservability(
  settings: ObservabilitySettings,
  about: { version: string; role: string },
  log: Log,
): Promise<Observability> {
  if (settings.health === null && !settings.traces) return unseen(log);
  const [
    { createMetrics },
    { createTelemetry },
    { createAgentRequests },
    { createReadiness },
    { observedLog },
    { startAtZero },
  ] = await Promise.all([
    import('./metrics.ts'),
    import('./telemetry.ts'),
    import('./agent-requests.ts'),
    import('./readiness.ts'),
    import('./observed-log.ts'),
    import('./zeros.ts'),
  ]);
  const metrics = settings.health === null ? null : createMetrics(about);
  const seen = observedLog(log, metrics);
  const stops: (() => Promise<void>)[] = [];
  if (settings.traces) {
    const { exportTraces } = await import('./traces.ts');
    stops.push(await exportTraces(about, seen));
  }
  const requests: AgentRequests = createAgentRequests(metrics);
  let readiness: ReturnType<typeof createReadiness> | undefined;
  let url: string | null = null;
  if (settings.health !== null && metrics !== null) {
    const { serveHealth } = await import('./server.ts');
    const server = await serveHealth({
      ...settings.health,
      metrics,
      ready: () => readiness?.standing() ?? null,
    });
    stops.push(server.stop);
    url = server.url;
    log.info({ event: 'health.listening', url }, 'health and metrics can be asked for');
  }

  return {
    log: seen,
    telemetry: createTelemetry(metrics),
    fetch: requests.fetch,
    rateLimitedOn: platform => (by, waitMs) => {
      metrics?.rateLimits.inc({ platform, by });
      metrics?.rateLimitSeconds.inc({ platform, by }, waitMs / 1_000);
    },
    url,
    watch({ load, ...parts }) {
      const watched = createReadiness({ ...parts, reached: requests.reached });
      readiness = watched;
      if (metrics !== null) {
        startAtZero(
          metrics,
          parts.adapters.map(({ platform }) => platform),
        );
      }
      metrics?.look({
        load,
        async checks() {
          const { checks } = await watched.standing();
          return Object.fromEntries(
            Object.entries(checks).map(([name, problem]) => [name, problem === null]),
          );
        },
      });
    },
    started: () => readiness?.started(),
    draining: () => readiness?.draining(),
    async stop() {
      while (stops.length > 0) await stops.pop()?.();
    },
  };
}

function unseen(log: Log): Observability {
  return {
    log,
    telemetry: noTelemetry,
    fetch: apiFetch,
    rateLimitedOn: () => () => {},
    url: null,
    watch() {},
    started() {},
    draining() {},
    stop: async () => {},
  };
}
