/** Which part of a reply goes into one Slack message. Pure. */

import { type Fence, fenceAfter, type RenderOptions, renderMarkdown } from './markdown.ts';

export interface Start {
  /** Offset in the reply's source where the message begins. */
  from: number;
  /** What the message begins with besides: the code block or table that an earlier message left open. */
  opened: string;
}

export interface Layout {
  /** The message's text, rendered. */
  text: string;
  /** Offset in the source up to which the message speaks. */
  end: number;
  /** Where the next message begins; null while everything that can be shown fits into this one. */
  next: Start | null;
}

export interface Room {
  /** What a rendered text weighs, and how much a message holds. */
  measure(text: string): number;
  limit: number;
}

export interface LayoutRequest extends Start, RenderOptions {
  source: string;
  room: Room;
  /** Up to here it is shown already; the message cannot end before. */
  shown: number;
  /** The message ends here, whether or not there is more to come. */
  seal: boolean;
}

/** A markdown block takes 12,000 characters. */
export const POST_CHARACTERS = 11_000;

/** In the last part of a message only whole lines are shown, so that the cut can fall between two. */
const WHOLE_LINES_FROM = 0.75;

export function layOut(request: LayoutRequest): Layout {
  const { source, from, opened, room, shown, seal } = request;
  const text = opened + source.slice(from);
  const offset = from - opened.length;
  const options: RenderOptions = { final: request.final || seal, knowsHost: request.knowsHost };
  const whole = renderMarkdown(text, options);
  if (room.measure(whole.text + closing(whole.text, whole.fence)) > room.limit) {
    return cutAt(chooseCut(text, Math.max(shown - offset, opened.length + 1), room, options));
  }
  if (seal) return cutAt(text.length);
  if (!request.final && room.measure(whole.text) > room.limit * WHOLE_LINES_FROM) {
    const least = Math.max(shown - offset, opened.length);
    const end = Math.max(least, text.lastIndexOf('\n', whole.settled - 1) + 1);
    // What is shown already ended where something was settled, and so does a line.
    return { text: renderMarkdown(text.slice(0, end), options).text, end: end + offset, next: null };
  }
  return { text: whole.text, end: whole.settled + offset, next: null };

  function cutAt(at: number): Layout {
    const cut = renderMarkdown(text.slice(0, at), { ...options, final: true });
    const reopened = cut.fence === null ? headOfTable(text, at) : cut.fence.opening;
    return {
      text: cut.text + closing(cut.text, cut.fence),
      end: at + offset,
      next: { from: at + offset, opened: reopened },
    };
  }
}

/** A complete text in pieces that each fit into a posted message. */
export function postPieces(source: string, knowsHost: RenderOptions['knowsHost']): string[] {
  const room = { measure: (text: string) => text.length, limit: POST_CHARACTERS };
  const pieces: string[] = [];
  for (let at: Start | null = { from: 0, opened: '' }; at !== null; ) {
    const layout: Layout = layOut({
      source,
      ...at,
      room,
      shown: at.from,
      seal: false,
      final: true,
      knowsHost,
    });
    if (layout.text.trim() !== '') pieces.push(layout.text);
    at = layout.next;
  }
  return pieces;
}

function closing(text: string, fence: Fence | null): string {
  if (fence === null) return '';
  return `${text.endsWith('\n') ? '' : '\n'}${fence.marker}`;
}

/** Between blocks if possible, else between lines, words or characters; never before `least`. */
function chooseCut(text: string, least: number, room: Room, options: RenderOptions): number {
  const most = Math.max(least, furthest(text, least, room, options));
  const from = Math.max(least, Math.floor(most / 2));
  let best = { at: 0, rank: 0 };
  let fence: Fence | null = null;
  for (let start = 0; start < most; ) {
    const newline = text.indexOf('\n', start);
    if (newline === -1 || newline + 1 > most) break;
    const end = newline + 1;
    const line = text.slice(start, end);
    fence = fenceAfter(line, fence);
    const rank = rankOf(line, text.slice(end, end + 200), fence);
    if (end >= from && rank >= best.rank) best = { at: end, rank };
    start = end;
  }
  if (best.rank > 0) return best.at;
  const space = text.slice(from, most).search(/\s\S*$/);
  return space === -1 ? wholeCharacter(text, most, least) : from + space + 1;
}

/** How well a cut after this line suits; `after` is what follows. */
function rankOf(line: string, after: string, fence: Fence | null): number {
  const next = after.split('\n', 1)[0] ?? '';
  if (fence !== null || (isRow(line) && isRow(next))) return 1;
  if (next.trim() === '') return 2;
  return line.trim() === '' ? 4 : 3;
}

const isRow = (line: string) => line.trimStart().startsWith('|');

function furthest(text: string, least: number, room: Room, options: RenderOptions): number {
  let low = least;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const cut = renderMarkdown(text.slice(0, middle), { ...options, final: true });
    if (room.measure(cut.text + closing(cut.text, cut.fence)) <= room.limit) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Not between the halves of a surrogate pair. */
function wholeCharacter(text: string, at: number, least: number): number {
  const splits = /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(at - 1, at + 1));
  if (!splits) return at;
  return at - 1 >= least ? at - 1 : at + 1;
}

/** A table that goes on in the next message needs its first two lines there too. */
function headOfTable(text: string, at: number): string {
  const before = text.slice(0, at).split('\n').slice(0, -1);
  const next = text.slice(at).split('\n', 1)[0] ?? '';
  if (!text.slice(0, at).endsWith('\n') || !isRow(next)) return '';
  const first = before.length - [...before].reverse().findIndex(line => !isRow(line));
  const [head, rule] = before.slice(first > before.length ? 0 : first);
  return head !== undefined && rule !== undefined && /^[\s|:-]+$/.test(rule) ? `${head}\n${rule}\n` : '';
}
