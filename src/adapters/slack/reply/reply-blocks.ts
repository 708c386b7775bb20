/** How a reply stands in a Slack message that is not streamed, and the buttons under it. */

import { z } from 'zod';
import type { Block, MessageContent } from '../blocks.ts';
import { escapeMrkdwn, inertMrkdwn } from './markdown.ts';

/** On posts, no previews; other calls have no such argument. */
export const QUIET = { unfurl_links: false, unfurl_media: false };
export const FEEDBACK_ACTION = 'feedback';
/** An update takes 4,000. */
const SPOKEN_CHARACTERS = 3_000;

/** What feedback buttons refer to. */
export interface Feedback {
  tenant: string;
  /** The message that was answered. */
  messageId: string;
  /** The user id of who asked. */
  owner: string;
}

export function replyContent(
  markdown: string,
  parts: { cards?: readonly Block[]; feedback?: Feedback | null } = {},
): MessageContent {
  const { cards = [], feedback = null } = parts;
  return {
    text: spokenText(markdown),
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

/** For notifications, and for screen readers, which do not read blocks: plain words, in which nothing is a link or a call. */
function spokenText(markdown: string): string {
  const plain = markdown.replace(/\*\*|~~|`|^#{1,6} +|^> ?/gm, '').trim();
  const short = [...inertMrkdwn(plain)].slice(0, SPOKEN_CHARACTERS).join('');
  // Not half an entity.
  return short === '' ? 'A reply' : short.replace(/&[a-z]*$/, '');
}

export function feedbackBlock({ tenant, messageId, owner }: Feedback): Block {
  const button = (label: string, verdict: Verdict) => ({
    text: { type: 'plain_text', text: label },
    accessibility_label: label,
    value: [verdict, messageId, owner].join(' '),
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

type Verdict = 'good' | 'bad';

/** What a feedback button says when it is pressed. `owner` is null on older messages. */
export function readVerdict(value: string): { verdict: string; messageId: string; owner: string | null } {
  const [verdict = '', messageId = '', owner] = value.split(' ', 3);
  return { verdict, messageId, owner: owner ?? null };
}

const feedback = z.looseObject({
  type: z.literal('context_actions'),
  elements: z.array(
    z.looseObject({
      action_id: z.literal(FEEDBACK_ACTION),
      positive_button: z.looseObject({ value: z.string() }),
    }),
  ),
});

/** What the feedback buttons in a block refer to; null for every other block. */
export function readFeedback(block: unknown): { messageId: string; owner: string | null } | null {
  const value = feedback.safeParse(block).data?.elements[0]?.positive_button.value;
  if (value === undefined) return null;
  const { messageId, owner } = readVerdict(value);
  return messageId === '' ? null : { messageId, owner };
}
