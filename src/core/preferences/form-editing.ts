import type { Memory } from '../memory/memory.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { type Action, type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';
import { type Conflict, outcome, type PreferencesView } from '../views.ts';
import { sha256Of } from './authors.ts';
import { hasCardNumber } from './card-numbers.ts';
import { type Conflicts, newId, OPEN_MS } from './conflicts.ts';
import type { FieldRule } from './field-rules.ts';
import { newDeed } from './own-changes.ts';
import { typedField } from './typed-field.ts';
import {
  readField,
  readFields,
  readValues,
  type TextFile,
  type WriteMode,
  writeField,
} from './usual-facts.ts';
import type { Writes } from './writes.ts';

type SetAction = Action<'set'>;

/** The form of usual facts. */
export interface FormEditing {
  form(person: Person): Promise<PreferencesView>;
  set(person: Person, action: SetAction): Promise<PreferencesView>;
  setTyped(person: Person, action: Action<'set-typed'>): Promise<PreferencesView>;
}

/** What a form showed when it was opened. */
type Seen = Readonly<Record<string, string>>;
type Values = SetAction['values'];

/** How often a write that meets another one looks again and merges, line by line. */
const MAX_ATTEMPTS = 8;

export function createFormEditing(deps: {
  state: State;
  memory: Memory;
  writes: Writes;
  conflicts: Conflicts;
  /** What the form asks for; with none there is no form. */
  fields: readonly FieldRule[];
  now: () => number;
}): FormEditing {
  const { memory, writes, fields } = deps;
  const forms = deps.state.table<Seen>('form');
  const keyOf = (person: Person, id: string) => `${personKey(person)}/${id}`;
  const today = () => new Date(deps.now()).toISOString().slice(0, 10);

  /**
   * Everything the person's stores hold. What may be used where others read is changed where it stands, but what is
   * new belongs to the private store.
   */
  async function filesOf(person: Person): Promise<FormFile[]> {
    const stores = await memory.knownStores(person);
    const shared = stores.find(store => store.audience === 'shared')?.id;
    const files = await memory.files(stores.map(store => store.id));
    return files.map(file => {
      const closed = file.storeId === shared;
      return { path: closed ? `shared:${file.path}` : file.path, content: file.content, closed, file };
    });
  }

  async function form(person: Person): Promise<PreferencesView> {
    if (fields.length === 0) return NO_FORM;
    const seen = Object.fromEntries(readFields(await filesOf(person), fields));
    const formId = newId();
    await forms.set(keyOf(person, formId), seen, OPEN_MS);
    return {
      type: 'form',
      formId,
      fields: fields.map(({ name, label, hint, kind }) => ({
        name,
        label,
        hint,
        value: seen[name] ?? '',
        several: kind !== 'one',
      })),
    };
  }

  async function setTyped(person: Person, { words }: Action<'set-typed'>): Promise<PreferencesView> {
    if (fields.length === 0) return NO_FORM;
    const typed = typedField(words, fields);
    return typeof typed === 'string' ? outcome(false, typed) : set(person, { type: 'set', values: typed });
  }

  async function set(person: Person, action: SetAction): Promise<PreferencesView> {
    const { formId } = action;
    let seen = formId === undefined ? undefined : await forms.get(keyOf(person, formId));
    if (formId !== undefined && seen === undefined) {
      return outcome(false, 'That form was open for too long. Please open it again.');
    }
    const { values, leftOut } = withoutCards(action.values, seen ?? {}, fields);
    const storeId = await memory.storeFor(person, 'private');
    // Who types a value did not see what was there before: then nothing goes that it does not answer.
    const mode: WriteMode = formId === undefined ? 'add' : 'replace';
    const deed = newDeed();
    const saved = new Set<FieldRule>();
    let first: readonly TextFile[] | undefined;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const files = await filesOf(person);
      // Without a form it is this that they mean to replace, and nothing that comes in between.
      seen ??= Object.fromEntries(readFields(files, fields));
      first ??= files;
      const plan = planOf(files, fields, { values, seen, mode }, today());
      for (const field of plan.wanted) saved.add(field);
      if (await writeAll(person, storeId, files, plan.contents, deed)) {
        if (plan.disputed.length > 0) {
          const asked = await disputes(person, storeId, files, plan, values, seen);
          return { ...asked, sentence: [asked.sentence, ...leftOut].join(' ') };
        }
        return told([...saved], {
          fields,
          values,
          leftOut,
          mode,
          before: first,
          after: withContents(files, plan.contents),
        });
      }
    }
    return outcome(false, 'Your memory keeps changing right now. Please try again in a moment.');
  }

  /** False when a file was changed by somebody else meanwhile; what is written by then stays written. */
  async function writeAll(
    person: Person,
    storeId: string,
    files: readonly FormFile[],
    contents: ReadonlyMap<string, string | null>,
    deed: string,
  ): Promise<boolean> {
    for (const [path, content] of contents) {
      const file = files.find(candidate => candidate.path === path)?.file;
      if (file === undefined && content === null) continue;
      const written =
        file === undefined
          ? await writes.create(person, storeId, path, content ?? '', 'form', deed)
          : content === null
            ? await writes.remove(person, file, 'form', deed)
            : await writes.update(person, file, { content }, 'form', deed);
      if (written.type !== 'written') return false;
    }
    return true;
  }

  /** Fields that somebody changed after the form was opened, file by file. */
  async function disputes(
    person: Person,
    storeId: string,
    files: readonly FormFile[],
    plan: Plan,
    values: Values,
    seen: Seen,
  ): Promise<Extract<PreferencesView, { type: 'conflict' }>> {
    const now = withContents(files, plan.contents);
    let mine = now;
    for (const field of plan.disputed) {
      mine = withContents(mine, writeField(mine, field, values[field.name] ?? '', today()));
    }
    const stored = await filesOf(person);
    const paths = new Set([...now, ...mine].map(file => file.path));
    const conflicts: Conflict[] = [];
    for (const path of paths) {
      const before = now.find(file => file.path === path)?.content ?? null;
      const after = mine.find(file => file.path === path)?.content ?? '';
      if (before === after) continue;
      const file = stored.find(candidate => candidate.path === path)?.file;
      const draft = {
        storeId: file?.storeId ?? storeId,
        memoryId: file?.id ?? null,
        path: file?.path ?? path,
        mine: after,
        nowSha256: before === null ? null : sha256Of(before),
      };
      conflicts.push(await deps.conflicts.open(person, draft));
    }
    const names = plan.disputed.map(({ name, label }) => `${label} (you saw “${seen[name] ?? ''}”)`);
    return {
      type: 'conflict',
      sentence: `This changed while you had the form open: ${names.join(', ')}. What should I keep?`,
      conflicts,
    };
  }

  return { form, set, setTyped };
}

