import * as z from 'zod';
import { ApiError, invalid } from '../errors.ts';
import { pageQuery } from '../fields.ts';
import { check, param, readBytes, readQuery } from '../request.ts';
import type { App, RequestContext, Services } from './context.ts';

const MAX_FILE_MB = 500;

const listQuery = z.object({
  ...pageQuery(20, 1000),
  scope_id: z.string().optional(),
  ids: z.preprocess(value => (typeof value === 'string' ? [value] : value), z.array(z.string()).optional()),
});
const lifetime = z.coerce
  .number()
  .int()
  .min(3600, 'expires_in_seconds must be at least 3600')
  .max(7_776_000, 'expires_in_seconds must be at most 7776000');

export function fileRoutes(app: App, { files }: Services): void {
  app.post('/v1/files', async c => {
    const { file, expiresInSeconds } = await readUpload(c);
    const data = new Uint8Array(await file.arrayBuffer());
    const mimeType = file.type || 'application/octet-stream';
    return c.json(await files.upload({ name: file.name, mimeType, data }, expiresInSeconds));
  });
  app.get('/v1/files', async c => {
    const query = readQuery(c, listQuery);
    const ids = query.ids && [...new Set(query.ids)];
    if (ids && ids.length > 100) throw invalid('ids: at most 100 are allowed.');
    if (ids && (query.page !== undefined || c.req.query('limit') !== undefined)) {
      throw invalid('ids: cannot be combined with page or limit.');
    }
    return c.json(await files.list({ ...query, ids }));
  });
  app.get('/v1/files/:id', async c => c.json(await files.get(param(c, 'id'))));
  app.get('/v1/files/:id/content', async c => {
    const { mediaType, data } = await files.content(param(c, 'id'));
    return c.body(new Uint8Array(data), 200, { 'content-type': mediaType });
  });
  app.delete('/v1/files/:id', async c => {
    await files.remove(param(c, 'id'));
    return c.json({ id: param(c, 'id'), type: 'file_deleted' });
  });
}

async function readUpload(c: RequestContext): Promise<{ file: File; expiresInSeconds: number | null }> {
  const body = await readBytes(c.env.incoming, MAX_FILE_MB + 1);
  let form: FormData;
  try {
    const headers = { 'content-type': c.req.header('content-type') ?? '' };
    form = await new Response(new Uint8Array(body), { headers }).formData();
  } catch {
    throw invalid('The request body must be multipart/form-data with a part named "file".');
  }
  const file = form.get('file');
  const seconds = form.get('expires_in_seconds');
  if (!(file instanceof File)) throw invalid('file: a part named "file" with the content is required.');
  if (file.size > MAX_FILE_MB * 1024 * 1024) {
    throw new ApiError('request_too_large', `A file may have at most ${MAX_FILE_MB} MB.`);
  }
  return { file, expiresInSeconds: seconds === null ? null : check(lifetime, seconds) };
}
