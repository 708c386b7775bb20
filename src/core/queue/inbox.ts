import type { Receipt } from '../adapter.ts';
import { type Conversation, conversationKey, type Message, personKey } from '../message.ts';
import type { State } from '../state/state.ts';

export interface InboxEntry {
  /** Key of this entry; names the delivery. */
  id: string;
  message: Message;
  receivedAt: number;
  /** What the trace of its delivery is called, if there is one. */
  trace?: string;
}

interface Stored extends Omit<InboxEntry, 'id'> {
  /** Of arrival: the state's ticket, because several processes accept and their clocks may differ. */
  order: number;
}

/** Platforms redeliver for minutes and catch-up looks back half an hour; a day is ample. */
const REMEMBER_DONE_MS = 24 * 3600_000;

/** How many messages may wait: of one person, and in all. Both are looked at before a message is written, not locked. */
export interface InboxLimits {
  person: number;
  total: number;
}

const LIMITS: InboxLimits = { person: 50, total: 10_000 };
/** Everything is recounted this often; in between, this process counts what it takes up and finishes. */
const COUNT_EVERY_MS = 1_000;

export interface Inbox {
  /**
   * Durable when it resolves. A refused delivery counts as dealt with: when it comes again, it is a duplicate.
   * `trace` is kept beside the message.
   */
  accept(message: Message, trace?: string): Promise<Receipt>;
  /** What a conversation still has to be answered, in order of arrival. */
  pending(conversation: string): Promise<InboxEntry[]>;
  done(entries: readonly Pick<InboxEntry, 'id'>[]): Promise<void>;
  /** How many messages wait. */
  count(): Promise<number>;
  /** The entry a delivery has, or would have. */
  idOf(conversation: Conversation, messageId: string): string;
  /** Conversations with something pending, oldest message first; `before`: that came before this ticket was drawn. */
  conversations(before?: number): Promise<Conversation[]>;
}

/** One row per delivery, keyed by conversation and message id, so that accepting and deduplicating are one write. */
export function createInbox(state: State, now: () => number = Date.now, limits: InboxLimits = LIMITS): Inbox {
  const waiting = state.table<Stored>('inbox');
  const done = state.table<true>('inbox-done');
  const tails = new Map<string, Promise<void>>();
  let counted = { at: Number.NEGATIVE_INFINITY, total: 0 };

  const idOf = (conversation: Conversation, messageId: string) =>
    `${conversationKey(conversation)}/${encodeURIComponent(messageId)}`;

  async function accept(message: Message, trace?: string): Promise<Receipt> {
    const id = idOf(message.conversation, message.id);
    // The ticket of what is not taken is nobody's: tickets have gaps.
    const [over, refused, order] = await Promise.all([done.get(id), refusalOf(message), state.ticket()]);
    if (over !== undefined) return 'duplicate';
    if (refused !== null) {
      if ((await waiting.get(id)) !== undefined) return 'duplicate';
      return (await done.insert(id, true, REMEMBER_DONE_MS)) ? { refused } : 'duplicate';
    }
    const row = { message, receivedAt: now(), order, ...(trace === undefined ? {} : { trace }) };
    if (!(await waiting.insert(id, row))) return 'duplicate';
    counted.total += 1;
    // Between the two lines above a twin may have been accepted, answered and cleared.
    if ((await done.get(id)) === undefined) return 'accepted';
    await remove(id);
    return 'duplicate';
  }

  async function remove(id: string): Promise<void> {
    if (await waiting.delete(id)) counted.total -= 1;
  }

  async function refusalOf(message: Message): Promise<string | null> {
    // By a steady clock: the other one may be set back.
    if (performance.now() - counted.at >= COUNT_EVERY_MS) {
      counted = { at: performance.now(), total: await waiting.count() };
    }
    // Nobody has more than there are, and where nobody else writes that is known, but for what came or went during the count.
    const few = !state.multiProcess && counted.total < limits.person;
    const mine = few ? 0 : await waiting.count(`${personKey(message.conversation.person)}/`);
    if (mine >= limits.person) {
      return `I still have ${mine} messages of yours to answer, so I haven't taken this one. Please send it again when I have caught up.`;
    }
    if (counted.total < limits.total) return null;
    return "More people are writing to me than I can answer, so I haven't taken this message. Please send it again in a few minutes.";
  }

  return {
    idOf,
    count: () => waiting.count(),

    accept(message, trace) {
      // One after the other within a conversation: a later message must not be written, and answered, first.
      const key = conversationKey(message.conversation);
      const accepting = (tails.get(key) ?? Promise.resolve()).then(() => accept(message, trace));
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
      return entries.sort((a, b) => a.order - b.order);
    },

    async done(entries) {
      for (const { id } of entries) {
        // In this order: a crash in between leaves a row that the next start clears, never a second answer.
        await done.set(id, true, REMEMBER_DONE_MS);
        await remove(id);
      }
    },

    async conversations(before = Number.POSITIVE_INFINITY) {
      const oldest = new Map<string, { conversation: Conversation; order: number }>();
      for await (const [id, stored] of waiting.entries()) {
        if (stored.order >= before) continue;
        if ((await done.get(id)) !== undefined) {
          await waiting.delete(id);
          continue;
        }
        const { conversation } = stored.message;
        const key = conversationKey(conversation);
        const order = Math.min(oldest.get(key)?.order ?? Number.POSITIVE_INFINITY, stored.order);
        oldest.set(key, { conversation, order });
      }
      return [...oldest.values()].sort((a, b) => a.order - b.order).map(({ conversation }) => conversation);
    },
  };
}
