import type Anthropic from '@anthropic-ai/sdk';
import type { ChangeSet, ChangeSets, FinalChange } from '../memory/change-sets.ts';
import type { Memory } from '../memory/memory.ts';
import { type ChangeRef, changesBack, versionBefore } from '../memory/memory-changes.ts';
import { createMoves, type Moved, redoOrder, textOfVersion, undoOrder } from '../memory/memory-restore.ts';
import type { Action, Person } from '../message.ts';
import { type LineChange, outcome, type PreferencesView, titleOfPath } from '../views.ts';
import type { Authors } from './authors.ts';
import { revisionOf } from './history.ts';
import { newDeed } from './own-changes.ts';
import type { TextEditing } from './text-editing.ts';
import { textOf, versionNamed } from './versions.ts';
import type { Writes } from './writes.ts';

/** Going back: to before a change, or to any version. */
export interface Restoring {
  undo(person: Person, noticeId: string): Promise<PreferencesView>;
  /** The last change there was, whoever made it; asked again, the one before. */
  undoLatest(person: Person): Promise<PreferencesView>;
  /** Makes changes that waited for the person's word. */
  keep(person: Person, noticeId: string): Promise<PreferencesView>;
  restore(person: Person, action: Action<'restore'>): Promise<PreferencesView>;
}

export function createRestoring(deps: {
  client: Anthropic;
  memory: Memory;
  authors: Authors;
  changeSets: ChangeSets;
  writes: Writes;
  texts: TextEditing;
  /** Called after each change, so that running conversations learn of it. */
  onWritten(person: Person): Promise<void>;
}): Restoring {
  const { client, memory, changeSets, writes } = deps;
  const moves = createMoves(deps);

  /** The person's own change, or the sentence that says why there is nothing to be done about it. */
  async function changeOf(person: Person, noticeId: string): Promise<ChangeSet | string> {
    const change = await changeSets.find(person, noticeId);
    if (change === null) return TOO_OLD;
    const stores = await memory.knownStores(person);
    const isThere = ({ storeId }: ChangeRef) => stores.some(store => store.id === storeId);
    return change.refs.every(isThere) ? change : 'That change belongs to a memory that no longer exists.';
  }

  async function undo(person: Person, noticeId: string): Promise<PreferencesView> {
    const change = await changeOf(person, noticeId);
    if (typeof change === 'string') return outcome(false, change);
    switch (change.state) {
      case 'undone':
      case 'dropped':
        return outcome(true, SETTLED[change.state]);
      case 'held':
        await changeSets.update(person, noticeId, { state: 'dropped', refs: [] });
        return outcome(true, 'Left out. Your memory is as it was before.');
      case 'made':
        return takeBack(person, noticeId, change);
    }
  }

  async function takeBack(person: Person, id: string, change: ChangeSet): Promise<PreferencesView> {
    const done: ChangeRef[] = [];
    const left: Left[] = [];
    await each(undoOrder(change.refs), { done, left }, ref => moves.undo(person, ref, 'undo'));
    if (done.length > 0) await deps.onWritten(person);
    const refs = change.refs.filter(ref => !done.includes(ref));
    if (left.length === 0) await changeSets.update(person, id, { state: 'undone', refs });
    else if (done.length > 0) await changeSets.update(person, id, { state: 'made', refs });
    const back = await changesBack(done, (storeId, version) => textOfVersion(client, storeId, version));
    const what = wordsOfBack(back.flatMap(({ lines }) => lines));
    if (left.length === 0) return outcome(true, `Undone${what}`);
    return done.length === 0
      ? outcome(false, `Not undone: ${whyLeft(left)}`)
      : outcome(true, `Partly undone${what} ${whyLeft(left)}`);
  }

  async function undoLatest(person: Person): Promise<PreferencesView> {
    for (const { id, change } of await changeSets.list(person)) {
      if (change.state === 'final') return outcome(false, `${FINAL[change.by]} ${HISTORY}`);
      if (change.state === 'undone' || change.state === 'dropped') continue;
      const came = await undo(person, id);
      return came.type === 'outcome' && !came.ok ? outcome(false, `${came.sentence} ${HISTORY}`) : came;
    }
    return outcome(false, NO_CHANGE);
  }

  async function keep(person: Person, noticeId: string): Promise<PreferencesView> {
    const change = await changeOf(person, noticeId);
    if (typeof change === 'string') return outcome(false, change);
    switch (change.state) {
      case 'undone':
      case 'dropped':
        return outcome(false, SETTLED[change.state]);
      case 'made':
        return outcome(true, 'That is already in your memory.');
      case 'held':
        return makeAgain(person, noticeId, change);
    }
  }

  /** What is made only now can be taken back like any other; what could not be made is held on. */
  async function makeAgain(
    person: Person,
    id: string,
    change: Extract<ChangeSet, { state: 'held' }>,
  ): Promise<PreferencesView> {
    const done: ChangeRef[] = [];
    const left: Left[] = [];
    try {
      await each(redoOrder(change.refs), { done, left }, ref => moves.redo(person, ref, 'keep'));
    } finally {
      const made = change.refs.filter(ref => done.includes(ref));
      const refs = change.refs.filter(ref => !done.includes(ref));
      if (made.length > 0) {
        await changeSets.add(person, refs.length === 0 ? id : newDeed(), { state: 'made', refs: made });
        if (refs.length > 0) await changeSets.update(person, id, { ...change, refs });
        await deps.onWritten(person);
      }
    }
    if (left.length === 0) return outcome(true, 'Kept. It is part of your memory now.');
    return outcome(done.length > 0, `${done.length > 0 ? 'Partly kept.' : 'Not kept:'} ${whyLeft(left)}`);
  }

  async function restore(
    person: Person,
    { versionId, revision }: Action<'restore'>,
  ): Promise<PreferencesView> {
    const storeIds = (await memory.knownStores(person)).map(store => store.id);
    const named = await versionNamed(client, storeIds, versionId);
    if (named === null) return outcome(false, 'That version is no longer kept.');
    const storeId = named.memory_store_id;
    // What a deletion took away is what stood before it.
    const version =
      named.operation === 'deleted' ? await versionBefore(client, storeId, named.memory_id, named) : named;
    const content = version === null ? null : textOf(version);
    const path = version?.path ?? null;
    if (content === null || path === null) {
      return outcome(false, 'What it said was forgotten for good, so it cannot come back.');
    }
    const file = await memory.read(storeId, named.memory_id);
    if (file !== null && revision !== undefined && revisionOf(file.sha256) !== revision) {
      // The same as editing what somebody else has changed: both texts are shown.
      return deps.texts.edit(person, { type: 'edit', memoryId: file.id, revision, content });
    }
    const title = titleOfPath(path);
    if (file?.content === content && file.path === path) return outcome(true, `${title} already says that.`);
    const written =
      file === null
        ? await writes.create(person, storeId, path, content, 'restore')
        : await writes.update(person, file, { content, path }, 'restore');
    switch (written.type) {
      case 'written':
        return outcome(true, `Restored: ${title}.`);
      case 'taken':
        return outcome(
          false,
          `Another note has taken the place of “${title}”. Forget or rename that one first, then restore this.`,
        );
      case 'changed':
      case 'gone':
        return outcome(false, `${title} has just changed. Please look at its history again.`);
    }
  }

  return { undo, undoLatest, keep, restore };
}

