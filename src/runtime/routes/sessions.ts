import * as z from 'zod';
import { createdAtQuery, flagQuery, pageQuery, listQuery as repeated } from '../fields.ts';
import { param, readBody, readQuery } from '../request.ts';
import { SESSION_STATUSES } from '../session-list.ts';
import { sessionCreateParams, sessionUpdateParams } from '../session-params.ts';
import type { App, Services } from './context.ts';

const listQuery = z.object({
  ...pageQuery(20, 100),
  ...createdAtQuery,
  order: z.enum(['asc', 'desc']).default('desc'),
  include_archived: flagQuery,
  agent_id: z.string().optional(),
  agent_version: z.coerce.number().int().optional(),
  deployment_id: z.string().optional(),
  memory_store_id: z.string().optional(),
  statuses: repeated(SESSION_STATUSES),
});

export function sessionRoutes(app: App, { sessions }: Services): void {
  app.post('/v1/sessions', async c => c.json(await sessions.create(await readBody(c, sessionCreateParams))));
  app.get('/v1/sessions', async c => c.json(await sessions.list(readQuery(c, listQuery))));
  app.get('/v1/sessions/:id', async c => c.json(await sessions.get(param(c, 'id'))));
  app.post('/v1/sessions/:id', async c =>
    c.json(await sessions.update(param(c, 'id'), await readBody(c, sessionUpdateParams))),
  );
  app.delete('/v1/sessions/:id', async c => {
    await sessions.remove(param(c, 'id'));
    return c.json({ id: param(c, 'id'), type: 'session_deleted' });
  });
  app.post('/v1/sessions/:id/archive', async c => c.json(await sessions.archive(param(c, 'id'))));
}
