import { webApi } from '@slack/bolt';
import { pause } from '../../../core/patience.ts';
import { RetryLater } from '../../../core/reply/paced.ts';
import type { Rate, RateBudget } from '../../../core/reply/rate-budget.ts';
import type { RateLimited } from '../../../core/telemetry.ts';
import { apiFetch } from '../../../fetch.ts';
import type { Log } from '../../../log.ts';
import { quietLogger } from './quiet-logger.ts';
import { isTokenDead } from './refusals.ts';

/** Slack answered, and said no; `code` is Slack's own word, e.g. "channel_not_found". */
export class SlackRefusal extends Error {
  readonly method: string;
  readonly code: string;

  constructor(method: string, code: string, options?: ErrorOptions) {
    super(`${method}: ${code}`, options);
    this.name = 'SlackRefusal';
    this.method = method;
    this.code = code;
  }
}

/** There is no token to call with, and there will be none until somebody installs the app; `code` as Slack would put it. */
export class NoToken extends Error {
  readonly code: string;

  constructor(message: string, code: 'account_inactive' | 'token_expired') {
    super(message);
    this.name = 'NoToken';
    this.code = code;
  }
}

/** No answer, or none that says anything: what was asked for may or may not have happened. */
export class SlackUnreachable extends Error {
  readonly method: string;

  constructor(method: string, options?: ErrorOptions) {
    super(`${method}: no answer`, options);
    this.name = 'SlackUnreachable';
    this.method = method;
  }
}

