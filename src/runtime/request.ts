import type { Context } from 'hono';
import type * as z from 'zod';
import { invalid } from './errors.ts';

/**
 * The edge: bodies and queries become typed values here or the request is answered with 400. Bodies refuse
 * unknown fields (a misspelt one would otherwise be ignored); queries ignore them, as the API does.
 */
export async function readBody<T>(c: Context, shape: z.ZodType<T>): Promise<T> {
  const text = await c.req.text();
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    throw invalid('The request body is not valid JSON.');
  }
  return check(shape, body);
}

/** `types[]=a&types[]=b` arrives as `types: ['a', 'b']`; `created_at[gte]=…` keeps its name. */
export function readQuery<T>(c: Context, shape: z.ZodType<T>): T {
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
  throw invalid(parsed.error.issues.map(describe).join('; '));
}

function describe(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(String).join('.');
  const text =
    issue.code === 'unrecognized_keys'
      ? `unknown field ${issue.keys.map(key => `"${key}"`).join(', ')}`
      : issue.message;
  return where === '' ? text : `${where}: ${text}`;
}

/** A path parameter of the matched route. */
export function param(c: Context, name: string): string {
  return c.req.param(name) ?? '';
}
