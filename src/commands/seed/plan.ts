/** What has to be written so that a person's memory says what the list says. Pure. */

import { factId, factLines, withLineAfter, withoutDate } from '../../core/memory-lines.ts';
import type { FieldName } from '../../core/message.ts';
import { FIELDS, valuesIn } from '../../core/preferences/field-rules.ts';
import { readFields, type TextFile, writeField } from '../../core/preferences/usual-facts.ts';
import { titleOfPath } from '../../core/views.ts';
import type { Customer } from './customers.ts';

export interface Plan {
  /** Files to be written, whole, by path. */
  writes: ReadonlyMap<string, string>;
  /** Facts the person did not have: "shoe size: 9". */
  added: readonly string[];
  /** Facts of the list that take the place of another one (only with `overwrite`). */
  replaced: readonly string[];
  /** Facts of the list left out because the person's memory says otherwise. */
  kept: readonly string[];
}

const OPPOSITES: Partial<Record<FieldName, FieldName>> = {
  brands_liked: 'brands_avoided',
  brands_avoided: 'brands_liked',
};

/**
 * What a person already has is never lost: the list adds what is missing, and where it says something else the
 * memory wins, unless `overwrite`. Planning again on the result finds nothing to do.
 */
export function planFor(
  files: readonly TextFile[],
  customer: Pick<Customer, 'fields' | 'lines'>,
  options: { date: string; overwrite: boolean },
): Plan {
  const now = new Map(files.map(file => [file.path, file.content]));
  const written = new Set<string>();
  const plan = { added: [] as string[], replaced: [] as string[], kept: [] as string[] };
  const put = (path: string, content: string) => {
    now.set(path, content);
    written.add(path);
  };
  const current = () => [...now].map(([path, content]) => ({ path, content }));

  for (const [field, value] of customer.fields) {
    const step = stepFor(current(), field, value, options);
    for (const kind of ['added', 'replaced', 'kept'] as const) plan[kind].push(...step[kind]);
    if (step.wanted === null) continue;
    for (const [path, content] of writeField(current(), field, step.wanted, options.date)) {
      put(path, content ?? '');
    }
  }
  for (const [path, facts] of customer.lines) {
    for (const fact of facts) {
      const before = now.get(path) ?? `# ${titleOfPath(path)}\n\n`;
      if (factLines(before).some(line => factId(line.text) === factId(fact))) continue;
      const { text, date } = withoutDate(fact);
      put(path, withLineAfter(before, null, `- ${text} (${date ?? options.date})`));
      plan.added.push(fact);
    }
  }
  return { ...plan, writes: new Map([...written].map(path => [path, now.get(path) ?? ''])) };
}

/** What one field is to say, null when it stays as it is. */
function stepFor(
  files: readonly TextFile[],
  field: FieldName,
  value: string,
  { date, overwrite }: { date: string; overwrite: boolean },
): { wanted: string | null; added: string[]; replaced: string[]; kept: string[] } {
  const nothing = { wanted: null, added: [], replaced: [], kept: [] };
  const { writes, kind } = FIELDS.find(({ name }) => name === field) ?? { writes: field, kind: 'one' };
  const say = (text: string) => `${writes}: ${text}`;
  const known = readFields(files);
  const before = known[field];
  if (kind !== 'list') {
    if (before === '') return { ...nothing, wanted: value, added: [say(value)] };
    // Said in other words it may still be the same.
    if (writeField(files, field, value, date).size === 0) return nothing;
    return overwrite
      ? { ...nothing, wanted: value, replaced: [say(value)] }
      : { ...nothing, kept: [say(value)] };
  }
  const has = valuesIn(before).map(plain);
  const opposite = OPPOSITES[field];
  const against = opposite === undefined ? [] : valuesIn(known[opposite]).map(plain);
  const missing = valuesIn(value).filter(item => !has.includes(plain(item)));
  const kept = missing.filter(item => against.includes(plain(item)));
  const added = missing.filter(item => !kept.includes(item));
  if (added.length === 0) return { ...nothing, kept: kept.map(say) };
  const all = [...valuesIn(before), ...added];
  // A value with a comma in it needs another mark between the values.
  const wanted = all.join(all.some(item => valuesIn(item).length > 1) ? '; ' : ', ');
  return { wanted, added: added.map(say), replaced: [], kept: kept.map(say) };
}

function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ').trim();
}
