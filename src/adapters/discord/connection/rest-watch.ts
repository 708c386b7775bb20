import { AsyncLocalStorage } from 'node:async_hooks';
import { type REST, RESTEvents } from 'discord.js';
import type { RateLimited } from '../../../core/telemetry.ts';

interface Call {
  requestID: string | null;
  status: number | null;
}

/** The call that something in discord.js's queues belongs to. */
const calls = new AsyncLocalStorage<Call>();

/**
 * Gives errors of this client the id of their request, and says when a request has to wait. Discord numbers requests
 * by nothing but Cloudflare's `cf-ray`, which its support asks for and discord.js leaves out of its errors.
 */
export function watchRest(rest: REST, rateLimited: RateLimited = () => {}): void {
  const queue = rest.queueRequest.bind(rest);
  rest.queueRequest = request => {
    const call: Call = { requestID: null, status: null };
    return calls.run(call, async () => {
      try {
        return await queue(request);
      } catch (error) {
        if (error instanceof Error && call.requestID !== null)
          Object.assign(error, { requestID: call.requestID });
        throw error;
      }
    });
  };
  rest.on(RESTEvents.Response, (_request, { status, headers }) => {
    const call = calls.getStore();
    if (call !== undefined) Object.assign(call, { status, requestID: headers.get('cf-ray') });
    if (status === 429) rateLimited('platform', Number(headers.get('retry-after') ?? 0) * 1_000);
  });
  // Also after a 429, which has been counted then.
  rest.on(RESTEvents.RateLimited, ({ timeToReset }) => {
    if (calls.getStore()?.status !== 429) rateLimited('budget', timeToReset);
  });
}
