/** Cuts a markdown text into messages that each render on their own. */

export interface SplitOptions {
  /** The most a piece may measure. A cut code block can only be kept balanced when its fence lines fit in half of it. */
  limit: number;
  /** What counts against the limit; must not shrink when text is added. By default UTF-16 units. */
  measure?: (text: string) => number;
}

/** `body` is the source's own; `opened` and `closed` are fence lines added so that the piece stands alone. */
export interface Piece {
  opened: string;
  body: string;
  closed: string;
}

/**
 * Pieces of at most `limit`, cut between blocks, lines, words or graphemes, in that order of preference. Code
 * blocks and tables that fit into one piece are not cut; a code block that is cut is closed at the end of its
 * piece and reopened with the same info string at the start of the next. A text whose last block is still open,
 * as while it is being written, is closed as well. An empty text has no pieces.
 */
export function splitText(text: string, options: SplitOptions): string[] {
  return splitPieces(text, options).map(textOf);
}

/** As `splitText`, with what was added kept apart: the bodies, joined, are the source. */
export function splitPieces(text: string, options: SplitOptions): Piece[] {
  const { limit } = options;
  const measure = options.measure ?? (part => part.length);
  const lines = linesOf(text);
  const pieces: Piece[] = [];
  let first = 0;
  for (let start = 0; start < text.length; ) {
    while ((lines[first]?.end ?? text.length) <= start) first += 1;
    const opened = reopening(fenceAt(lines, first, start), limit, measure);
    const pieceTo = (end: number): Piece => {
      const body = text.slice(start, end);
      const closed = closing(opened + body);
      // Where not even the fences fit, the limit comes before the balance.
      return { opened, body, closed: measure(closed) > limit / 2 ? '' : closed };
    };
    const fits = (end: number) =>
      measure(opened + text.slice(start, end)) <= limit && measure(textOf(pieceTo(end))) <= limit;
    const fitsAlone = (part: string) => measure(part + closing(part)) <= limit;
    const end = fits(text.length)
      ? text.length
      : cutOf({ text, lines: lines.slice(first), start, fits, fitsAlone });
    pieces.push(pieceTo(end));
    start = end;
  }
  return pieces;
}

export function textOf({ opened, body, closed }: Piece): string {
  return opened + body + closed;
}

interface Fence {
  marker: string;
  info: string;
}

interface Line {
  start: number;
  /** After its newline. */
  end: number;
  kind: 'text' | 'blank' | 'heading' | 'opens' | 'code' | 'closes' | 'table';
  /** The code block that is open after this line. */
  fence: Fence | null;
  /** Where the code block or table begins that this line is part of; null outside of both. */
  block: number | null;
}

interface Cut {
  text: string;
  /** From the line that holds `start` on. */
  lines: readonly Line[];
  start: number;
  fits(end: number): boolean;
  fitsAlone(part: string): boolean;
}

type Boundary = 'block' | 'line' | 'inside';

/** Where the piece that begins at `start` ends, given that the rest of the text does not fit. */
function cutOf(cut: Cut): number {
  const { lines, start, fits } = cut;
  const end = furthest(cut);
  const kept = startOfKept(cut, end);
  if (kept !== null) return kept;

  const boundaries: { at: number; kind: Boundary }[] = [];
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1];
    if (next === undefined || line.end > end) break;
    const kind = boundaryBetween(lines, index, next);
    if (kind !== null) boundaries.push({ at: line.end, kind });
  }
  const last = (kinds: readonly Boundary[], fill: number) =>
    boundaries.findLast(
      ({ at, kind }) => kinds.includes(kind) && at - start >= (end - start) * fill && fits(at),
    )?.at;
  return (
    last(['block'], 1 / 2) ??
    last(['block', 'line'], 1 / 2) ??
    last(['block', 'line', 'inside'], 1 / 4) ??
    wordEnd(cut, end) ??
    last(['block', 'line', 'inside'], 0) ??
    graphemeEnd(cut, end)
  );
}

