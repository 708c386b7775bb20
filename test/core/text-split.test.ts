import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clip, splitPieces, splitText, textOf } from '../../src/core/reply/text-split.ts';

const word = fc.oneof(
  fc.stringMatching(/^[a-z]{1,12}$/),
  fc.constantFrom('**bold**', '`code`', '👩‍👩‍👧‍👦', 'naïve', '日本語', 'é́́', '🇩🇪', '@everyone', '```', '~~'),
);
const line = fc.array(word, { maxLength: 20 }).map(words => words.join(' '));
const fenced = fc
  .record({
    marker: fc.constantFrom('```', '````', '~~~'),
    info: fc.constantFrom('', 'ts', 'js title="a"'),
    lines: fc.array(fc.stringMatching(/^[a-z(){}; ]{0,60}$/), { maxLength: 30 }),
    closed: fc.boolean(),
  })
  .map(({ marker, info, lines, closed }) =>
    [`${marker}${info}`, ...lines, ...(closed ? [marker] : [])].join('\n'),
  );
const table = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[0-9]{1,5}$/)), { maxLength: 20 })
  .map(rows => ['| item | price |', '|---|---:|', ...rows.map(([a, b]) => `| ${a} | ${b} |`)].join('\n'));
const block = fc.oneof(
  line,
  fc.array(line, { maxLength: 5 }).map(lines => lines.join('\n')),
  fenced,
  table,
  fc.constantFrom('# Title', '- one\n- two\n  - three', '> quoted', ''),
  fc.string({ unit: 'grapheme', maxLength: 500 }),
  fc.stringMatching(/^[a-z]{1,600}$/),
);
const markdown = fc.array(block, { maxLength: 8 }).map(blocks => blocks.join('\n\n'));
const limit = fc.integer({ min: 80, max: 400 });

/** Whether every code block that a message opens is closed in it, by a reading of its own. */
function isBalanced(text: string): boolean {
  let open: string | null = null;
  for (const raw of text.split('\n')) {
    const found = /^[\s>]*((?:[-*+]|\d+[.)])\s+)*(`{3,}|~{3,})(.*)$/.exec(raw.trimEnd());
    const [, list, marker = '', rest = ''] = found ?? [];
    if (found === null) continue;
    if (open === null) {
      if (marker.startsWith('~') || !rest.includes('`')) open = marker;
    } else if (list === undefined && rest.trim() === '' && marker.startsWith(open)) open = null;
  }
  return open === null;
}

