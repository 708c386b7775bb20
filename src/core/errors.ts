/** Errors that callers branch on, and the one place that turns an error into a sentence. */

import Anthropic from '@anthropic-ai/sdk';

/** Something the operator must mend; the message is a sentence that says what to do. */
export class SetupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SetupError';
  }
}

/** Something the person should know; the message is the sentence they read. */
export class PersonError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PersonError';
  }
}

/** What an error means for whoever called the Managed Agents API. */
export type Failure =
  | { type: 'retry'; afterMs: number | null; reason: 'unreachable' | 'busy' | 'broken' }
  | { type: 'gone' }
  | { type: 'refused'; reason: 'key' | 'permission' | 'billing' | 'request' | 'too_large' | 'conflict' }
  | { type: 'aborted' }
  | { type: 'unknown' };

/** Statuses as in the API's error table: 408, 429 and 5xx may pass on a retry; 4xx will not. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Anthropic.APIUserAbortError) return { type: 'aborted' };
  if (error instanceof Anthropic.APIConnectionError) {
    return { type: 'retry', afterMs: null, reason: 'unreachable' };
  }
  if (error instanceof Anthropic.APIError) return failureOfStatus(error);
  if (error instanceof Error && error.name === 'AbortError') return { type: 'aborted' };
  // A socket that dies in the middle of a body surfaces as undici's bare TypeError.
  if (error instanceof TypeError && /terminated|fetch failed|network/i.test(error.message)) {
    return { type: 'retry', afterMs: null, reason: 'unreachable' };
  }
  return { type: 'unknown' };
}

/** The service has answered that it did nothing. Otherwise what was asked for may have been done, whatever was said. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Anthropic.APIError) || error.status === undefined) return false;
  return error.status >= 400 && error.status < 500 && error.status !== 408;
}

function failureOfStatus(error: InstanceType<typeof Anthropic.APIError>): Failure {
  switch (error.status) {
    case 401:
      return { type: 'refused', reason: 'key' };
    case 402:
      return { type: 'refused', reason: 'billing' };
    case 403:
      return { type: 'refused', reason: 'permission' };
    case 404:
      return { type: 'gone' };
    case 409:
      return { type: 'refused', reason: 'conflict' };
    case 413:
      return { type: 'refused', reason: 'too_large' };
    case 408:
    case 429:
    case 529:
      return { type: 'retry', afterMs: retryAfterMs(error.headers), reason: 'busy' };
    case undefined:
      // An error frame inside a stream carries no status.
      return { type: 'retry', afterMs: null, reason: 'broken' };
    default:
      return error.status >= 500
        ? { type: 'retry', afterMs: retryAfterMs(error.headers), reason: 'broken' }
        : { type: 'refused', reason: 'request' };
  }
}

/** Whoever waits looks again then, also where the service names a day or nonsense. */
const LONGEST_WAIT_MS = 60_000;

function retryAfterMs(headers: Headers | undefined): number | null {
  const asked = askedMs(headers);
  return asked === null ? null : Math.min(LONGEST_WAIT_MS, Math.max(0, asked));
}

function askedMs(headers: Headers | undefined): number | null {
  const precise = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (Number.isFinite(precise)) return precise;
  const value = headers?.get('retry-after') ?? '';
  const seconds = Number.parseFloat(value);
  if (Number.isFinite(seconds)) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : date - Date.now();
}

/** The sentence a person reads. It never contains the error's own words: those may name internals. */
export function personSentence(error: unknown): string {
  if (error instanceof PersonError) return error.message;
  const failure = failureOf(error);
  switch (failure.type) {
    case 'retry':
      return failure.reason === 'busy'
        ? "I'm getting more requests than I can handle right now. Please send that again in a few minutes."
        : "I can't reach my agent service right now. Please send that again in a few minutes.";
    case 'gone':
      return 'Something I needed for this conversation was removed. Please send that again; I will start afresh.';
    case 'refused':
      return refusalSentence(failure.reason);
    case 'aborted':
      return 'I was stopped before I could finish. Please send that again.';
    case 'unknown':
      return 'Something went wrong on my side. Please send that again; if it keeps happening, tell the people who run me.';
  }
}

function refusalSentence(reason: Extract<Failure, { type: 'refused' }>['reason']): string {
  switch (reason) {
    case 'key':
    case 'permission':
      return "My agent service doesn't accept my credentials. The people who run me need to check the API key; please send that again afterwards.";
    case 'billing':
      return 'My agent account has a billing problem. The people who run me need to look at it; please send that again afterwards.';
    case 'too_large':
      return 'That was more than I can take in one message. Please send it in smaller parts.';
    case 'conflict':
      return 'That changed while I was working on it. Please try once more.';
    case 'request':
      return "My agent service didn't accept that message. Please try putting it differently; if it keeps happening, tell the people who run me.";
  }
}

/** The sentence an operator reads: what failed, the service's own words, its request id, and what to do. */
export function operatorSentence(error: unknown, baseUrl: string): string {
  if (error instanceof SetupError || error instanceof PersonError) return error.message;
  const failure = failureOf(error);
  const request =
    error instanceof Anthropic.APIError && error.requestID ? ` (request ${error.requestID})` : '';
  const service = withoutPassword(baseUrl);
  const said = (error instanceof Error ? error.message : String(error)).replaceAll(baseUrl, service);
  if (failure.type === 'refused' && failure.reason === 'key') {
    return `${service} rejected the API key${request}. Check ANTHROPIC_API_KEY.`;
  }
  if (failure.type === 'refused' && failure.reason === 'permission') {
    return `The API key may not use Managed Agents at ${service}${request}. Check the key's workspace and permissions.`;
  }
  if (failure.type === 'refused' && failure.reason === 'billing') {
    return `${service} reports a billing problem${request}: ${said}`;
  }
  if (failure.type === 'retry' && failure.reason === 'unreachable') {
    return `Cannot reach ${service}. Check the network and ANTHROPIC_BASE_URL, then start again.`;
  }
  if (failure.type === 'retry')
    return `${service} is overloaded or failing${request}: ${said} Try again later.`;
  return `${said}${request}`;
}

/** Origin and path: neither who asks, nor what follows a question mark, which may be a key. */
function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'the agent service';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname === '/' ? '' : pathname}`;
}

/** Null for what is not there (any longer). */
export async function unlessGone<T>(reading: PromiseLike<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (failureOf(error).type === 'gone') return null;
    throw error;
  }
}

/**
 * What a list names; nothing where what it is of is gone, or where a compatible service has no such list. So it may only find
 * again what the state has lost, never say that something is not there which the state knows.
 */
export async function* allUnlessGone<T>(
  list: AsyncIterable<T>,
  onMissing = (_error: unknown) => {},
): AsyncGenerator<T, void, void> {
  try {
    yield* list;
  } catch (error) {
    if (!(error instanceof Anthropic.APIError) || ![404, 405, 501].includes(error.status ?? 0)) throw error;
    onMissing(error);
  }
}
