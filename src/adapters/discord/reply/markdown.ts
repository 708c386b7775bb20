/** The agent's markdown in Discord's dialect. Words stay as they are; what Discord would not show gets a form it does. */

/** Widest table that a phone shows without wrapping. */
const TABLE_WIDTH = 48;

/**
 * Tables become aligned text, or a list where they are too wide; headings deeper than Discord's three become bold;
 * images become links; invite links no longer unfold into a card. Code is left alone.
 */
export function discordMarkdown(text: string): string {
  const out: string[] = [];
  const lines = text.split('\n');
  let fence: string | null = null;
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const marker = /^[\s>]*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      const closes = marker?.startsWith(fence) === true && line.trim().endsWith(marker);
      if (closes) fence = null;
      out.push(closes ? line.replace(/~/g, '`') : line);
    } else if (marker !== undefined && !/`{3,}.*`/.test(line)) {
      fence = marker;
      // Discord knows no fences of tildes.
      out.push(line.replace(/~{3,}/, tildes => '`'.repeat(tildes.length)));
    } else {
      const rows = tableAt(lines, index);
      if (rows === null) out.push(inline(line));
      else {
        out.push(...tableLines(rows.cells));
        index += rows.length - 1;
      }
    }
  }
  return out.join('\n');
}

const INVITE =
  /(?<![<\w/.])(?:https?:\/\/)?((?:www\.)?(?:discord\.gg|discord(?:app)?\.com\/invite)\/[\w-]+)(?![\w>-])/gi;

function inline(line: string): string {
  const heading = /^(\s{0,3})#{4,6}\s+(.*?)(?:\s+#+)?\s*$/.exec(line);
  const shown = heading === null ? line : `${heading[1]}**${(heading[2] ?? '').replaceAll('**', '')}**`;
  return outsideCode(shown, part =>
    part
      .replace(/!\[([^\]]*)\]\(/g, (_, alt: string) => `[${alt === '' ? 'image' : alt}](`)
      .replace(INVITE, '<https://$1>'),
  );
}

/** Applies a change to the parts of a line that are not inline code. */
function outsideCode(line: string, change: (part: string) => string): string {
  return line
    .split(/(`+[^`]+`+)/)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join('');
}

const DELIMITER_ROW = /^(?=.*\|)\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

interface Table {
  cells: string[][];
  /** In source lines. */
  length: number;
}

function tableAt(lines: readonly string[], index: number): Table | null {
  const header = lines[index] ?? '';
  if (!header.includes('|') || !DELIMITER_ROW.test(lines[index + 1] ?? '')) return null;
  const cells = [cellsOf(header)];
  let length = 2;
  for (let line = lines[index + length]; line?.includes('|'); line = lines[index + length]) {
    cells.push(cellsOf(line));
    length += 1;
  }
  return { cells, length };
}

function cellsOf(row: string): string[] {
  return row
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim().replaceAll('\\|', '|'));
}

function tableLines(cells: readonly string[][]): string[] {
  const plain = cells.map(row => row.map(plainText));
  const columns = Math.max(...plain.map(row => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...plain.map(row => widthOf(row[column] ?? ''))),
  );
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  const hasLinks = cells.some(row => row.some(cell => /\]\(|https?:\/\//.test(cell)));
  const hasFence = plain.some(row => row.some(cell => cell.includes('```')));
  if (total > TABLE_WIDTH || hasLinks || hasFence) return listLines(cells);
  const lines = plain.map(row =>
    widths
      .map((width, column) => pad(row[column] ?? '', width))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map(width => '─'.repeat(width)).join('  ');
  return ['```', ...lines.slice(0, 1), rule, ...lines.slice(1), '```'];
}

/** One entry a row: the first cell names it, the others follow with their headings. */
function listLines([header = [], ...rows]: readonly string[][]): string[] {
  if (rows.length === 0) return [`**${header.map(inline).join(' · ')}**`];
  return rows.map(row => {
    const [name = '', ...rest] = row.map(inline);
    const facts = rest.map((cell, index) => {
      const heading = inline(header[index + 1] ?? '');
      return heading === '' ? cell : `${heading}: ${cell}`;
    });
    const first = inline(header[0] ?? '');
    const title = name === '' ? '' : `**${first === '' ? '' : `${first}: `}${name.replaceAll('**', '')}**`;
    return `- ${[title, ...facts].filter(part => part !== '').join(' · ')}`;
  });
}

/** Marks of emphasis and code would show as they are inside a code block. */
function plainText(cell: string): string {
  return cell.replace(/(\*\*|__|~~|`)(.+?)\1/g, '$2').replace(/(?<![\w*])\*([^*]+)\*(?![\w*])/g, '$1');
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** In columns of a fixed-width font: East Asian characters and emoji take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width +=
      /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60]|\p{Emoji_Presentation}/u.test(
        segment,
      )
        ? 2
        : 1;
  }
  return width;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
