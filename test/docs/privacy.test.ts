import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TABLES } from '../../src/core/people/person-rows.ts';

const policy = readFileSync(new URL('../../PRIVACY.md', import.meta.url), 'utf8');

interface Row {
  names: string[];
  goes: string;
}

function rows(): Row[] {
  const [, body = ''] =
    /\| Table \| Holds \| For how long \| Goes \|\n\|[-|]+\|\n([\s\S]*?)\n\n/.exec(policy) ?? [];
  return body.split('\n').map(row => {
    const [, names = '', , , goes = ''] = row.split('|').map(cell => cell.trim());
    return { names: [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name), goes };
  });
}

it('PRIVACY.md lists every table of the state once, and says which go when a person is forgotten', () => {
  const said = rows().flatMap(({ names, goes }) =>
    names.map((name): [string, boolean] => [name, goes === 'yes']),
  );
  expect(said.length).toBe(new Set(said.map(([name]) => name)).size);
  const real = Object.entries(TABLES).map(([name, { by }]): [string, boolean] => [name, by !== 'nobody']);
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(real));
});

it('PRIVACY.md gives a reason for every row that stays', () => {
  for (const { names, goes } of rows()) expect(goes, names.join()).toMatch(/^(?:yes$|no: \S+)/);
});
