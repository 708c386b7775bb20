import * as z from 'zod';
import { pageQuery, listQuery as repeated } from '../fields.ts';
import { pageOfArray } from '../pages.ts';
import { param, readQuery } from '../request.ts';
import { SESSION_STATUSES } from '../session-list.ts';
import type { App, Services } from './context.ts';

const listQuery = z.object({ ...pageQuery(100, 1000), statuses: repeated(SESSION_STATUSES) });

export function sessionThreadRoutes(app: App, { threads }: Services): void {
  app.get('/v1/sessions/:id/threads', async c => {
    const query = readQuery(c, listQuery);
    const all = await threads.list(param(c, 'id'));
    const wanted = all.filter(thread => query.statuses?.includes(thread.status) ?? true);
    return c.json(pageOfArray(`sessions/${param(c, 'id')}/threads`, wanted, query));
  });
  app.get('/v1/sessions/:id/threads/:thread', async c =>
    c.json(await threads.get(param(c, 'id'), param(c, 'thread'))),
  );
  app.post('/v1/sessions/:id/threads/:thread/archive', async c =>
    c.json(await threads.archive(param(c, 'id'), param(c, 'thread'))),
  );
}
