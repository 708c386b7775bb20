/** A note taken apart into what stands for itself in it, and two notes put together. Pure. */

import { FRONT_MATTER, factId, factLines, LIST_MARK, SILENT, withoutDate } from '../memory-lines.ts';
import { labelIn } from '../preferences/labels.ts';
import { titleOfPath } from '../views.ts';

export interface Note {
  /** With the line that ends it; empty where there is none. */
  front: string;
  blocks: Block[];
}

type Block = Heading | Unit | { type: 'gap'; line: string };

interface Heading {
  type: 'heading';
  line: string;
  level: number;
  /** Headings above and this one. The title of the note, which only repeats its path, is none of them. */
  above: readonly Heading[];
  key: string;
}

/** What means something only as a whole: an item, a paragraph, a row, a comment, a piece of code. */
export interface Unit {
  type: 'unit';
  shape: 'item' | 'text' | 'row';
  lines: string[];
  indent: number;
  headings: readonly Heading[];
  /** The item it is indented under; of a row, the head of its table. */
  parent: Unit | null;
  /** What it says: the same however it is marked up and dated. */
  says: string;
}

export function parseNote(path: string, content: string): Note {
  const front = FRONT_MATTER.exec(content)?.[0] ?? '';
  const lines = content.slice(front.length).split('\n');
  const blocks: Block[] = [];
  let headings: readonly Heading[] = [];
  let parents: Unit[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const title = /^\s*(#+)\s*(.*?)\s*#*\s*$/.exec(line);
    const shape = shapeOf(line);
    if (title !== null) {
      const level = title[1]?.length ?? 1;
      const key = keyOf(title[2] ?? '');
      const above = headings.filter(heading => heading.level < level);
      const heading: Heading = { type: 'heading', line, level, above, key };
      const isTitle = level === 1 && isTitleOf(path, key);
      headings = isTitle ? [] : [...above, heading];
      blocks.push(isTitle ? { ...heading, above: [], key: TITLE } : heading);
      parents = [];
      at += 1;
    } else if (shape === null) {
      blocks.push({ type: 'gap', line });
      at += 1;
    } else {
      const end = endOf(lines, at, shape);
      const indent = indentOf(line);
      const last = blocks.at(-1);
      const table = shape === 'row' && last?.type === 'unit' && last.shape === 'row' ? headOf(last) : null;
      parents = parents.filter(parent => parent.indent < indent);
      const parent = table ?? parents.at(-1) ?? null;
      const own = lines.slice(at, end);
      const unit: Unit = { type: 'unit', shape, lines: own, indent, headings, parent, says: saidIn(own) };
      blocks.push(unit);
      if (shape === 'item') parents.push(unit);
      at = end;
    }
  }
  return { front, blocks };
}

/** Whether a heading only repeats the path: "# Sizes" in "/sizes.md". */
export function isTitleOf(path: string, heading: string): boolean {
  const key = keyOf(heading);
  return key === keyOf(titleOfPath(path)) || key === keyOf(titleOfPath(path.slice(path.lastIndexOf('/'))));
}

export function textOfNote({ front, blocks }: Note): string {
  return front + blocks.flatMap(block => (block.type === 'unit' ? block.lines : [block.line])).join('\n');
}

/** Names of all that a note says, each with where it says it. Headings count where nothing stands below them. */
export function namesIn(note: Note): Set<string> {
  const names = note.blocks.flatMap(block => (block.type === 'gap' ? [] : [nameOf(block)]));
  return new Set(note.front.trim() === '' ? names : [...names, frontName(note)]);
}

/**
 * `note` with what `other` says beyond the names in `known`, each at its place: behind its like, under its heading.
 * Null where the two cannot be one note. What stood in `note` keeps its order.
 */
export function united(note: Note, other: Note, known: ReadonlySet<string>): Note | null {
  let { front } = note;
  if (other.front.trim() !== '' && !known.has(frontName(other))) {
    if (front !== '') return null;
    front = other.front.endsWith('\n') ? other.front : `${other.front}\n`;
  }
  const blocks = [...note.blocks];
  const there = new Set(known);
  for (const block of missingIn(other, known)) {
    if (there.has(nameOf(block))) continue;
    there.add(nameOf(block));
    if (block.type === 'heading') placeHeading(blocks, [...block.above, block]);
    else placeUnit(blocks, block);
  }
  if (blocks.at(-1)?.type !== 'gap') blocks.push({ type: 'gap', line: '' });
  return { front, blocks };
}

/** Whether `other` says nothing beyond the names in `known`. */
export function saysNothingNew(other: Note, known: ReadonlySet<string>): boolean {
  const isFrontKnown = other.front.trim() === '' || known.has(frontName(other));
  return isFrontKnown && missingIn(other, known).length === 0;
}

function missingIn({ blocks }: Note, known: ReadonlySet<string>): (Heading | Unit)[] {
  const used = new Set(blocks.flatMap(block => (block.type === 'unit' ? block.headings : [])));
  return blocks.filter(block => {
    if (block.type === 'gap') return false;
    if (block.type === 'heading' && (block.key === TITLE || used.has(block))) return false;
    return !known.has(nameOf(block));
  }) as (Heading | Unit)[];
}

/** No heading's own: those have no line end. */
const TITLE = '\n';

function nameOf(block: Heading | Unit): string {
  if (block.type === 'heading') return JSON.stringify([keysOf(block.above), block.key]);
  return JSON.stringify([keysOf(block.headings), chainOf(block), block.says]);
}

function frontName({ front }: Note): string {
  return JSON.stringify(['front', front.replace(/\r/g, '').trim()]);
}

function keysOf(headings: readonly Heading[]): string[] {
  return headings.map(heading => heading.key);
}

/** What the items say that it is indented under, from the outermost. */
function chainOf({ parent }: Unit): string[] {
  return parent === null ? [] : [...chainOf(parent), parent.says];
}

function startsWith(all: readonly string[], first: readonly string[]): boolean {
  return first.every((one, index) => all[index] === one);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && startsWith(a, b);
}

/** Puts a unit behind the last of its like; returns the unit as it then stands there. */
function placeUnit(blocks: Block[], unit: Unit): Unit {
  const { parent } = unit;
  const keys = keysOf(unit.headings);
  const standing =
    parent === null
      ? null
      : (lastUnit(blocks, keys, one => nameOf(one) === nameOf(parent)) ?? placeUnit(blocks, parent));
  const chain = chainOf(unit);
  const sibling = lastUnit(blocks, keys, one => isSame(chainOf(one), chain));
  const beside =
    sibling?.indent ??
    (standing === null || parent === null ? 0 : standing.indent + Math.max(0, unit.indent - parent.indent));
  const shift = beside - unit.indent;
  const placed: Unit = {
    ...unit,
    lines: unit.lines.map(line => shifted(line, shift)),
    indent: beside,
    parent: standing,
  };
  const before = lastUnit(blocks, keys, one => one === standing || startsWith(chainOf(one), chain));
  const at = before === null ? placeHeading(blocks, unit.headings) : blocks.indexOf(before);
  insertAt(blocks, at + 1, placed);
  return placed;
}

function lastUnit(
  blocks: readonly Block[],
  keys: readonly string[],
  test: (unit: Unit) => boolean,
): Unit | null {
  const found = blocks.findLast(
    block => block.type === 'unit' && isSame(keysOf(block.headings), keys) && test(block),
  );
  return found?.type === 'unit' ? found : null;
}

/** Where the innermost of these headings stands, made where it does not; -1: before all headings. */
function placeHeading(blocks: Block[], headings: readonly Heading[]): number {
  const heading = headings.at(-1);
  if (heading === undefined) {
    return blocks.findLastIndex(block => block.type === 'heading' && block.key === TITLE);
  }
  const above = keysOf(headings.slice(0, -1));
  const indexOf = (key: string | null) =>
    blocks.findLastIndex(
      block =>
        block.type === 'heading' &&
        block.key !== TITLE &&
        isSame(keysOf(block.above), above) &&
        (key === null || block.key === key),
    );
  const standing = indexOf(heading.key);
  if (standing !== -1) return standing;
  const parentAt = placeHeading(blocks, headings.slice(0, -1));
  const parent = blocks[parentAt];
  const sibling = blocks[indexOf(null)];
  const parentLevel = parent?.type === 'heading' ? parent.level : 0;
  const level = sibling?.type === 'heading' ? sibling.level : Math.max(heading.level, parentLevel + 1);
  // Below the title, or nothing, stands all the rest.
  const end =
    above.length === 0
      ? -1
      : blocks.findIndex(
          (block, index) => index > parentAt && block.type === 'heading' && block.level <= parentLevel,
        );
  let at = end === -1 ? blocks.length : end;
  while (at > parentAt + 1 && isBlank(blocks[at - 1])) at -= 1;
  const line = heading.line.trim().replace(/^#+/, '#'.repeat(level));
  const made: Heading = { ...heading, line, level, above: parent?.type === 'heading' ? chainTo(parent) : [] };
  return insertAt(blocks, at, made);
}

function chainTo(heading: Heading): readonly Heading[] {
  return heading.key === TITLE ? [] : [...heading.above, heading];
}

/** With empty lines around it where it would run into its neighbours; returns where it then stands. */
function insertAt(blocks: Block[], at: number, block: Heading | Unit): number {
  const before = blocks[at - 1];
  const after = blocks[at];
  const gap = (needed: boolean): Block[] => (needed ? [{ type: 'gap', line: '' }] : []);
  const above = gap(before !== undefined && !isBlank(before) && !isClose(before, block));
  const below = gap(after !== undefined && !isBlank(after) && !isClose(block, after));
  blocks.splice(at, 0, ...above, block, ...below);
  return at + above.length;
}

function isBlank(block: Block | undefined): boolean {
  return block?.type === 'gap' && block.line.trim() === '';
}

function isClose(above: Block, below: Block): boolean {
  if (above.type !== 'unit' || below.type !== 'unit') return false;
  if (above.shape === 'row' && below.shape === 'row') return headOf(above) === headOf(below);
  if (below.shape === 'item') return above.shape === 'item';
  return below.shape === 'text' && above.shape === 'text' && standsAlone(below.lines[0] ?? '');
}

function headOf(row: Unit): Unit {
  return row.parent?.shape === 'row' ? row.parent : row;
}

/** Null for what says nothing. */
function shapeOf(line: string): Unit['shape'] | null {
  if (/^\s*<!--/.test(line)) return 'text';
  if (/^\s*\|/.test(line)) return 'row';
  if (SILENT.test(line) || line.replace(LIST_MARK, '').trim() === '') return null;
  return LIST_MARK.test(line) ? 'item' : 'text';
}

const FENCE = /^\s*(`{3,}|~{3,})[^`]*$/;

/** The line behind the unit that begins at `start`. */
function endOf(lines: readonly string[], start: number, shape: Unit['shape']): number {
  const first = lines[start] ?? '';
  const fence = FENCE.exec(first)?.[1];
  if (fence !== undefined || /^\s*<!--/.test(first)) {
    const isLast = (line: string) => (fence === undefined ? line.includes('-->') : line.trim() === fence);
    const last = lines.findIndex(
      (line, index) => index >= start + (fence === undefined ? 0 : 1) && isLast(line),
    );
    return last === -1 ? lines.length : last + 1;
  }
  if (shape === 'row') return /^\s*\|\s*:?-{2,}/.test(lines[start + 1] ?? '') ? start + 2 : start + 1;
  let end = start + 1;
  while (end < lines.length && continues(lines[end] ?? '')) end += 1;
  return end;
}

/** As in Markdown, the next line of a paragraph; but a line that is a fact by itself is none. */
function continues(line: string): boolean {
  return shapeOf(line) === 'text' && !/^\s*<!--/.test(line) && !FENCE.test(line) && !standsAlone(line);
}

function standsAlone(line: string): boolean {
  return labelIn(line.trim()) !== null || withoutDate(line).date !== null;
}

function saidIn(lines: readonly string[]): string {
  const first = lines[0] ?? '';
  if (FENCE.test(first) || /^\s*<!--/.test(first)) return lines.map(line => line.trim()).join('\n');
  return lines.flatMap(line => factLines(line).map(fact => factId(fact.text))).join('\n');
}

function indentOf(line: string): number {
  return (/^[ \t]*/.exec(line)?.[0] ?? '').replaceAll('\t', '    ').length;
}

function shifted(line: string, by: number): string {
  const text = line.replace(/\r$/, '');
  return by === 0 ? text : ' '.repeat(Math.max(0, indentOf(text) + by)) + text.trimStart();
}

function keyOf(heading: string): string {
  return heading.replace(/[*_`]/g, '').replace(/\s+/g, ' ').trim().toLowerCase();
}