const NO_FORM = outcome(
  false,
  'There is no form here. Tell me what I should know, or write a note of your own: /preferences new TITLE.',
);

/** A file of either store as the form sees it. */
interface FormFile extends TextFile {
  file: MemoryFile;
}

interface Plan {
  /** Fields the person wants changed, and that are or will be as they want. */
  wanted: FieldRule[];
  /** Fields that changed since the person saw them. */
  disputed: FieldRule[];
  /** The files to be written; null: to be removed. */
  contents: ReadonlyMap<string, string | null>;
}

/** Field by field: what the person left as they saw it is not touched, what changed meanwhile is not overwritten. */
function planOf(
  files: readonly TextFile[],
  fields: readonly FieldRule[],
  { values, seen, mode }: { values: Values; seen: Seen; mode: WriteMode },
  date: string,
): Plan {
  const wanted: FieldRule[] = [];
  const disputed: FieldRule[] = [];
  let contents: ReadonlyMap<string, string | null> = new Map();
  for (const field of fields) {
    const value = values[field.name]?.trim();
    // What a form did not show yet (it was opened before the persona changed) is nothing they saw.
    const saw = seen[field.name] ?? '';
    if (value === undefined || value === saw) continue;
    const now = readField(files, field);
    // What is only added stands beside whatever came in between.
    const overwrites = mode === 'replace' || field.kind === 'one';
    if (overwrites && value !== now && saw !== now) {
      disputed.push(field);
      continue;
    }
    const changed = writeField(withContents(files, contents), field, value, date, mode);
    if (mode === 'add' && changed.size === 0) continue;
    wanted.push(field);
    contents = new Map([...contents, ...changed]);
  }
  return { wanted, disputed, contents };
}

function withContents(files: readonly TextFile[], contents: ReadonlyMap<string, string | null>): TextFile[] {
  const all = new Map(files.map(({ path, content, closed }) => [path, { content, closed: closed === true }]));
  for (const [path, content] of contents) {
    if (content === null) all.delete(path);
    else all.set(path, { closed: all.get(path)?.closed === true, content });
  }
  return [...all].map(([path, { content, closed }]) => ({ path, content, closed }));
}

/** What stays out of memory also for those who type it themselves, and the sentences that say so, without the number. */
function withoutCards(
  values: Values,
  seen: Seen,
  fields: readonly FieldRule[],
): { values: Values; leftOut: readonly string[] } {
  const refused = fields.filter(({ name }) => {
    const value = values[name] ?? '';
    return value !== seen[name] && hasCardNumber(value);
  });
  const names = refused.map(({ name }) => name);
  return {
    values: Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name))),
    leftOut: refused.map(
      ({ label }) =>
        `I don't keep card numbers, so I left out what you entered for ${label.toLowerCase()}. It is better not to send them in a chat.`,
    ),
  };
}

interface Telling {
  fields: readonly FieldRule[];
  values: Values;
  leftOut: readonly string[];
  mode: WriteMode;
  before: readonly TextFile[];
  after: readonly TextFile[];
}

/** What the fields say now, and what they said where something of it is gone. */
function told(
  saved: readonly FieldRule[],
  { fields, values, leftOut, mode, before, after }: Telling,
): PreferencesView {
  const kept =
    mode === 'replace'
      ? []
      : fields.filter(field => values[field.name]?.trim() === '' && readField(after, field) !== '');
  const stays = [
    ...leftOut,
    ...kept.map(
      field => `Allergies stay until you forget them by name: ${readValues(after, field).join(', ')}.`,
    ),
  ];
  if (saved.length === 0) {
    return stays.length === 0 ? outcome(true, 'I already remember that.') : outcome(false, stays.join(' '));
  }
  const said = saved.map((field, index) => {
    const left = new Set(readValues(after, field).map(value => value.toLowerCase()));
    const isLost = readValues(before, field).some(value => !left.has(value.toLowerCase()));
    const now = readField(after, field) || 'now empty';
    const was = isLost ? ` (was ${readField(before, field)})` : '';
    return `${index === 0 ? field.label : field.label.toLowerCase()}: ${now}${was}`;
  });
  return outcome(true, [`Saved. ${said.join('; ')}.`, ...stays].join(' '));
}
