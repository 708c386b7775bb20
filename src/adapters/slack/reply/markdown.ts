/** The agent's Markdown as it may be posted to Slack: nobody is called, nothing is fetched. */

export interface RenderOptions {
  /** No more text follows. Otherwise what may still turn into something else is held back. */
  final: boolean;
  /** Whether links to this host may stay links. */
  knowsHost(host: string): boolean;
}

export interface Rendered {
  text: string;
  /** How much of the source `text` stands for. */
  settled: number;
  /** The code block that is open at `settled`. */
  fence: Fence | null;
}

export interface Fence {
  /** e.g. "```" */
  marker: string;
  /** The line that opens it, e.g. "```ts\n". */
  opening: string;
}

/**
 * Renders a text that may still grow. As long as only more is added to the source, the result only grows too:
 * what was streamed need not be taken back.
 */
export function renderMarkdown(source: string, options: RenderOptions): Rendered {
  let text = '';
  let fence: Fence | null = null;
  let at = 0;
  while (at < source.length) {
    const newline = source.indexOf('\n', at);
    const complete = newline !== -1;
    const line = source.slice(at, complete ? newline + 1 : source.length);
    if (!complete && !options.final && mayBecomeMore(line, fence)) break;
    const after = fenceAfter(line, fence);
    if (after === fence) {
      const inline = renderLine(line, { ...options, final: complete || options.final, code: fence !== null });
      text += inline.text;
      at += inline.settled;
      if (inline.settled < line.length) break;
      continue;
    }
    fence = after;
    text += withoutCalls(line);
    at += line.length;
  }
  return { text, settled: at, fence };
}

/** The code block that is open after a line. */
export function fenceAfter(line: string, open: Fence | null): Fence | null {
  const match = /^[ \t>]*(`{3,}|~{3,})([^\n]*)/.exec(line);
  const marker = match?.[1];
  if (marker === undefined) return open;
  const rest = match?.[2] ?? '';
  if (open === null) {
    const inline = marker.startsWith('`') && rest.includes('`');
    return inline ? null : { marker, opening: line.endsWith('\n') ? line : `${line}\n` };
  }
  const closes = marker[0] === open.marker[0] && marker.length >= open.marker.length && rest.trim() === '';
  return closes ? null : open;
}

/** An unfinished line that may turn out to be a fence, or to be a table's: those are written whole. */
function mayBecomeMore(line: string, open: Fence | null): boolean {
  const start = line.replace(/^[ \t>]*/, '');
  if (start === '' || /^[`~]/.test(start)) return true;
  return open === null && start.startsWith('|');
}

const MAX_LABEL = 300;
const MAX_TARGET = 2_000;

interface Token {
  length: number;
  text: string;
}

function renderLine(
  line: string,
  options: RenderOptions & { code: boolean },
): { text: string; settled: number } {
  let text = '';
  let at = 0;
  while (at < line.length) {
    const token = nextToken(line, at, options);
    if (token === 'unsettled') break;
    text += token.text;
    at += token.length;
  }
  return { text, settled: at };
}

/** Words with the white space after them, and nothing in them that could be more than words. */
const PLAIN_WORDS = /(?:[^\s`![<:]+\s+)+/y;

function nextToken(
  line: string,
  at: number,
  options: RenderOptions & { code: boolean },
): Token | 'unsettled' {
  PLAIN_WORDS.lastIndex = at;
  const plain = PLAIN_WORDS.exec(line)?.[0];
  if (plain !== undefined) return { length: plain.length, text: plain };
  if (!options.code) {
    const special = codeSpan(line, at, options) ?? link(line, at, options) ?? address(line, at, options);
    if (special !== null) return special;
  }
  const space = /^\s+/.exec(line.slice(at))?.[0];
  if (space !== undefined) return { length: space.length, text: space };
  // A word with the white space after it; one that may still grow is held back.
  const stop = options.code ? /\s+/g : /\s+|(?<=.)(?=[`[<]|!\[|https?:\/\/)/gis;
  stop.lastIndex = at + 1;
  const match = stop.exec(line);
  const end = match === null ? line.length : match.index + match[0].length;
  if (end === line.length && !options.final && !/\s$/.test(line)) return 'unsettled';
  const word = line.slice(at, Math.max(end, at + 1));
  return { length: word.length, text: withoutCalls(word) };
}

function codeSpan(line: string, at: number, { final }: RenderOptions): Token | 'unsettled' | null {
  const run = /^`+/.exec(line.slice(at))?.[0];
  if (run === undefined) return null;
  if (at + run.length === line.length && !final) return 'unsettled';
  for (let from = at + run.length; ; ) {
    const open = line.indexOf(run, from);
    if (open === -1) return final ? { length: run.length, text: run } : 'unsettled';
    const closing = /^`+/.exec(line.slice(open))?.[0] ?? run;
    const end = open + closing.length;
    if (end === line.length && !final) return 'unsettled';
    if (closing.length === run.length) return { length: end - at, text: withoutCalls(line.slice(at, end)) };
    from = end;
  }
}

