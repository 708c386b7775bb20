import * as z from 'zod';
import { createdAtQuery, pageQuery } from '../fields.ts';
import { param, readQuery } from '../request.ts';
import type { App, Services } from './context.ts';

const view = z.enum(['basic', 'full']);
const getQuery = z.object({ view: view.default('full') });
const listQuery = z.object({
  ...pageQuery(20, 100),
  ...createdAtQuery,
  view: view.default('basic'),
  memory_id: z.string().optional(),
  session_id: z.string().optional(),
  operation: z.enum(['created', 'modified', 'deleted']).optional(),
  api_key_id: z.string().optional(),
  service_account_id: z.string().optional(),
});

export function memoryVersionRoutes(app: App, { versions }: Services): void {
  app.get('/v1/memory_stores/:store/memory_versions', async c =>
    c.json(await versions.list(param(c, 'store'), readQuery(c, listQuery))),
  );
  app.get('/v1/memory_stores/:store/memory_versions/:id', async c =>
    c.json(await versions.get(param(c, 'store'), param(c, 'id'), readQuery(c, getQuery).view)),
  );
  app.post('/v1/memory_stores/:store/memory_versions/:id/redact', async c =>
    c.json(await versions.redact(param(c, 'store'), param(c, 'id'))),
  );
}
