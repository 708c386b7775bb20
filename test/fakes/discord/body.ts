// Request bodies: JSON, or multipart/form-data with `payload_json` and `files[n]` (docs, reference, "Uploading
// Files"). Node's own fetch machinery reads the multipart form.

import type { IncomingMessage } from 'node:http';
import { ApiError, tooLarge } from './api-error.ts';

export interface UploadedFile {
  /** The n of files[n], which `attachments[].id` refers to. */
  index: number;
  filename: string;
  contentType: string | null;
  data: Buffer;
}

export interface ParsedBody {
  json: unknown;
  files: UploadedFile[];
}

const MAX_BYTES = 40 * 1024 * 1024;

/** The whole request in memory, so that a later answer never races an unread upload. */
export async function readRequest(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size <= MAX_BYTES) chunks.push(bytes);
  }
  if (size > MAX_BYTES) throw tooLarge();
  return Buffer.concat(chunks);
}

export async function parseBody(contentType: string | undefined, raw: Buffer): Promise<ParsedBody> {
  if (raw.length === 0) return { json: undefined, files: [] };
  if (contentType?.startsWith('multipart/form-data')) return parseMultipart(contentType, raw);
  if (contentType?.startsWith('application/json')) return { json: parseJson(raw.toString()), files: [] };
  throw new ApiError(400, 50035, 'Invalid Form Body', {
    errors: {
      _errors: [
        {
          code: 'CONTENT_TYPE_INVALID',
          message: 'Expected "Content-Type" header to be one of {application/json, multipart/form-data}.',
        },
      ],
    },
  });
}

async function parseMultipart(contentType: string, raw: Buffer): Promise<ParsedBody> {
  const response = new Response(new Uint8Array(raw), { headers: { 'content-type': contentType } });
  const form = await response.formData().catch(() => {
    throw new ApiError(400, 50035, 'Invalid Form Body');
  });
  const files: UploadedFile[] = [];
  let json: unknown;
  for (const [key, value] of form) {
    if (typeof value === 'string') {
      if (key === 'payload_json') json = parseJson(value);
      continue;
    }
    const index = /^files\[(\d+)\]$/.exec(key)?.[1];
    files.push({
      index: index === undefined ? files.length : Number(index),
      filename: value.name,
      contentType: value.type === '' ? null : value.type,
      data: Buffer.from(await value.arrayBuffer()),
    });
  }
  return { json, files };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const error = new ApiError(400, 50109, 'The request body contains invalid JSON.');
    error.cause = cause;
    throw error;
  }
}
