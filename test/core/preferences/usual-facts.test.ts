import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factLines } from '../../../src/core/memory/memory-lines.ts';
import type { FieldName } from '../../../src/core/message.ts';
import { FIELDS, ruleOf } from '../../../src/core/preferences/field-rules.ts';
import { readField, readFields, writeField } from '../../../src/core/preferences/usual-facts.ts';
import { sizesIn } from '../../../src/runtime/models/offline/sizes.ts';
import { itemPattern } from '../../../src/runtime/models/offline/vocabulary.ts';

const TODAY = '2026-11-22';
type Files = Record<string, string>;

const listed = (files: Files) => Object.entries(files).map(([path, content]) => ({ path, content }));
const read = (files: Files) =>
  Object.fromEntries([...readFields(listed(files), FIELDS)].filter(([, value]) => value !== ''));
function write(files: Files, name: FieldName, value: string): Files {
  const result = { ...files };
  for (const [path, content] of writeField(listed(files), ruleOf(name), value, TODAY)) {
    if (content === null) delete result[path];
    else result[path] = content;
  }
  return result;
}

describe('the form reads', () => {
  it.each<[string, string, Record<string, string>]>([
    ['/sizes.md', '# Sizes\n- shoe size: 9 (2026-03-14)', { shoe_size: '9' }],
    ['/sizes.md', '- **Shoe size:** US 9 / EU 42', { shoe_size: 'US 9 / EU 42' }],
    ['/sizes.md', '* Shoes (US): 9', { shoe_size: '9' }],
    ['/sizes.md', '| What | Size |\n|---|---|\n| Shoe size | 9 (2026-03-14) |', { shoe_size: '9' }],
    ['/sizes.md', '## Shoes\n- size: 9\n- 9.5 in boots', { shoe_size: '9, 9.5 in boots' }],
    ['/sizes.md', 'shoe size 9', { shoe_size: '9' }],
    [
      '/sizes.md',
      '- shirt size: M\n- waist: 32\n- clothing size: L',
      { clothing_sizes: 'shirt M, waist 32, L' },
    ],
    ['/sizes.md', "- partner's ring size: 6", {}],
    ['/budget.md', '- budget: $1,200 (2026-01-01)\n- budget for boots: $200', { budget: '$1,200' }],
    [
      '/brands.md',
      '- likes: Nike, Marks & Spencer\n- avoids: Zara\n- likes: Veja (2026-01-01)',
      { brands_liked: 'Nike, Marks & Spencer, Veja', brands_avoided: 'Zara' },
    ],
    [
      '/brands.md',
      '# Brands\n## Favourites\n- Nike\n## Avoid\n- Zara\n- Shein',
      { brands_liked: 'Nike', brands_avoided: 'Zara, Shein' },
    ],
    [
      '/materials.md',
      '- avoids: wool\n- allergic to: nickel\n- likes: linen',
      { materials_avoided: 'wool, allergic to nickel' },
    ],
    [
      '/materials.md',
      '- hates wool (since 2026-03-01)\n- no leather',
      { materials_avoided: 'wool, leather' },
    ],
    [
      '/preferences.md',
      '- avoids: wool, silk\n- likes: dark green\n- avoids: Mondays\n- favourite brands: Veja',
      { materials_avoided: 'wool, silk', colours_liked: 'dark green', brands_liked: 'Veja' },
    ],
    ['/colors.md', '- favorite colors: navy, olive', { colours_liked: 'navy, olive' }],
    ['/style.md', '- minimalist\n- likes: vintage', { style: 'minimalist, vintage' }],
    ['/notes.md', '# Notes\n- met her sister in May: they went to Rome\n- size matters', {}],
  ])('%s with %j', (path, content, fields) => {
    expect(read({ [path]: content })).toEqual(fields);
  });
});

