// One Web API call, from its arguments to its answer: planned faults, the token, its scopes, the rate limit, the
// method. The order and the errors are those of the real API (docs.slack.dev/apis/web-api, the errors every
// method page shares); a 429 carries retry-after, and answers name the token's scopes in x-oauth-scopes.

import type { Core } from './core.ts';
import type { Fault } from './faults.ts';
import { withoutSecrets } from './journal.ts';
import { ApiError, type BotCall, type Method, type OpenCall } from './method.ts';
import { agentMethods } from './methods/agents.ts';
import { appMethods } from './methods/apps.ts';
import { chatMethods } from './methods/chat.ts';
import { conversationMethods } from './methods/conversations.ts';
import { fileMethods } from './methods/files.ts';
import { oauthMethods } from './methods/oauth.ts';
import { streamMethods } from './methods/streams.ts';
import { userMethods } from './methods/users.ts';
import { viewMethods } from './methods/views.ts';
import { type Json, type Token, targetId } from './world.ts';

const METHODS: ReadonlyMap<string, Method> = new Map(
  [
    ...agentMethods,
    ...appMethods,
    ...chatMethods,
    ...conversationMethods,
    ...fileMethods,
    ...oauthMethods,
    ...streamMethods,
    ...userMethods,
    ...viewMethods,
  ].map(method => [method.name, method]),
);

export interface ApiRequest {
  readonly method: string;
  readonly args: Json;
  /** From `Authorization: Bearer`; the `token` argument counts where there is none. */
  readonly bearer: string | undefined;
  readonly basic: OpenCall['basic'];
}

export type ApiResponse =
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly headers: Record<string, string>;
      readonly body: Json;
    }
  /** Cut the connection without an answer. */
  | { readonly type: 'drop' };

export async function callApi(core: Core, request: ApiRequest): Promise<ApiResponse> {
  const { method: name, args } = request;
  const argument = typeof args.token === 'string' ? args.token : undefined;
  const token = core.tokens.check(request.bearer ?? argument);
  const entry = core.journal.add({
    at: core.clock.now(),
    method: name,
    team:
      typeof token === 'string' || token.installation === undefined
        ? undefined
        : targetId(token.installation),
    token: typeof token === 'string' ? 'none' : token.kind,
    args: withoutSecrets(args),
  });
  const fault = core.faults.strike(name, args);
  if (fault?.type === 'delay') await new Promise<void>(resolve => core.clock.after(fault.ms, resolve));
  const response = respond(core, request, token, fault);
  if (response.type === 'answer') {
    entry.response = response.body;
    entry.status = response.status;
  }
  core.changes.notify();
  return response;
}

function respond(
  core: Core,
  request: ApiRequest,
  token: ReturnType<Core['tokens']['check']>,
  fault: Fault | undefined,
): ApiResponse {
  if (fault?.type === 'drop' && fault.when === 'before') return { type: 'drop' };
  if (fault?.type === 'http') return { type: 'answer', status: fault.status, headers: {}, body: {} };
  const method = METHODS.get(request.method);
  if (method === undefined) return refuse(new ApiError('unknown_method', { req_method: request.method }), {});
  const headers: Record<string, string> = { 'x-accepted-oauth-scopes': method.scopes.join(',') };
  if (typeof token !== 'string') headers['x-oauth-scopes'] = [...token.scopes].join(',');
  try {
    if (fault?.type === 'rate_limited') return tooMany(fault.retryAfter, headers);
    if (fault?.type === 'error') throw new ApiError(fault.error, fault.extra);
    const body = authorised(core, method, request, token);
    if (typeof body === 'number') return tooMany(body, headers);
    if (fault?.type === 'drop') return { type: 'drop' };
    if (fault?.type === 'only_ok') return { type: 'answer', status: 200, headers, body: { ok: true } };
    return { type: 'answer', status: 200, headers, body: { ok: true, ...body } };
  } catch (error) {
    if (error instanceof ApiError) return refuse(error, headers);
    throw error;
  }
}

/** The answer, or the seconds to wait. */
function authorised(
  core: Core,
  method: Method,
  request: ApiRequest,
  token: ReturnType<Core['tokens']['check']>,
): Json | number {
  const open: OpenCall = { core, basic: request.basic };
  if (method.token === 'none') {
    return core.rates.take('', method.name, method.tier) ?? method.invoke(open, request.args);
  }
  if (typeof token === 'string') throw new ApiError(token);
  if (method.token !== token.kind) throw new ApiError('not_allowed_token_type');
  needAnyScope(method, token);
  const { installation } = token;
  if (method.token !== 'bot' || installation === undefined) {
    const wait = core.rates.take(core.app.id, method.name, method.tier);
    return wait ?? (method.token === 'bot' ? 0 : method.invoke({ ...open, token }, request.args));
  }
  const call: BotCall = { ...open, token, installation };
  const channel = textArgument(request.args, 'channel') ?? textArgument(request.args, 'channel_id');
  // Limits are per workspace: an organisation's token counts for the one its channel is in.
  const host = core.world.channels.get(channel ?? '')?.host.id;
  const team = installation.target.type === 'org' && host !== undefined ? host : targetId(installation);
  return core.rates.take(team, method.name, method.tier, channel) ?? method.invoke(call, request.args);
}

function needAnyScope(method: Method, token: Token): void {
  if (method.scopes.length === 0 || method.scopes.some(scope => token.scopes.has(scope))) return;
  throw new ApiError('missing_scope', {
    needed: method.scopes.join(','),
    provided: [...token.scopes].join(','),
  });
}

const textArgument = (args: Json, field: string): string | undefined => {
  const value = args[field];
  return typeof value === 'string' ? value : undefined;
};

function refuse(error: ApiError, headers: Record<string, string>): ApiResponse {
  return { type: 'answer', status: 200, headers, body: { ok: false, error: error.code, ...error.extra } };
}

function tooMany(seconds: number, headers: Record<string, string>): ApiResponse {
  return {
    type: 'answer',
    status: 429,
    headers: { ...headers, 'retry-after': String(seconds) },
    body: { ok: false, error: 'ratelimited' },
  };
}
