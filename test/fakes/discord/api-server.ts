// The HTTP side: authentication, rate limits, faults and the journal around the routes. Every request is
// written down when it arrives and completed when it is answered.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ApiError, unauthorized, unknownRoute } from './api-error.ts';
import { parseBody, readRequest, type UploadedFile } from './body.ts';
import type { FaultEffect, Faults } from './faults.ts';
import type { RestEntry } from './journal.ts';
import type { Kernel } from './kernel.ts';
import { RateLimitedError, type Verdict } from './rate-limits.ts';
import { type ApiResponse, type Match, majorParameter, type Router, readId } from './router.ts';

const PREFIX = '/api/v10';

export function createApiServer(kernel: Kernel, router: Router, faults: Faults): Server {
  return createServer((request, response) => {
    handle(kernel, router, faults, request, response).catch((error: unknown) => {
      // A defect of the fake must not look like a quiet 500 of Discord's.
      process.stderr.write(`fake Discord: ${error instanceof Error ? error.stack : String(error)}\n`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
}

async function handle(
  kernel: Kernel,
  router: Router,
  faults: Faults,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const method = request.method ?? 'GET';
  const path = url.pathname.startsWith(`${PREFIX}/`) ? url.pathname.slice(PREFIX.length) : null;
  const match = path === null ? undefined : router.match(method, path);
  const parsed = await readRequest(request)
    .then(raw => parseBody(request.headers['content-type'], raw))
    .catch((error: unknown) => error);
  const { json, files } = isParsed(parsed) ? parsed : { json: undefined, files: [] };

  const entry = kernel.journal.startRest({
    method,
    path: `${path ?? url.pathname}${url.search}`,
    route: match?.route.path ?? null,
    body: json,
    files: files.map(file => ({ name: file.filename, size: file.data.length })),
  });

  const effect = faults.take({ method, route: entry.route, path: entry.path });
  entry.faulted = effect !== undefined;
  const before = await applyBefore(kernel, effect, entry, response);
  if (before === 'done') return;
  const outcome = isParsed(parsed)
    ? perform(kernel, match, request, url.searchParams, json, files)
    : failure(parsed);
  const after = await applyAfter(effect, entry, response, kernel);
  if (after === 'done') return;
  finish(kernel, entry, response, effect?.type === 'tell' ? lessened(outcome, effect.fields) : outcome);
}

function lessened(outcome: Outcome, fields: readonly string[]): Outcome {
  const told = Object.entries(outcome.body ?? {}).filter(([field]) => fields.includes(field));
  return { ...outcome, body: Object.fromEntries(told) };
}

interface Outcome extends ApiResponse {
  headers: Record<string, string>;
  scope?: string;
}

function isParsed(value: unknown): value is { json: unknown; files: UploadedFile[] } {
  return typeof value === 'object' && value !== null && 'files' in value;
}

function perform(
  kernel: Kernel,
  match: Match | undefined,
  request: IncomingMessage,
  query: URLSearchParams,
  body: unknown,
  files: readonly UploadedFile[],
): Outcome {
  if (kernel.rateLimits.banned()) {
    return { status: 429, body: 'error code: 1015', headers: { 'retry-after': '600' } };
  }
  if (!match) return failure(unknownRoute());
  const { route, params } = match;
  const { authorization } = request.headers;
  if (authorization !== `Bot ${kernel.state.app.token}` && (route.auth === 'bot' || authorization)) {
    return failure(unauthorized());
  }
  const verdict = kernel.rateLimits.take(route.bucket, majorParameter(params), route.auth === 'bot');
  if (verdict.refusal) return refused(verdict);
  try {
    const result = route.handle({ kernel, query, body, files, id: name => readId(params, name) });
    return { ...result, headers: verdict.headers };
  } catch (error) {
    if (error instanceof RateLimitedError) {
      return refused({ ...error.verdict, headers: { ...verdict.headers, ...error.verdict.headers } });
    }
    return { ...failure(error), headers: verdict.headers };
  }
}

function refused(verdict: Verdict): Outcome {
  return {
    status: 429,
    body: verdict.refusal?.body,
    headers: verdict.headers,
    ...(verdict.refusal ? { scope: verdict.refusal.scope } : {}),
  };
}

function failure(error: unknown): Outcome {
  if (!(error instanceof ApiError)) throw error;
  return { status: error.status, body: error.toBody(), headers: {} };
}

async function applyBefore(
  kernel: Kernel,
  effect: FaultEffect | undefined,
  entry: RestEntry,
  response: ServerResponse,
): Promise<'done' | 'go on'> {
  if (!effect) return 'go on';
  switch (effect.type) {
    case 'delay':
      await new Promise(resolve => setTimeout(resolve, effect.realMs));
      return 'go on';
    case 'hold':
      if (effect.applied !== 'after') await effect.until;
      return 'go on';
    case 'tell':
      return 'go on';
    case 'drop':
      if (effect.applied === 'after') return 'go on';
      reset(kernel, response);
      return 'done';
    case 'status':
      if (effect.applied === 'after') return 'go on';
      finish(kernel, entry, response, { status: effect.status, body: effect.body, headers: {} });
      return 'done';
    case 'rate-limit':
      finish(
        kernel,
        entry,
        response,
        refused(kernel.rateLimits.refuse(effect.retryAfterMs, effect.scope ?? 'user')),
      );
      return 'done';
  }
}

async function applyAfter(
  effect: FaultEffect | undefined,
  entry: RestEntry,
  response: ServerResponse,
  kernel: Kernel,
): Promise<'done' | 'go on'> {
  if (effect?.type === 'hold' && effect.applied === 'after') await effect.until;
  if (effect?.type === 'drop') {
    reset(kernel, response);
    return 'done';
  }
  if (effect?.type === 'status') {
    finish(kernel, entry, response, { status: effect.status, body: effect.body, headers: {} });
    return 'done';
  }
  return 'go on';
}

/** A reset connection: the client sees ECONNRESET, which @discordjs/rest retries. */
function reset(kernel: Kernel, response: ServerResponse): void {
  response.req.socket.resetAndDestroy();
  kernel.journal.touch();
}

function finish(kernel: Kernel, entry: RestEntry, response: ServerResponse, outcome: Outcome): void {
  entry.status = outcome.status;
  const { body } = outcome;
  if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'number') {
    entry.code = body.code;
  }
  kernel.rateLimits.countInvalid(outcome.status, outcome.scope);
  const isText = typeof body === 'string';
  const text = body === undefined ? '' : isText ? body : JSON.stringify(body);
  response.writeHead(outcome.status, {
    ...outcome.headers,
    ...(text === '' ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' }),
    ...(outcome.status === 204 ? {} : { 'content-length': Buffer.byteLength(text) }),
  });
  response.end(text);
  kernel.journal.touch();
}
