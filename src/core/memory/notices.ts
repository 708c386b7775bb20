import { createHash } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import { failureOf } from '../errors.ts';
import { type Conversation, type NoticeMode, type Person, personKey } from '../message.ts';
import type { Authors } from '../preferences/authors.ts';
import type { Forgetting } from '../preferences/forgetting.ts';
import type { Merging } from '../preferences/merging.ts';
import type { Version } from '../preferences/versions.ts';
import type { State } from '../state/state.ts';
import type { Notice } from '../views.ts';
import type { ChangeSets } from './change-sets.ts';
import type { ForeignText } from './foreign-text.ts';
import { type ChangeRef, changesSince, describe, type SessionChanges, type Step } from './memory-changes.ts';
import { createMoves, undoOrder } from './memory-restore.ts';
import type { Writing } from './memory-story.ts';

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

export function createNotices(deps: {
  client: Anthropic;
  state: State;
  authors: Authors;
  changeSets: ChangeSets;
  /** What was forgotten while the turn ran, and what others changed meanwhile. */
  afterTurn: Forgetting['afterTurn'];
  mend: Merging['mend'];
  /** What other conversations must be told: see Sessions.memoryWritten. */
  onWritten(person: Person, conversation: Conversation, writer: string | null): Promise<void>;
  /** A store seems to be gone. */
  checkStore(person: Person, storeId: string): Promise<boolean>;
  /** MEMORY_NOTICES; undefined: under the reply in private places, to the person alone in shared ones. */
  notices: NoticeMode | undefined;
}): Notices {
  const { changeSets } = deps;
  const modes = deps.state.table<NoticeMode>('notice-mode');
  const moves = createMoves(deps);

  /** What was to be forgotten, or was written over, and the bot has seen to since: that is part of what the turn left. */
  async function isTidied(person: Person, version: Version): Promise<boolean> {
    if (version.created_by?.type === 'session_actor') return false;
    const author = await deps.authors.of(person, version);
    return (
      (author.type === 'person' && author.by === 'forget') || (author.type === 'bot' && author.by === 'merge')
    );
  }

  async function changesIn(person: Person, writing: Writing): Promise<SessionChanges> {
    try {
      return await changesSince(deps.client, writing, version => isTidied(person, version));
    } catch (error) {
      if (failureOf(error).type !== 'gone') throw error;
      await deps.checkStore(person, writing.storeId);
      return { trusted: [], doubted: [], stories: [] };
    }
  }

  /** Looked at again after a crash, what is in doubt may have been asked about, and decided in /preferences, by now. */
  async function isAnswered(person: Person, question: string, doubted: readonly Step[]): Promise<boolean> {
    const asked = doubted.length === 0 ? null : await changeSets.find(person, question);
    return asked !== null && asked.state !== 'held';
  }

  /** None where there is nothing to say, or where the person has undone it before it could be told. */
  async function noted(
    person: Person,
    id: string,
    steps: readonly Step[],
    heldBecauseOf?: string[],
  ): Promise<Notice[]> {
    const changes = describe(steps);
    if (changes.length === 0 || (await changeSets.find(person, id))?.state === 'undone') return [];
    const refs = steps.map(step => step.ref);
    if (heldBecauseOf === undefined) {
      await changeSets.add(person, id, { state: 'made', refs });
      return [{ id, changes }];
    }
    await changeSets.add(person, id, { state: 'held', refs, because: heldBecauseOf });
    return [{ id, changes, heldBecauseOf }];
  }

  return {
    async modeFor(owner, audience) {
      const usual = deps.notices ?? (audience === 'shared' ? 'private' : 'thread');
      return (await modes.get(personKey(owner))) ?? usual;
    },

    async of({ person, conversation, storeIds, sessionId, since, foreign }) {
      await deps.afterTurn(person, sessionId);
      const look = async () => {
        const writing = { sessionId, since, doubtedSince: foreign?.since ?? null };
        return together(
          await Promise.all(storeIds.map(storeId => changesIn(person, { ...writing, storeId }))),
        );
      };
      const seen = await look();
      const mended = await deps.mend(person, seen.stories);
      const changed = mended ? await look() : seen;
      const { trusted } = changed;
      const question = noticeId(sessionId, since, true);
      const doubted = (await isAnswered(person, question, changed.doubted)) ? [] : changed.doubted;
      const held = new Set<ChangeRef>();
      for (const ref of undoOrder(doubted.map(step => step.ref)))
        if ((await moves.undo(person, ref, 'hold')) === 'done') held.add(ref);
      const isHeld = ({ ref }: Step) => held.has(ref);
      if (mended && held.size > 0) {
        // What is taken back may take with it what was put back there.
        const ids = new Set([...held].map(ref => ref.memoryId));
        await deps.mend(
          person,
          seen.stories.filter(story => ids.has(story.memoryId)),
        );
      }
      // Of what could not be taken back nobody may say that it waits for an answer: it stands there, and is told.
      const told = [...trusted, ...doubted.filter(step => !isHeld(step))];
      const asked = doubted.filter(isHeld);
      if (seen.stories.length > 0)
        await deps.onWritten(person, conversation, asked.length === 0 ? sessionId : null);
      return [
        ...(await noted(person, noticeId(sessionId, since, false), told)),
        ...(await noted(person, question, asked, foreign?.sources ?? [])),
      ];
    },
  };
}

/** The same when the turn is looked at again after a crash: it is one notice. */
function noticeId(sessionId: string, since: string, isAsked: boolean): string {
  const turn = JSON.stringify([sessionId, since, isAsked]);
  return createHash('sha256').update(turn).digest('base64url').slice(0, 12);
}

function together(changes: readonly SessionChanges[]): SessionChanges {
  return {
    trusted: changes.flatMap(({ trusted }) => trusted),
    doubted: changes.flatMap(({ doubted }) => doubted),
    stories: changes.flatMap(({ stories }) => stories),
  };
}
