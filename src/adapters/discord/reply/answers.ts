import { type Conversation, type Person, personKey } from '../../../core/message.ts';
import type { State } from '../../../core/state/state.ts';

/** Which message a message of the bot answered. */
export interface Answered {
  conversation: Conversation;
  messageId: string;
}

/** Knows for each message of a reply what it answered. Only whom it answered can ask. */
export interface Answers {
  note(answered: Answered, replyId: string): Promise<void>;
  find(person: Person, replyId: string): Promise<Answered | null>;
}

/** As long as the core knows what a reply used. */
const KEEP_MS = 30 * 24 * 3600_000;

export function createAnswers(state: State): Answers {
  const answers = state.table<Answered>('discord-answer');
  const keyOf = (person: Person, replyId: string) => `${personKey(person)}/${replyId}`;
  return {
    note: (answered, replyId) => answers.set(keyOf(answered.conversation.person, replyId), answered, KEEP_MS),
    find: async (person, replyId) => (await answers.get(keyOf(person, replyId))) ?? null,
  };
}
