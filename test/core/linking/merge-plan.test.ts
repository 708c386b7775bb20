import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MergePlan, planMerge } from '../../../src/core/linking/merge-plan.ts';
import { isTitleOf } from '../../../src/core/linking/note-blocks.ts';
import { factId, factLines, headingIn } from '../../../src/core/memory/memory-lines.ts';

type Files = Record<string, string>;

const listed = (files: Files) => Object.entries(files).map(([path, content]) => ({ path, content }));
const plan = (stays: Files, joins: Files) => planMerge(listed(stays), listed(joins));
const applied = (stays: Files, changes: MergePlan['changes']): Files => ({
  ...stays,
  ...Object.fromEntries(changes.map(({ path, content }) => [path, content])),
});
const merged = (stays: Files, joins: Files) => applied(stays, plan(stays, joins).changes);
const inSizes = (stays: string, joins: string) =>
  merged({ '/sizes.md': stays }, { '/sizes.md': joins })['/sizes.md'];

describe('two memories that become one', () => {
  it('need nothing done where they say the same, whatever the marks, dates and order', () => {
    const stays = { '/sizes.md': '# Sizes\n\n- shoe size: 9 (2026-01-02)\n- shirt: M\n' };
    expect(plan(stays, stays)).toEqual({ changes: [], disputes: [] });
    expect(plan(stays, { '/sizes.md': '* Shirt: **M**\n* shoe size: 9 (2026-05-05)\n' }).changes).toEqual([]);
    expect(plan(stays, { '/sizes.md': '# sizes\n\n', '/empty.md': ' \n' }).changes).toEqual([]);
  });

  it('keep a file that only one has as it is', () => {
    const content = '---\ntags: a\n---\nAny *text*,\r\nwithout an end';
    expect(plan({ '/a.md': 'x\n' }, { '/b.md': content }).changes).toEqual([
      { type: 'create', path: '/b.md', content },
    ]);
  });

  it('have what was missing put behind its like', () => {
    const stays = '# Sizes\n\n- shoe size: 9\n- shirt: M\n\n## Hats\n\n- in winter: L\n\n---\nAs of May\n';
    const joins = '- belt: 90 (2026-05-05)\n- shirt: M\n\n## Hats\n* in summer: M\n';
    expect(inSizes(stays, joins)).toBe(
      '# Sizes\n\n- shoe size: 9\n- shirt: M\n- belt: 90 (2026-05-05)\n\n## Hats\n\n- in winter: L\n* in summer: M\n\n---\nAs of May\n',
    );
  });

  it('have new headings at the level of their like, under the heading they were under', () => {
    const stays = '# Sizes\n\n- a\n\n## Shoes\n\n### Boots\n\n- 9\n\n## Hats\n\n- L\n';
    const joins = '## Shoes\n\n#### Sandals\n\n- 10\n\n# Gloves\n\n- 8\n';
    expect(inSizes(stays, joins)).toBe(
      '# Sizes\n\n- a\n\n## Shoes\n\n### Boots\n\n- 9\n\n### Sandals\n\n- 10\n\n## Hats\n\n- L\n\n## Gloves\n\n- 8\n',
    );
  });

  it('keep what is the same word under another heading, or in another list, apart', () => {
    expect(inSizes('## For Ann\n\n- M\n', '## For Tom\n\n- M\n')).toBe(
      '## For Ann\n\n- M\n\n## For Tom\n\n- M\n',
    );
    expect(
      inSizes('- shoes\n    - width: wide\n- hats\n', '- shoes\n  - 9\n    - in Nike: 9.5\n- boots\n  - 9\n'),
    ).toBe('- shoes\n    - width: wide\n    - 9\n      - in Nike: 9.5\n- hats\n- boots\n  - 9\n');
  });

  it('keep paragraphs, tables, code and comments whole', () => {
    const stays = 'I like\nwool.\n\n| what | size |\n|---|---|\n| shoe | 9 |\n\nmore\n';
    const joins =
      'I never wear\nwool.\n\n| what | size |\n|---|---|\n| ring | 54 |\n\n```\n# no heading\nshirt: M\n```\n<!-- seen:\nin May -->\n';
    expect(inSizes(stays, joins)).toBe(
      'I like\nwool.\n\n| what | size |\n|---|---|\n| shoe | 9 |\n| ring | 54 |\n\nmore\n\n' +
        'I never wear\nwool.\n\n```\n# no heading\nshirt: M\n```\n\n<!-- seen:\nin May -->\n',
    );
  });

  it('keep headings with nothing below them', () => {
    expect(inSizes('- a\n', '# Sizes\n\n## No wool!\n\n## Hats\n\n- L\n')).toBe(
      '- a\n\n## No wool!\n\n## Hats\n\n- L\n',
    );
  });

  it('keep the front matter; with two, they stay two files', () => {
    const front = '---\ntags: a\n---\n';
    expect(inSizes('- a\n', `${front}- b\n`)).toBe(`${front}- a\n- b\n`);
    const stays = { '/sizes.md': `${front}- a\n` };
    const joins = { '/sizes.md': '---\ntags: b\n---\n- b\n' };
    expect(merged(stays, joins)).toEqual({ ...stays, '/sizes-2.md': joins['/sizes.md'] });
  });

  it('stay two files where one would be larger than the API takes, and the next goes on from there', () => {
    const long = (word: string, bytes: number) => `- ${`${word} `.repeat(bytes / (word.length + 1))}\n`;
    const stays = { '/notes.md': long('a', 90_000) };
    const joins = { '/notes.md': `${long('b', 60_000)}- c\n` };
    const both = merged(stays, joins);
    expect(both).toEqual({ ...stays, '/notes-2.md': joins['/notes.md'] });
    // What is small enough still goes into the first, what is not into the next with room.
    const third = { '/notes.md': `- d\n${long('e', 30_000)}` };
    expect(merged(both, third)['/notes-2.md']).toContain('- d\n');
    expect(merged(both, { '/notes.md': '- f\n' })['/notes.md']).toContain('- f\n');
    expect(plan(both, joins).changes).toEqual([]);
  });

  it('stay two files where the API would refuse one path below the other', () => {
    expect(merged({ '/style': 'a\n' }, { '/style/coats.md': 'b\n', '/style/hats.md': 'c\n' })).toEqual({
      '/style': 'a\n',
      '/style-2/coats.md': 'b\n',
      '/style-2/hats.md': 'c\n',
    });
    expect(merged({ '/style.md/coats': 'a\n' }, { '/style.md': 'b\n' })).toEqual({
      '/style.md/coats': 'a\n',
      '/style-2.md': 'b\n',
    });
  });
});

