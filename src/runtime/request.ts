import type { IncomingMessage } from 'node:http';
import type * as z from 'zod';
import { ApiError, invalid } from './errors.ts';
import type { RequestContext } from './routes/context.ts';

const MB = 1024 * 1024;
const MAX_BODY_MB = 32;

/**
 * The edge: bodies and queries become typed values here or the request is answered with 400. Bodies refuse
 * unknown fields (a misspelt one would otherwise be ignored); queries ignore them, as the API does.
 */
export async function readBody<T>(c: RequestContext, shape: z.ZodType<T>): Promise<T> {
  const text = (await readBytes(c.env.incoming, MAX_BODY_MB)).toString();
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    throw invalid('The request body is not valid JSON.');
  }
  return check(shape, body);
}

/**
 * The body as it is, at most `maxMb` megabytes. A larger one is read to its end before it is refused (up to
 * twice the limit), because a client that is still sending does not see the answer.
 */
export function readBytes(incoming: IncomingMessage, maxMb: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = () => new ApiError('request_too_large', `A request body may have at most ${maxMb} MB.`);
    let chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxMb * MB) chunks.push(chunk);
      else chunks = [];
      if (size > 2 * maxMb * MB) reject(tooLarge());
    });
    incoming.on('end', () => {
      if (size > maxMb * MB) reject(tooLarge());
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    incoming.on('error', reject);
    incoming.on('close', () =>
      reject(invalid('The connection closed before the request body was complete.')),
    );
  });
}

/** `types[]=a&types[]=b` arrives as `types: ['a', 'b']`; `created_at[gte]=…` keeps its name. */
export function readQuery<T>(c: RequestContext, shape: z.ZodType<T>): T {
  const query: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (name.endsWith('[]')) query[name.slice(0, -2)] = values;
    else query[name] = values.length > 1 ? values : (values[0] ?? '');
  }
  return check(shape, query);
}

export function check<T>(shape: z.ZodType<T>, value: unknown): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.flatMap(issue => describe(issue, [])).join('; '));
}

function describe(issue: z.core.$ZodIssue, parent: readonly PropertyKey[]): string[] {
  const path = [...parent, ...issue.path];
  if (issue.code === 'invalid_union') {
    // Of several shapes, the one that failed below its top is the one that was meant.
    const meant = issue.errors.find(branch => branch.some(inner => inner.path.length > 0));
    if (meant) return meant.flatMap(inner => describe(inner, path));
  }
  const text =
    issue.code === 'unrecognized_keys'
      ? `unknown field ${issue.keys.map(key => `"${key}"`).join(', ')}`
      : issue.message;
  return [path.length === 0 ? text : `${path.map(String).join('.')}: ${text}`];
}

/** A path parameter of the matched route. */
export function param(c: RequestContext, name: string): string {
  return c.req.param(name) ?? '';
}
