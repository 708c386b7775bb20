import * as z from 'zod';
import { environmentCreateParams, environmentUpdateParams } from '../environments.ts';
import { flagQuery, pageQuery } from '../fields.ts';
import { param, readBody, readQuery } from '../request.ts';
import type { App, Services } from './context.ts';

const listQuery = z.object({ ...pageQuery(20, 100), include_archived: flagQuery });

export function environmentRoutes(app: App, { environments }: Services): void {
  app.post('/v1/environments', async c =>
    c.json(await environments.create(await readBody(c, environmentCreateParams))),
  );
  app.get('/v1/environments', async c => c.json(await environments.list(readQuery(c, listQuery))));
  app.get('/v1/environments/:id', async c => c.json(await environments.get(param(c, 'id'))));
  app.post('/v1/environments/:id', async c =>
    c.json(await environments.update(param(c, 'id'), await readBody(c, environmentUpdateParams))),
  );
  app.delete('/v1/environments/:id', async c => {
    await environments.remove(param(c, 'id'));
    return c.json({ id: param(c, 'id'), type: 'environment_deleted' });
  });
  app.post('/v1/environments/:id/archive', async c => c.json(await environments.archive(param(c, 'id'))));
}
