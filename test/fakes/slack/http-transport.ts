// Delivery to a Request URL. Each POST is signed: v0, HMAC-SHA256 of `v0:timestamp:body` with the app's signing
// secret (docs.slack.dev/authentication/verifying-requests-from-slack). Events are JSON; commands a form;
// interactions a form with one field, `payload`. Retries carry x-slack-retry-num and x-slack-retry-reason.

import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { Clock } from './clock.ts';
import type { Envelope, Result, Retry, Transport } from './deliveries.ts';
import type { Limits } from './limits.ts';

export type Signing = 'correct' | 'wrong_secret' | 'stale' | 'missing';

export interface HttpTransport extends Transport {
  /** How the next requests are signed; anything but `correct` is an attacker's. */
  signing: Signing;
  /** The handshake Slack does when a Request URL is saved; rejects unless the challenge comes back. */
  verify(): Promise<void>;
}

export interface HttpTransportOptions {
  readonly url: string;
  readonly signingSecret: string;
  readonly clock: Clock;
  readonly limits: Limits;
}

export function createHttpTransport(options: HttpTransportOptions): HttpTransport {
  const { clock, limits } = options;
  const agent = new Agent({ keepAlive: true });

  function sign(body: string): Record<string, string> {
    if (transport.signing === 'missing') return {};
    const stale = transport.signing === 'stale' ? 6 * 60_000 : 0;
    const timestamp = Math.floor((clock.now() - stale) / 1_000);
    const secret =
      transport.signing === 'wrong_secret' ? `not ${options.signingSecret}` : options.signingSecret;
    const digest = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
    return { 'x-slack-request-timestamp': String(timestamp), 'x-slack-signature': `v0=${digest}` };
  }

  function post(type: string, body: string, retry: Retry | undefined): Promise<Result> {
    return new Promise(resolve => {
      const headers: Record<string, string> = {
        'content-type': type,
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        ...sign(body),
      };
      if (retry !== undefined) {
        headers['x-slack-retry-num'] = String(retry.num);
        headers['x-slack-retry-reason'] = retry.reason;
      }
      const sent = request(options.url, { method: 'POST', headers, agent }, response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300)
            return end({ ok: true, body: parse(Buffer.concat(chunks).toString()) });
          end({
            ok: false,
            reason: 'http_error',
            status,
            final: response.headers['x-slack-no-retry'] === '1',
          });
        });
        response.on('error', () => end({ ok: false, reason: 'connection_failed' }));
      });
      const cancel = clock.after(limits.ackMs, () => {
        end({ ok: false, reason: 'http_timeout' });
        sent.destroy();
      });
      const end = (result: Result) => {
        cancel();
        resolve(result);
      };
      sent.on('error', () => end({ ok: false, reason: 'connection_failed' }));
      sent.end(body);
    });
  }

  const transport: HttpTransport = {
    name: 'http',
    requestUrl: options.url,
    signing: 'correct',
    send: (envelope, retry) => post(...encode(envelope), retry),
    async verify() {
      const challenge = `challenge-${clock.now()}`;
      const body = JSON.stringify({ type: 'url_verification', token: 'verification', challenge });
      const result = await post('application/json', body, undefined);
      const answer = result.ok ? result.body : undefined;
      const echoed =
        typeof answer === 'object' && answer !== null && 'challenge' in answer ? answer.challenge : answer;
      if (echoed !== challenge)
        throw new Error(`${options.url} did not answer the url_verification challenge`);
    },
    stop: () => agent.destroy(),
  };
  return transport;
}

function encode(envelope: Envelope): [type: string, body: string] {
  switch (envelope.kind) {
    case 'events_api':
      return ['application/json', JSON.stringify(envelope.body)];
    case 'slash_commands': {
      const form = new URLSearchParams();
      for (const [name, value] of Object.entries(envelope.body)) form.set(name, String(value));
      return ['application/x-www-form-urlencoded', form.toString()];
    }
    case 'interactive': {
      const form = new URLSearchParams({ payload: JSON.stringify(envelope.body) });
      return ['application/x-www-form-urlencoded', form.toString()];
    }
  }
}

function parse(body: string): unknown {
  if (body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
