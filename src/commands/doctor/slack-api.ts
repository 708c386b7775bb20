import { webApi } from '@slack/bolt';
import { clientOptions } from '../../adapters/slack/connection/web-client.ts';
import type { Log } from '../../log.ts';
import type { Network } from './network.ts';

export type Answer =
  | { type: 'answer'; body: Record<string, unknown>; scopes: string[] }
  /** Slack's own word for why not. */
  | { type: 'refused'; error: string; needed: string }
  /** Nothing that says anything; `why` follows "Slack". */
  | { type: 'silent'; why: string };

/** One call of the Web API, with any kind of token. Never rejects, never tries again. */
export type AskSlack = (token: string, method: string, args?: Record<string, unknown>) => Promise<Answer>;

export function createAskSlack(apiUrl: string, network: Network, log: Log): AskSlack {
  return async (token, method, args = {}) => {
    const options = { ...clientOptions(apiUrl, log), timeout: 0, fetch: network.fetch('Slack') };
    try {
      const body = await new webApi.WebClient(token, options).apiCall(method, args);
      // Taken from x-oauth-scopes (WebClient, buildResult).
      return { type: 'answer', body: { ...body }, scopes: body.response_metadata?.scopes ?? [] };
    } catch (error) {
      if (error instanceof webApi.WebAPIPlatformError) {
        const { error: code } = error.data;
        const needed = 'needed' in error.data ? String(error.data.needed) : '';
        // A page by something in between is no word of Slack's.
        if (/^[a-z0-9_]+$/.test(code)) return { type: 'refused', error: code, needed };
        return { type: 'silent', why: 'answers, but not like Slack' };
      }
      if (error instanceof webApi.WebAPIRateLimitedError) {
        return { type: 'silent', why: `is limiting requests for ${error.retryAfter} s` };
      }
      if (error instanceof webApi.WebAPIHTTPError) {
        return { type: 'silent', why: `answers with HTTP status ${error.statusCode}` };
      }
      return { type: 'silent', why: network.reason(error) };
    }
  };
}
