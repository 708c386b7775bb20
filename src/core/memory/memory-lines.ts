import { createHash } from 'node:crypto';

/** A line of a memory file that says something. */
export interface FactLine {
  /** In `content.split('\n')`. */
  index: number;
  /** As it stands. */
  raw: string;
  /** Without list mark, with its date. */
  line: string;
  /** Without list mark and date. */
  text: string;
  /** YYYY-MM-DD, as the line gives it. */
  date: string | null;
  /** The heading above it, without marks. */
  heading: string | null;
}

export const FRONT_MATTER = /^---\r?\n[\s\S]*?\r?\n---(?:\r?\n|$)/;
/** Headings, rules, comments, and the line under a table's head. */
export const SILENT = /^\s*(#|[-*_=]{3,}\s*$|<!--|\|\s*:?-{2,})/;
export const LIST_MARK = /^\s*(?:[-*+•]|\d+[.)])\s+(?:\[[ xX]\]\s+)?/;
// A long run of spaces must not be tried again from each of its characters: so no `\s*` before what may be missing.
const DATE = /[([](?:[a-z]+(?: [a-z]+)?:? )?(\d{4}-\d{2}-\d{2})[)\]]\s*(?:\.\s*)?$/i;

/** The facts of a memory file: no headings, rules or front matter. */
export function factLines(content: string): FactLine[] {
  const skipped = (FRONT_MATTER.exec(content)?.[0] ?? '').split('\n').length - 1;
  const facts: FactLine[] = [];
  let heading: string | null = null;
  for (const [index, raw] of content.split('\n').entries()) {
    if (index < skipped) continue;
    const title = headingIn(raw);
    if (title !== null) heading = title.text === '' ? null : title.text;
    if (SILENT.test(raw)) continue;
    const line = raw.replace(LIST_MARK, '').trim();
    if (line === '') continue;
    const { text, date } = withoutDate(line);
    facts.push({ index, raw, line, text, date, heading });
  }
  return facts;
}

/** "## Shoes ##" is "Shoes" at level 2; null for any other line. */
export function headingIn(line: string): { level: number; text: string } | null {
  const level = /^\s*(#+)/.exec(line)?.[1]?.length;
  if (level === undefined) return null;
  const text = line.trim().slice(level);
  let end = text.length;
  while (text[end - 1] === '#') end -= 1;
  return { level, text: text.slice(0, end).trim() };
}

/** "shoe size: 9 (2026-03-14)" is "shoe size: 9" of that day. */
export function withoutDate(line: string): { text: string; date: string | null } {
  const match = DATE.exec(line);
  if (match === null) return { text: line, date: null };
  return { text: line.slice(0, match.index).trimEnd(), date: match[1] ?? null };
}

/**
 * What a fact says, as a name short enough for a button: the same wherever it is filed, however it is marked up
 * and dated.
 */
export function factId(text: string): string {
  const said = withoutDate(text.trim()).text.replace(/[*_`]/g, '').replace(/\s+/g, ' ').trim().toLowerCase();
  return createHash('sha256').update(said, 'utf8').digest('base64url').slice(0, 16);
}

/** The content without these lines, and without the gap they would leave. */
export function withoutLines(content: string, indexes: readonly number[]): string {
  const gone = new Set(indexes);
  return content
    .split('\n')
    .filter((_, index) => !gone.has(index))
    .join('\n');
}

/** True for text that no longer says anything: at most headings are left. */
export function isEmptyNote(content: string): boolean {
  return content.split('\n').every(line => /^\s*(#.*)?$/.test(line));
}

/** The content with a line behind the one at `index`, or at its end. */
export function withLineAfter(content: string, index: number | null, line: string): string {
  const lines = content.split('\n');
  if (index === null) {
    while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop();
    const last = lines.at(-1);
    // Straight under a heading a list begins after an empty line.
    if (last !== undefined && /^\s*#/.test(last)) lines.push('');
    return [...lines, line, ''].join('\n');
  }
  lines.splice(index + 1, 0, line);
  return lines.join('\n');
}

/** The ids of all facts. */
export function idsIn(content: string): string[] {
  return factLines(content).map(fact => factId(fact.text));
}
