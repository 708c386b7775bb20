import * as z from 'zod';
import { invalid } from '../errors.ts';
import { pageQuery } from '../fields.ts';
import { param, readBody, readQuery } from '../request.ts';
import { fileResourceParam } from '../session-resources.ts';
import type { App, Services } from './context.ts';

const listQuery = z.object(pageQuery(100, 1000));
const addParams = z.discriminatedUnion('type', [
  fileResourceParam,
  z.looseObject({ type: z.enum(['memory_store', 'github_repository']) }),
]);

export function sessionResourceRoutes(app: App, { resources }: Services): void {
  app.get('/v1/sessions/:id/resources', async c =>
    c.json(await resources.list(param(c, 'id'), readQuery(c, listQuery))),
  );
  app.post('/v1/sessions/:id/resources', async c => {
    const added = await readBody(c, addParams);
    if (added.type !== 'file') {
      throw invalid(`Only a file can be added to a session; attach a ${added.type} when creating it.`);
    }
    return c.json(await resources.add(param(c, 'id'), added));
  });
  app.get('/v1/sessions/:id/resources/:resource', async c =>
    c.json(await resources.get(param(c, 'id'), param(c, 'resource'))),
  );
  app.post('/v1/sessions/:id/resources/:resource', async c => {
    await resources.get(param(c, 'id'), param(c, 'resource'));
    throw invalid(
      'Only the token of a repository can be updated, and this local runtime mounts no repositories.',
    );
  });
  app.delete('/v1/sessions/:id/resources/:resource', async c => {
    await resources.remove(param(c, 'id'), param(c, 'resource'));
    return c.json({ id: param(c, 'resource'), type: 'session_resource_deleted' });
  });
}
