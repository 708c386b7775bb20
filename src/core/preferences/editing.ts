import { randomBytes } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import type { Memory, MemoryFile } from '../memory.ts';
import { changedLines } from '../memory-text.ts';
import { type CommandAction, type FieldName, type Person, personKey } from '../message.ts';
import type { State } from '../state.ts';
import { type Conflict, type PreferencesView, titleOfPath } from '../views.ts';
import { sha256Of } from './authors.ts';
import { FIELDS } from './field-rules.ts';
import { revisionOf } from './history.ts';
import { readFields, writeField } from './usual-facts.ts';
import { textOf, versionsOf } from './versions.ts';
import { pathOfTitle, type Writes } from './writes.ts';

type Action<T extends CommandAction['type']> = Extract<CommandAction, { type: T }>;

/** Changing memory by hand: the form of usual facts, and any file as free text. */
export interface Editing {
  form(person: Person): Promise<PreferencesView>;
  set(person: Person, action: Action<'set'>): Promise<PreferencesView>;
  editor(person: Person, action: Action<'editor'>): Promise<PreferencesView>;
  edit(person: Person, action: Action<'edit'>): Promise<PreferencesView>;
  create(person: Person, action: Action<'create'>): Promise<PreferencesView>;
  resolve(person: Person, action: Action<'resolve'>): Promise<PreferencesView>;
}

/** What a form showed when it was opened. */
type Seen = Record<FieldName, string>;

/** A text that could not be saved yet, and what stood in its place (null: nothing). */
interface Unsaved {
  memoryId: string | null;
  path: string;
  mine: string;
  nowSha256: string | null;
}

/** How long a form may stay open, and a conflict undecided. */
const OPEN_MS = 3600_000;
/** How often a write that meets another one looks again and merges, line by line. */
const MAX_ATTEMPTS = 8;

