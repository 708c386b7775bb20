/** Usual facts, read from memory files and written back line by line. Pure. */

import {
  type FactLine,
  factLines,
  isEmptyNote,
  withLineAfter,
  withoutDate,
  withoutLines,
} from '../memory/memory-lines.ts';
import { titleOfPath } from '../views.ts';
import {
  type FieldRule,
  garmentOf,
  isAllergy,
  isOf,
  keyOf,
  type Said,
  said,
  topicOf,
  valuesIn,
} from './field-rules.ts';

export interface TextFile {
  /** Names the file among the others; its last part says what it is about. */
  path: string;
  content: string;
  /** What stands in it may be changed, but nothing new is written there. */
  closed?: boolean;
}

/** One value of a field, and the line that says it. */
interface Item {
  path: string;
  fact: FactLine;
  said: Said;
  /** As it is written; of a size, with what it is for. */
  value: string;
}

/** What the files say, field by field, as the form shows it; empty where they say nothing. */
export function readFields(files: readonly TextFile[], fields: readonly FieldRule[]): Map<string, string> {
  return new Map(fields.map(rule => [rule.name, readField(files, rule)]));
}

export function readField(files: readonly TextFile[], rule: FieldRule): string {
  return shownValue(rule, itemsOf(files, rule));
}

/** Each value of a field by itself: shown together, one with a semicolon in it would change how the others are told apart. */
export function readValues(files: readonly TextFile[], rule: FieldRule): string[] {
  return itemsOf(files, rule).map(({ value }) => value);
}

/**
 * `replace`: the field says what is written and nothing else, because the writer saw what it said before. `add`: what
 * is written is answered anew and everything else stays; nothing written takes out all but allergies, which nobody is
 * to lose without having named them.
 */
export type WriteMode = 'replace' | 'add';

/**
 * The files as they have to be for a field to say `wanted`: only those that change, with null for one that then
 * says nothing any more. Values that stay keep their lines as they are.
 */
export function writeField(
  files: readonly TextFile[],
  rule: FieldRule,
  wanted: string,
  date: string,
  mode: WriteMode = 'replace',
): Map<string, string | null> {
  const current = itemsOf(files, rule);
  if (same(shownValue(rule, current), wanted)) return new Map();
  const values = wantedValues(rule, wanted, current.length);
  const left = [...current];
  const added: string[] = [];
  const allergies = values.flatMap(value => allergyIn(rule, value) ?? []);
  const isAllergicTo = (item: Item) => allergies.some(text => same(item.value, text));
  for (const value of values) {
    const allergy = allergyIn(rule, value);
    const isSaid = (item: Item) =>
      allergy === null ? same(item.value, value) : same(item.value, allergy) && isAllergy(item.said.label);
    const index = left.findIndex(isSaid);
    if (index === -1) added.push(value);
    else left.splice(index, 1);
  }
  const edits = new Map<Item, string | null>();
  for (const item of left) {
    const isAnswer = (value: string) =>
      rule.kind === 'one' || (rule.kind === 'labelled' && isSameGarment(value, item.value));
    const index = added.findIndex(isAnswer);
    const [value] = index === -1 ? [] : added.splice(index, 1);
    const clears = values.length === 0 && !isAllergy(item.said.label);
    if (value !== undefined) edits.set(item, value);
    else if (mode === 'replace' || clears || values.some(isAnswer) || isAllergicTo(item))
      edits.set(item, null);
  }
  return changedFiles(files, rule, current, edits, added, date);
}

function wantedValues(rule: FieldRule, wanted: string, count: number): string[] {
  if (rule.kind === 'labelled') return valuesIn(wanted).map(labelled);
  // "9, in boots 9.5" is one shoe size, unless it was shown as two.
  const isOne = rule.kind === 'one' && count < 2;
  return isOne ? [wanted.trim()].filter(value => value !== '') : valuesIn(wanted);
}