export interface CallOptions {
  /**
   * Without it a call waits its turn, and out a rate limit. With it a call that would have to wait rejects with
   * RetryLater instead; it leaves `reserve` of the budget's burst to others.
   */
  now?: { reserve: number };
  /** Ends every wait, its own and that between two tries; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** The Web API with one installation's token. */
export interface SlackApi {
  /**
   * Rejects with SlackRefusal, SlackUnreachable, or (where `now` is given) RetryLater. Calls that do no harm
   * when done twice are tried again after a lost connection; others never are.
   */
  call(
    method: string,
    args: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<Record<string, unknown>>;
  /** Whether a call of this kind could be made now, with `reserve` left over. */
  hasRoom(method: string, reserve: number): boolean;
}

export interface Credentials {
  /** The token as it is now. Rejects with NoToken where there is none. */
  token(tenant: string): Promise<string>;
  /** As it is kept now, whichever process wrote it; null when the app is not installed there any more. */
  current(tenant: string): Promise<string | null>;
  /** Slack called this token expired: the one to use instead. Rejects with NoToken, or with what Slack says, when there is none. */
  renew(tenant: string, expired: string): Promise<string>;
}

export interface SlackClients {
  of(tenant: string): SlackApi;
}

const TIMEOUT_MS = 15_000;
const TRIES = 3;
const RETRY_MS = 500;
const UNSAID_RETRY_AFTER_S = 10;
/** Clients kept for later calls; some tens of kilobytes each. */
const MOST_FREE = 50;

// A tenth of each tier's calls a minute (docs.slack.dev/apis/web-api/rate-limits) is left over, because calls
// arrive bunched differently than they leave. Of the others a part may come at once.
const TIER_2: Rate = { burst: 7, perMinute: 11 };
const TIER_3: Rate = { burst: 18, perMinute: 27 };
const TIER_4: Rate = { burst: 35, perMinute: 55 };
/** "Several hundred messages a minute" for a workspace, one a second for a channel. */
const POSTS: Rate = { burst: 60, perMinute: 200 };
const POSTS_IN_CHANNEL: Rate = { burst: 2, perMinute: 54 };
/** assistant.threads.setStatus: 600 a minute, by its method page. */
const STATUS: Rate = { burst: 200, perMinute: 340 };

const RATES: Readonly<Record<string, Rate>> = {
  'chat.postMessage': POSTS,
  'chat.startStream': TIER_2,
  'chat.stopStream': TIER_2,
  'chat.appendStream': TIER_4,
  'chat.postEphemeral': TIER_4,
  'chat.update': TIER_3,
  'chat.delete': TIER_3,
  'conversations.replies': TIER_3,
  'agents.sessions.setStatus': TIER_3,
  'assistant.threads.setStatus': STATUS,
  'assistant.threads.setSuggestedPrompts': TIER_4,
  'views.open': TIER_4,
  'views.push': TIER_4,
  'views.update': TIER_4,
  'views.publish': TIER_4,
  'users.info': TIER_4,
  'files.info': TIER_4,
  'files.getUploadURLExternal': TIER_4,
  'files.completeUploadExternal': TIER_4,
};

/** Doing these twice adds something twice, or is refused for having been done. */
const NOT_TWICE = [
  'chat.postMessage',
  'chat.startStream',
  'chat.appendStream',
  'chat.stopStream',
  'chat.postEphemeral',
  'views.open',
  'views.push',
  'files.completeUploadExternal',
];

/**
 * How every WebClient is set up: no retries and no waiting of its own, because both are decided per call. A new
 * object each time, and without `headers`: WebClient writes the token into those, and a shared object would
 * carry it to the next tenant.
 */
export function clientOptions(apiUrl: string, log: Log): webApi.WebClientOptions & { fetch: typeof fetch } {
  return {
    slackApiUrl: apiUrl,
    retryConfig: { retries: 0 },
    maxRequestConcurrency: Number.POSITIVE_INFINITY,
    fetch: apiFetch,
    rejectRateLimitedCalls: true,
    timeout: TIMEOUT_MS,
    logger: quietLogger(log),
  };
}

/**
 * A client that makes one call at a time, for whichever installation. What Slack says in headers the SDK does not pass
 * on, so its `fetch` keeps the id of the request; and it is given no token, which comes and goes with each call.
 */
interface Line {
  client: webApi.WebClient;
  token: string | null;
  requestID: string | null;
}

function createLine(options: ReturnType<typeof clientOptions>): Line {
  const client = new webApi.WebClient(undefined, {
    ...options,
    async fetch(input, init) {
      // The library gives a plain object.
      const headers = { ...init?.headers, authorization: `Bearer ${line.token}` };
      const response = await options.fetch(input, { ...init, headers });
      line.requestID = response.headers.get('x-slack-req-id');
      return response;
    },
  });
  const line: Line = { client, token: null, requestID: null };
  return line;
}

export function createSlackClients(options: {
  apiUrl: string;
  credentials: Credentials;
  budget: RateBudget;
  log: Log;
  rateLimited?: RateLimited;
}): SlackClients {
  const { credentials, budget, log } = options;
  const rateLimited = options.rateLimited ?? (() => {});
  const free: Line[] = [];

  async function request(
    tenant: string,
    method: string,
    args: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const token = await credentials.token(tenant);
    try {
      return await callOnce(token, method, args);
    } catch (error) {
      if (!(error instanceof webApi.WebAPIPlatformError)) throw error;
      const next = await tokenAfter(error.data.error, tenant, token);
      if (next === null) throw error;
      return await callOnce(next, method, args);
    }
  }

  /** What to try a refused call with once more: it did nothing. Null when there is no other token. */
  async function tokenAfter(code: string, tenant: string, token: string): Promise<string | null> {
    if (code === 'token_expired') return credentials.renew(tenant, token);
    if (!isTokenDead(code)) return null;
    // The app may have been removed and installed again, and another process has heard of it.
    const current = await credentials.current(tenant).catch(() => null);
    return current === token ? null : current;
  }

  /** Throws with the id of the request, for the log and for Slack's support. */
  async function callOnce(
    token: string,
    method: string,
    args: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const line = free.pop() ?? createLine(clientOptions(options.apiUrl, log));
    line.token = token;
    try {
      return { ...(await line.client.apiCall(method, args)) };
    } catch (error) {
      const { requestID } = line;
      if (error instanceof Error && requestID !== null) Object.assign(error, { requestID });
      throw error;
    } finally {
      line.token = null;
      line.requestID = null;
      if (free.length < MOST_FREE) free.push(line);
    }
  }

  async function takeTurn(key: string, rate: Rate, signal?: AbortSignal): Promise<void> {
    const wait = budget.waitFor(key, rate);
    if (wait > 0) rateLimited('budget', wait);
    await budget.take(key, rate, signal);
  }

  return {
    of: tenant => ({
      hasRoom(method, reserve) {
        return budget.waitFor(`${tenant} ${method}`, RATES[method] ?? TIER_3, reserve) === 0;
      },

      async call(method, args, { now, signal } = {}) {
        const rate = RATES[method] ?? TIER_3;
        const key = `${tenant} ${method}`;
        const channelKey = method === 'chat.postMessage' ? `${key} ${String(args.channel)}` : null;
        for (let attempt = 1; ; attempt += 1) {
          if (now === undefined) {
            if (channelKey !== null) await takeTurn(channelKey, POSTS_IN_CHANNEL, signal);
            await takeTurn(key, rate, signal);
          } else {
            const wait =
              (channelKey === null ? 0 : budget.tryTake(channelKey, POSTS_IN_CHANNEL)) ||
              budget.tryTake(key, rate, now.reserve);
            if (wait > 0) {
              rateLimited('budget', wait);
              throw new RetryLater(wait, { binding: false });
            }
          }
          try {
            return await request(tenant, method, args);
          } catch (error) {
            const waitMs = rateLimitOf(error);
            if (waitMs !== null) {
              rateLimited('platform', waitMs);
              log.warn(
                { event: 'slack.rate_limited', tenant, method, waitMs, err: error },
                'Slack asked to slow down',
              );
              // Which of the two was meant Slack does not say; holding back the channel alone delays nobody else.
              budget.block(channelKey ?? key, waitMs);
              if (now !== undefined) throw new RetryLater(waitMs, { cause: error });
              attempt = 0;
              continue;
            }
            if (error instanceof webApi.WebAPIPlatformError && isAnswer(error.data.error)) {
              throw new SlackRefusal(method, error.data.error, { cause: error });
            }
            // What was asked for did not happen, and will not.
            if (isMissing(error) && method !== 'chat.postMessage') {
              throw new SlackRefusal(method, 'unknown_method', { cause: error });
            }
            if (error instanceof NoToken) throw new SlackRefusal(method, error.code, { cause: error });
            if (!isTransport(error)) throw error;
            if (attempt >= TRIES || NOT_TWICE.includes(method))
              throw new SlackUnreachable(method, { cause: error });
            await pause(RETRY_MS * attempt, signal);
            signal?.throwIfAborted();
          }
        }
      },
    }),
  };
}

/** Slack's own trouble says nothing about whether the call took effect; what is no JSON comes from something in between. */
export function isAnswer(code: string): boolean {
  return (
    /^[a-z0-9_]+$/.test(code) &&
    !['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout'].includes(code)
  );
}

/** A server that speaks some of Slack's methods. Where none can be reached, messages are still waited for. */
function isMissing(error: unknown): boolean {
  return error instanceof webApi.WebAPIHTTPError && [404, 405, 501].includes(error.statusCode);
}

/** How long Slack wants to be left alone; null when that is not what it says. */
export function rateLimitOf(error: unknown): number | null {
  if (error instanceof webApi.WebAPIRateLimitedError) return error.retryAfter * 1_000;
  if (!(error instanceof webApi.WebAPIPlatformError)) return null;
  const { error: code, response_metadata: metadata } = error.data;
  if (code !== 'ratelimited' && code !== 'rate_limited') return null;
  return (metadata?.retryAfter ?? UNSAID_RETRY_AFTER_S) * 1_000;
}

function isTransport(error: unknown): boolean {
  return (
    error instanceof webApi.WebAPIRequestError ||
    error instanceof webApi.WebAPIHTTPError ||
    error instanceof webApi.WebAPIPlatformError
  );
}
