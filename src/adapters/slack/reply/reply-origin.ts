/** Which message one of the bot's own Slack messages answers: for "Why this answer?". */

import { z } from 'zod';
import type { SlackApi } from '../connection/web-client.ts';
import { maybe } from '../maybe.ts';
import { REPLY_EVENT } from './marks.ts';
import { readFeedback } from './reply-blocks.ts';

/** A message as it stands in payloads and in `conversations.replies`. */
export const slackMessage = z.looseObject({
  ts: z.string(),
  thread_ts: maybe(z.string()),
  user: maybe(z.string()),
  blocks: z.array(z.unknown()).nullish(),
  metadata: z
    .looseObject({
      event_type: z.string().nullish(),
      event_payload: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});
export type SlackMessage = z.infer<typeof slackMessage>;

export interface ReplyOrigin {
  /** The message that was answered. */
  messageId: string;
  /** The user id of who asked; null when the message does not say. */
  owner: string | null;
}

const thread = z.looseObject({ messages: z.array(slackMessage) });

/**
 * A posted message carries a mark; a streamed one is told by the buttons under its end, and where it goes on in
 * others, by theirs. Null when it is part of no answer that is known.
 */
export async function originOfReply(
  api: SlackApi,
  channel: string,
  message: SlackMessage,
  botUser: string,
): Promise<ReplyOrigin | null> {
  const own = originIn(message);
  if (own !== null || message.user !== botUser) return own;
  const answer = await api.call('conversations.replies', {
    channel,
    ts: message.thread_ts ?? message.ts,
    oldest: message.ts,
    inclusive: true,
    limit: 50,
    include_all_metadata: true,
  });
  for (const each of thread.parse(answer).messages) {
    if (Number(each.ts) < Number(message.ts)) continue;
    // What comes after somebody else's words belongs to another answer.
    if (each.user !== botUser) return null;
    const found = originIn(each);
    if (found !== null) return found;
  }
  return null;
}

function originIn({ blocks, metadata }: SlackMessage): ReplyOrigin | null {
  for (const block of blocks ?? []) {
    const origin = readFeedback(block);
    if (origin !== null) return origin;
  }
  const marked = metadata?.event_type === REPLY_EVENT ? metadata.event_payload?.message : undefined;
  return typeof marked === 'string' ? { messageId: marked, owner: null } : null;
}
