import * as z from 'zod';
import { invalid } from './errors.ts';

export type Order = 'asc' | 'desc';

export interface Page<T> {
  data: T[];
  next_page: string | null;
}

/**
 * Cursors name the list they belong to (its path and order) and the position after which it goes on. One
 * taken from another list, or from the same list in the other order, is refused.
 */
export function encodeCursor(list: string, position: readonly (string | number)[]): string {
  return `page_${Buffer.from(JSON.stringify([list, ...position])).toString('base64url')}`;
}

/** The position of a cursor of this list, as `shape` describes it; 400 for anything else. */
export function decodeCursor<Position>(list: string, cursor: string, shape: z.ZodType<Position>): Position {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(cursor.replace(/^page_/, ''), 'base64url').toString());
  } catch {
    throw invalid('page: this is not a cursor of this API.');
  }
  const parts = z.array(z.union([z.string(), z.number()])).safeParse(decoded);
  if (!parts.success || !cursor.startsWith('page_')) {
    throw invalid('page: this is not a cursor of this API.');
  }
  const [owner, ...position] = parts.data;
  if (owner !== list) {
    throw invalid('page: this cursor belongs to another list or another order; start again without it.');
  }
  const parsed = shape.safeParse(position);
  if (!parsed.success) throw invalid('page: this is not a cursor of this API.');
  return parsed.data;
}

export const seqPosition = z.tuple([z.number().int()]);

/** `rows` were read with a limit one larger than the page; the extra row only says that there is more. */
export function pageOf<Row extends { seq: number }, T>(
  list: string,
  rows: readonly Row[],
  limit: number,
  render: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(render),
    next_page: rows.length > limit && last ? encodeCursor(list, [last.seq]) : null,
  };
}

/** A page of a list that is small enough to be in memory whole. */
export function pageOfArray<T>(
  list: string,
  items: readonly T[],
  query: { limit: number; page?: string | undefined },
): Page<T> {
  const start = query.page === undefined ? 0 : decodeCursor(list, query.page, seqPosition)[0];
  const end = start + query.limit;
  return {
    data: items.slice(start, end),
    next_page: end < items.length ? encodeCursor(list, [end]) : null,
  };
}
