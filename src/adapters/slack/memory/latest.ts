import { type Conversation, type Person, personKey } from '../../../core/message.ts';
import type { State } from '../../../core/state/state.ts';
import { PLATFORM } from '../inbound.ts';

/**
 * What a person last said where: a command that is typed does not name it. Kept for all processes, because any of them may get
 * the command.
 */
export interface Latest {
  heard(conversation: Conversation): Promise<void>;
  /** They look at their direct messages with the bot, where they may say how they want to be heard before they say anything else. */
  opened(person: Person, channel: string): Promise<void>;
  /** The conversation a person was last heard in, in this channel or (null) anywhere. */
  conversation(person: Person, channel: string | null): Promise<Conversation | null>;
  /** The app was removed from a workspace. */
  forget(workspace: string): Promise<void>;
}

const KEEP_MS = 30 * 24 * 3600_000;

/** No message has it: of direct messages in which nothing was said of late. */
const NO_THREAD = '0';

export function createLatest(state: State): Latest {
  const conversations = state.table<Conversation>('slack-latest');
  const keyOf = (person: Person, channel: string | null) =>
    channel === null ? personKey(person) : `${personKey(person)}/${encodeURIComponent(channel)}`;

  return {
    async heard(conversation) {
      const { person, channel } = conversation;
      const keys = [keyOf(person, null), keyOf(person, channel)];
      await Promise.all(keys.map(key => conversations.set(key, conversation, KEEP_MS)));
    },
    async opened(person, channel) {
      const conversation: Conversation = { person, channel, thread: NO_THREAD, audience: 'private' };
      await conversations.insert(keyOf(person, channel), conversation, KEEP_MS);
    },
    conversation: async (person, channel) => (await conversations.get(keyOf(person, channel))) ?? null,
    async forget(workspace) {
      const prefix = `${[PLATFORM, workspace].map(encodeURIComponent).join('/')}/`;
      for await (const [key] of conversations.entries(prefix)) await conversations.delete(key);
    },
  };
}
