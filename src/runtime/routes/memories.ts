import * as z from 'zod';
import { pageQuery } from '../fields.ts';
import { memoryCreateParams, memoryDeleteQuery, memoryUpdateParams } from '../memory/memories.ts';
import { param, readBody, readQuery } from '../request.ts';
import type { App, Services } from './context.ts';

const view = z.enum(['basic', 'full']);
const basicQuery = z.object({ view: view.default('basic') });
const fullQuery = z.object({ view: view.default('full') });
const listQuery = z.object({
  ...pageQuery(20, 100),
  view: view.default('basic'),
  depth: z
    .enum(['0', '1'])
    .default('0')
    .transform(value => (value === '1' ? 1 : 0)),
  path_prefix: z.string().optional(),
});

export function memoryRoutes(app: App, { memories }: Services): void {
  app.post('/v1/memory_stores/:store/memories', async c =>
    c.json(
      await memories.create(
        param(c, 'store'),
        await readBody(c, memoryCreateParams),
        readQuery(c, basicQuery).view,
      ),
    ),
  );
  app.get('/v1/memory_stores/:store/memories', async c =>
    c.json(await memories.list(param(c, 'store'), readQuery(c, listQuery))),
  );
  app.get('/v1/memory_stores/:store/memories/:id', async c =>
    c.json(await memories.get(param(c, 'store'), param(c, 'id'), readQuery(c, fullQuery).view)),
  );
  app.post('/v1/memory_stores/:store/memories/:id', async c =>
    c.json(
      await memories.update(
        param(c, 'store'),
        param(c, 'id'),
        await readBody(c, memoryUpdateParams),
        readQuery(c, basicQuery).view,
      ),
    ),
  );
  app.delete('/v1/memory_stores/:store/memories/:id', async c => {
    const { expected_content_sha256 } = readQuery(c, memoryDeleteQuery);
    await memories.remove(param(c, 'store'), param(c, 'id'), expected_content_sha256);
    return c.json({ id: param(c, 'id'), type: 'memory_deleted' });
  });
}
