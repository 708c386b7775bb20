import { Hono } from 'hono';
import { requireBeta, requireKey, requireLoopbackHost } from './access.ts';
import { ApiError, errorBody, toApiError } from './errors.ts';
import { newId } from './ids.ts';
import type { RuntimeLog } from './log.ts';
import { agentRoutes } from './routes/agents.ts';
import type { App, RequestContext, RuntimeEnv, Services } from './routes/context.ts';
import { environmentRoutes } from './routes/environments.ts';
import { fileRoutes } from './routes/files.ts';
import { memoryRoutes } from './routes/memories.ts';
import { memoryStoreRoutes } from './routes/memory-stores.ts';
import { memoryVersionRoutes } from './routes/memory-versions.ts';
import { sessionEventRoutes } from './routes/session-events.ts';
import { sessionResourceRoutes } from './routes/session-resources.ts';
import { sessionThreadRoutes } from './routes/session-threads.ts';
import { sessionRoutes } from './routes/sessions.ts';

/** The HTTP face of the services: ids and errors of requests, their log, access, and the routes. */
export function createApp(
  services: Services,
  options: { apiKey?: string; onLoopback: boolean; log: RuntimeLog },
): App {
  const { log } = options;
  const app = new Hono<RuntimeEnv>();

  app.use(async (c, next) => {
    const requestId = newId('req');
    const started = performance.now();
    c.set('requestId', requestId);
    c.header('request-id', requestId);
    await next();
    const ms = Math.round(performance.now() - started);
    const { method, path } = c.req;
    log.info(
      { event: 'runtime.request', method, path, status: c.res.status, requestID: requestId, ms },
      'request',
    );
  });
  if (options.onLoopback) app.use(requireLoopbackHost());
  app.use(requireKey(options.apiKey), requireBeta());

  agentRoutes(app, services);
  environmentRoutes(app, services);
  sessionRoutes(app, services);
  sessionEventRoutes(app, services);
  sessionResourceRoutes(app, services);
  sessionThreadRoutes(app, services);
  memoryStoreRoutes(app, services);
  memoryRoutes(app, services);
  memoryVersionRoutes(app, services);
  fileRoutes(app, services);

  app.notFound(c =>
    answerError(
      c,
      new ApiError(
        'not_found_error',
        `This local runtime has no ${c.req.method} ${c.req.path}: it offers agents, environments, sessions, memory stores and files.`,
      ),
    ),
  );
  app.onError((thrown, c) => {
    const error = toApiError(thrown);
    if (error.status >= 500)
      log.error(
        { event: 'runtime.request_failed', err: thrown, requestID: c.get('requestId') },
        'request failed',
      );
    return answerError(c, error);
  });
  return app;
}

function answerError(c: RequestContext, error: ApiError): Response {
  // The SDK retries a 409 by itself, which can only fail the same way again.
  if (error.status === 409) c.header('x-should-retry', 'false');
  return c.json(errorBody(error, c.get('requestId')), error.status);
}
