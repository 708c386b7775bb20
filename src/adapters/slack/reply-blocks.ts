/** How a reply stands in a Slack message that is not streamed, and the buttons under it. */

import type { Block, MessageContent } from './blocks.ts';
import { escapeMrkdwn } from './markdown.ts';

/** Marks what is posted as a part of a reply, so that it can be found again. */
export const REPLY_EVENT = 'shopper_reply';
/** On posts, no previews; other calls have no such argument. */
export const QUIET = { unfurl_links: false, unfurl_media: false };
export const FEEDBACK_ACTION = 'feedback';
const NOTIFICATION_CHARACTERS = 300;

/** What feedback buttons refer to. */
export interface Feedback {
  tenant: string;
  /** The message that was answered. */
  messageId: string;
}

export function replyContent(
  markdown: string,
  parts: { cards?: readonly Block[]; feedback?: Feedback | null } = {},
): MessageContent {
  const { cards = [], feedback = null } = parts;
  return {
    // For notifications only; the blocks are what is read. Plain words, so that nothing in it is a link or a call.
    text: notificationText(markdown),
    blocks: [
      ...cards,
      { type: 'markdown', text: markdown },
      ...(feedback === null ? [] : [feedbackBlock(feedback)]),
    ],
  };
}

/** For when Slack does not take the blocks: the text alone, as it is written. */
export function plainContent(markdown: string): MessageContent {
  return { text: escapeMrkdwn(markdown), blocks: [] };
}

export function notificationText(markdown: string): string {
  const plain = markdown
    .replace(/[`*_~#>|<]/g, '')
    .replace(/https?:\/\//gi, '')
    .replace(/\s+/g, ' ')
    .trim();
  const short = [...plain].slice(0, NOTIFICATION_CHARACTERS).join('');
  return short === '' ? 'A reply' : short;
}

export function feedbackBlock({ tenant, messageId }: Feedback): Block {
  const button = (label: string, value: string) => ({
    text: { type: 'plain_text', text: label },
    accessibility_label: label,
    value: `${value} ${messageId}`,
  });
  return {
    type: 'context_actions',
    block_id: `${tenant}:feedback`,
    elements: [
      {
        type: 'feedback_buttons',
        action_id: FEEDBACK_ACTION,
        positive_button: button('Good answer', 'good'),
        negative_button: button('Bad answer', 'bad'),
      },
    ],
  };
}
