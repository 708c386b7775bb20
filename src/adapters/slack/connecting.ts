/**
 * Socket Mode asks Slack for a connection with `apps.connections.open`, also each time one ends, which they do every
 * few hours. The library takes a failure of that call for the end, and says so by a rejection that nobody can catch:
 * the process would go down with the first 503 (SocketModeClient.retrieveWSSURL in @slack/socket-mode). So here it
 * does not fail: it is tried until Slack answers.
 */

import type { SocketModeReceiver } from '@slack/bolt';
import { backoff, pause } from '../../core/patience.ts';
import type { Log } from '../../log.ts';
import type { clientOptions } from './web-client.ts';

type Fetch = ReturnType<typeof clientOptions>['fetch'];

export interface Connecting {
  /** Around the `fetch` of the library's client. */
  fetch(inner: Fetch): Fetch;
  /** Of a client that is not started yet: what Slack refuses later on is tried again too, because an operator may mend it. */
  watch(client: SocketModeReceiver['client']): void;
  stop(): void;
}

const METHOD = 'apps.connections.open';
/** Before it was ever connected, whoever starts it wants to know soon; about six seconds. */
const FIRST_ATTEMPTS = 6;
const TIMEOUT_MS = 15_000;
const REFUSED_MS = 60_000;

export function createConnecting(log: Log): Connecting {
  const stopped = new AbortController();
  let connected = false;

  return {
    fetch: inner => async (input, init) => {
      if (!String(input).endsWith(METHOD)) return inner(input, init);
      for (let attempt = 1; ; attempt += 1) {
        // The library's own limit is for one attempt; ours are as many as it takes.
        const trying = inner(input, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
        const response = await trying.catch(() => null);
        const failed = response === null || response.status === 429 || response.status >= 500;
        const last = stopped.signal.aborted || (!connected && attempt >= FIRST_ATTEMPTS);
        if (!failed || last) return trying;
        const reason = response === null ? 'no answer' : response.status;
        log.warn(
          { event: 'slack.connecting', attempt, reason },
          'Slack gives no connection yet; trying again',
        );
        const asked = Number(response?.headers.get('retry-after') ?? 0) * 1_000;
        await pause(Math.max(asked, backoff(attempt)), stopped.signal);
        if (stopped.signal.aborted) return trying;
      }
    },

    watch(client) {
      const start = client.start.bind(client);
      client.on('connected', () => {
        connected = true;
      });
      client.start = async () => {
        for (;;) {
          try {
            return await start();
          } catch (error) {
            if (!connected) throw error;
            // Nobody waits for a connection any more, and the library would let the rejection end the process.
            if (stopped.signal.aborted) return new Promise(() => {});
            log.error(
              { event: 'slack.refused', err: error },
              'Slack refuses the connection; trying again in a minute',
            );
            await pause(REFUSED_MS, stopped.signal);
            if (stopped.signal.aborted) return new Promise(() => {});
          }
        }
      };
    },

    stop: () => stopped.abort(),
  };
}
