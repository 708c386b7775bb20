import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import * as z from 'zod';
import { acceptEvents, sendParams } from '../event-params.ts';
import { createdAtQuery, pageQuery, listQuery as repeated } from '../fields.ts';
import { param, readBody, readQuery } from '../request.ts';
import type { App, RequestContext, Services } from './context.ts';

const listQuery = z.object({
  ...pageQuery(1000, 1000),
  ...createdAtQuery,
  order: z.enum(['asc', 'desc']).default('asc'),
  types: z.preprocess(value => (typeof value === 'string' ? [value] : value), z.array(z.string()).optional()),
});
const streamQuery = z.object({ event_deltas: repeated(['agent.message', 'agent.thinking']) });

/** A session has one thread here, so the events of its thread are its events. */
export function sessionEventRoutes(app: App, { sessions, threads, engine, events, streams }: Services): void {
  app.post('/v1/sessions/:id/events', async c => {
    const { events: sent } = await readBody(c, sendParams);
    return c.json({ data: await engine.send(param(c, 'id'), acceptEvents(sent)) });
  });
  app.get('/v1/sessions/:id/events', async c => {
    await sessions.require(param(c, 'id'));
    return list(c);
  });
  app.get('/v1/sessions/:id/threads/:thread/events', async c => {
    await threads.get(param(c, 'id'), param(c, 'thread'));
    return list(c);
  });
  app.get('/v1/sessions/:id/events/stream', async c => {
    await sessions.require(param(c, 'id'));
    return stream(c);
  });
  app.get('/v1/sessions/:id/threads/:thread/stream', async c => {
    await threads.get(param(c, 'id'), param(c, 'thread'));
    return stream(c);
  });

  async function list(c: RequestContext): Promise<Response> {
    const page = await events.list(param(c, 'id'), readQuery(c, listQuery));
    return c.body(page, 200, { 'content-type': 'application/json' });
  }

  function stream(c: RequestContext): Response {
    const previews = new Set(readQuery(c, streamQuery).event_deltas ?? []);
    const { outgoing } = c.env;
    streams.open(outgoing, param(c, 'id'), previews, c.get('requestId'));
    // Deleted between the check and the subscription, it would never send anything, not even its end.
    sessions.require(param(c, 'id')).catch(() => outgoing.end());
    return RESPONSE_ALREADY_SENT;
  }
}
