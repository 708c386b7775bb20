import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { personKey } from '../../src/core/message.ts';
import { eraseRows, TABLES } from '../../src/core/people/person-rows.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import { temporaryFolder } from '../helpers/cli.ts';

describe('the list of tables', () => {
  it('has every table there is, and none there is not', () => {
    const root = join(import.meta.dirname, '../../src');
    const used = new Set<string>();
    const others: string[] = [];
    for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.ts') || entry.startsWith('runtime')) continue;
      const text = readFileSync(join(root, entry), 'utf8');
      for (const [, name = ''] of text.matchAll(/\.table(?:<[\s\S]*?>)?\(\s*('[^']*'|[^)]*)/g)) {
        if (name.startsWith("'")) used.add(name.slice(1, -1));
        else others.push(entry);
      }
    }
    expect([...used].sort()).toEqual(Object.keys(TABLES).sort());
    // What goes through tables by a name it was given: a look at what is stored, forgetting a person, the list itself.
    expect(others.sort()).toEqual([
      'commands/doctor/stored-rows.ts',
      'core/people/forget-me.ts',
      'core/people/person-rows.ts',
    ]);
  });
});

describe('erasing the rows of a person', () => {
  it('takes nobody along whose key only begins alike', async () => {
    const folder = await temporaryFolder();
    const state = await openSqliteState(folder.path);
    const people = ['ann', 'anna', 'an', 'ben'].map(id => ({
      platform: 'test',
      workspace: 'W1',
      id,
      name: id,
    }));
    for (const person of people) {
      const key = personKey(person);
      const rows: Record<string, [key: string, value: unknown]> = {
        store: [key, { storeId: 'x' }],
        inbox: [`${key}/D1//1`, { message: {} }],
        'link-code': [`code of ${person.id}`, { person, expiresAt: 0 }],
        'discord-taken': [`message of ${person.id}`, { conversation: { person, channel: 'D1' } }],
        'slack-heard': [`T1/${key}/C1/`, '1'],
        spent: [`2026-11-22/${key}/1`, {}],
      };
      for (const [name, row] of Object.entries(rows)) await state.table(name).set(...row);
    }
    const left = async (id: string) => {
      const names: string[] = [];
      for (const name of Object.keys(TABLES)) {
        for await (const [key, value] of state.table<unknown>(name).entries()) {
          if (new RegExp(`\\b${id}\\b`).test(`${key} ${JSON.stringify(value)}`)) names.push(name);
        }
      }
      return names;
    };
    const [ann] = people;
    expect(ann === undefined ? 0 : await eraseRows(state, ann)).toBe(5);
    expect(await left('ann')).toEqual(['spent']);
    for (const id of ['anna', 'an', 'ben']) expect(await left(id)).toHaveLength(6);
    await state.close();
    await folder.remove();
  });
});
