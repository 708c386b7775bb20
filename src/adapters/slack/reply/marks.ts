import { createHash } from 'node:crypto';

/** What a message carries unseen (Slack's message metadata), so that it can be told from all others. */
export interface Mark {
  event_type: string;
  event_payload: Readonly<Record<string, string | number>>;
}

export const REPLY_EVENT = 'shopper_reply';

/** On the message of a reply that begins at `from` in the reply's source. */
export function replyMark(messageId: string, from: number): Mark {
  return { event_type: REPLY_EVENT, event_payload: { message: messageId, from } };
}

/** Names a question to those who press its buttons, and to a later process that asks it. */
export function questionKey(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join(' ')).digest('base64url').slice(0, 22);
}

export function questionMark(key: string): Mark {
  return { event_type: 'shopper_question', event_payload: { question: key } };
}

export function noticeMark(noticeId: string): Mark {
  return { event_type: 'shopper_notice', event_payload: { notice: noticeId } };
}