describe('splitText', () => {
  it('keeps to the limit, balances fences and loses nothing, for any markdown', () => {
    fc.assert(
      fc.property(markdown, limit, (text, max) => {
        const pieces = splitPieces(text, { limit: max });
        expect(pieces.map(piece => piece.body).join('')).toBe(text);
        for (const piece of pieces) {
          expect(textOf(piece).length).toBeLessThanOrEqual(max);
          expect(isBalanced(textOf(piece)), JSON.stringify(textOf(piece))).toBe(true);
          expect(piece.body).not.toBe('');
          expect(piece.opened).toMatch(/^((`{3,}|~{3,}).*\n)?$/);
          expect(piece.closed).toMatch(/^(\n?(`{3,}|~{3,}))?$/);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps to the limit and loses nothing, for any string and the smallest limits', () => {
    fc.assert(
      fc.property(
        fc.oneof(markdown, fc.string({ unit: 'binary' })),
        fc.integer({ min: 2, max: 80 }),
        (text, max) => {
          const pieces = splitPieces(text, { limit: max });
          expect(pieces.map(piece => piece.body).join('')).toBe(text);
          expect(pieces.every(piece => textOf(piece).length <= max)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('counts as the platform does when told how', () => {
    const measure = (text: string) => Buffer.byteLength(text.replaceAll('&', '&amp;'));
    fc.assert(
      fc.property(markdown, limit, (text, max) => {
        for (const piece of splitText(text, { limit: max, measure }))
          expect(measure(piece)).toBeLessThanOrEqual(max);
      }),
      { numRuns: 200 },
    );
  });

  it('never cuts through a surrogate pair or a grapheme that fits', () => {
    const family = '👩‍👩‍👧‍👦';
    const pieces = splitText(family.repeat(50), { limit: 100 });
    for (const piece of pieces) expect(piece.replaceAll(family, '')).toBe('');
    expect(splitText('😀😀😀', { limit: 3 })).toEqual(['😀', '😀', '😀']);
  });

  it('prefers a paragraph, then a line, then a word', () => {
    const paragraph = 'word '.repeat(12).trim();
    expect(splitText(`${paragraph}\n\n${paragraph}\n\n${paragraph}`, { limit: 130 })).toEqual([
      `${paragraph}\n\n${paragraph}\n\n`,
      paragraph,
    ]);
    expect(splitText(`${paragraph}\n${paragraph}\n${paragraph}`, { limit: 150 })).toEqual([
      `${paragraph}\n${paragraph}\n`,
      paragraph,
    ]);
    expect(splitText('alpha beta gamma delta', { limit: 12 })).toEqual(['alpha beta ', 'gamma delta']);
  });

  it('closes a code block at the end of a piece and reopens it with its info string', () => {
    const code = Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n');
    const pieces = splitText(`Look:\n\n\`\`\`ts\n${code}\n\`\`\`\nDone.`, { limit: 70 });
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces[0]).toMatch(/^Look:\n\n```ts\nline 0\n[\s\S]*\n```$/);
    for (const piece of pieces.slice(1)) expect(piece).toMatch(/^```ts\nline \d+\n/);
    expect(pieces.at(-1)).toMatch(/\n```\nDone\.$/);
  });

  it('keeps a table or code block whole where it fits into one piece', () => {
    const rows = Array.from({ length: 5 }, (_, index) => `| item ${index} | ${index} |`);
    const whole = ['| item | price |', '|---|---|', ...rows].join('\n');
    const code = `\`\`\`\n${'x = 1\n'.repeat(12)}\`\`\``;
    for (const kept of [whole, code]) {
      const pieces = splitText(`${'intro '.repeat(10)}\n\n${kept}\n\nAnd so on.`, {
        limit: kept.length + 20,
      });
      expect(pieces.some(piece => piece.includes(kept))).toBe(true);
      expect(pieces).toHaveLength(2);
    }
  });

  it('cuts a table that is too long between its rows', () => {
    const rows = Array.from({ length: 30 }, (_, index) => `| item ${index} | ${index} |`);
    const pieces = splitText(['| item | price |', '|---|---|', ...rows].join('\n'), { limit: 120 });
    for (const piece of pieces)
      expect(
        piece
          .trimEnd()
          .split('\n')
          .every(row => /^\|.*\|$/.test(row)),
      ).toBe(true);
  });

  it('does not leave a heading behind at the end of a piece', () => {
    const text = `${'word '.repeat(15)}\n\n## Shoes\n\n${'word '.repeat(15)}`;
    expect(splitText(text, { limit: 100 })[0]).not.toContain('Shoes');
  });

  it('closes a block that is still being written', () => {
    expect(splitText('Here:\n```ts\nconst a', { limit: 100 })).toEqual(['Here:\n```ts\nconst a\n```']);
    expect(splitText('', { limit: 100 })).toEqual([]);
  });
});

describe('clip', () => {
  it('keeps what fits, and never half a character of what does not', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        (text, length) => {
          const cut = clip(text, length);
          expect(cut.length).toBeLessThanOrEqual(length);
          expect(cut).not.toMatch(/\p{Cs}/u);
          if (text.length <= length) expect(cut).toBe(text);
          else expect(text.startsWith(cut.slice(0, -1))).toBe(true);
        },
      ),
    );
    expect(clip('Boots 👟 for winter', 8)).toBe('Boots…');
  });
});
