import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCustomers } from '../../../src/commands/seed/customers.ts';
import { planFor } from '../../../src/commands/seed/plan.ts';
import { factLines } from '../../../src/core/memory/memory-lines.ts';
import { FIELDS } from '../../../src/core/preferences/field-rules.ts';

const customer = (row: Record<string, string>) => {
  const [first] = parseCustomers(JSON.stringify([{ person: 'slack:T1:U1', ...row }]), 'json');
  if (first === undefined) throw new Error('no customer');
  return first;
};
const how = { date: '2026-11-22', overwrite: false };

describe('what is written for a new person', () => {
  it('is one topic a file and one dated fact a line, as agent.yml wants it', () => {
    const { writes, added } = planFor(
      [],
      customer({ shoe_size: '9', clothing_sizes: 'shirt M', budget: '$120', avoid: 'wool', notes: 'a; b' }),
      how,
    );
    expect(Object.fromEntries(writes)).toEqual({
      '/sizes.md': '# Sizes\n\n- shoe size: 9 (2026-11-22)\n- shirt size: M (2026-11-22)\n',
      '/budget.md': '# Budget\n\n- budget: $120 (2026-11-22)\n',
      '/materials.md': '# Materials\n\n- avoids: wool (2026-11-22)\n',
      '/notes.md': '# Notes\n\n- a (2026-11-22)\n- b (2026-11-22)\n',
    });
    expect(added).toHaveLength(6);
  });
});

describe('what a person already has', () => {
  const files = [
    { path: '/sizes.md', content: '# Sizes\n\n- Shoe size: 10 (2026-01-01)\n- ring size: 7\n' },
    { path: '/brands.md', content: '- likes: Veja\n- avoids: Zara\n' },
  ];
  const row = { shoe_size: '9', brands_liked: 'veja, Zara, Nike', notes: 'tall' };

  it('stays; the list adds what is missing and is not asked where they differ', () => {
    const plan = planFor(files, customer(row), how);
    expect(plan).toMatchObject({
      added: ['likes: Nike', 'tall'],
      replaced: [],
      kept: ['shoe size: 9', 'likes: Zara'],
    });
    expect([...plan.writes.keys()].sort()).toEqual(['/brands.md', '/notes.md']);
    expect(plan.writes.get('/brands.md')).toBe('- likes: Veja\n- avoids: Zara\n- likes: Nike (2026-11-22)\n');
  });

  it('gives way with --overwrite, fact by fact', () => {
    const plan = planFor(files, customer(row), { ...how, overwrite: true });
    expect(plan.replaced).toEqual(['shoe size: 9']);
    expect(plan.writes.get('/sizes.md')).toBe('# Sizes\n\n- Shoe size: 9 (2026-11-22)\n- ring size: 7\n');
  });

  it('does not give way where the list says both: a field does not take away a line of the same list', () => {
    const both = { clothing_sizes: '9', '/loyalty.md': 'shirt M, 9' };
    const options = { ...how, overwrite: true };
    const had = [{ path: '/loyalty.md', content: '# Loyalty\n\n- shirt M, 9 (2026-11-22)\n' }];
    expect(planFor(had, customer(both), options)).toMatchObject({ replaced: [], kept: ['clothing size: 9'] });
    expect(planFor(had, customer(both), options).writes.size).toBe(0);
  });

  it('is recognised in other words, and nothing is written', () => {
    const said = [
      { path: '/sizes.md', content: '**Shoes:** 9\n' },
      { path: '/misc.md', content: '- budget = $120\n- TALL\n' },
      { path: '/notes.md', content: '* Tall (2025-01-01)\n' },
    ];
    const plan = planFor(said, customer({ shoe_size: '9', budget: '$120', notes: 'tall' }), how);
    expect(plan).toMatchObject({ added: [], replaced: [], kept: [] });
    expect(plan.writes.size).toBe(0);
  });
});

describe('values with separators in them', () => {
  it('do not hide what stands beside them', () => {
    const first = planFor([], customer({ brands_liked: '|, 9' }), how).writes;
    const files = new Map(first);
    const second = customer({ brands_avoided: '9', brands_liked: '[;,  ' });
    const all = () => [...files].map(([path, content]) => ({ path, content }));
    for (const [path, content] of planFor(all(), second, how).writes) files.set(path, content);
    const again = planFor(all(), second, how);
    expect([...again.writes]).toEqual([]);
    expect(again.kept).toEqual(['avoids: 9']);
  });
});

describe('any list on any memory', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '9',
      'M',
      'wool',
      '$1,200',
      'shirt M',
      'a (b, c)',
      'x (2026-01-01)',
      'likes: y',
      '# z',
      '-',
      '|',
    ),
    fc.string({ minLength: 1, maxLength: 12 }),
  );
  const value = fc
    .array(word, { minLength: 1, maxLength: 3 })
    .chain(words => fc.constantFrom(', ', '; ').map(mark => words.join(mark)))
    .filter(text => !/[\p{Cc}\p{Cs}]/u.test(text) && text.trim() !== '');
  const columns = [...FIELDS.map(({ name }) => name as string), 'notes', '/loyalty.md'];
  const row = fc.dictionary(fc.constantFrom(...columns), value, { maxKeys: 6 });

  it('is done when it was done: planning again finds nothing to write, on a later day too', () => {
    fc.assert(
      fc.property(row, row, fc.boolean(), (first, second, overwrite) => {
        const files = new Map(planFor([], customer(first), how).writes);
        const all = () => [...files].map(([path, content]) => ({ path, content }));
        for (const [path, content] of planFor(all(), customer(second), { ...how, overwrite }).writes) {
          files.set(path, content);
        }
        const again = planFor(all(), customer(second), { date: '2026-12-24', overwrite });
        expect(Object.fromEntries(again.writes)).toEqual({});
      }),
      { numRuns: 500 },
    );
  });

  it('takes no line away unless told to overwrite', () => {
    fc.assert(
      fc.property(row, row, (first, second) => {
        const before = planFor([], customer(first), how).writes;
        const files = [...before].map(([path, content]) => ({ path, content }));
        for (const [path, content] of planFor(files, customer(second), how).writes) {
          const lines = factLines(content).map(({ text }) => text);
          for (const { text } of factLines(before.get(path) ?? '')) expect(lines).toContain(text);
        }
      }),
      { numRuns: 500 },
    );
  });
});
