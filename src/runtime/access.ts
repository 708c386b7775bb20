import { timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { ApiError, invalid } from './errors.ts';
import type { RuntimeEnv } from './routes/context.ts';

const MANAGED_AGENTS = 'managed-agents-2026-04-01';
const AGENT_MEMORY = 'agent-memory-2026-07-22';
const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * The server listens on loopback only, but a web page can make a browser call it under a name of its own
 * (DNS rebinding); such a call carries that name in its Host header.
 */
export function requireLoopbackHost(): MiddlewareHandler<RuntimeEnv> {
  return async (c, next) => {
    const host = (c.req.header('host') ?? '').replace(/:\d+$/, '').toLowerCase();
    if (!LOOPBACK_NAMES.has(host)) {
      throw new ApiError('permission_error', 'This local runtime answers only to 127.0.0.1 and localhost.');
    }
    await next();
  };
}

/** Takes the key as the SDK sends it (Authorization: Bearer) or as x-api-key. Any key will do unless one is set. */
export function requireKey(apiKey: string | undefined): MiddlewareHandler<RuntimeEnv> {
  return async (c, next) => {
    const bearer = /^Bearer\s+(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    const given = bearer ?? c.req.header('x-api-key') ?? '';
    if (given === '') {
      throw new ApiError(
        'authentication_error',
        'An API key is required: send Authorization: Bearer or x-api-key.',
      );
    }
    if (apiKey !== undefined && !sameText(given, apiKey)) {
      throw new ApiError(
        'authentication_error',
        'The API key is not the one this local runtime was started with.',
      );
    }
    await next();
  };
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * The beta headers the endpoints need. Memory stores take the old or the new name but not both, which a client
 * that adds `betas` to a memory method sends.
 */
export function requireBeta(): MiddlewareHandler<RuntimeEnv> {
  return async (c, next) => {
    const betas = new Set((c.req.header('anthropic-beta') ?? '').split(',').map(beta => beta.trim()));
    const [, , resource = ''] = c.req.path.split('/');
    if (resource === 'memory_stores') {
      if (betas.has(AGENT_MEMORY) && betas.has(MANAGED_AGENTS)) {
        throw invalid(`anthropic-beta: send ${AGENT_MEMORY} or ${MANAGED_AGENTS}, not both.`);
      }
      if (!betas.has(AGENT_MEMORY) && !betas.has(MANAGED_AGENTS)) throw betaMissing(c.req.path, AGENT_MEMORY);
    } else if (['agents', 'environments', 'sessions'].includes(resource)) {
      if (!betas.has(MANAGED_AGENTS)) throw betaMissing(c.req.path, MANAGED_AGENTS);
    } else if (resource === 'files' && c.req.query('scope_id') !== undefined) {
      if (!betas.has(MANAGED_AGENTS)) throw betaMissing('scope_id', MANAGED_AGENTS);
    }
    await next();
  };
}

function betaMissing(what: string, beta: string): ApiError {
  return new ApiError('not_found_error', `${what} is in beta: send the header anthropic-beta: ${beta}.`);
}
