/** Which column of a list of customers means what. docs/operating.md describes the format. */

import type { FieldName } from '../../core/message.ts';
import { FIELDS, type FieldRule, keyOf } from '../../core/preferences/field-rules.ts';

export type Column =
  | { type: 'person' | 'platform' | 'workspace' | 'name' }
  /** One of a shopper's usual facts, or a field of the persona's own; by its name. */
  | { type: 'field'; field: string }
  /** Facts in free words, each a line of this file. */
  | { type: 'lines'; path: string };

const IDENTITY = ['person', 'platform', 'workspace', 'name'] as const;

const ALSO_KNOWN_AS: Readonly<Record<string, FieldName>> = {
  sizes: 'clothing_sizes',
  brands: 'brands_liked',
  avoid: 'materials_avoided',
  materials: 'materials_avoided',
  allergies: 'materials_avoided',
  colours: 'colours_liked',
  colors: 'colours_liked',
  colors_liked: 'colours_liked',
};

const LINES: Readonly<Record<string, string>> = {
  occasions: '/occasions.md',
  purchases: '/purchases.md',
  notes: '/notes.md',
};

/** A path column names its file itself: "/loyalty.md". */
const PATH = /^\/[\p{L}\p{N}_-][\p{L}\p{N} ._-]*(?:\/[\p{L}\p{N}_-][\p{L}\p{N} ._-]*){0,4}$/u;

/** `own`: the fields that the persona has made, which go by their labels. */
export function columnOf(heading: string, own: readonly FieldRule[] = []): Column | null {
  const trimmed = heading.trim();
  if (trimmed.startsWith('/'))
    return PATH.test(trimmed) ? { type: 'lines', path: trimmed.normalize() } : null;
  const key = trimmed.toLowerCase().replace(/[\s-]+/g, '_');
  const identity = IDENTITY.find(name => name === key);
  if (identity !== undefined) return { type: identity };
  const named = keyOf(trimmed).replaceAll(' ', '_');
  if (own.some(({ name }) => name === named)) return { type: 'field', field: named };
  const field = FIELDS.find(({ name }) => name === key)?.name ?? ALSO_KNOWN_AS[key];
  if (field !== undefined) return { type: 'field', field };
  const path = LINES[key];
  return path === undefined ? null : { type: 'lines', path };
}

export function knownColumns(own: readonly FieldRule[]): string {
  const names = [
    ...IDENTITY,
    ...own.map(({ name }) => name),
    ...FIELDS.map(({ name }) => name).filter(name => !own.some(field => field.name === name)),
    ...Object.keys(LINES),
  ];
  return `${names.join(', ')}, or a path such as /loyalty.md`;
}
