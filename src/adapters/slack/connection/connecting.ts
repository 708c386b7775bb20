/**
 * Socket Mode asks Slack for a connection with `apps.connections.open`, also each time one ends, which they do every
 * few hours. The library takes a failure of that call for the end, and says so by a rejection that nobody can catch:
 * the process would go down with the first 503 (SocketModeClient.retrieveWSSURL in @slack/socket-mode). What Slack answers
 * with an error that may pass, the library tries again by itself, and a failure after that ends the process as well. So here it
 * does not fail: it is tried until Slack gives a connection, or refuses it for good.
 */

import type { SocketModeReceiver } from '@slack/bolt';
import { z } from 'zod';
import { backoff, pause } from '../../../core/patience.ts';
import type { Log } from '../../../log.ts';
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

/** What the library takes for a refusal (UnrecoverableSocketModeStartError); anything else it would try again itself. */
const REFUSALS = [
  'not_authed',
  'invalid_auth',
  'account_inactive',
  'user_removed_from_team',
  'team_disabled',
];
const refusal = z.object({ ok: z.literal(false), error: z.string() });

interface Answer {
  /** Why there is no connection yet; null when there is one, or when Slack refuses it. */
  trouble: string | number | null;
  /** How long Slack asks to wait. */
  waitMs: number;
  /** What the library is given: never anything that it would try again. */
  give(): Response;
}

async function read(trying: Promise<Response>): Promise<Answer> {
  try {
    const response = await trying;
    const { status, headers } = response;
    const waitMs = Number(headers.get('retry-after') ?? 0) * 1_000;
    if (status === 429 || status >= 500) return { trouble: status, waitMs, give: () => response };
    const text = await response.text();
    const code = refusal.safeParse(parsed(text)).data?.error;
    if (code === undefined || REFUSALS.includes(code)) {
      return { trouble: null, waitMs, give: () => new Response(text, { status, headers }) };
    }
    return { trouble: code, waitMs, give: () => fail(new Error(`Slack says ${code}`)) };
  } catch (error) {
    return { trouble: 'no answer', waitMs: 0, give: () => fail(error) };
  }
}

function fail(error: unknown): never {
  throw error;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function createConnecting(log: Log): Connecting {
  const stopped = new AbortController();
  let connected = false;

  return {
    fetch: inner => async (input, init) => {
      if (!String(input).endsWith(METHOD)) return inner(input, init);
      for (let attempt = 1; ; attempt += 1) {
        // The library's own limit is for one attempt; ours are as many as it takes.
        const answer = await read(inner(input, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }));
        if (answer.trouble === null) return answer.give();
        if (stopped.signal.aborted || (!connected && attempt >= FIRST_ATTEMPTS)) return answer.give();
        log.warn(
          { event: 'slack.connecting', attempt, reason: answer.trouble },
          'Slack gives no connection yet; trying again',
        );
        await pause(Math.max(answer.waitMs, backoff(attempt)), stopped.signal);
        if (stopped.signal.aborted) return answer.give();
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
