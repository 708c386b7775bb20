// How a Web API method is declared: token kind, scopes, rate tier and arguments come from its page under
// docs.slack.dev/reference/methods (specifications as slack-ruby/slack-api-ref collects them); checking them is
// the same for all. Arguments arrive as a form, where objects are JSON in a field, or as JSON.

import { z } from 'zod';
import type { Core } from './core.ts';
import type { Tier } from './rate-limits.ts';
import type { Installation, Json, Token } from './world.ts';

/** `{ok: false, error}`; `extra` joins the answer. */
export class ApiError extends Error {
  readonly code: string;
  readonly extra: Json;
  constructor(code: string, extra: Json = {}) {
    super(code);
    this.name = 'ApiError';
    this.code = code;
    this.extra = extra;
  }
}

/** An error with the messages Slack puts into response_metadata. */
export function complaint(code: string, errors: readonly string[]): ApiError {
  return new ApiError(code, {
    errors,
    response_metadata: { messages: errors.map(error => `[ERROR] ${error}`) },
  });
}

export interface OpenCall {
  readonly core: Core;
  /** From an `Authorization: Basic` header. */
  readonly basic: { readonly user: string; readonly password: string } | undefined;
}

export interface AppCall extends OpenCall {
  readonly token: Token;
}

export interface BotCall extends AppCall {
  readonly installation: Installation;
}

interface Shape {
  readonly name: string;
  readonly tier: Tier;
  /** Any one of these will do; empty: none needed. */
  readonly scopes?: readonly string[];
}

interface Spec<A, C> extends Shape {
  readonly args: z.ZodType<A>;
  /** Arguments whose fault has an error of its own instead of invalid_arguments. */
  readonly errors?: Readonly<Record<string, string>>;
  run(call: C, args: A): Json;
}

interface Common extends Shape {
  readonly scopes: readonly string[];
}

export type Method = Common &
  (
    | { readonly token: 'bot'; invoke(call: BotCall, raw: Json): Json }
    | { readonly token: 'app' | 'config'; invoke(call: AppCall, raw: Json): Json }
    | { readonly token: 'none'; invoke(call: OpenCall, raw: Json): Json }
  );

function invocation<A, C>(spec: Spec<A, C>): (call: C, raw: Json) => Json {
  return (call, raw) => {
    const parsed = spec.args.safeParse(raw);
    if (parsed.success) return spec.run(call, parsed.data);
    const messages = parsed.error.issues.map(issue => describe(issue, raw));
    const own = parsed.error.issues
      .map(issue => spec.errors?.[String(issue.path[0])])
      .find(code => code !== undefined);
    throw new ApiError(own ?? 'invalid_arguments', { response_metadata: { messages } });
  };
}

function describe(issue: z.core.$ZodIssue, raw: Json): string {
  const [field] = issue.path;
  if (issue.path.length === 1 && (raw[String(field)] === undefined || raw[String(field)] === '')) {
    return `[ERROR] missing required field: ${String(field)}`;
  }
  return `[ERROR] ${issue.message} [json-pointer:/${issue.path.map(String).join('/')}]`;
}

export function botMethod<A>(spec: Spec<A, BotCall>): Method {
  return {
    name: spec.name,
    tier: spec.tier,
    scopes: spec.scopes ?? [],
    token: 'bot',
    invoke: invocation(spec),
  };
}

export function appMethod<A>(spec: Spec<A, AppCall>): Method {
  return {
    name: spec.name,
    tier: spec.tier,
    scopes: spec.scopes ?? [],
    token: 'app',
    invoke: invocation(spec),
  };
}

/** For the app configuration token. */
export function configMethod<A>(spec: Spec<A, AppCall>): Method {
  return { ...appMethod(spec), token: 'config', invoke: invocation(spec) };
}

export function openMethod<A>(spec: Spec<A, OpenCall>): Method {
  return {
    name: spec.name,
    tier: spec.tier,
    scopes: spec.scopes ?? [],
    token: 'none',
    invoke: invocation(spec),
  };
}

/** Refuses unless the token has the scope; for rules that depend on more than the method. */
export function needScope(call: BotCall, scope: string): void {
  if (call.token.scopes.has(scope)) return;
  throw new ApiError('missing_scope', { needed: scope, provided: [...call.token.scopes].join(',') });
}

const parseJson = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
};

/** An object or array: JSON text in a form, itself in JSON. */
export const json = <T extends z.ZodType>(schema: T) => z.preprocess(parseJson, schema);

/** A flag, in every way forms write one. */
export const flag = z.preprocess(value => {
  if (value === 'true' || value === '1' || value === 1) return true;
  if (value === 'false' || value === '0' || value === 0 || value === '') return false;
  return value;
}, z.boolean().optional());

export const count = (min: number, max: number) =>
  z.preprocess(
    value => (typeof value === 'string' ? Number(value) : value),
    z.number().int().min(min).max(max).optional(),
  );

export const name = z.string().min(1);
export const optional = z.string().optional();
export const objects = json(z.array(z.record(z.string(), z.unknown())));