describe('what the two say differently', () => {
  const disputes = (stays: string, joins: string, path = '/sizes.md') =>
    plan({ [path]: stays }, { [path]: joins }).disputes;

  it('stands there twice until the person decides', () => {
    const stays = '# Sizes\n\n- shoe size: 9 (2026-01-02)\n- shirt size: M\n';
    const joins = '- Shoe size: 10\n- belt: 90\n- shirts: L\n';
    expect(inSizes(stays, joins)).toBe(
      '# Sizes\n\n- shoe size: 9 (2026-01-02)\n- shirt size: M\n- Shoe size: 10\n- belt: 90\n- shirts: L\n',
    );
    expect(disputes(stays, joins)).toEqual([
      {
        path: '/sizes.md',
        ours: '# Sizes\n\n- shoe size: 9 (2026-01-02)\n- shirt size: M\n- belt: 90\n',
        theirs: '# Sizes\n\n- Shoe size: 10\n- belt: 90\n- shirts: L\n',
      },
    ]);
  });

  it('is known by what is asked, also of what the form does not ask for', () => {
    expect(disputes('- budget: $80\n', '- max budget: $100\n', '/notes.md')).toHaveLength(1);
    expect(disputes('| Shoe size | 9 |\n', '- sneakers: 10\n')).toHaveLength(1);
    expect(disputes('- ring: 54\n', '# Sizes\n\n- **Ring:** 56\n')).toHaveLength(1);
  });

  it('is not what may stand side by side', () => {
    expect(disputes('- likes: Nike\n', '- likes: Veja\n', '/brands.md')).toEqual([]);
    expect(disputes('- avoids: wool\n', '- avoids: silk\n', '/materials.md')).toEqual([]);
    expect(disputes('- bought: a\n', '- bought: b\n', '/notes.md')).toEqual([]);
    expect(disputes('- shirt: M\n', '- dress: 38\n')).toEqual([]);
    expect(disputes('- Shoe size: 9\n', '- shoe size = 9\n')).toEqual([]);
    expect(disputes('- idea: a\n- idea: b\n', '- idea: c\n', '/gifts.md')).toEqual([]);
    expect(disputes('## Ann\n- ring: 54\n', '## Tom\n- ring: 56\n')).toEqual([]);
    expect(disputes('- shoe size: 9\n', '- shoe size: 9\n- shoe size: 10\n')).toEqual([]);
    expect(disputes('some words\n', 'other words\n')).toEqual([]);
  });
});

