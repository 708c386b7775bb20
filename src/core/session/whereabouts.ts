import type { ChatAdapter } from '../adapter.ts';
import { type Conversation, type Person, personKey, platformName } from '../message.ts';
import type { State } from '../state/state.ts';
import type { Whereabouts } from '../views.ts';

/** Which conversation a session of the agent belongs to, for as long as memory may name it. */
export interface ConversationOfSession {
  /** `owner`: whose memory the session may write, which may be another account of the person. */
  remember(owner: Person, conversation: Conversation, sessionId: string): Promise<void>;
  /** What one account's memory names, another's names too from now on. */
  carry(from: Person, to: Person): Promise<void>;
  /** Null for sessions of other people and of processes that kept no track. */
  find(owner: Person, sessionId: string): Promise<Whereabouts | null>;
}

export function createWhereabouts(
  state: State,
  adapterOf: (platform: string) => ChatAdapter | undefined,
): ConversationOfSession {
  const conversations = state.table<Conversation>('session-conversation');
  const keyOf = (owner: Person, sessionId: string) => `${personKey(owner)}/${sessionId}`;

  return {
    async remember(owner, conversation, sessionId) {
      await conversations.set(keyOf(owner, sessionId), conversation);
    },
    async carry(from, to) {
      const prefix = `${personKey(from)}/`;
      for await (const [key, conversation] of conversations.entries(prefix)) {
        await conversations.insert(keyOf(to, key.slice(prefix.length)), conversation);
      }
    },
    async find(owner, sessionId) {
      const conversation = await conversations.get(keyOf(owner, sessionId));
      if (conversation === undefined) return null;
      const { platform } = conversation.person;
      return { words: wordsOf(conversation), link: adapterOf(platform)?.linkTo?.(conversation) ?? null };
    },
  };
}

function wordsOf({ person, audience }: Conversation): string {
  if (person.platform === 'terminal') return 'the terminal';
  const platform = platformName(person.platform);
  return audience === 'private'
    ? `a private conversation on ${platform}`
    : `a conversation with others on ${platform}`;
}