function changedFiles(
  files: readonly TextFile[],
  rule: FieldRule,
  current: readonly Item[],
  edits: ReadonlyMap<Item, string | null>,
  added: readonly string[],
  date: string,
): Map<string, string | null> {
  const contents = new Map(files.map(file => [file.path, file.content]));
  const kept = current.filter(item => !edits.has(item) || edits.get(item) !== null);
  const open = files.filter(file => file.closed !== true);
  const place = added.length === 0 ? null : placeFor(open, rule, kept.length > 0 ? kept : current);
  const changed = new Set<string>();

  // The new lines first, then the others from the bottom up: so line numbers hold.
  if (place !== null) {
    const content = contents.get(place.path) ?? `# ${titleOfPath(place.path)}\n\n`;
    const lines = added.map(value => newLine(rule, place.like, value, date)).join('\n');
    contents.set(place.path, withLineAfter(content, place.like?.fact.index ?? null, lines));
    changed.add(place.path);
  }
  for (const [path, index] of editedLines(edits)) {
    const shift = place?.path === path && place.like !== null && place.like.fact.index < index;
    const items = current.filter(item => item.path === path && item.fact.index === index);
    const content = contents.get(path) ?? '';
    contents.set(path, withItems(content, index + (shift ? added.length : 0), rule, items, edits, date));
    changed.add(path);
  }
  return new Map(
    [...changed].map(path => {
      const content = contents.get(path) ?? '';
      return [path, isEmptyNote(content) ? null : content];
    }),
  );
}

/** Lines to be changed, in each file from the bottom up. */
function editedLines(edits: ReadonlyMap<Item, unknown>): [path: string, index: number][] {
  const lines = new Map<string, [string, number]>();
  for (const { path, fact } of edits.keys()) lines.set(`${fact.index} ${path}`, [path, fact.index]);
  return [...lines.values()].sort((a, b) => b[1] - a[1]);
}

/** One line with some of its values replaced or taken out; without any left the line goes. */
function withItems(
  content: string,
  index: number,
  rule: FieldRule,
  items: readonly Item[],
  edits: ReadonlyMap<Item, string | null>,
  date: string,
): string {
  const left = items.flatMap(item => {
    const value = edits.get(item);
    return value === null ? [] : [value ?? item.value];
  });
  const first = items[0];
  if (left.length === 0 || first === undefined) return withoutLines(content, [index]);
  const value = rule.kind === 'labelled' ? valueIn(left[0] ?? '') : left.join(', ');
  const replaced = items.some(item => typeof edits.get(item) === 'string');
  const lines = content.split('\n');
  lines[index] = withValue(lines[index] ?? '', first.said, value, replaced ? date : first.fact.date);
  return lines.join('\n');
}

/** The same line, list mark, label and markup included, with another value and date. */
function withValue(line: string, { label, value: old }: Said, value: string, date: string | null): string {
  const { text } = withoutDate(line);
  const at = text.lastIndexOf(old);
  const stamp = date === null ? '' : ` (${date})`;
  if (at === -1) {
    const mark = /^\s*(?:[-*+•]|\d+[.)])\s+/.exec(line)?.[0] ?? '- ';
    return `${mark}${label === null ? '' : `${label}: `}${value}${stamp}`;
  }
  const rest = text.slice(at + old.length);
  // In a table the date belongs into the cell.
  if (/\|\s*$/.test(line)) return `${text.slice(0, at)}${value}${stamp}${line.slice(at + old.length)}`;
  return `${text.slice(0, at)}${value}${rest}${stamp}`;
}

/** Behind the last line that says the same kind of thing, else in the file on the topic, else in a new one. */
function placeFor(
  files: readonly TextFile[],
  rule: FieldRule,
  items: readonly Item[],
): { path: string; like: Item | null } {
  // A line about an allergy would make one of what is merely avoided; a table is no place for a new line.
  const isOpen = ({ path }: Item) => files.some(file => file.path === path);
  const like =
    items.findLast(item => isOpen(item) && !isAllergy(item.said.label) && !item.fact.line.startsWith('|')) ??
    null;
  if (like !== null) return { path: like.path, like };
  const file = files.find(({ path }) => topicOf(path) === rule.topic);
  return { path: file?.path ?? `/${rule.topic}.md`, like: null };
}