describe('any two memories', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '',
      '',
      '# Sizes',
      '# Notes',
      '## Shoes',
      '### Boots',
      '# Other',
      '#',
      '---',
      '- a',
      '- b',
      '* a (2026-01-02)',
      '  - a',
      '  - nested',
      '\t- deep',
      '      - deeper',
      '1. one',
      '- [ ] open',
      'a',
      'b',
      '  indented',
      'some words',
      'shoe size: 9',
      '- shoe size: 10',
      '- shirt: M\r',
      '  label: value',
      'dated (2026-01-02)',
      '| a | b |',
      '|---|---|',
      '| c | d |',
      '```',
      '~~~',
      '<!-- one line -->',
      '<!--',
      '-->',
    ),
    fc.string({ maxLength: 12 }),
  );
  /** Two of these do not fit into one file. */
  const long = fc.constantFrom('x', 'y').map(word => `- ${word.repeat(60_000)}`);
  const content = fc
    .tuple(
      fc.boolean(),
      fc.array(fc.oneof({ weight: 60, arbitrary: line }, { weight: 1, arbitrary: long }), { maxLength: 14 }),
    )
    .map(([front, lines]) =>
      [...(front && lines.length > 9 ? ['---', 'k: v', '---'] : []), ...lines].join('\n'),
    )
    .filter(text => Buffer.byteLength(text) <= 102_400);
  const path = fc.constantFrom(
    '/sizes.md',
    '/sizes-2.md',
    '/notes.md',
    '/a',
    '/a/b.md',
    '/a-2/b.md',
    '/a-2',
    '/a/b.md/c',
  );
  const memory = fc.dictionary(path, content, { maxKeys: 4, noNullPrototype: true }).filter(fits);
  const runs = { numRuns: 300 };

  it('are found whole in the one they become, in the order of the one that stays', () => {
    fc.assert(
      fc.property(memory, memory, (stays, joins) => {
        const both = merged(stays, joins);
        const said = idsIn(both);
        expect([...idsIn(stays), ...idsIn(joins)].filter(id => !said.has(id))).toEqual([]);
        for (const [at, text] of Object.entries(stays)) expectInOrder(text, both[at] ?? '');
        const headings = new Set(Object.values(both).flatMap(headingsIn));
        for (const [at, text] of Object.entries(joins)) {
          const lost = headingsIn(text).filter(words => !headings.has(words) && !isTitleOf(at, words));
          expect(lost).toEqual([]);
        }
        expect(fits(both)).toBe(true);
        for (const text of Object.values(both)) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(102_400);
      }),
      runs,
    );
  });

  it('need nothing more done afterwards, and only the rest after a part of it', () => {
    fc.assert(
      fc.property(
        memory,
        memory,
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        (stays, joins, done) => {
          const first = plan(stays, joins);
          expect(plan(applied(stays, first.changes), joins)).toEqual({ changes: [], disputes: [] });
          const part = applied(
            stays,
            first.changes.filter((_, index) => done[index]),
          );
          const rest = merged(part, joins);
          const said = idsIn(rest);
          expect([...idsIn(stays), ...idsIn(joins)].filter(id => !said.has(id))).toEqual([]);
          expect(plan(rest, joins).changes).toEqual([]);
        },
      ),
      runs,
    );
  });

  it('have disputes that differ only in what is contested', () => {
    fc.assert(
      fc.property(memory, memory, (stays, joins) => {
        const { changes, disputes } = plan(stays, joins);
        const both = applied(stays, changes);
        for (const { path: at, ours, theirs } of disputes) {
          expect(ours).not.toBe(theirs);
          for (const text of [ours, theirs]) expectInOrder(text, both[at] ?? '');
          const either = new Set([...idsIn({ ours }), ...idsIn({ theirs })]);
          expect([...idsIn({ both: both[at] ?? '' })].filter(id => !either.has(id))).toEqual([]);
        }
      }),
      runs,
    );
  });
});

function idsIn(files: Files): Set<string> {
  return new Set(Object.values(files).flatMap(text => factLines(text).map(fact => factId(fact.text))));
}

function headingsIn(text: string): string[] {
  const words = text.split('\n').map(one => headingIn(one)?.text);
  return words.flatMap(one =>
    one === undefined ? [] : [one.replace(/[*_`]/g, '').replace(/\s+/g, ' ').trim()],
  );
}

/** The lines of `text`, in this order, among those of `all`. */
function expectInOrder(text: string, all: string): void {
  const lines = all.split('\n');
  let at = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    at = lines.indexOf(line, at) + 1;
    expect(at).toBeGreaterThan(0);
  }
}

/** No path is another one's folder. */
function fits(files: Files): boolean {
  const paths = Object.keys(files);
  return !paths.some(path => paths.some(other => other.startsWith(`${path}/`)));
}
