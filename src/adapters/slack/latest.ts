import { type Conversation, type Person, personKey } from '../../core/message.ts';
import type { State } from '../../core/state.ts';
import { PLATFORM } from './inbound.ts';

/**
 * What a person last said where, and what they were last told of their memory: a command that is typed names
 * neither. Kept for all processes, because any of them may get the command.
 */
export interface Latest {
  heard(conversation: Conversation): Promise<void>;
  /** The conversation a person was last heard in, in this channel or (null) anywhere. */
  conversation(person: Person, channel: string | null): Promise<Conversation | null>;
  noticed(person: Person, noticeId: string, held: boolean): Promise<void>;
  /** What `undo` is about, and what `keep` is about. */
  notices(person: Person): Promise<LatestNotices>;
  /** The app was removed from a workspace. */
  forget(workspace: string): Promise<void>;
}

export interface LatestNotices {
  any: string | null;
  held: string | null;
}

/** As long as a change can be taken back. */
const KEEP_MS = 30 * 24 * 3600_000;

export function createLatest(state: State): Latest {
  const conversations = state.table<Conversation>('slack-latest');
  const shown = state.table<LatestNotices>('slack-notice');
  const keyOf = (person: Person, channel: string | null) =>
    channel === null ? personKey(person) : `${personKey(person)}/${encodeURIComponent(channel)}`;
  const notices = async (person: Person) => (await shown.get(personKey(person))) ?? { any: null, held: null };

  return {
    async heard(conversation) {
      const { person, channel } = conversation;
      const keys = [keyOf(person, null), keyOf(person, channel)];
      await Promise.all(keys.map(key => conversations.set(key, conversation, KEEP_MS)));
    },
    conversation: async (person, channel) => (await conversations.get(keyOf(person, channel))) ?? null,
    async noticed(person, noticeId, held) {
      const before = await notices(person);
      const next = { any: noticeId, held: held ? noticeId : before.held };
      await shown.set(personKey(person), next, KEEP_MS);
    },
    notices,
    async forget(workspace) {
      const prefix = `${[PLATFORM, workspace].map(encodeURIComponent).join('/')}/`;
      for (const table of [conversations, shown]) {
        for await (const [key] of table.entries(prefix)) await table.delete(key);
      }
    },
  };
}
