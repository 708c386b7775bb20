import { randomBytes } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import type { ForeignText } from './foreign-text.ts';
import { type ChangeRef, changesSince } from './memory-changes.ts';
import { factId } from './memory-lines.ts';
import { undoChange, undoOrder } from './memory-restore.ts';
import { type Conversation, type NoticeMode, type Person, personKey } from './message.ts';
import type { Authors } from './preferences/authors.ts';
import type { Forgetting } from './preferences/forgetting.ts';
import type { Merging, PutBack } from './preferences/merging.ts';
import type { State } from './state.ts';
import type { LineChange, MemoryChange, Notice } from './views.ts';

/** What Undo needs later. Texts stay with the API. */
export interface NoticeRecord {
  person: string;
  storeId: string;
  refs: ChangeRef[];
  /** True when the changes were taken back and wait for the person's word. */
  held: boolean;
}

export interface Notices {
  /** Where this person wants to be told, here. */
  modeFor(conversation: Conversation): Promise<NoticeMode>;
  /**
   * What a session changed in a store since a moment (the server's time). What it wrote after it had read text by
   * others is taken back first and becomes a notice of its own, which asks. Repeating this after a crash is safe.
   */
  of(turn: {
    person: Person;
    storeId: string;
    sessionId: string;
    since: string;
    foreign: ForeignText | null;
  }): Promise<Notice[]>;
}

/** How long a change can be undone from its notice. */
const NOTICE_TTL_MS = 30 * 24 * 3600_000;

export function createNotices(deps: {
  client: Anthropic;
  state: State;
  authors: Authors;
  /** What was forgotten while the turn ran, and what others changed meanwhile. */
  afterTurn: Forgetting['afterTurn'];
  mend: Merging['mend'];
  /** MEMORY_NOTICES; undefined: under the reply in private places, to the person alone in shared ones. */
  notices: NoticeMode | undefined;
}): Notices {
  const records = deps.state.table<NoticeRecord>('notice');
  const modes = deps.state.table<NoticeMode>('notice-mode');

  async function takeBack(person: Person, storeId: string, ref: ChangeRef): Promise<void> {
    const { beforeVersionId, beforePath, beforeSha256, path } = ref;
    const sha256 = beforeVersionId === null ? null : beforeSha256;
    const intent = await deps.authors.intend(person, { path: beforePath ?? path, sha256 }, 'hold');
    const done = await undoChange(deps.client, storeId, ref);
    await (done ? intent.madeIn(storeId) : intent.dropped());
  }

  return {
    async modeFor({ person, audience }) {
      const usual = deps.notices ?? (audience === 'shared' ? 'private' : 'thread');
      return (await modes.get(personKey(person))) ?? usual;
    },

    async of({ person, storeId, sessionId, since, foreign }) {
      await deps.afterTurn(person, sessionId);
      const doubtedSince = foreign?.since ?? null;
      const { trusted, doubted } = await changesSince(deps.client, storeId, sessionId, since, doubtedSince);
      const written = [...trusted.refs, ...doubted.refs].map(ref => ref.memoryId);
      const putBack = await deps.mend({ person, storeId, sessionId, since }, written);
      const notices: Notice[] = [];
      for (const [{ changes: all, refs }, held] of [
        [trusted, false],
        [doubted, true],
      ] as const) {
        if (held) for (const ref of undoOrder(refs)) await takeBack(person, storeId, ref);
        const changes = withoutMended(all, putBack);
        if (changes.length === 0) continue;
        const id = randomBytes(9).toString('base64url');
        await records.set(id, { person: personKey(person), storeId, refs, held }, NOTICE_TTL_MS);
        notices.push(held ? { id, changes, heldBecauseOf: foreign?.sources ?? [] } : { id, changes });
      }
      return notices;
    },
  };
}

/** The changes that are left once others have theirs back. */
function withoutMended(changes: readonly MemoryChange[], { back, out }: PutBack): MemoryChange[] {
  const stands = (line: LineChange) => {
    switch (line.type) {
      case 'added':
        return !out.has(factId(line.text));
      case 'removed':
        return !back.has(factId(line.text));
      case 'changed':
        return (
          !back.has(factId(`${line.label}: ${line.from}`)) && !out.has(factId(`${line.label}: ${line.to}`))
        );
    }
  };
  return changes.flatMap(change => {
    const lines = change.lines.filter(stands);
    return lines.length === 0 ? [] : [{ ...change, lines }];
  });
}
