// Routes as data: method, template, whether the bot must authenticate, which bucket counts it, and the handler.

import type { UploadedFile } from './body.ts';
import { invalidField } from './form.ts';
import type { Kernel } from './kernel.ts';
import type { BucketRule } from './rate-limits.ts';

export interface ApiRequest {
  kernel: Kernel;
  /** The path parameter of that name; ids are checked to be snowflakes. */
  id(name: string): string;
  query: URLSearchParams;
  body: unknown;
  files: readonly UploadedFile[];
}

export interface ApiResponse {
  status: number;
  body?: unknown;
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Template such as /channels/:channel/messages. */
  path: string;
  /** `token` routes carry their own token in the path and need no Authorization. */
  auth: 'bot' | 'token';
  bucket: BucketRule | null;
  handle(request: ApiRequest): ApiResponse;
}

export interface Match {
  route: Route;
  params: Record<string, string>;
}

export interface Router {
  match(method: string, path: string): Match | undefined;
}

/** Shorthand for a bucket of `limit` requests in `seconds`. */
export function bucket(name: string, limit: number, seconds: number): BucketRule {
  return { name, limit, windowMs: seconds * 1000 };
}

export function createRouter(routes: readonly Route[]): Router {
  const bySegment = new Map<string, { route: Route; parts: string[] }[]>();
  for (const route of routes) {
    const parts = route.path.split('/').slice(1);
    const key = `${route.method} ${parts[0]} ${parts.length}`;
    const list = bySegment.get(key) ?? [];
    list.push({ route, parts });
    bySegment.set(key, list);
  }
  return {
    match(method, path) {
      // Decoded first: discord-api-types writes @me as %40me.
      const segments = path.split('/').slice(1).map(decodeURIComponent);
      for (const { route, parts } of bySegment.get(`${method} ${segments[0]} ${segments.length}`) ?? []) {
        const params = readParams(parts, segments);
        if (params) return { route, params };
      }
      return undefined;
    },
  };
}

function readParams(
  parts: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = segment;
    else if (part !== segment) return undefined;
  }
  return params;
}

/** Top-level resources count apart in rate limits: channel, guild, and webhook with its token. */
export function majorParameter(params: Record<string, string>): string {
  if (params.token !== undefined) return `${params.application}/${params.token}`;
  return params.channel ?? params.guild ?? 'global';
}

const FREE_FORM = new Set(['token', 'emoji']);

export function readId(params: Record<string, string>, name: string): string {
  const value = params[name];
  if (value === undefined) throw new Error(`route has no parameter ${name}`);
  if (FREE_FORM.has(name) || value === '@original' || value === '@me' || /^\d{1,20}$/.test(value))
    return value;
  throw invalidField([`${name}_id`], 'NUMBER_TYPE_COERCE', `Value "${value}" is not snowflake.`);
}
