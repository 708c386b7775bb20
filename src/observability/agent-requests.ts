import { apiFetch } from '../fetch.ts';
import type { Metrics } from './metrics.ts';

export interface AgentRequests {
  /** For the SDK's `fetch` option. */
  fetch: typeof fetch;
  /** The service has answered at least once, and not with a refusal of the key or trouble of its own. */
  reached(): boolean;
}

/**
 * Counts and times what goes to the agent service, without looking at what it says. Its spans the SDK makes itself.
 */
export function createAgentRequests(metrics: Metrics | null, inner: typeof fetch = apiFetch): AgentRequests {
  let reached = false;

  return {
    reached: () => reached,
    async fetch(input, init) {
      const method = init?.method?.toUpperCase() ?? 'GET';
      const route = routeOf(input instanceof Request ? input.url : String(input));
      const started = performance.now();
      const count = (status: string) =>
        metrics?.requests.observe({ method, route, status }, (performance.now() - started) / 1_000);
      try {
        const response = await inner(input, init);
        count(String(response.status));
        reached ||= response.status < 500 && ![401, 403, 429].includes(response.status);
        return response;
      } catch (error) {
        count(init?.signal?.aborted === true ? 'aborted' : 'unreachable');
        throw error;
      }
    },
  };
}

/** The words of the API's paths; everything else in a path is an id. */
const WORDS = new Set(
  'v1 agents archive content delete environments events files health memories memory_stores memory_versions messages models redact resources restore send sessions stream threads versions'.split(
    ' ',
  ),
);
const DEEPEST = 8;

/** "/v1/sessions/{id}/events": few values, whatever is asked for. */
export function routeOf(url: string): string {
  const parts = new URL(url).pathname.split('/').filter(part => part !== '');
  return `/${parts
    .slice(0, DEEPEST)
    .map(part => (WORDS.has(part) ? part : '{id}'))
    .join('/')}`;
}
