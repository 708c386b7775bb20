/** What has to be written so that a person's memory says what the list says. Pure. */

import { factId, factLines, withLineAfter, withoutDate } from '../../core/memory/memory-lines.ts';
import { FIELDS, type FieldRule, topicOf, valuesIn } from '../../core/preferences/field-rules.ts';
import { readField, readValues, type TextFile, writeField } from '../../core/preferences/usual-facts.ts';
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

export interface PlanOptions {
  /** YYYY-MM-DD, for new lines. */
  date: string;
  overwrite: boolean;
  /** Fields that the persona has made; they come before those of the same name that the bot has. */
  own?: readonly FieldRule[];
}

const OPPOSITES: Readonly<Record<string, string>> = {
  brands_liked: 'brands_avoided',
  brands_avoided: 'brands_liked',
};

/**
 * What a person already has is never lost: the list adds lines for what is missing, and where it says something
 * else the memory wins, unless `overwrite`. Planning again on the result finds nothing to do, whatever the list
 * says: that is what makes a seeding resumable.
 */
export function planFor(
  files: readonly TextFile[],
  customer: Pick<Customer, 'fields' | 'lines'>,
  options: PlanOptions,
): Plan {
  const draft = createDraft(files, options.date);
  const plan = { added: [] as string[], replaced: [] as string[], kept: [] as string[] };

  function ruleOf(name: string): FieldRule {
    const rule = [...(options.own ?? []), ...FIELDS].find(field => field.name === name);
    if (rule === undefined) throw new Error(`no field ${name}`);
    return rule;
  }

  function addToList(field: string, item: string): void {
    const files = draft.files();
    const opposite = ruleOf(field).own === true ? undefined : OPPOSITES[field];
    for (const { path, text } of newLines(field, item)) {
      if (has(readValues(files, ruleOf(field)), item)) continue;
      if (opposite !== undefined && has(readValues(files, ruleOf(opposite)), item)) plan.kept.push(text);
      else if (draft.append(path, text)) plan.added.push(text);
    }
  }

  function setField(field: string, value: string): void {
    const lines = newLines(field, value);
    if (lines.every(({ path, text }) => draft.says(path, text))) return;
    const now = draft.files();
    if (readField(now, ruleOf(field)) === '') {
      for (const { path, text } of lines) if (draft.append(path, text)) plan.added.push(text);
      return;
    }
    const changes = writeField(now, ruleOf(field), value, options.date);
    // Said in other words, it is the same.
    if (changes.size === 0) return;
    const texts = lines.map(({ text }) => text);
    if (options.overwrite && draft.replace(ruleOf(field), value, changes, customer.lines))
      plan.replaced.push(...texts);
    else plan.kept.push(...texts);
  }

  /** The lines with which a memory that says nothing yet would begin. */
  function newLines(field: string, value: string): { path: string; text: string }[] {
    const { topic } = ruleOf(field);
    const path = draft.files().find(file => topicOf(file.path) === topic)?.path ?? `/${topic}.md`;
    return [...writeField([], ruleOf(field), value, options.date).values()].flatMap(content =>
      factLines(content ?? '').map(({ text }) => ({ path, text: asRead(text) })),
    );
  }

  for (const [field, value] of customer.fields) {
    if (ruleOf(field).kind === 'list') {
      for (const item of valuesIn(value)) addToList(field, item);
    } else setField(field, value);
  }
  for (const [path, facts] of customer.lines) {
    for (const fact of facts) if (draft.append(path, fact)) plan.added.push(fact);
  }
  return { ...plan, writes: draft.writes };
}

/** Files on their way to what they are to be. */
function createDraft(files: readonly TextFile[], date: string) {
  const now = new Map(files.map(file => [file.path, file.content]));
  const writes = new Map<string, string>();
  const put = (path: string, content: string) => {
    now.set(path, content);
    writes.set(path, content);
  };
  const contents = () => [...now].map(([path, content]) => ({ path, content }));
  /** Whether a file has this line, whatever its date. */
  const says = (path: string, text: string, among: ReadonlyMap<string, string> = now) => {
    const id = factId(text);
    return factLines(among.get(path) ?? '').some(line => factId(line.text) === id);
  };
  return {
    writes,
    files: contents,
    says,
    /** A line at the end of a file; false where it stands there already. */
    append(path: string, fact: string): boolean {
      const { text, date: dated } = withoutDate(fact);
      const line = asRead(text);
      if (line === '' || says(path, line)) return false;
      const before = now.get(path) ?? `# ${titleOfPath(path)}\n\n`;
      put(path, withLineAfter(before, null, `- ${line} (${dated ?? date})`));
      return true;
    },
    /**
     * False, and nothing done, where the field would then still not read as it was written, or where that would take a line
     * away which the list itself writes.
     */
    replace(
      rule: FieldRule,
      value: string,
      changes: ReadonlyMap<string, string | null>,
      listed: Customer['lines'],
    ): boolean {
      const after = new Map(now);
      for (const [path, content] of changes) after.set(path, content ?? '');
      const changed = [...after].map(([path, content]) => ({ path, content }));
      if (writeField(changed, rule, value, date).size > 0) return false;
      for (const [path, facts] of listed) {
        const texts = facts.map(fact => asRead(withoutDate(fact).text));
        if (texts.some(text => says(path, text) && !says(path, text, after))) return false;
      }
      for (const [path, content] of changes) put(path, content ?? '');
      return true;
    },
  };
}

/** The text of a line as it is read back: a value may itself look like a list mark or a date. */
function asRead(text: string): string {
  let read = text;
  for (;;) {
    const again = factLines(`- ${read} (2000-01-01)`)[0]?.text ?? '';
    if (again === read || again === '') return again;
    read = again;
  }
}

/** A line of somebody else's may name several. */
function has(known: readonly string[], item: string): boolean {
  return known.some(line => [line, ...valuesIn(line)].some(value => plain(value) === plain(item)));
}

function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ').trim();
}