function newLine(rule: FieldRule, like: Item | null, value: string, date: string): string {
  const mark = /^\s*(?:[-*+•])\s+/.exec(like?.fact.raw ?? '')?.[0] ?? '- ';
  if (rule.kind === 'labelled') {
    const label = labelIn(value);
    const measure = /^(?:waist|inseam|collar|chest|hips|neck|sleeves?|sizes?)$/.test(label);
    return `${mark}${measure ? label : `${label} size`}: ${valueIn(value)} (${date})`;
  }
  const allergy = allergyIn(rule, value);
  if (allergy !== null) return `${mark}allergic to: ${allergy} (${date})`;
  // Under a heading such as "Liked" a value stands by itself.
  if (like !== null && like.said.label === null) return `${mark}${value} (${date})`;
  const label = like?.said.label?.toLowerCase() ?? rule.writes;
  return `${mark}${label}: ${value} (${date})`;
}

function hasAllergies(rule: FieldRule): boolean {
  return rule.own !== true && rule.name === 'materials_avoided';
}

/** What somebody says they are allergic to, which is more than to avoid it; null where they do not say so. */
function allergyIn(rule: FieldRule, value: string): string | null {
  if (!hasAllergies(rule)) return null;
  return /^(?:(?:i am|i'm|is) )?allergic to:? (\S.*)$/i.exec(value)?.[1] ?? null;
}

function itemsOf(files: readonly TextFile[], rule: FieldRule): Item[] {
  return files.flatMap(({ path, content }) =>
    factLines(content).flatMap(fact => {
      const words = said(fact.text);
      if (!isOf(rule, path, fact, words)) return [];
      return valuesOf(rule, words).map(value => ({ path, fact, said: words, value }));
    }),
  );
}

function valuesOf(rule: FieldRule, { label, value: dated }: Said): string[] {
  const value = withoutDate(dated).text;
  switch (rule.kind) {
    case 'one':
      return [value];
    case 'labelled': {
      const garment = keyOf(label ?? '').replace(/^(.+) sizes?$/, '$1');
      return [garment === 'clothing' || garment === 'clothes' ? value : `${garment} ${value}`];
    }
    case 'list':
      return valuesIn(value);
  }
}

/** As the form shows it, an allergy as one: written so, it is noted as one again. */
function shownValue(rule: FieldRule, items: readonly Item[]): string {
  const values = items.map(({ value, said: { label } }) =>
    hasAllergies(rule) && isAllergy(label) ? `allergic to ${value}` : value,
  );
  return values.join(values.some(value => valuesIn(value).length > 1) ? '; ' : ', ');
}

const SIZE =
  /(?:\b(?:US|UK|EU|IT|FR|JP)\s*)?(?:\d[\w./-]*|\bX{0,4}[SML]\b|\b[2-5]XL\b|\b(?:extra )?(?:small|medium|large)\b|\bone size\b)/i;

/** "shirt size: M" and "shirt M" are "shirt M"; "M" alone is for clothes in general and stays. */
function labelled(text: string): string {
  const colon = /^([^:]+?)(?:\s+sizes?)?\s*:\s*(\S.*)$/.exec(text);
  if (colon !== null) return `${keyOf(colon[1] ?? '')} ${colon[2]}`.trim();
  const at = SIZE.exec(text)?.index ?? 0;
  const label = keyOf(text.slice(0, at)).replace(/^(.+) sizes?$/, '$1');
  return label === '' || label === 'clothing' ? text.slice(at).trim() : `${label} ${text.slice(at).trim()}`;
}

function labelIn(shown: string): string {
  const at = SIZE.exec(shown)?.index ?? 0;
  return shown.slice(0, at).trim() || 'clothing';
}

function isSameGarment(a: string, b: string): boolean {
  return garmentOf(labelIn(a)) === garmentOf(labelIn(b));
}

function valueIn(shown: string): string {
  return shown.slice(SIZE.exec(shown)?.index ?? 0).trim();
}

function same(a: string, b: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/\s+/g, ' ').trim();
  return plain(a) === plain(b);
}
