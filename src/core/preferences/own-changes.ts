import { randomBytes } from 'node:crypto';
import type { ChangeSets, FinalChange } from '../memory/change-sets.ts';
import type { ChangeRef } from '../memory/memory-changes.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import type { Person } from '../message.ts';
import type { OwnChange } from './authors.ts';

/** A write that went through. */
export interface Made
  extends Pick<ChangeRef, 'storeId' | 'memoryId' | 'path' | 'afterVersionId' | 'afterSha256'> {
  /** What stood there; null: nothing did. */
  before: MemoryFile | null;
  by: OwnChange;
  /** The same for all that is one change to the person. */
  deed: string | undefined;
}

/** What people change themselves is written down as what a turn changes is, so that it can be taken back the same way. */
export interface OwnChanges {
  made(owner: Person, change: Made): Promise<void>;
}

export function newDeed(): string {
  return randomBytes(9).toString('base64url');
}

export function createOwnChanges(changeSets: ChangeSets): OwnChanges {
  return {
    async made(owner, { by, deed, ...change }) {
      const meaning = MEANING[by];
      if (meaning === 'nothing') return;
      if (meaning !== 'undoable') return changeSets.addFinal(owner, meaning);
      const id = deed ?? newDeed();
      const before = (await changeSets.find(owner, id))?.refs ?? [];
      await changeSets.add(owner, id, { state: 'made', refs: [...before, refOf(change)] });
    },
  };
}

/** What a change means to whoever asks for the last one to be taken back; `nothing`: it is part of another. */
const MEANING: Record<OwnChange, 'undoable' | 'nothing' | FinalChange> = {
  form: 'undoable',
  edit: 'undoable',
  restore: 'undoable',
  forget: 'forget',
  share: 'share',
  link: 'link',
  unlink: 'unlink',
  undo: 'nothing',
  keep: 'nothing',
  hold: 'nothing',
  merge: 'nothing',
};

function refOf({ before, ...after }: Omit<Made, 'by' | 'deed'>): ChangeRef {
  return {
    ...after,
    beforeVersionId: before?.versionId ?? null,
    beforePath: before?.path ?? null,
    beforeSha256: before?.sha256 ?? null,
  };
}
