import type Anthropic from '@anthropic-ai/sdk';
import type { Memory } from '../memory/memory.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { factLines } from '../memory/memory-lines.ts';
import type { Action, Person } from '../message.ts';
import { type Draft, outcome, type PreferencesView, titleOfPath } from '../views.ts';
import type { Conflicts, Unsaved } from './conflicts.ts';
import { revisionOf } from './history.ts';
import { versionsIn } from './versions.ts';
import { pathOfTitle, type Writes } from './writes.ts';

/** Any file as free text. */
export interface TextEditing {
  editor(person: Person, action: Action<'editor'>): Promise<PreferencesView>;
  edit(person: Person, action: Action<'edit'>): Promise<PreferencesView>;
  create(person: Person, action: Action<'create'>): Promise<PreferencesView>;
  resolve(person: Person, action: Action<'resolve'>): Promise<PreferencesView>;
}

export function createTextEditing(deps: {
  client: Anthropic;
  memory: Memory;
  writes: Writes;
  conflicts: Conflicts;
}): TextEditing {
  const { client, memory, writes, conflicts } = deps;

  async function editor(
    person: Person,
    { memoryId, title = '' }: Action<'editor'>,
  ): Promise<PreferencesView> {
    if (memoryId === undefined) {
      // Before the text is written, which would be lost with a title that cannot be.
      if (title !== '') pathOfTitle(title);
      return {
        type: 'editor',
        draft: { memoryId: null, title, content: '', now: null, revision: null },
      };
    }
    const file = await memory.find(person, memoryId);
    return file === null ? GONE : { type: 'editor', draft: draftOf(file) };
  }

  async function edit(
    person: Person,
    { memoryId, revision, content: typed }: Action<'edit'>,
  ): Promise<PreferencesView> {
    const content = tidied(typed);
    const file = await memory.find(person, memoryId);
    if (file === null) {
      const last = await lastVersion(person, memoryId);
      if (last === null) return GONE;
      const gone = { ...last, memoryId: null, mine: content, nowSha256: null };
      return oneConflict(person, gone, revision);
    }
    const { storeId, path, sha256 } = file;
    const draft = { storeId, memoryId, path, mine: content, nowSha256: sha256 };
    if (revisionOf(sha256) !== revision) return oneConflict(person, draft, revision);
    return save(person, storeId, draft, file);
  }

  async function create(
    person: Person,
    { title, content: typed }: Action<'create'>,
  ): Promise<PreferencesView> {
    const path = pathOfTitle(title);
    const content = tidied(typed);
    if (content === '') return outcome(false, 'There is nothing in it yet, so I saved nothing.');
    const storeId = await memory.storeFor(person, 'private');
    return save(person, storeId, { storeId, memoryId: null, path, mine: content, nowSha256: null }, null);
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
          ? await writes.remove(person, file, 'edit')
          : await writes.update(person, file, { content: draft.mine }, 'edit');
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
          return outcome(
            false,
            `The title “${title}” clashes with another note. Please choose a different one.`,
          );
        }
        // Nobody sees a note that says nothing, so there is nothing to decide about.
        if (file === null && factLines(other.content).length === 0) {
          return save(person, storeId, { ...draft, memoryId: other.id, nowSha256: other.sha256 }, other);
        }
        return oneConflict(person, { ...draft, memoryId: other.id, nowSha256: other.sha256 });
      }
    }
  }

  async function resolve(
    person: Person,
    { conflictId, choice }: Action<'resolve'>,
  ): Promise<PreferencesView> {
    const draft = await conflicts.find(person, conflictId);
    const stores = await memory.knownStores(person);
    const storeId = stores.find(store => store.id === draft?.storeId)?.id;
    if (draft === null || storeId === undefined) {
      return outcome(false, 'That is already settled, or too long ago. Please look at your memory.');
    }
    const file = draft.memoryId === null ? null : await memory.read(storeId, draft.memoryId);
    const title = titleOfPath(draft.path);
    switch (choice) {
      case 'theirs':
        await conflicts.close(person, conflictId);
        return draft.theirs === undefined
          ? outcome(true, `${title} stays as it is.`)
          : settle(person, storeId, draft, draft.theirs, file);
      case 'again':
        return {
          type: 'editor',
          draft:
            file === null
              ? { memoryId: null, title, content: draft.mine, now: null, revision: null }
              : { ...draftOf(file), content: draft.mine, now: file.content },
        };
      case 'mine':
        await conflicts.close(person, conflictId);
        return settle(person, storeId, draft, draft.mine, file);
    }
  }

  /** They decided on what they were shown; if that changed as well, they are shown it first. */
  async function settle(
    person: Person,
    storeId: string,
    { theirs: _, ...draft }: Unsaved,
    chosen: string,
    file: MemoryFile | null,
  ): Promise<PreferencesView> {
    const stands = file?.sha256 ?? null;
    const settled = { ...draft, mine: chosen };
    if (stands !== draft.nowSha256) {
      return oneConflict(person, { ...settled, memoryId: file?.id ?? null, nowSha256: stands });
    }
    return save(person, storeId, settled, file);
  }

  /** `revision`: of the text the person saw, so that both sides can be shown as changes to it. */
  async function oneConflict(person: Person, draft: Unsaved, revision?: string): Promise<PreferencesView> {
    const conflict = await conflicts.open(person, draft, revision);
    return {
      type: 'conflict',
      sentence:
        conflict.now === null
          ? `${conflict.title} was removed while you were writing. What should I keep?`
          : `${conflict.title} changed while you were writing. What should I keep?`,
      conflicts: [conflict],
    };
  }

  /** Where a file that is gone was. */
  async function lastVersion(
    person: Person,
    memoryId: string,
  ): Promise<{ storeId: string; path: string } | null> {
    const storeIds = (await memory.knownStores(person)).map(store => store.id);
    for await (const { path, memory_store_id } of versionsIn(client, storeIds, { memoryId })) {
      if (path !== null && path !== undefined) return { storeId: memory_store_id, path };
    }
    return null;
  }

  return { editor, edit, create, resolve };
}

function draftOf(file: MemoryFile): Draft {
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
