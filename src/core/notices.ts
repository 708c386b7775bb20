import { randomBytes } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import { failureOf } from './errors.ts';
import type { ForeignText } from './foreign-text.ts';
import { type ChangeRef, changesSince, type SessionChanges, type TurnChanges } from './memory-changes.ts';
import { factId } from './memory-lines.ts';
import { undoChange, undoOrder } from './memory-restore.ts';
import { type Conversation, type NoticeMode, type Person, personKey } from './message.ts';
import type { Authors } from './preferences/authors.ts';
import type { Forgetting } from './preferences/forgetting.ts';
import type { Merging, PutBack, WritingTurn } from './preferences/merging.ts';
import type { State } from './state.ts';
import type { LineChange, MemoryChange, Notice } from './views.ts';

/** What Undo needs later. Texts stay with the API. */
export interface NoticeRecord {
  person: string;
  refs: ChangeRef[];
  /** True when the changes were taken back and wait for the person's word. */
  held: boolean;
}

export interface Notices {
  /** Where this person wants to be told, in such a place. */
  modeFor(owner: Person, audience: Conversation['audience']): Promise<NoticeMode>;
  /**
   * What a session changed in its person's stores since a moment (the server's time). What it wrote after it had read text by
   * others is taken back first and becomes a notice of its own, which asks. Repeating this after a crash is safe.
   */
  of(turn: {
    /** Whose memory it is. */
    person: Person;
    conversation: Conversation;
    storeIds: readonly string[];
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
  /** What others are to hear of: see Sessions.memoryWritten. */
  onWritten(person: Person, conversation: Conversation, writer: string | null): Promise<void>;
  /** A store turned out to be gone. */
  lost(person: Person, storeId: string): Promise<void>;
  /** MEMORY_NOTICES; undefined: under the reply in private places, to the person alone in shared ones. */
  notices: NoticeMode | undefined;
}): Notices {
  const records = deps.state.table<NoticeRecord>('notice');
  const modes = deps.state.table<NoticeMode>('notice-mode');

  /** False where the memory has changed again since: then nothing is touched. */
  async function takeBack(person: Person, ref: ChangeRef): Promise<boolean> {
    const { storeId, beforeVersionId, beforePath, beforeSha256, path } = ref;
    const sha256 = beforeVersionId === null ? null : beforeSha256;
    const intent = await deps.authors.intend(person, { path: beforePath ?? path, sha256 }, 'hold');
    const done = await undoChange(deps.client, ref);
    await (done ? intent.madeIn(storeId) : intent.dropped());
    return done;
  }

  async function changesIn(
    { person, sessionId, since }: WritingTurn,
    storeId: string,
    doubtedSince: string | null,
  ): Promise<SessionChanges> {
    try {
      return await changesSince(deps.client, storeId, sessionId, since, doubtedSince);
    } catch (error) {
      if (failureOf(error).type !== 'gone') throw error;
      await deps.lost(person, storeId);
      return { trusted: { changes: [], refs: [] }, doubted: { changes: [], refs: [] }, wrote: false };
    }
  }

  return {
    async modeFor(owner, audience) {
      const usual = deps.notices ?? (audience === 'shared' ? 'private' : 'thread');
      return (await modes.get(personKey(owner))) ?? usual;
    },

    async of({ person, conversation, storeIds, sessionId, since, foreign }) {
      await deps.afterTurn(person, sessionId);
      const doubtedSince = foreign?.since ?? null;
      const turn = { person, sessionId, since };
      const changed = await Promise.all(storeIds.map(id => changesIn(turn, id, doubtedSince)));
      const trusted = together(changed.map(each => each.trusted));
      const doubted = together(changed.map(each => each.doubted));
      const putBack = await deps.mend(turn, [...trusted.refs, ...doubted.refs]);
      const notices: Notice[] = [];
      const stuck = new Set<string>();
      for (const ref of undoOrder(doubted.refs)) if (!(await takeBack(person, ref))) stuck.add(ref.path);
      // Of what could not be taken back nobody may say that it waits for an answer: it stands there, and is told.
      const told = together([trusted, only(doubted, path => stuck.has(path))]);
      const asked = only(doubted, path => !stuck.has(path));
      if (changed.some(each => each.wrote))
        await deps.onWritten(person, conversation, asked.refs.length === 0 ? sessionId : null);
      for (const [{ changes: all, refs }, held] of [
        [told, false],
        [asked, true],
      ] as const) {
        const changes = withoutMended(all, putBack);
        if (changes.length === 0) continue;
        const id = randomBytes(9).toString('base64url');
        await records.set(id, { person: personKey(person), refs, held }, NOTICE_TTL_MS);
        notices.push(held ? { id, changes, heldBecauseOf: foreign?.sources ?? [] } : { id, changes });
      }
      return notices;
    },
  };
}

function together(some: readonly TurnChanges[]): TurnChanges {
  return { changes: some.flatMap(({ changes }) => changes), refs: some.flatMap(({ refs }) => refs) };
}

function only({ changes, refs }: TurnChanges, isWanted: (path: string) => boolean): TurnChanges {
  return {
    changes: changes.filter(({ path }) => isWanted(path)),
    refs: refs.filter(({ path }) => isWanted(path)),
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