describe('the form writes', () => {
  it('one value in place of the old one, and dates it', () => {
    const files = {
      '/sizes.md': '# Sizes\n\n- waist: 32 (2026-01-01)\n- shoe size: 9 (2026-03-14)\n- tall\n',
    };
    expect(write(files, 'shoe_size', '10')).toEqual({
      '/sizes.md': '# Sizes\n\n- waist: 32 (2026-01-01)\n- shoe size: 10 (2026-11-22)\n- tall\n',
    });
  });

  it.each([
    ['- **Shoe size:** 9', '- **Shoe size:** 10 (2026-11-22)'],
    ['  * Shoes (US): 9 (2026-01-01)', '  * Shoes (US): 10 (2026-11-22)'],
    ['| Shoe size | 9 |', '| Shoe size | 10 (2026-11-22) |'],
    ['shoe size 9', 'shoe size 10 (2026-11-22)'],
  ])('in the hand of whoever wrote the line: %j', (before, after) => {
    expect(write({ '/sizes.md': `${before}\n` }, 'shoe_size', '10')).toEqual({ '/sizes.md': `${after}\n` });
  });

  it('a new file under its tidy name, and a second value into the same', () => {
    const one = write({}, 'clothing_sizes', 'shirt M');
    expect(one).toEqual({ '/sizes.md': '# Sizes\n\n- shirt size: M (2026-11-22)\n' });
    expect(write(one, 'shoe_size', '9')).toEqual({
      '/sizes.md': '# Sizes\n\n- shirt size: M (2026-11-22)\n- shoe size: 9 (2026-11-22)\n',
    });
  });

  it('sizes by what they are for', () => {
    const files = { '/sizes.md': '- shirt size: M\n- waist: 32\n- shoe size: 9\n' };
    expect(write(files, 'clothing_sizes', 'waist 34, shirt M, dress: 38')).toEqual({
      '/sizes.md':
        '- shirt size: M\n- waist: 34 (2026-11-22)\n- dress size: 38 (2026-11-22)\n- shoe size: 9\n',
    });
  });

  it('what was added to a list, and takes out what is gone, and leaves the rest', () => {
    const files = {
      '/brands.md':
        '# Brands\n- likes: Nike, Veja (2026-01-01)\n- avoids: Zara\n- bought Veja boots in May\n',
    };
    expect(write(files, 'brands_liked', 'Veja, Patagonia')).toEqual({
      '/brands.md':
        '# Brands\n- likes: Veja (2026-01-01)\n- likes: Patagonia (2026-11-22)\n- avoids: Zara\n- bought Veja boots in May\n',
    });
    expect(write(files, 'brands_liked', '')).toEqual({
      '/brands.md': '# Brands\n- avoids: Zara\n- bought Veja boots in May\n',
    });
  });

  it('under the heading where the others stand', () => {
    const files = { '/brands.md': '## Liked\n- Nike\n\n## Avoid\n- Zara\n' };
    expect(write(files, 'brands_liked', 'Nike, Veja')).toEqual({
      '/brands.md': '## Liked\n- Nike\n- Veja (2026-11-22)\n\n## Avoid\n- Zara\n',
    });
  });

  it('no allergy where somebody only avoids something', () => {
    const files = { '/materials.md': '- allergic to: nickel\n' };
    expect(write(files, 'materials_avoided', 'nickel, wool')).toEqual({
      '/materials.md': '- allergic to: nickel\n- avoids: wool (2026-11-22)\n',
    });
  });

  it('nothing into a file that says nothing any more: it goes', () => {
    expect(write({ '/budget.md': '# Budget\n\n- budget: $80\n' }, 'budget', '')).toEqual({});
    const kept = { '/budget.md': '# Budget\n<!-- kept -->\n- budget: $80\n' };
    expect(write(kept, 'budget', '')).toEqual({ '/budget.md': '# Budget\n<!-- kept -->\n' });
  });

  it('into the files where the facts are, not where they would be by the book', () => {
    const files = { '/profile.md': '- shoe size: 9\n- budget: $80\n', '/colors.md': '- likes: navy\n' };
    expect(write(files, 'budget', '$120')).toEqual({
      ...files,
      '/profile.md': '- shoe size: 9\n- budget: $120 (2026-11-22)\n',
    });
    expect(write(files, 'colours_liked', 'navy, olive')).toEqual({
      ...files,
      '/colors.md': '- likes: navy\n- likes: olive (2026-11-22)\n',
    });
  });
});