/** The furthest end that fits; at least one character, because a piece must make progress. */
function furthest({ text, start, fits }: Cut): number {
  let low = start + 1;
  let high = Math.min(start + 64, text.length);
  while (high < text.length && fits(high)) {
    low = high;
    high = Math.min(start + 2 * (high - start), text.length);
  }
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The start of a code block or table that reaches past `end` but fits into a piece of its own; null: there is none. */
function startOfKept({ text, lines, start, fits, fitsAlone }: Cut, end: number): number | null {
  const block = lines.find(line => line.end > end)?.block ?? null;
  if (block === null || block <= start || !fits(block)) return null;
  const after = lines.find(line => line.start > block && line.block !== block);
  return fitsAlone(text.slice(block, after?.start)) ? block : null;
}

function boundaryBetween(lines: readonly Line[], index: number, next: Line): Boundary | null {
  const line = lines[index];
  if (line === undefined || next.kind === 'blank') return null;
  // Neither an empty code block at the end of a piece nor one at the start of the next.
  if (line.kind === 'opens' || next.kind === 'closes') return null;
  if (line.block !== null && line.block === next.block) return 'inside';
  const shown = lines.slice(0, index + 1).findLast(({ kind }) => kind !== 'blank');
  if (shown?.kind === 'heading') return 'inside';
  const apart =
    line.kind === 'blank' || line.block !== null || next.block !== null || next.kind === 'heading';
  return apart ? 'block' : 'line';
}

/** After the last white space that leaves the piece reasonably full. */
function wordEnd({ text, start, fits }: Cut, end: number): number | null {
  for (let at = end; at - start >= (end - start) / 4 && at > start; at -= 1) {
    if (/\s/.test(text.charAt(at - 1)) && !startsFence(text, at) && fits(at)) return at;
  }
  return null;
}

/** The last boundary between graphemes, or else between code points. */
function graphemeEnd({ text, start, fits }: Cut, end: number): number {
  let cut = start;
  for (const { index } of graphemes.segment(text.slice(start, end + 1))) {
    const at = start + index;
    if (at <= end && at > start && !startsFence(text, at) && fits(at)) cut = at;
  }
  if (cut > start) return cut;
  const splitsPair = /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(end - 1, end + 1));
  if (!splitsPair) return end;
  return end - 1 > start ? end - 1 : end + 1;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** In the middle of a line these are no fence; at the start of a piece they would become one. */
function startsFence(text: string, at: number): boolean {
  return /^[`~]/.test(text.charAt(at));
}

// A fence may stand in a list item or a quote. An info string with a backtick makes it inline code instead.
const OPENING = /^(?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])*(`{3,}(?=[^`]*$)|~{3,})(.*)$/;
const CLOSING = /^(?:[ \t]|>)*(`{3,}|~{3,})[ \t]*$/;
const HEADING = /^ {0,3}#{1,6}[ \t]/;
const DELIMITER_ROW = /^(?=.*\|)[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let fence: Fence | null = null;
  let block: number | null = null;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline + 1;
    const words = text.slice(start, end).trimEnd();
    const previous = lines.at(-1);
    if (fence !== null) {
      const closes = closesFence(words, fence);
      if (closes) fence = null;
      lines.push({ start, end, kind: closes ? 'closes' : 'code', fence, block });
      if (closes) block = null;
    } else {
      const opening = openedBy(words);
      if (opening !== null) {
        fence = opening;
        block = start;
        lines.push({ start, end, kind: 'opens', fence, block });
      } else if (previous?.kind === 'text' && hasPipe(text, previous) && DELIMITER_ROW.test(words)) {
        previous.kind = 'table';
        previous.block = previous.start;
        lines.push({ start, end, kind: 'table', fence, block: previous.start });
      } else if (previous?.kind === 'table' && words.includes('|')) {
        lines.push({ start, end, kind: 'table', fence, block: previous.block });
      } else {
        const kind = words === '' ? 'blank' : HEADING.test(words) ? 'heading' : 'text';
        lines.push({ start, end, kind, fence, block: null });
      }
    }
    start = end;
  }
  return lines;
}

function hasPipe(text: string, line: Line): boolean {
  return text.slice(line.start, line.end).includes('|');
}

function openedBy(line: string): Fence | null {
  const match = OPENING.exec(line);
  return match === null ? null : { marker: match[1] ?? '```', info: (match[2] ?? '').trim() };
}

function closesFence(line: string, fence: Fence): boolean {
  const marker = CLOSING.exec(line)?.[1] ?? '';
  return marker.startsWith(fence.marker.charAt(0)) && marker.length >= fence.marker.length;
}

/** The code block that the source has open at `at`, which lies in the line `index` or at its start. */
function fenceAt(lines: readonly Line[], index: number, at: number): Fence | null {
  const line = lines[index];
  if (line === undefined) return null;
  if (line.start < at && line.kind === 'opens') return line.fence;
  return lines[index - 1]?.fence ?? null;
}

/** The fence line that continues a code block; without its info string, or none at all, where it takes too much room. */
function reopening(fence: Fence | null, limit: number, measure: (text: string) => number): string {
  if (fence === null) return '';
  const lines = [`${fence.marker}${fence.info}\n`, `${fence.marker}\n`];
  return lines.find(line => measure(`${line}\n${fence.marker}`) <= limit / 2) ?? '';
}

/** The fence line that a text, standing alone, still needs. */
function closing(text: string): string {
  const fence = linesOf(text).at(-1)?.fence ?? null;
  if (fence === null) return '';
  return text.endsWith('\n') ? fence.marker : `\n${fence.marker}`;
}

/**
 * A text in pieces of at most about `aim` characters, cut between lines; null when a line by itself is longer than
 * `most`. Joined with line ends they are the text, but for line ends at its end.
 */
export function linePieces(text: string, { aim, most }: { aim: number; most: number }): string[] | null {
  const pieces: string[] = [];
  for (const line of text.replace(/\n+$/, '').split('\n')) {
    const last = pieces.at(-1);
    const longer = last === undefined ? line : `${last}\n${line}`;
    if (line.length > most) return null;
    if (last === undefined || longer.length > aim) pieces.push(line);
    else pieces[pieces.length - 1] = longer;
  }
  return pieces;
}

/** The beginning of a text, at most `length` UTF-16 units of it, and no half character: half of one is no text to anybody. */
export function beginning(text: string, length: number): string {
  const cut = text.slice(0, length);
  return cut.length < text.length && /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** At most `length` UTF-16 units; what had to be cut ends in an ellipsis. */
export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${beginning(text, length - 1).trimEnd()}…`;
}
