import type { ChatAdapter } from '../adapter.ts';
import type { AgentFile } from '../agent-file.ts';
import { PersonError } from '../errors.ts';
import type { Memory } from '../memory/memory.ts';
import type { Listing } from '../memory/memory-files.ts';
import type { Conversation, Message } from '../message.ts';
import { type Mount, sessionStart } from '../session/session-start.ts';
import type { OpenSession } from '../session/sessions.ts';
import { contentOf, type MessageContent } from './message-content.ts';

/** What a turn says to the agent. */
export interface SaidToAgent extends MessageContent {
  /** Whether a session that was told before is told again what memory holds. */
  retold: boolean;
}

/** What a turn says to the agent: the messages, and where it is due, who is there and what memory holds. */
export interface TurnContent {
  of(
    messages: readonly Message[],
    conversation: Conversation,
    session: OpenSession,
    signal: AbortSignal,
  ): Promise<SaidToAgent>;
}

const NOTHING: Listing = { files: [], complete: true };

export function createTurnContent(deps: {
  file: AgentFile;
  memory: Memory;
  adapterOf(platform: string): ChatAdapter | undefined;
  now: () => number;
}): TurnContent {
  const { file, memory, now } = deps;

  async function startOf(conversation: Conversation, session: OpenSession, begins: boolean): Promise<string> {
    const offRecord = session.access === 'none';
    const today = new Date(now()).toISOString().slice(0, 10);
    return sessionStart(conversation, await mountsOf(conversation, session), today, { begins, offRecord });
  }

  async function mountsOf(
    conversation: Conversation,
    { mounts, commonPath, access }: OpenSession,
  ): Promise<Mount[]> {
    const bytes = file.memory.preload_bytes;
    const common = file.memory.shared_store;
    const own = mounts.map(async ({ storeId, path, audience }): Promise<Mount> => {
      const listing = memory.isNew(storeId) ? NOTHING : await memory.list(storeId, bytes);
      const paused = access === 'read_only';
      const mayWrite = !paused && audience === conversation.audience;
      return { path, holds: audience, access: mayWrite ? 'read_write' : 'read_only', paused, listing };
    });
    if (common === undefined || commonPath === null) return Promise.all(own);
    const facts = memory
      .list(common, bytes)
      .then((listing): Mount => ({ path: commonPath, holds: 'common', access: 'read_only', listing }));
    return Promise.all([...own, facts]);
  }

  return {
    async of(messages, conversation, session, signal) {
      const begins = session.lastSentId === null;
      const isDue = begins || session.stale;
      const start = isDue ? await startOf(conversation, session, begins) : null;
      const adapter = deps.adapterOf(conversation.person.platform);
      const content = await contentOf(start, messages, async attachment => {
        if (adapter === undefined) throw new PersonError('I could not fetch it.');
        return adapter.download(attachment, signal);
      });
      return { ...content, retold: isDue && !begins };
    },
  };
}
