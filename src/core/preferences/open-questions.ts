import type Anthropic from '@anthropic-ai/sdk';
import { changesOf } from '../memory/memory-changes.ts';
import { textOfVersion } from '../memory/memory-restore.ts';
import type { NoticeRecord } from '../memory/notices.ts';
import { type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';
import type { Notice } from '../views.ts';
import { KEEP_MS, type LatestChanges } from './latest-changes.ts';

/** What was held back and waits for a person's word: also where the question could not be shown, or was lost from sight. */
export interface OpenQuestions {
  asked(owner: Person, noticeId: string, because: readonly string[]): Promise<void>;
  /** The one that was asked last, as it was asked. */
  next(owner: Person): Promise<Notice | null>;
}

export function createOpenQuestions(deps: {
  client: Anthropic;
  state: State;
  latest: Pick<LatestChanges, 'noticeIds'>;
}): OpenQuestions {
  const { client, state, latest } = deps;
  const records = state.table<NoticeRecord>('notice');
  const asked = state.table<readonly string[]>('notice-held');

  return {
    async asked(owner, noticeId, because) {
      await asked.set(`${personKey(owner)}/${noticeId}`, because, KEEP_MS);
    },

    async next(owner) {
      const prefix = `${personKey(owner)}/`;
      const open = new Map<string, readonly string[]>();
      for await (const [key, because] of asked.entries(prefix)) open.set(key.slice(prefix.length), because);
      if (open.size === 0) return null;
      // Those with many changes after them come last, in no order.
      for (const id of new Set([...(await latest.noticeIds(owner)), ...open.keys()])) {
        const because = open.get(id);
        if (because === undefined) continue;
        const record = await records.get(id);
        if (record?.held !== true || record.refs.length === 0) {
          await asked.delete(`${prefix}${id}`);
          continue;
        }
        const changes = await changesOf(record.refs, (storeId, version) =>
          textOfVersion(client, storeId, version),
        );
        if (changes.length > 0) return { id, changes, heldBecauseOf: [...because] };
      }
      return null;
    },
  };
}
