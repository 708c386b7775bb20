import { parse as parseCsv } from 'csv-parse/sync';
import { z } from 'zod';
import { SetupError } from '../../core/errors.ts';
import { type Person, personKey } from '../../core/message.ts';
import type { FieldRule } from '../../core/preferences/field-rules.ts';
import { nameOf } from '../people.ts';
import { type Column, columnOf, knownColumns } from './columns.ts';

/** What is to be remembered about one person. */
export interface Customer {
  person: Person;
  /** Only what the list says something about. */
  fields: ReadonlyMap<string, string>;
  /** Facts in free words by file. */
  lines: ReadonlyMap<string, readonly string[]>;
}

/** Whose rows these are where the list does not say so itself. */
export interface Defaults {
  platform?: string | undefined;
  workspace?: string | undefined;
}

interface Row {
  /** "line 7" of a CSV file, "entry 7" of a JSON file. */
  place: string;
  cells: ReadonlyMap<string, string>;
}

const MAX_VALUE = 4_000;
const PROBLEMS_SHOWN = 20;
/** Where ids are unique across the platform. */
const ONLY_WORKSPACE: Readonly<Record<string, string>> = { discord: 'discord', terminal: 'local' };
const ID_SHAPES: Readonly<Record<string, RegExp>> = { slack: /^[UW][A-Z0-9]+$/, discord: /^\d+$/ };

/**
 * The customers of a CSV file (with a heading line; commas, semicolons or tabs) or a JSON file (a list of
 * objects). `own`: fields that the persona has made. Throws one SetupError that names every problem and its line, and never repeats a value.
 */
export function parseCustomers(
  source: string,
  format: 'csv' | 'json',
  defaults: Defaults = {},
  own: readonly FieldRule[] = [],
): Customer[] {
  const { headings, rows } = format === 'csv' ? csvRows(source) : jsonRows(source);
  const problems: string[] = [];
  const columns = new Map<string, Column>();
  for (const heading of headings) {
    const column = columnOf(heading, own);
    if (column === null) problems.push(`unknown column "${heading}"`);
    else if (same(columns.values(), column)) problems.push(`two columns mean "${heading}"`);
    else columns.set(heading, column);
  }
  if (problems.length > 0) {
    throw new SetupError(`${listed(problems)}\nColumns can be ${knownColumns(own)}.`);
  }
  const customers: Customer[] = [];
  const places = new Map<string, string>();
  for (const row of rows) {
    const read = customerOf(row, columns, defaults);
    if (Array.isArray(read)) {
      problems.push(...read.map(problem => `${row.place}: ${problem}`));
      continue;
    }
    const key = personKey(read.person);
    const before = places.get(key);
    if (before === undefined) {
      places.set(key, row.place);
      customers.push(read);
    } else problems.push(`${row.place}: ${nameOf(read.person)} is already on ${before}`);
  }
  if (problems.length > 0) throw new SetupError(listed(problems));
  if (customers.length === 0) throw new SetupError('There are no customers in this list.');
  return customers;
}

function csvRows(source: string): { headings: string[]; rows: Row[] } {
  const headingLine = source.replace(/^\uFEFF/, '').split(/\r?\n/, 1)[0] ?? '';
  const uses = (char: string) => headingLine.split(char).length;
  const [delimiter = ','] = [',', ';', '\t'].sort((a, b) => uses(b) - uses(a));
  const records = z
    .array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.int() }) }))
    .parse(
      attempt(() =>
        parseCsv(source, { bom: true, delimiter, info: true, skip_empty_lines: true, trim: true }),
      ),
    );
  const [first, ...rest] = records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  const headings = first?.cells ?? [];
  const rows = rest.map(({ cells, line }) => ({
    place: `line ${line}`,
    cells: new Map(headings.map((heading, index) => [heading, cells[index] ?? ''])),
  }));
  return { headings, rows };
}

const cell = z.union([z.string(), z.number(), z.null(), z.array(z.union([z.string(), z.number()]))]);
const jsonList = z.array(
  z.record(z.string(), cell),
  'The file must hold a list of objects: [{"person": …}, …].',
);

