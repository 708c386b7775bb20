import * as z from 'zod';
import { agentCreateParams, agentUpdateParams } from '../agent-definition.ts';
import { createdAtQuery, flagQuery, pageQuery } from '../fields.ts';
import { param, readBody, readQuery } from '../request.ts';
import type { App, Services } from './context.ts';

const listQuery = z.object({ ...pageQuery(20, 100), ...createdAtQuery, include_archived: flagQuery });
const versionsQuery = z.object(pageQuery(20, 100));
const getQuery = z.object({ version: z.coerce.number().int().min(1).optional() });

export function agentRoutes(app: App, { agents }: Services): void {
  app.post('/v1/agents', async c => c.json(await agents.create(await readBody(c, agentCreateParams))));
  app.get('/v1/agents', async c => c.json(await agents.list(readQuery(c, listQuery))));
  app.get('/v1/agents/:id', async c =>
    c.json(await agents.get(param(c, 'id'), readQuery(c, getQuery).version)),
  );
  app.post('/v1/agents/:id', async c =>
    c.json(await agents.update(param(c, 'id'), await readBody(c, agentUpdateParams))),
  );
  app.get('/v1/agents/:id/versions', async c =>
    c.json(await agents.versions(param(c, 'id'), readQuery(c, versionsQuery))),
  );
  app.post('/v1/agents/:id/archive', async c => c.json(await agents.archive(param(c, 'id'))));
}
