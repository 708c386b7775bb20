import * as z from 'zod';
import { invalid } from './errors.ts';

/** Shapes that several resources share. Limits: SDK 1.12 comments on the same fields. */

/** Unicode code points, as the API counts characters. */
export function text(max: number, min = 0): z.ZodType<string> {
  return z
    .string()
    .refine(value => !/\p{Cs}/u.test(value), 'must be valid Unicode')
    .refine(
      value => length(value) >= min,
      min === 1 ? 'must not be empty' : `must have at least ${min} characters`,
    )
    .refine(value => length(value) <= max, `must have at most ${max} characters`);
}

function length(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}

export const metadata = z.record(z.string(), z.string());
/** null deletes a key. */
export const metadataPatch = z.record(z.string(), z.string().nullable());

/** At most 16 pairs, keys of 1 to 64 characters, values of at most 512. Throws 400. */
export function checkMetadata(value: Record<string, string>, errorCode?: string): Record<string, string> {
  const problems: string[] = [];
  const pairs = Object.entries(value);
  if (pairs.length > 16) problems.push('at most 16 keys are allowed');
  for (const [key, entry] of pairs) {
    if (length(key) < 1 || length(key) > 64)
      problems.push(`the key "${key.slice(0, 70)}" must have 1 to 64 characters`);
    if (length(entry) > 512)
      problems.push(`the value of "${key.slice(0, 70)}" must have at most 512 characters`);
  }
  if (problems.length > 0) throw invalid(`metadata: ${problems.join('; ')}`, errorCode);
  return value;
}

export function patchMetadata(
  current: Record<string, string>,
  patch: Record<string, string | null> | null | undefined,
): Record<string, string> {
  const next = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(patch ?? {})) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  return Object.fromEntries(next);
}

/** Query parameters of every list: 1 to `max` items, `fallback` when not said. */
export function pageQuery(fallback: number, max: number) {
  return {
    limit: z.coerce.number().int().min(1).max(max).default(fallback),
    page: z.string().optional(),
  };
}

const instant = z
  .string()
  .transform(value => Date.parse(value))
  .refine(value => !Number.isNaN(value), 'must be an RFC 3339 time');

/** `created_at[gt]`, `[gte]`, `[lt]` and `[lte]`, as milliseconds. */
export const createdAtQuery = {
  'created_at[gt]': instant.optional(),
  'created_at[gte]': instant.optional(),
  'created_at[lt]': instant.optional(),
  'created_at[lte]': instant.optional(),
};

export const flagQuery = z
  .enum(['true', 'false'])
  .optional()
  .transform(value => value === 'true');

/** A repeated parameter; a single one arrives as a plain string. */
export function listQuery<T extends string>(values: readonly [T, ...T[]]) {
  return z.preprocess(
    value => (typeof value === 'string' ? [value] : value),
    z.array(z.enum(values)).optional(),
  );
}
