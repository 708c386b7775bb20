import { randomBytes } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import { type ChangeRef, changesSince } from './memory-changes.ts';
import { type Conversation, type NoticeMode, personKey } from './message.ts';
import type { State } from './state.ts';
import type { Notice } from './views.ts';

/** What Undo needs later. Texts stay with the API. */
export interface NoticeRecord {
  person: string;
  storeId: string;
  refs: ChangeRef[];
}

export interface Notices {
  /** Where this person wants to be told, here. */
  modeFor(conversation: Conversation): Promise<NoticeMode>;
  /** What a session changed in a store since a moment (the server's time); null when there is nothing to tell. */
  of(conversation: Conversation, storeId: string, sessionId: string, since: string): Promise<Notice | null>;
}

/** How long a change can be undone from its notice. */
const NOTICE_TTL_MS = 30 * 24 * 3600_000;

export function createNotices(deps: {
  client: Anthropic;
  state: State;
  /** MEMORY_NOTICES; undefined: under the reply in private places, to the person alone in shared ones. */
  notices: NoticeMode | undefined;
}): Notices {
  const records = deps.state.table<NoticeRecord>('notice');
  const modes = deps.state.table<NoticeMode>('notice-mode');

  return {
    async modeFor({ person, audience }) {
      const usual = deps.notices ?? (audience === 'shared' ? 'private' : 'thread');
      return (await modes.get(personKey(person))) ?? usual;
    },

    async of({ person }, storeId, sessionId, since) {
      const { changes, refs } = await changesSince(deps.client, storeId, sessionId, since);
      if (changes.length === 0) return null;
      const id = randomBytes(9).toString('base64url');
      await records.set(id, { person: personKey(person), storeId, refs }, NOTICE_TTL_MS);
      return { id, changes };
    },
  };
}