export function createEditing(deps: {
  client: Anthropic;
  state: State;
  memory: Memory;
  writes: Writes;
  now: () => number;
}): Editing {
  const { client, memory, writes } = deps;
  const forms = deps.state.table<Seen>('form');
  const unsaved = deps.state.table<Unsaved>('unsaved');
  const keyOf = (person: Person, id: string) => `${personKey(person)}/${id}`;
  const today = () => new Date(deps.now()).toISOString().slice(0, 10);

  async function filesOf(storeId: string | null): Promise<MemoryFile[]> {
    return storeId === null ? [] : (await memory.list(storeId, Number.POSITIVE_INFINITY)).files;
  }

  async function form(person: Person): Promise<PreferencesView> {
    const seen = readFields(await filesOf(await memory.knownStore(person)));
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

  async function set(person: Person, { values, formId }: Action<'set'>): Promise<PreferencesView> {
    let seen = formId === undefined ? undefined : await forms.get(keyOf(person, formId));
    if (formId !== undefined && seen === undefined) {
      return outcome(false, 'That form was open for too long. Please open it again.');
    }
    const storeId = await memory.storeFor(person);
    const saved = new Set<FieldName>();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const files = await filesOf(storeId);
      // Without a form it is this that they mean to replace, and nothing that comes in between.
      seen ??= readFields(files);
      const plan = planOf(files, values, seen, today());
      for (const name of plan.wanted) saved.add(name);
      if (await writeAll(person, storeId, files, plan.contents)) {
        if (plan.disputed.length > 0) return disputes(person, files, plan, values, seen);
        return outcome(true, savedSentence([...saved], values));
      }
    }
    return outcome(false, 'Your memory keeps changing right now. Please try again in a moment.');
  }

  /** False when a file was changed by somebody else meanwhile; what is written by then stays written. */
  async function writeAll(
    person: Person,
    storeId: string,
    files: readonly MemoryFile[],
    contents: ReadonlyMap<string, string | null>,
  ): Promise<boolean> {
    for (const [path, content] of contents) {
      const file = files.find(candidate => candidate.path === path);
      if (file === undefined && content === null) continue;
      const written =
        file === undefined
          ? await writes.create(person, storeId, path, content ?? '', 'form')
          : content === null
            ? await writes.remove(person, storeId, file, 'form')
            : await writes.update(person, storeId, file, { content }, 'form');
      if (written.type !== 'written') return false;
    }
    return true;
  }

  /** Fields that somebody changed after the form was opened, file by file. */
  async function disputes(
    person: Person,
    files: readonly MemoryFile[],
    plan: Plan,
    values: Values,
    seen: Seen,
  ): Promise<PreferencesView> {
    const now = withContents(files, plan.contents);
    let mine = now;
    for (const name of plan.disputed) {
      mine = withContents(mine, writeField(mine, name, values[name] ?? '', today()));
    }
    const stored = await filesOf(await memory.knownStore(person));
    const paths = new Set([...now, ...mine].map(file => file.path));
    const conflicts: Conflict[] = [];
    for (const path of paths) {
      const before = now.find(file => file.path === path)?.content ?? null;
      const after = mine.find(file => file.path === path)?.content ?? '';
      if (before === after) continue;
      const memoryId = stored.find(file => file.path === path)?.id ?? null;
      const nowSha256 = before === null ? null : sha256Of(before);
      conflicts.push(await conflictOf(person, { memoryId, path, mine: after, nowSha256 }));
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

  async function editor(
    person: Person,
    { memoryId, title = '' }: Action<'editor'>,
  ): Promise<PreferencesView> {
    if (memoryId === undefined) {
      return {
        type: 'editor',
        draft: { memoryId: null, title, content: '', now: null, revision: null },
      };
    }
    const file = await own(person, memoryId);
    return file === null ? GONE : { type: 'editor', draft: draftOf(file) };
  }

  async function edit(
    person: Person,
    { memoryId, revision, content: typed }: Action<'edit'>,
  ): Promise<PreferencesView> {
    const storeId = await memory.knownStore(person);
    if (storeId === null) return GONE;
    const content = tidied(typed);
    const file = await memory.read(storeId, memoryId);
    if (file === null) {
      const path = await lastPath(storeId, memoryId);
      if (path === null) return GONE;
      return oneConflict(person, { memoryId: null, path, mine: content, nowSha256: null }, revision);
    }
    const draft = { memoryId, path: file.path, mine: content, nowSha256: file.sha256 };
    if (revisionOf(file.sha256) !== revision) return oneConflict(person, draft, revision);
    return save(person, storeId, draft, file);
  }

  async function create(
    person: Person,
    { title, content: typed }: Action<'create'>,
  ): Promise<PreferencesView> {
    const path = pathOfTitle(title);
    const content = tidied(typed);
    if (content === '') return outcome(false, 'There is nothing in it yet, so I kept nothing.');
    const draft = { memoryId: null, path, mine: content, nowSha256: null };
    return save(person, await memory.storeFor(person), draft, null);
  }

  /** Saves a text in place of `file` (null: as a new file), or says what stands in the way. */
  async function save(
    person: Person,
    storeId: string,
    draft: Unsaved,
    file: MemoryFile | null,
  ): Promise<PreferencesView> {
    const written =
      file === null
        ? await writes.create(person, storeId, draft.path, draft.mine, 'edit')
        : draft.mine === ''
          ? await writes.remove(person, storeId, file, 'edit')
          : await writes.update(person, storeId, file, { content: draft.mine }, 'edit');
    const title = titleOfPath(draft.path);
    switch (written.type) {
      case 'written':
        return outcome(true, draft.mine === '' ? `Removed: ${title}.` : `Saved: ${title}.`);
      case 'gone':
        return oneConflict(person, { ...draft, memoryId: null, nowSha256: null });
      case 'changed': {
        const now = file === null ? null : await memory.read(storeId, file.id);
        return oneConflict(
          person,
          { ...draft, memoryId: now?.id ?? null, nowSha256: now?.sha256 ?? null },
          file === null ? undefined : revisionOf(file.sha256),
        );
      }
      case 'taken': {
        const other = written.memoryId === null ? null : await memory.read(storeId, written.memoryId);
        if (other === null || other.path !== draft.path) {
          return outcome(false, `There is a note in the way of “${title}”. Please choose another title.`);
        }
        return oneConflict(person, { ...draft, memoryId: other.id, nowSha256: other.sha256 });
      }
    }
  }

  async function resolve(
    person: Person,
    { conflictId, choice }: Action<'resolve'>,
  ): Promise<PreferencesView> {
    const key = keyOf(person, conflictId);
    const draft = await unsaved.get(key);
    const storeId = await memory.knownStore(person);
    if (draft === undefined || storeId === null) {
      return outcome(false, 'That is settled already, or too long ago. Have a look at your memory.');
    }
    const file = draft.memoryId === null ? null : await memory.read(storeId, draft.memoryId);
    const title = titleOfPath(draft.path);
    switch (choice) {
      case 'theirs':
        await unsaved.delete(key);
        return outcome(true, `${title} stays as it is.`);
      case 'again':
        return {
          type: 'editor',
          draft:
            file === null
              ? { memoryId: null, title, content: draft.mine, now: null, revision: null }
              : { ...draftOf(file), content: draft.mine, now: file.content },
        };
      case 'mine': {
        // They decided on what they were shown; if that changed as well, they are shown it first.
        await unsaved.delete(key);
        const stands = file?.sha256 ?? null;
        if (stands !== draft.nowSha256) {
          return oneConflict(person, { ...draft, memoryId: file?.id ?? null, nowSha256: stands });
        }
        return save(person, storeId, draft, file);
      }
    }
  }

  async function oneConflict(person: Person, draft: Unsaved, revision?: string): Promise<PreferencesView> {
    const conflict = await conflictOf(person, draft, revision);
    return {
      type: 'conflict',
      sentence:
        conflict.now === null
          ? `${conflict.title} was removed while you were writing. What shall I keep?`
          : `${conflict.title} changed while you were writing. What shall I keep?`,
      conflicts: [conflict],
    };
  }

  /** `revision`: of the text the person saw, so that both sides can be told as changes of it. */
  async function conflictOf(person: Person, draft: Unsaved, revision?: string): Promise<Conflict> {
    const id = newId();
    await unsaved.set(keyOf(person, id), draft, OPEN_MS);
    const storeId = await memory.knownStore(person);
    const file =
      storeId === null || draft.memoryId === null ? null : await memory.read(storeId, draft.memoryId);
    const now = file?.content ?? null;
    const seen =
      storeId === null || draft.memoryId === null || revision === undefined
        ? null
        : await textOfRevision(storeId, draft.memoryId, revision);
    return {
      id,
      title: titleOfPath(draft.path),
      path: draft.path,
      now,
      mine: draft.mine,
      wanted: changedLines(seen ?? now ?? '', draft.mine),
      meanwhile: seen === null ? [] : changedLines(seen, now ?? ''),
    };
  }

  async function textOfRevision(storeId: string, memoryId: string, revision: string): Promise<string | null> {
    for await (const version of versionsOf(client, storeId, { memoryId })) {
      const text = textOf(version);
      if (text !== null && revisionOf(version.content_sha256 ?? '') === revision) return text;
    }
    return null;
  }

  async function lastPath(storeId: string, memoryId: string): Promise<string | null> {
    for await (const version of versionsOf(client, storeId, { memoryId })) {
      if (version.path !== null && version.path !== undefined) return version.path;
    }
    return null;
  }

  async function own(person: Person, memoryId: string): Promise<MemoryFile | null> {
    const storeId = await memory.knownStore(person);
    return storeId === null ? null : memory.read(storeId, memoryId);
  }

  return { form, set, editor, edit, create, resolve };
}

type Values = Action<'set'>['values'];

interface Plan {
  /** Fields the person wants changed, and that are or will be as they want. */
  wanted: FieldName[];
  /** Fields that changed since the person saw them. */
  disputed: FieldName[];
  /** The files to be written; null: to be removed. */
  contents: ReadonlyMap<string, string | null>;
}

/** Field by field: what the person left as they saw it is not touched, what changed meanwhile is not overwritten. */
function planOf(files: readonly MemoryFile[], values: Values, seen: Seen, date: string): Plan {
  const now = readFields(files);
  const wanted: FieldName[] = [];
  const disputed: FieldName[] = [];
  let contents: ReadonlyMap<string, string | null> = new Map();
  for (const { name } of FIELDS) {
    const value = values[name]?.trim();
    if (value === undefined || value === seen[name]) continue;
    if (value !== now[name] && seen[name] !== now[name]) {
      disputed.push(name);
      continue;
    }
    wanted.push(name);
    const changed = writeField(withContents(files, contents), name, value, date);
    contents = new Map([...contents, ...changed]);
  }
  return { wanted, disputed, contents };
}

function withContents(
  files: readonly { path: string; content: string }[],
  contents: ReadonlyMap<string, string | null>,
): { path: string; content: string }[] {
  const all = new Map(files.map(file => [file.path, file.content]));
  for (const [path, content] of contents) {
    if (content === null) all.delete(path);
    else all.set(path, content);
  }
  return [...all].map(([path, content]) => ({ path, content }));
}

function savedSentence(names: readonly FieldName[], values: Values): string {
  if (names.length === 0) return 'That is what I remember already.';
  const said = names.map(name => {
    const label = (FIELDS.find(field => field.name === name)?.label ?? name).toLowerCase();
    const value = values[name]?.trim() ?? '';
    return value === '' ? `${label}: nothing any more` : `${label}: ${value}`;
  });
  return `Saved. ${said.join('; ')}.`;
}

function draftOf(file: MemoryFile) {
  return {
    memoryId: file.id,
    title: titleOfPath(file.path),
    content: file.content,
    now: null,
    revision: revisionOf(file.sha256),
  };
}

/** As a person means it: line ends of one kind, one at the end. */
function tidied(text: string): string {
  const plain = text.replace(/\r\n?/g, '\n').trimEnd();
  return plain.trim() === '' ? '' : `${plain}\n`;
}

const GONE: PreferencesView = { type: 'outcome', ok: false, sentence: 'That is no longer in your memory.' };

function outcome(ok: boolean, sentence: string): PreferencesView {
  return { type: 'outcome', ok, sentence };
}

function newId(): string {
  return randomBytes(9).toString('base64url');
}
