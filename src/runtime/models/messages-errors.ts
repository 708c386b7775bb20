import { APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import { ModelError } from '../ports.ts';

export interface Endpoint {
  host: string;
  apiKey: string | undefined;
}

const MAX_QUOTED_CHARS = 300;

/**
 * Turns what the client threw into a sentence and a decision whether to try again. A server's own words are quoted
 * shortened and without the key, and its error is not kept as the cause, since some servers echo the key.
 */
export function toModelError(error: unknown, endpoint: Endpoint & { model: string }): ModelError {
  if (error instanceof ModelError) return error;
  const { host, model } = endpoint;
  if (error instanceof APIConnectionTimeoutError) {
    return new ModelError('unreachable', `${host} did not answer in time.`, { retryable: true });
  }
  if (error instanceof APIConnectionError) {
    const code = connectionCode(error);
    return new ModelError(
      'unreachable',
      `${host} cannot be reached${code === undefined ? '' : ` (${code})`}.${code === 'ECONNREFUSED' ? ' Is it running?' : ''}`,
      {
        retryable: true,
        cause: error,
      },
    );
  }
  if (!(error instanceof APIError)) {
    // Reading the stream failed: a dropped socket is a TypeError, a torn frame a SyntaxError.
    return new ModelError('unreachable', `The connection to ${host} broke during the answer.`, {
      retryable: true,
      cause: error,
    });
  }

  const status = error.status ?? statusOfType(error.type);
  const said = quote(error, endpoint);
  const terminal = { retryable: false };
  const retry = { retryable: true, ...retryAfter(error.headers) };
  switch (status) {
    case 401:
      return endpoint.apiKey === undefined
        ? new ModelError('request_failed', `${host} wants a key (401). Set MODEL_API_KEY.`, terminal)
        : new ModelError('request_failed', `${host} refused the key (401). Check MODEL_API_KEY.`, terminal);
    case 402:
      return new ModelError('billing', `${host} refuses because of billing (402)${said}`, terminal);
    case 403:
      return new ModelError(
        'request_failed',
        `${host} does not allow this with this key (403)${said}`,
        terminal,
      );
    case 404:
      return new ModelError(
        'request_failed',
        `${host} has no model "${model}", or no Messages API there (404). Check MODEL and MODEL_BASE_URL.`,
        terminal,
      );
    case 429:
      return new ModelError('rate_limited', `${host} limits the rate of requests (429)${said}`, retry);
    case 503:
    case 529:
      return new ModelError('overloaded', `${host} is overloaded (${status})${said}`, retry);
    default:
      break;
  }
  if (status !== undefined && status < 500 && status !== 408 && status !== 409) {
    return /credit balance|billing/i.test(error.apiMessage ?? '')
      ? new ModelError('billing', `${host} refuses because of billing (${status})${said}`, terminal)
      : new ModelError('request_failed', `${host} refused the request (${status})${said}`, terminal);
  }
  return new ModelError('request_failed', `${host} failed (${status ?? 'mid-answer'})${said}`, retry);
}

/** True when the conversation does not fit; every server words it differently. */
export function isContextOverflow(error: unknown): boolean {
  if (!(error instanceof APIError)) return false;
  if (error.status === 413) return true;
  if (error.status !== 400 && error.type !== 'invalid_request_error') return false;
  const text = error.apiMessage ?? error.message;
  return /(prompt|input|conversation|request) is too long|context (length|window|size)|too many (input )?tokens/i.test(
    text,
  );
}

export function rejectsCacheControl(error: unknown): boolean {
  return (
    error instanceof APIError &&
    (error.status === 400 || error.status === 422) &&
    /cache_control/.test(error.message)
  );
}

/** An error in the middle of a stream has a type but no status. */
function statusOfType(type: string | null): number | undefined {
  switch (type) {
    case 'invalid_request_error':
      return 400;
    case 'authentication_error':
      return 401;
    case 'billing_error':
      return 402;
    case 'permission_error':
      return 403;
    case 'not_found_error':
      return 404;
    case 'rate_limit_error':
      return 429;
    case 'overloaded_error':
      return 529;
    default:
      return undefined;
  }
}

function quote(error: APIError, { apiKey }: Endpoint): string {
  const message = error.apiMessage;
  if (typeof message !== 'string' || message.trim() === '') return '.';
  const safe = apiKey === undefined ? message : message.replaceAll(apiKey, '[key]');
  return `: ${safe.length > MAX_QUOTED_CHARS ? `${safe.slice(0, MAX_QUOTED_CHARS)}…` : safe}`;
}

/** retry-after-ms, or retry-after in seconds or as a date. */
function retryAfter(headers: Headers | undefined): { retryAfterMs?: number } {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (ms >= 0) return { retryAfterMs: ms };
  const value = headers?.get('retry-after') ?? '';
  const seconds = Number(value);
  if (value !== '' && seconds >= 0) return { retryAfterMs: seconds * 1000 };
  const date = Date.parse(value);
  return Number.isNaN(date) ? {} : { retryAfterMs: Math.max(0, date - Date.now()) };
}

function connectionCode(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}
