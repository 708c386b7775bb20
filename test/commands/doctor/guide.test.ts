import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FINDINGS } from '../../../src/commands/doctor/findings.ts';

const root = new URL('../../../', import.meta.url);
const guide = readFileSync(new URL('docs/troubleshooting.md', root), 'utf8');
const [, findings = ''] = guide.split('\n## Findings\n');
const rows = findings.split('\n').filter(line => line.startsWith('| `'));

it('docs/troubleshooting.md explains every finding once, and none that does not exist', () => {
  const explained = rows.flatMap(row =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(it => it[1] ?? ''),
  );
  expect(explained.toSorted()).toEqual([...FINDINGS].toSorted());
  for (const row of rows)
    expect(
      row
        .split('|')
        .slice(2, 4)
        .every(cell => cell.trim() !== ''),
      row,
    ).toBe(true);
});

it('what it sends people to exists', () => {
  const named = [...guide.matchAll(/\[((?:\w+\.)\w+)\]\(#/g)].map(match => match[1] ?? '');
  expect(named.length).toBeGreaterThan(30);
  for (const code of named) expect(FINDINGS).toContain(code);
  const anchors = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^a-z ]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor = ''] of guide.matchAll(/\]\(#([^)]+)\)/g)) expect(anchors).toContain(anchor);
});

it('every log event it names is one that is logged', () => {
  const [, symptoms = ''] = guide.split('## What the operator sees');
  const [table = ''] = symptoms.split('## Findings');
  const events = [...table.matchAll(/`((?:slack|discord|turn|lease|dispatcher)\.[a-z_]+)`/g)].map(
    match => match[1] ?? '',
  );
  expect(events.length).toBeGreaterThan(8);
  const source = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts') && !path.includes('doctor'))
    .map(path => readFileSync(new URL(`src/${path}`, root), 'utf8'))
    .join('\n');
  for (const event of events) expect(source, event).toContain(`event: '${event}'`);
});
