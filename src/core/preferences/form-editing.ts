import type { Memory } from '../memory.ts';
import type { MemoryFile } from '../memory-files.ts';
import { type Action, type FieldName, type Person, personKey } from '../message.ts';
import type { State } from '../state.ts';
import { type Conflict, outcome, type PreferencesView } from '../views.ts';
import { sha256Of } from './authors.ts';
import { type Conflicts, newId, OPEN_MS } from './conflicts.ts';
import { FIELDS, ruleOf } from './field-rules.ts';
import { newDeed } from './own-changes.ts';
import { readFields, readValues, type TextFile, type WriteMode, writeField } from './usual-facts.ts';
import type { Writes } from './writes.ts';

type SetAction = Action<'set'>;

/** The form of usual facts. */
export interface FormEditing {
  form(person: Person): Promise<PreferencesView>;
  set(person: Person, action: SetAction): Promise<PreferencesView>;
}

/** What a form showed when it was opened. */
type Seen = Record<FieldName, string>;
type Values = SetAction['values'];

/** How often a write that meets another one looks again and merges, line by line. */
const MAX_ATTEMPTS = 8;

export function createFormEditing(deps: {
  state: State;
  memory: Memory;
  writes: Writes;
  conflicts: Conflicts;
  now: () => number;
}): FormEditing {
  const { memory, writes } = deps;
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
    const seen = readFields(await filesOf(person));
    const formId = newId();
    await forms.set(keyOf(person, formId), seen, OPEN_MS);
    const fields = FIELDS.map(({ name, label, hint, kind }) => ({
      name,
      label,
      hint,
      value: seen[name],
      several: kind !== 'one',
    }));
    return { type: 'form', formId, fields };
  }

  async function set(person: Person, { values, formId }: SetAction): Promise<PreferencesView> {
    let seen = formId === undefined ? undefined : await forms.get(keyOf(person, formId));
    if (formId !== undefined && seen === undefined) {
      return outcome(false, 'That form was open for too long. Please open it again.');
    }
    const storeId = await memory.storeFor(person, 'private');
    // Who types a value did not see what was there before: then nothing goes that it does not answer.
    const mode: WriteMode = formId === undefined ? 'add' : 'replace';
    const saved = new Set<FieldName>();
    const deed = newDeed();
    let first: readonly TextFile[] | undefined;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const files = await filesOf(person);
      // Without a form it is this that they mean to replace, and nothing that comes in between.
      seen ??= readFields(files);
      first ??= files;
      const plan = planOf(files, { values, seen, mode }, today());
      for (const name of plan.wanted) saved.add(name);
      if (await writeAll(person, storeId, files, plan.contents, deed)) {
        if (plan.disputed.length > 0) return disputes(person, storeId, files, plan, values, seen);
        return told([...saved], { values, mode, before: first, after: withContents(files, plan.contents) });
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
  ): Promise<PreferencesView> {
    const now = withContents(files, plan.contents);
    let mine = now;
    for (const name of plan.disputed) {
      mine = withContents(mine, writeField(mine, name, values[name] ?? '', today()));
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
    const names = plan.disputed.map(name => {
      const label = FIELDS.find(field => field.name === name)?.label ?? name;
      return `${label} (you saw “${seen[name]}”)`;
    });
    return {
      type: 'conflict',
      sentence: `This changed while you had the form open: ${names.join(', ')}. What shall I keep?`,
      conflicts,
    };
  }

  return { form, set };
}

/** A file of either store as the form sees it. */
interface FormFile extends TextFile {
  file: MemoryFile;
}

interface Plan {
  /** Fields the person wants changed, and that are or will be as they want. */
  wanted: FieldName[];
  /** Fields that changed since the person saw them. */
  disputed: FieldName[];
  /** The files to be written; null: to be removed. */
  contents: ReadonlyMap<string, string | null>;
}

/** Field by field: what the person left as they saw it is not touched, what changed meanwhile is not overwritten. */
function planOf(
  files: readonly TextFile[],
  { values, seen, mode }: { values: Values; seen: Seen; mode: WriteMode },
  date: string,
): Plan {
  const now = readFields(files);
  const wanted: FieldName[] = [];
  const disputed: FieldName[] = [];
  let contents: ReadonlyMap<string, string | null> = new Map();
  for (const { name } of FIELDS) {
    const value = values[name]?.trim();
    if (value === undefined || value === seen[name]) continue;
    // What is only added stands beside whatever came in between.
    const overwrites = mode === 'replace' || ruleOf(name).kind === 'one';
    if (overwrites && value !== now[name] && seen[name] !== now[name]) {
      disputed.push(name);
      continue;
    }
    const changed = writeField(withContents(files, contents), name, value, date, mode);
    if (mode === 'add' && changed.size === 0) continue;
    wanted.push(name);
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

interface Telling {
  values: Values;
  mode: WriteMode;
  before: readonly TextFile[];
  after: readonly TextFile[];
}

/** What the fields say now, and what they said where something of it is gone. */
function told(names: readonly FieldName[], { values, mode, before, after }: Telling): PreferencesView {
  const [was, now] = [readFields(before), readFields(after)];
  const kept =
    mode === 'add' ? FIELDS.filter(({ name }) => values[name]?.trim() === '' && now[name] !== '') : [];
  const stays = kept.map(({ name }) => `An allergy stays until you forget it by its name: ${now[name]}.`);
  if (names.length === 0) {
    return stays.length === 0
      ? outcome(true, 'That is what I remember already.')
      : outcome(false, stays.join(' '));
  }
  const said = names.map((name, index) => {
    const { label } = ruleOf(name);
    const left = new Set(readValues(after, name).map(value => value.toLowerCase()));
    const isLost = readValues(before, name).some(value => !left.has(value.toLowerCase()));
    const value = now[name] === '' ? 'nothing any more' : now[name];
    return `${index === 0 ? label : label.toLowerCase()}: ${value}${isLost ? ` (was ${was[name]})` : ''}`;
  });
  return outcome(true, [`Saved. ${said.join('; ')}.`, ...stays].join(' '));
}