describe('for any files', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '# Sizes',
      '## Avoid',
      '- shoe size: 9',
      '- shirt size: M (2026-01-01)',
      '- waist: 32',
      '- budget: $80 (2026-01-01)',
      '- likes: Nike, Veja',
      '- avoids: wool',
      '- allergic to: nickel (2026-02-02)',
      '- Zara',
      '',
      '| a | b |',
      '---',
    ),
    fc.string({ maxLength: 40 }),
  );
  const files = fc.dictionary(
    fc.constantFrom('/sizes.md', '/budget.md', '/brands.md', '/materials.md', '/style.md', '/notes.md'),
    fc.array(line, { maxLength: 8 }).map(lines => lines.join('\n')),
    { noNullPrototype: true },
  );
  const name = fc.constantFrom(...FIELDS.map(field => field.name));

  it('writing back what was read changes nothing', () => {
    fc.assert(
      fc.property(files, name, (given, field) => {
        const value = readField(listed(given), ruleOf(field));
        expect(write(given, field, value)).toEqual(given);
      }),
    );
  });

  it('writing one field leaves every line of no concern as it was', () => {
    fc.assert(
      fc.property(
        files,
        name,
        fc.constantFrom('Nike', 'shirt L', '42', 'navy, wool', ''),
        (given, field, value) => {
          const after = write(given, field, value);
          for (const [path, content] of Object.entries(given)) {
            const shown = readField([{ path, content }], ruleOf(field));
            if (shown !== '') continue;
            // Of no concern: all its lines still stand, in their order.
            const rest = after[path]?.split('\n') ?? [];
            const lines = content.split('\n').filter(text => text.trim() !== '');
            expect(rest.filter(text => lines.includes(text)).slice(0, lines.length)).toEqual(
              path in after ? lines : [],
            );
          }
        },
      ),
    );
  });

  it('a field says afterwards what was written', () => {
    fc.assert(
      fc.property(
        files,
        fc.constantFrom('brands_liked' as const, 'budget' as const, 'shoe_size' as const),
        (given, field) => {
          const value = field === 'budget' ? '$42' : field === 'shoe_size' ? '42' : 'Patagonia';
          const after = write(given, field, value);
          expect(readField(listed(after), ruleOf(field))).toBe(value);
          expect(Object.values(after).flatMap(factLines).length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('sizes', () => {
  const words = itemPattern.split(/\|(?![^(]*\))/).map(word => word.replace(/\(\?:[^)]*\)\?|\?/g, ''));
  const keys = [...words.map(word => `my ${word} size is 32`), 'I wear a 38', 'my size is M'].flatMap(
    clause => sizesIn(clause, false).flatMap(change => (change.type === 'set' ? [change.key] : [])),
  );

  it('the form shows what the offline model files, and replaces it by its plain name', () => {
    expect(new Set(keys).size).toBeGreaterThan(15);
    for (const key of new Set(keys)) {
      const files = { '/sizes.md': `- ${key}: 32\n` };
      const fields = read(files);
      expect([key, Object.keys(fields)]).toEqual([
        key,
        [key === 'shoe size' ? 'shoe_size' : 'clothing_sizes'],
      ]);
      const name = key === 'shoe size' ? 'shoe_size' : 'clothing_sizes';
      expect(write(files, name, name === 'shoe_size' ? '34' : `${key} 34`)).toEqual({
        '/sizes.md': `- ${key}: 34 (2026-11-22)\n`,
      });
    }
  });

  it.each([
    ['trouser size', 'trousers 34'],
    ['dress size', 'dresses 34'],
    ['Shirts', 'shirt 34'],
  ])('“%s” is what “%s” replaces', (label, value) => {
    expect(write({ '/sizes.md': `- ${label}: 32\n` }, 'clothing_sizes', value)).toEqual({
      '/sizes.md': `- ${label}: 34 (2026-11-22)\n`,
    });
  });

  it('what a belt or a ring is like is no size', () => {
    expect(read({ '/notes.md': '- belt: brown\n- ring: gold\n' })).toEqual({});
  });
});
