/** A note taken apart into what stands for itself in it, and two notes put together. Pure. */

import {
  FRONT_MATTER,
  factId,
  factLines,
  headingIn,
  LIST_MARK,
  SILENT,
  withoutDate,
} from '../memory/memory-lines.ts';
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
  above: Heading | null;
  /** Its words and those of the headings above; '' for the title of the note, which only repeats its path. */
  way: string;
}

/** What means something only as a whole: an item, a paragraph, a row, a comment, a piece of code. */
interface Unit {
  type: 'unit';
  shape: 'item' | 'text' | 'row';
  lines: string[];
  indent: number;
  heading: Heading | null;
  /** The item it is indented under; of a row, the head of its table. */
  parent: Unit | null;
  /** What the items say that it is under, from the outermost. */
  under: string;
  /** What it says itself: the same however it is marked up and dated. */
  says: string;
}

export function parseNote(path: string, content: string): Note {
  const front = FRONT_MATTER.exec(content)?.[0] ?? '';
  const lines = content.slice(front.length).split('\n');
  const blocks: Block[] = [];
  let heading: Heading | null = null;
  let parents: Unit[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const title = headingIn(line);
    const shape = shapeOf(line);
    if (title !== null) {
      const { level, text } = title;
      const isTitle = level === 1 && isTitleOf(path, text);
      while (heading !== null && heading.level >= level) heading = heading.above;
      const made: Heading = { type: 'heading', line, level, ...placed(heading, isTitle ? null : text) };
      heading = isTitle ? null : made;
      blocks.push(made);
      parents = [];
      at += 1;
    } else if (shape === null) {
      blocks.push({ type: 'gap', line });
      at += 1;
    } else {
      const own = lines.slice(at, endOf(lines, at, shape));
      const indent = indentOf(line);
      const last = blocks.at(-1);
      const table = shape === 'row' && last?.type === 'unit' && last.shape === 'row' ? headOf(last) : null;
      parents = parents.filter(parent => parent.indent < indent);
      const parent = table ?? parents.at(-1) ?? null;
      const unit: Unit = {
        type: 'unit',
        shape,
        lines: own,
        indent,
        heading,
        parent,
        under: parent === null ? '' : below(parent),
        says: saidIn(own),
      };
      blocks.push(unit);
      if (shape === 'item') parents.push(unit);
      at += own.length;
    }
  }
  return { front, blocks };
}

function placed(above: Heading | null, text: string | null): Pick<Heading, 'above' | 'way'> {
  return { above, way: text === null ? '' : `${wayTo(above)}${keyOf(text)}\n` };
}

function wayTo(heading: Heading | null): string {
  return heading?.way ?? '';
}

function below(unit: Unit): string {
  return `${unit.under}${unit.says}\n`;
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
    if (block.type === 'heading') placeHeading(blocks, block);
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
  const used = new Set<Heading>();
  for (const block of blocks) {
    let heading = block.type === 'unit' ? block.heading : null;
    for (; heading !== null && !used.has(heading); heading = heading.above) used.add(heading);
  }
  return blocks.filter((block): block is Heading | Unit => {
    if (block.type === 'gap') return false;
    if (block.type === 'heading' && (block.way === '' || used.has(block))) return false;
    return !known.has(nameOf(block));
  });
}

/** Neither headings nor what is said have tabs in them. */
function nameOf(block: Heading | Unit): string {
  if (block.type === 'heading') return block.way;
  return `${wayTo(block.heading)}\t${block.under}\t${block.says}`;
}

function frontName({ front }: Note): string {
  return `\t\t\t${front.replace(/\r/g, '').trim()}`;
}

/** Puts a unit behind the last of its like; returns the unit as it then stands there. */
function placeUnit(blocks: Block[], unit: Unit): Unit {
  const way = wayTo(unit.heading);
  const { parent } = unit;
  const standing =
    parent === null
      ? null
      : (lastUnit(blocks, way, one => one.under === parent.under && one.says === parent.says) ??
        placeUnit(blocks, parent));
  const isSibling = (one: Unit) => one.under === unit.under;
  const sibling =
    lastUnit(blocks, way, one => isSibling(one) && one.shape === unit.shape) ??
    lastUnit(blocks, way, isSibling);
  const deeper = parent === null ? 0 : Math.max(0, unit.indent - parent.indent);
  const indent = sibling?.indent ?? (standing?.indent ?? 0) + deeper;
  const lines = unit.lines.map(line => shifted(line, indent - unit.indent));
  const before =
    sibling === null
      ? standing
      : lastUnit(blocks, way, one => one === sibling || one.under.startsWith(below(sibling)));
  const headingAt = before === null ? placeHeading(blocks, unit.heading) : -1;
  const heading = before === null ? sectionOf(headingOf(blocks[headingAt])) : before.heading;
  const made: Unit = { ...unit, lines, indent, heading, parent: standing };
  insertAt(blocks, (before === null ? headingAt : blocks.indexOf(before)) + 1, made);
  return made;
}

function lastUnit(blocks: readonly Block[], way: string, test: (unit: Unit) => boolean): Unit | null {
  const found = blocks.findLast(
    block => block.type === 'unit' && wayTo(block.heading) === way && test(block),
  );
  return found?.type === 'unit' ? found : null;
}

/** Where this heading stands, made where it does not; null: where the title does, -1 without one. */
function placeHeading(blocks: Block[], heading: Heading | null): number {
  const way = wayTo(heading);
  const standing = blocks.findLastIndex(block => block.type === 'heading' && block.way === way);
  if (standing !== -1 || heading === null) return standing;
  const parentAt = placeHeading(blocks, heading.above);
  const parent = headingOf(blocks[parentAt]);
  const parentWay = wayTo(heading.above);
  const sibling = blocks.findLast(
    block => block.type === 'heading' && block.way !== '' && wayTo(block.above) === parentWay,
  );
  const level = headingOf(sibling)?.level ?? Math.max(heading.level, (parent?.level ?? 0) + 1);
  // Below the title, or nothing, stands all the rest.
  const end =
    parent === null || parent.way === ''
      ? -1
      : blocks.findIndex(
          (block, index) => index > parentAt && block.type === 'heading' && block.level <= parent.level,
        );
  let at = end === -1 ? blocks.length : end;
  while (at > parentAt + 1 && isBlank(blocks[at - 1])) at -= 1;
  const line = heading.line.trim().replace(/^#+/, '#'.repeat(level));
  return insertAt(blocks, at, { ...heading, line, level, above: sectionOf(parent) });
}

/** What stands under the title stands under no heading. */
function sectionOf(heading: Heading | null): Heading | null {
  return heading === null || heading.way === '' ? null : heading;
}

function headingOf(block: Block | undefined): Heading | null {
  return block?.type === 'heading' ? block : null;
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
  if (FENCE.test(first) || /^\s*<!--/.test(first)) return JSON.stringify(lines.map(line => line.trim()));
  return lines.flatMap(line => factLines(line).map(fact => factId(fact.text))).join(' ');
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