/** `[label](address)`, `![label](address)`, `<address>` and Slack's own `<address|label>`. */
function link(line: string, at: number, options: RenderOptions): Token | 'unsettled' | null {
  const rest = line.slice(at);
  const open = /^(!?\[)/.exec(rest)?.[0];
  if (rest === '!' && !options.final) return 'unsettled';
  if (open !== undefined) {
    const plain = { length: open.length, text: open };
    const label = rest.slice(0, MAX_LABEL).indexOf(']', open.length);
    if (label === -1) return options.final || rest.length >= MAX_LABEL ? plain : 'unsettled';
    const after = rest.slice(label + 1, label + 1 + MAX_TARGET);
    const target = /^\(\s*<?(https?:\/\/[^\s<>)]*)>?[^)\n]*\)/i.exec(after);
    if (target !== null) {
      const length = label + 1 + target[0].length;
      const words = withoutCalls(rest.slice(open.length, label).replace(/https?:\/\//gi, ''));
      return { length, text: linkTo(target[1] ?? '', words, options) };
    }
    const decided = options.final || after.length >= MAX_TARGET || /^(?:[^(]|\([^)\n]*\))/.test(after);
    return decided ? plain : 'unsettled';
  }
  if (!rest.startsWith('<')) return null;
  const angle = /^<(https?:\/\/[^\s<>|]*)(?:\|([^<>\n]*))?>/i.exec(rest);
  if (angle !== null) {
    return { length: angle[0].length, text: linkTo(angle[1] ?? '', withoutCalls(angle[2] ?? ''), options) };
  }
  const growing = rest.length < MAX_TARGET && /^<(?:h|ht|htt|http|https|https?:[^<>\n]*)?$/i.test(rest);
  return growing && !options.final ? 'unsettled' : null;
}

function address(line: string, at: number, options: RenderOptions): Token | 'unsettled' | null {
  const match = /^https?:\/\/[^\s<>|)\]"'`]*/i.exec(line.slice(at));
  if (match === null) return null;
  const url = match[0].replace(/[.,;:!?*_~]+$/, '');
  const ends = at + match[0].length < line.length;
  if (!ends && !options.final) return 'unsettled';
  return { length: url.length, text: linkTo(url, '', options) };
}

/** A link to a host that is known; otherwise the address without its scheme, as code: neither link nor preview. */
function linkTo(url: string, label: string, options: RenderOptions): string {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  if (host !== '' && options.knowsHost(host)) return label === '' ? url : `[${label}](${url})`;
  const bare = url.replace(/^https?:\/\//i, '');
  if (bare === '') return label === '' ? url : label;
  const code = `\`${bare}\``;
  return label === '' || label === bare ? code : `${label} (${code})`;
}

const CALLS =
  /<(?=@[UWB][A-Z0-9]|#[CDG][A-Z0-9]|!(?:channel|here|everyone|group|subteam|date)\b|![a-z]+[|>^])/g;
const INVISIBLE = '\u200b';

/** `<!channel>`, `<@U…>`, `<#C…>`: an invisible character keeps Slack from reading them as anything but text. */
function withoutCalls(text: string): string {
  return text.replace(CALLS, `<${INVISIBLE}`);
}

/** Text inside a `mrkdwn` object, shown as it is. */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The same for messages, where Slack would fetch what looks like an address: those are shown without their scheme. */
export function inertMrkdwn(text: string): string {
  return escapeMrkdwn(text.replace(/https?:\/\//gi, ''));
}
