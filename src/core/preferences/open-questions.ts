import type Anthropic from '@anthropic-ai/sdk';
import { changesOf } from '../memory/memory-changes.ts';
import { textOfVersion } from '../memory/memory-restore.ts';
import type { NoticeRecord } from '../memory/notices.ts';
import { type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';
import type { Notice } from '../views.ts';
import { KEEP_MS } from './latest-changes.ts';

/** What was held back and waits for a person's word: also where the question could not be shown, or was lost from sight. */
export interface OpenQuestions {
  asked(owner: Person, noticeId: string, because: readonly string[]): Promise<void>;
  /** One of them, as it was asked. */
  next(owner: Person): Promise<Notice | null>;
}

export function createOpenQuestions({ client, state }: { client: Anthropic; state: State }): OpenQuestions {
  const records = state.table<NoticeRecord>('notice');
  const asked = state.table<readonly string[]>('notice-held');

  return {
    async asked(owner, noticeId, because) {
      await asked.set(`${personKey(owner)}/${noticeId}`, because, KEEP_MS);
    },

    async next(owner) {
      const prefix = `${personKey(owner)}/`;
      for await (const [key, because] of asked.entries(prefix)) {
        const id = key.slice(prefix.length);
        const record = await records.get(id);
        if (record?.held !== true || record.refs.length === 0) {
          await asked.delete(key);
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
