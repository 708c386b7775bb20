import Anthropic, { toFile } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collect, type Harness, refusal, startHarness } from './harness.ts';

let harness: Harness;
let files: Anthropic['beta']['files'];
let now = Date.parse('2026-11-01T12:00:00Z');
beforeAll(async () => {
  harness = await startHarness({ clock: () => now });
  files = harness.client.beta.files;
});
afterAll(() => harness.close());

const upload = async (
  data: Buffer,
  name: string,
  more: { type?: string; expires_in_seconds?: number } = {},
) => {
  const { type, ...rest } = more;
  return files.upload({ file: await toFile(data, name, type === undefined ? {} : { type }), ...rest });
};

test('an upload comes back byte for byte', async () => {
  const data = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
  const file = await upload(data, 'photo.png', { type: 'image/png' });
  expect(file).toMatchObject({
    type: 'file',
    filename: 'photo.png',
    mime_type: 'image/png',
    size_bytes: 70_000,
    expires_at: null,
    scope: null,
    created_at: '2026-11-01T12:00:00.000Z',
  });
  const response = await files.download(file.id);
  expect(response.headers.get('content-type')).toBe('image/png');
  expect(Buffer.from(await response.arrayBuffer()).equals(data)).toBe(true);
  expect(await files.retrieveMetadata(file.id)).toEqual(file);
});

test('an expired file has no content any more', async () => {
  const file = await upload(Buffer.from('soon gone'), 'a.txt', { expires_in_seconds: 3600 });
  expect(file.expires_at).toBe('2026-11-01T13:00:00.000Z');
  await files.download(file.id);
  now += 3_600_000;
  const error = await refusal(files.download(file.id));
  expect(error).toBeInstanceOf(Anthropic.NotFoundError);
  expect(error.errorCode).toBe('file_expired');
});

test('a lifetime outside an hour to ninety days is refused', async () => {
  for (const expires_in_seconds of [3599, 7_776_001]) {
    const error = await refusal(upload(Buffer.from('x'), 'a', { expires_in_seconds }));
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.apiMessage).toContain('expires_in_seconds');
  }
});

test('only the last part of a file name is kept', async () => {
  const form = new FormData();
  form.append('file', new Blob(['x']), '../../etc/passwd');
  const response = await fetch(`${harness.runtime.url}/v1/files`, {
    method: 'POST',
    headers: { 'x-api-key': 'k' },
    body: form,
  });
  expect(await response.json()).toMatchObject({ filename: 'passwd', mime_type: 'application/octet-stream' });
});

test('a request without a file part is refused', async () => {
  const response = await fetch(`${harness.runtime.url}/v1/files`, {
    method: 'POST',
    headers: { 'x-api-key': 'k' },
    body: 'hello',
  });
  expect(response.status).toBe(400);
});

test('lists page newest first, by ids, and by scope', async () => {
  const made: string[] = [];
  for (let i = 0; i < 5; i++) made.push((await upload(Buffer.from(`${i}`), `${i}`)).id);
  const listed = await collect(files.list({ limit: 2 }));
  expect(listed.slice(0, 5).map(file => file.id)).toEqual(made.toReversed());
  const some = await files.list({ ids: [made[1] ?? '', made[3] ?? '', 'file_none'] });
  expect(some.data.map(file => file.id)).toEqual([made[3], made[1]]);
  expect(some.next_page).toBeNull();
  const scoped = files.list({ scope_id: 'sesn_1', betas: ['managed-agents-2026-04-01'] });
  expect(await collect(scoped)).toEqual([]);
  expect((await refusal(files.list({ scope_id: 'sesn_1' }))).apiMessage).toContain('anthropic-beta');
});

test('a deleted file is gone', async () => {
  const file = await upload(Buffer.from('x'), 'a');
  expect(await files.delete(file.id)).toMatchObject({ id: file.id, type: 'file_deleted' });
  expect((await refusal(files.retrieveMetadata(file.id))).status).toBe(404);
  expect((await refusal(files.delete(file.id))).status).toBe(404);
  expect((await refusal(files.download(file.id))).status).toBe(404);
});
