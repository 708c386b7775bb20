import * as z from 'zod';
import { createdAtQuery, flagQuery, pageQuery } from '../fields.ts';
import { storeCreateParams, storeUpdateParams } from '../memory/stores.ts';
import { param, readBody, readQuery } from '../request.ts';
import type { App, Services } from './context.ts';

const listQuery = z.object({ ...pageQuery(20, 100), ...createdAtQuery, include_archived: flagQuery });

export function memoryStoreRoutes(app: App, { stores }: Services): void {
  app.post('/v1/memory_stores', async c => c.json(await stores.create(await readBody(c, storeCreateParams))));
  app.get('/v1/memory_stores', async c => c.json(await stores.list(readQuery(c, listQuery))));
  app.get('/v1/memory_stores/:id', async c => c.json(await stores.get(param(c, 'id'))));
  app.post('/v1/memory_stores/:id', async c =>
    c.json(await stores.update(param(c, 'id'), await readBody(c, storeUpdateParams))),
  );
  app.delete('/v1/memory_stores/:id', async c => {
    await stores.remove(param(c, 'id'));
    return c.json({ id: param(c, 'id'), type: 'memory_store_deleted' });
  });
  app.post('/v1/memory_stores/:id/archive', async c => c.json(await stores.archive(param(c, 'id'))));
}
