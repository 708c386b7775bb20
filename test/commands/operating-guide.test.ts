import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/commands/command.ts';
import { parseCustomers } from '../../src/commands/seed/customers.ts';
import { planFor } from '../../src/commands/seed/plan.ts';
import { parseAgentFile } from '../../src/core/agent-file.ts';

const guide = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(match => match[1] ?? '');

describe('docs/operating.md', () => {
  it('shows a list of customers that can be seeded, into the files it names', () => {
    const [csv = ''] = blocks('csv');
    const [ann] = parseCustomers(csv, 'csv');
    expect(ann?.person).toEqual({ platform: 'slack', workspace: 'T024BE7LD', id: 'U024BE7LH', name: 'Ann' });
    const { writes } = planFor([], ann ?? { fields: new Map(), lines: new Map() }, {
      date: '2026-11-22',
      overwrite: false,
    });
    expect([...writes.keys()].sort()).toEqual(
      ['/sizes.md', '/budget.md', '/brands.md', '/materials.md', '/notes.md'].sort(),
    );
  });

  it('names only columns that exist', () => {
    const [, table = ''] = /\| Column \| Becomes \|\n\|---\|---\|\n([\s\S]*?)\n\n/.exec(guide) ?? [];
    const names = table
      .split('\n')
      .flatMap(row => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)])
      .map(match => match[1] ?? '');
    expect(names.length).toBeGreaterThan(15);
    for (const name of names.filter(name => name !== 'person')) {
      const [customer] = parseCustomers(JSON.stringify([{ person: 'slack:T1:U1', [name]: 'slack' }]), 'json');
      expect(customer?.person.id, name).toBe('U1');
    }
  });

  it('shows settings that agent.yml takes', () => {
    const settings = blocks('yaml').join('\n');
    const file = parseAgentFile(`name: a\nmodel: m\nsystem: s\n${settings}`, 'agent.yml');
    expect(file.access.rules).toHaveLength(3);
    expect(file.limits).toMatchObject({ time_zone: 'Europe/Berlin', person: { turns: 50 } });
  });

  it('lists every exit code', () => {
    const [, table = ''] = /\| Exit code \| Means \|\n\|---\|---\|\n([\s\S]*?)\n\n/.exec(guide) ?? [];
    const listed = [...table.matchAll(/^\| (\d+) /gm)].map(match => Number(match[1]));
    expect(listed).toEqual(Object.values(EXIT));
  });
});