function jsonRows(source: string): { headings: string[]; rows: Row[] } {
  const parsed = jsonList.safeParse(attempt(() => JSON.parse(source)));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: [index, ...rest], message }) =>
      typeof index === 'number'
        ? `entry ${index + 1}: ${rest.join('.')} must be text, a number or a list of either`
        : message,
    );
    throw new SetupError(listed([...new Set(problems)]));
  }
  const headings = new Set(parsed.data.flatMap(entry => Object.keys(entry)));
  const rows = parsed.data.map((entry, index) => ({
    place: `entry ${index + 1}`,
    cells: new Map(Object.entries(entry).map(([key, value]) => [key, textOf(value)])),
  }));
  return { headings: [...headings], rows };
}

function textOf(value: z.infer<typeof cell>): string {
  if (Array.isArray(value))
    return value
      .map(item => String(item).trim())
      .filter(Boolean)
      .join('; ');
  return value === null ? '' : String(value);
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    // Parsers repeat what they stumbled over, which may be somebody's data.
    const where = /line (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const place = where === undefined ? '' : ` Look at line ${where}.`;
    throw new SetupError(`The list cannot be read: it is not well-formed.${place}`, { cause: error });
  }
}

function customerOf(row: Row, columns: ReadonlyMap<string, Column>, defaults: Defaults): Customer | string[] {
  const problems: string[] = [];
  const identity = new Map<Column['type'], string>();
  const fields = new Map<string, string>();
  const lines = new Map<string, string[]>();
  for (const [heading, column] of columns) {
    const value = (row.cells.get(heading) ?? '').trim();
    if (value === '') continue;
    if (value.length > MAX_VALUE) problems.push(`${heading} is longer than ${MAX_VALUE} characters`);
    if (/[^\P{Cc}\n\r\t]|\p{Cs}/u.test(value)) problems.push(`${heading} has characters that are not text`);
    if (column.type === 'field') fields.set(column.field, tidy(value));
    else if (column.type === 'lines') lines.set(column.path, factsIn(value));
    else identity.set(column.type, tidy(value));
  }
  const person = personOf(identity, defaults);
  if (typeof person === 'string') problems.push(person);
  return problems.length > 0 || typeof person === 'string' ? problems : { person, fields, lines };
}

function personOf(identity: ReadonlyMap<Column['type'], string>, defaults: Defaults): Person | string {
  const given = identity.get('person');
  if (given === undefined) return 'the column "person" is empty';
  const whole = /^([^:\s]+):([^:\s]+):(\S+)$/.exec(given);
  const platform = whole?.[1] ?? identity.get('platform') ?? defaults.platform;
  if (platform === undefined) return 'no platform: add a column, or use --platform';
  const workspace = whole?.[2] ?? identity.get('workspace') ?? ONLY_WORKSPACE[platform] ?? defaults.workspace;
  if (workspace === undefined) return 'no workspace: add a column, or use --workspace';
  const id = whole?.[3] ?? given;
  if (!/^[a-z][a-z0-9_-]*$/.test(platform)) return 'the platform must be a word such as slack or discord';
  if (/\s/.test(id + workspace)) return 'person and workspace must be ids, without spaces';
  if (ID_SHAPES[platform]?.test(id) === false) {
    return platform === 'slack'
      ? 'person must be a Slack member id such as U024BE7LH'
      : 'person must be a Discord user id, digits only';
  }
  return { platform, workspace, id, name: identity.get('name') ?? id };
}

function tidy(value: string): string {
  return value.replace(/\s+/g, ' ').trim();
}

/** One fact a line; semicolons part them as well. */
function factsIn(value: string): string[] {
  return value
    .split(/[\n\r;]+/)
    .map(tidy)
    .filter(fact => fact !== '');
}

function same(columns: Iterable<Column>, column: Column): boolean {
  return [...columns].some(other => JSON.stringify(other) === JSON.stringify(column));
}

function listed(problems: readonly string[]): string {
  const more = problems.length - PROBLEMS_SHOWN;
  return [
    problems.length === 1
      ? 'There is a problem with this list:'
      : `There are ${problems.length} problems with this list:`,
    ...problems.slice(0, PROBLEMS_SHOWN).map(problem => `  ${problem}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ].join('\n');
}
