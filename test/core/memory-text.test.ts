import { describe, expect, it } from 'vitest';
import { changedLines, readableLines } from '../../src/core/memory/memory-text.ts';
import { lineOfChange, titleOfPath } from '../../src/core/views.ts';

const diff = (before: string, after: string) => changedLines(before, after).map(lineOfChange);

describe('what a person reads of a change', () => {
  it('names a new fact without list mark or date', () => {
    expect(diff('', '# Sizes\n- shoe size: 9 (2026-11-22)\n')).toEqual(['+ shoe size: 9']);
  });

  it('shows a replaced value as one change', () => {
    expect(diff('- budget: $80 (2026-01-02)\n', '- budget: $120 (2026-11-22)\n')).toEqual([
      '~ budget: $80 → $120',
    ]);
  });

  it('shows a removed fact', () => {
    expect(diff('- avoids: wool\n- avoids: silk\n', '- avoids: silk\n')).toEqual(['− avoids: wool']);
  });

  it('pairs values by label, not by position', () => {
    const before = '- shoe size: 9\n- shirt size: M\n';
    const after = '- shirt size: L\n- shoe size: 9\n';
    expect(diff(before, after)).toEqual(['~ shirt size: M → L']);
  });

  it('says nothing when only a date, a heading or the order changed', () => {
    expect(diff('# A\n- x: 1 (2026-01-01)\n- y', '# B\n- y\n- x: 1 (2026-02-02)')).toEqual([]);
  });

  it('keeps two values under one label apart', () => {
    expect(diff('- avoids: wool\n', '- avoids: wool\n- avoids: silk\n')).toEqual(['+ avoids: silk']);
  });
});

describe('what a person reads of a file', () => {
  it('leaves out headings, rules, front matter and list marks', () => {
    const content = '---\ntags: x\n---\n# Sizes\n\n* shoe size: 9\n1. [x] shirt: M\n---\nplain words\n';
    expect(readableLines(content)).toEqual(['shoe size: 9', 'shirt: M', 'plain words']);
  });

  it('reads any line at once, however much space is in it', () => {
    const gap = ' '.repeat(90_000);
    expect(readableLines(`# a${gap}b\na (2026-01-02)${gap}b`)).toEqual([`a (2026-01-02)${gap}b`]);
    expect(readableLines(`a${gap}(2026-01-02) . `)).toEqual([`a${gap}(2026-01-02) .`]);
  });

  it.each([
    ['/sizes.md', 'Sizes'],
    ['/style/winter_coats.md', 'Style: winter coats'],
    ['/.md', '/.md'],
  ])('calls %s “%s”', (path, title) => {
    expect(titleOfPath(path)).toBe(title);
  });
});
