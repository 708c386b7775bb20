import { describe, expect, it } from 'vitest';
import { parseCustomers } from '../../../src/commands/seed/customers.ts';

const csv = (text: string, defaults = {}) => parseCustomers(text, 'csv', defaults);
const json = (value: unknown, defaults = {}) => parseCustomers(JSON.stringify(value), 'json', defaults);

describe('a list of customers', () => {
  it('as a spreadsheet exports it: BOM, quotes, line ends, empty lines, columns by their other names', () => {
    const [ann, ben] = csv(
      '\uFEFFPerson,Platform,Workspace,Name,Shoe Size,avoid,colors,notes,/loyalty.md\r\n' +
        'U1,slack,T1,"Ann ""A"" B",9,"wool, silk",navy,"likes quiet shops; calls\nbefore coming",gold\r\n\r\n' +
        'U2,slack,T1,,,,,,\r\n',
    );
    expect(ann?.person).toEqual({ platform: 'slack', workspace: 'T1', id: 'U1', name: 'Ann "A" B' });
    expect(Object.fromEntries(ann?.fields ?? [])).toEqual({
      shoe_size: '9',
      materials_avoided: 'wool, silk',
      colours_liked: 'navy',
    });
    expect(Object.fromEntries(ann?.lines ?? [])).toEqual({
      '/notes.md': ['likes quiet shops', 'calls', 'before coming'],
      '/loyalty.md': ['gold'],
    });
    expect(ben).toMatchObject({ person: { id: 'U2', name: 'U2' }, fields: new Map(), lines: new Map() });
  });

  it.each([';', '\t'])('may be parted by %j', mark => {
    const [ann] = csv(
      `${['person', 'brands_liked'].join(mark)}\n${['slack:T1:U1', 'Veja, Nike'].join(mark)}`,
    );
    expect(ann?.fields.get('brands_liked')).toBe('Veja, Nike');
  });

  it('as JSON has the same columns; lists are lists', () => {
    const [ann] = json([
      { person: 'discord:discord:1', shoe_size: 9, brands_liked: ['Veja', ' Nike '], budget: null },
    ]);
    expect(ann?.person).toMatchObject({ platform: 'discord', workspace: 'discord', id: '1' });
    expect(Object.fromEntries(ann?.fields ?? [])).toEqual({ shoe_size: '9', brands_liked: 'Veja; Nike' });
  });

  it.each([
    ['slack:T1:U1', {}, 'slack T1 U1'],
    ['U1', { platform: 'slack', workspace: 'T1' }, 'slack T1 U1'],
    ['123', { platform: 'discord' }, 'discord discord 123'],
    ['ann', { platform: 'terminal', workspace: 'T1' }, 'terminal local ann'],
    ['a:b:c:d', {}, 'a b c:d'],
  ])('names %s, with %j, as %s', (person, defaults, expected) => {
    const [customer] = json([{ person }], defaults);
    const { platform, workspace, id } = customer?.person ?? {};
    expect(`${platform} ${workspace} ${id}`).toBe(expected);
  });
});

function problemsOf(read: () => unknown): string {
  try {
    read();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a list with problems', () => {
  it('is refused with all of them and their lines, and nothing of what it says', () => {
    const said = problemsOf(() =>
      csv(
        'person,platform,workspace,budget\nU1,slack,T1,secret-budget\n,slack,T1,1\nU2,,T1,1\nU3,slack,,1\n' +
          `ann,slack,T1,1\nU1,slack,T1,1\nx,discord,,1\nU4,slack,T1,${'secret'.repeat(1_000)}\nU5,slack,T1,sec\u0000ret\n`,
      ),
    );
    expect(said.split('\n')).toEqual([
      'There are 8 problems with this list:',
      '  line 3: the column "person" is empty',
      '  line 4: no platform: add a column, or use --platform',
      '  line 5: no workspace: add a column, or use --workspace',
      '  line 6: person must be a Slack member id such as U024BE7LH',
      '  line 7: slack:T1:U1 is already on line 2',
      '  line 8: person must be a Discord user id, digits only',
      '  line 9: budget is longer than 4000 characters',
      '  line 10: budget has characters that are not text',
    ]);
    expect(said).not.toContain('secret');
  });

  it('names columns it does not know, and two that mean the same', () => {
    const said = problemsOf(() => csv('person,loyalty,avoid,materials_avoided,/../x\nU1,1,2,3,4\n'));
    expect(said).toMatch(/^There are 3 problems .*\n {2}unknown column "loyalty"\n/);
    expect(said).toMatch(/two columns mean "materials_avoided"\n {2}unknown column "\/..\/x"/);
    expect(said).toMatch(/Columns can be person, .*shoe_size, .*notes, or a path such as \/loyalty.md\.$/);
  });

  it.each([
    ['csv', 'person,notes\nU1,"secret\n', /not well-formed\. Look at line 2\./],
    ['csv', 'person,notes\nU1,a,b secret\n', /not well-formed\. Look at line 2\./],
    ['csv', 'person\n', /no customers/],
    ['csv', '', /no customers/],
    // Newer Node names the line.
    ['json', '[{"person": "secret"', /not well-formed\.( Look at line 1\.)?$/],
    ['json', '{"person": "U1"}', /must hold a list of objects/],
    ['json', '[{"person": {"secret": 1}}]', /entry 1: person must be text/],
  ] as const)('that is no good %s is refused without repeating it: %j', (format, source, sentence) => {
    const said = problemsOf(() => parseCustomers(source, format));
    expect(said).toMatch(sentence);
    expect(said).not.toContain('secret');
  });
});
