import { type Conversation, conversationKey, type Message } from './message.ts';
import type { State } from './state.ts';

export interface InboxEntry {
  /** Key of this entry; names the delivery. */
  id: string;
  message: Message;
  receivedAt: number;
}

interface Stored {
  message: Message;
  receivedAt: number;
  /** Breaks ties within a millisecond. */
  order: number;
}

/** Platforms redeliver for minutes and catch-up looks back half an hour; a day is ample. */
const REMEMBER_DONE_MS = 24 * 3600_000;

export interface Inbox {
  /** Durable when it resolves. `duplicate`: this delivery was accepted before, also by an earlier process. */
  accept(message: Message): Promise<'accepted' | 'duplicate'>;
  /** What a conversation still has to be answered, in order of arrival. */
  pending(conversation: string): Promise<InboxEntry[]>;
  done(entries: readonly Pick<InboxEntry, 'id'>[]): Promise<void>;
  /** The entry a delivery has, or would have. */
  idOf(conversation: Conversation, messageId: string): string;
  /** Conversations with something pending, oldest message first. */
  conversations(): Promise<Conversation[]>;
}

/** One row per delivery, keyed by conversation and message id, so that accepting and deduplicating are one write. */
export function createInbox(state: State, now: () => number = Date.now): Inbox {
  const waiting = state.table<Stored>('inbox');
  const done = state.table<true>('inbox-done');
  const tails = new Map<string, Promise<void>>();
  let order = 0;

  const idOf = (conversation: Conversation, messageId: string) =>
    `${conversationKey(conversation)}/${encodeURIComponent(messageId)}`;

  async function accept(message: Message): Promise<'accepted' | 'duplicate'> {
    const id = idOf(message.conversation, message.id);
    if ((await done.get(id)) !== undefined) return 'duplicate';
    if (!(await waiting.insert(id, { message, receivedAt: now(), order: order++ }))) return 'duplicate';
    // Between the two lines above a twin may have been accepted, answered and cleared.
    if ((await done.get(id)) === undefined) return 'accepted';
    await waiting.delete(id);
    return 'duplicate';
  }

  return {
    idOf,

    accept(message) {
      // One after the other within a conversation: a later message must not be written, and answered, first.
      const key = conversationKey(message.conversation);
      const accepting = (tails.get(key) ?? Promise.resolve()).then(() => accept(message));
      const tail = accepting
        .catch(() => {})
        .then(() => {
          if (tails.get(key) === tail) tails.delete(key);
        });
      tails.set(key, tail);
      return accepting;
    },

    async pending(conversation) {
      const entries: (InboxEntry & { order: number })[] = [];
      for await (const [id, stored] of waiting.entries(`${conversation}/`)) entries.push({ id, ...stored });
      return entries.sort((a, b) => a.receivedAt - b.receivedAt || a.order - b.order);
    },

    async done(entries) {
      for (const { id } of entries) {
        // In this order: a crash in between leaves a row that the next start clears, never a second answer.
        await done.set(id, true, REMEMBER_DONE_MS);
        await waiting.delete(id);
      }
    },

    async conversations() {
      const oldest = new Map<string, { conversation: Conversation; at: number }>();
      for await (const [id, stored] of waiting.entries()) {
        if ((await done.get(id)) !== undefined) {
          await waiting.delete(id);
          continue;
        }
        const { conversation } = stored.message;
        const key = conversationKey(conversation);
        const at = Math.min(oldest.get(key)?.at ?? Number.POSITIVE_INFINITY, stored.receivedAt);
        oldest.set(key, { conversation, at });
      }
      return [...oldest.values()].sort((a, b) => a.at - b.at).map(({ conversation }) => conversation);
    },
  };
}