interface Left {
  ref: ChangeRef;
  why: Exclude<Moved, 'done'>;
}

async function each(
  refs: readonly ChangeRef[],
  { done, left }: { done: ChangeRef[]; left: Left[] },
  move: (ref: ChangeRef) => Promise<Moved>,
): Promise<void> {
  for (const ref of refs) {
    const came = await move(ref);
    if (came === 'done') done.push(ref);
    else left.push({ ref, why: came });
  }
}

function whyLeft(left: readonly Left[]): string {
  const said = (why: Left['why'], words: string) => {
    const refs = left.filter(it => it.why === why).map(({ ref }) => ref);
    const titles = [...new Set(refs.map(ref => titleOfPath(ref.path)))];
    return titles.length === 0
      ? []
      : [`${titles.join(', ')} ${words}, so I left ${titles.length === 1 ? 'it' : 'them'} alone.`];
  };
  return [
    ...said('changed', 'changed again after that'),
    ...said('lost', 'said something before that is no longer kept'),
  ].join(' ');
}

const MOST_LINES = 4;
const MOST_CHARACTERS = 120;

/** ": avoids: wool is back; shoe size is 9 again, not 10." */
function wordsOfBack(lines: readonly LineChange[]): string {
  if (lines.length === 0) return '. Your memory is as it was before.';
  const words = lines.slice(0, MOST_LINES).map(wordsOfLine);
  const more = lines.length - words.length;
  return `: ${[...words, ...(more === 0 ? [] : [`and ${more} more`])].join('; ')}.`;
}

function wordsOfLine(line: LineChange): string {
  switch (line.type) {
    case 'added':
      return `${clipped(line.text)} is back`;
    case 'removed':
      return `${clipped(line.text)} is gone`;
    case 'changed':
      return `${line.label} is ${clipped(line.to)} again, not ${clipped(line.from)}`;
  }
}

function clipped(text: string): string {
  const characters = Array.from(text);
  return characters.length <= MOST_CHARACTERS
    ? text
    : `${characters.slice(0, MOST_CHARACTERS - 1).join('')}…`;
}

const TOO_OLD = 'That change is too old for this. You can still edit or forget it in /preferences.';

const SETTLED = { undone: 'That is already undone.', dropped: 'I have already left that out.' };

const NO_CHANGE = 'There is no recent change to take back. /preferences history shows all of them.';

const HISTORY = '/preferences history shows the other changes and can bring things back.';

const FINAL: Record<FinalChange, string> = {
  forget: 'The last change was forgetting something for good, as you asked: it cannot come back.',
  share: 'The last change was where a note may be used; use /preferences share or unshare for that.',
  link: 'The last change was linking accounts; /preferences unlink separates them again.',
  unlink: 'The last change was unlinking accounts; /preferences link links them again.',
};
