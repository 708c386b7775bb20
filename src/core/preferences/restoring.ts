import type Anthropic from '@anthropic-ai/sdk';
import type { Memory } from '../memory.ts';
import { type ChangeRef, versionBefore } from '../memory-changes.ts';
import { createMoves, redoOrder, undoOrder } from '../memory-restore.ts';
import { type Action, type Person, personKey } from '../message.ts';
import type { NoticeRecord } from '../notices.ts';
import type { State } from '../state.ts';
import { outcome, type PreferencesView, titleOfPath } from '../views.ts';
import type { Authors } from './authors.ts';
import { revisionOf } from './history.ts';
import type { TextEditing } from './text-editing.ts';
import { textOf, versionNamed } from './versions.ts';
import type { Writes } from './writes.ts';

/** Going back: to before a change, or to any version. */
export interface Restoring {
  undo(person: Person, noticeId: string): Promise<PreferencesView>;
  /** Makes changes that waited for the person's word. */
  keep(person: Person, noticeId: string): Promise<PreferencesView>;
  restore(person: Person, action: Action<'restore'>): Promise<PreferencesView>;
}

export function createRestoring(deps: {
  client: Anthropic;
  state: State;
  memory: Memory;
  authors: Authors;
  writes: Writes;
  texts: TextEditing;
  /** Called after each change, so that running conversations hear of it. */
  onWritten(person: Person): Promise<void>;
}): Restoring {
  const { client, memory, writes } = deps;
  const moves = createMoves(deps);
  const notices = deps.state.table<NoticeRecord>('notice');

  /** The person's own notice, or the sentence that says why there is nothing to be done about it. */
  async function noticeOf(person: Person, noticeId: string): Promise<NoticeRecord | string> {
    const notice = await notices.get(noticeId);
    if (notice === undefined || notice.person !== personKey(person)) return TOO_OLD;
    const stores = await memory.knownStores(person);
    const isThere = ({ storeId }: ChangeRef) => stores.some(store => store.id === storeId);
    return notice.refs.every(isThere) ? notice : 'That change belongs to a memory that no longer exists.';
  }

  async function undo(person: Person, noticeId: string): Promise<PreferencesView> {
    const notice = await noticeOf(person, noticeId);
    if (typeof notice === 'string') return outcome(false, notice);
    if (notice.held) {
      await notices.delete(noticeId);
      return outcome(true, 'Then I leave it out. Your memory is as it was before.');
    }
    const left = await each(undoOrder(notice.refs), ref => moves.undo(person, ref, 'undo'));
    return settle(person, noticeId, notice, left, {
      all: 'Undone. Your memory is as it was before.',
      some: 'Partly undone.',
      none: 'Not undone:',
    });
  }

  async function keep(person: Person, noticeId: string): Promise<PreferencesView> {
    const notice = await noticeOf(person, noticeId);
    if (typeof notice === 'string') return outcome(false, notice);
    if (!notice.held) return outcome(true, 'That is in your memory already.');
    const left = await each(redoOrder(notice.refs), ref => moves.redo(person, ref, 'keep'));
    return settle(person, noticeId, notice, left, {
      all: 'Kept. It is part of your memory now.',
      some: 'Partly kept.',
      none: 'Not kept:',
    });
  }

  /** Says what came of it; a notice is used up once all of it is done. */
  async function settle(
    person: Person,
    noticeId: string,
    notice: NoticeRecord,
    left: readonly ChangeRef[],
    words: { all: string; some: string; none: string },
  ): Promise<PreferencesView> {
    const done = notice.refs.length - left.length;
    if (done > 0) await deps.onWritten(person);
    if (left.length === 0) {
      await notices.delete(noticeId);
      return outcome(true, words.all);
    }
    const why = [
      whyLeft(
        left.filter(ref => ref.beforeIsLost !== true),
        'changed again since then',
      ),
      whyLeft(
        left.filter(ref => ref.beforeIsLost === true),
        'said something before that is no longer kept',
      ),
    ];
    return outcome(
      done > 0,
      [done > 0 ? words.some : words.none, ...why].filter(said => said !== '').join(' '),
    );
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
    if (file?.content === content && file.path === path)
      return outcome(true, `${title} is like that already.`);
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
          `There is another note in the place of “${title}” now. Forget or rename that one first, then restore this.`,
        );
      case 'changed':
      case 'gone':
        return outcome(false, `${title} changed just now. Have another look at its history.`);
    }
  }

  return { undo, keep, restore };
}

/** Those that could not be done. */
async function each(
  refs: readonly ChangeRef[],
  move: (ref: ChangeRef) => Promise<boolean>,
): Promise<ChangeRef[]> {
  const left: ChangeRef[] = [];
  for (const ref of refs) if (!(await move(ref))) left.push(ref);
  return left;
}

function whyLeft(refs: readonly ChangeRef[], why: string): string {
  const titles = [...new Set(refs.map(ref => titleOfPath(ref.path)))];
  return titles.length === 0
    ? ''
    : `${titles.join(', ')} ${why}, so I left ${titles.length === 1 ? 'it' : 'them'} alone.`;
}

const TOO_OLD = 'That change is too old for this. You can still edit or forget it in /preferences.';
