/** What a message means to the bot, and the message it becomes. Pure. */

import { z } from 'zod';
import type { Attachment, Json, Message, Quote } from '../../../core/message.ts';
import { filesOf, type Incoming, type IncomingAttachment, type Passage } from './incoming.ts';
import { personOf } from './people.ts';

/** Where a message stands. */
export type Place =
  | { type: 'dm' }
  /** A thread or a forum post. */
  | { type: 'thread' }
  /** A text or announcement channel; `threads`: the bot may start one. */
  | { type: 'text'; threads: boolean }
  /** Anywhere else that has messages but no threads: the text chat of a voice channel. */
  | { type: 'other' };

/**
 * What to do with a message. The conversation's channel is the thread, the DM or the channel in which it is held;
 * a thread made from a message has the message's own id, so it is known before it exists.
 */
export type Intake =
  | { type: 'ignore' }
  | { type: 'answer'; channel: string; startsThread: boolean }
  /** Only where the person already talks to the bot; the first channel in which they do is the conversation's. */
  | { type: 'follow'; channels: string[] };

/**
 * Addressed are DMs and messages that name the bot. @everyone, roles and the ping that comes with a reply do not
 * wake it; a reply to it, and what is said in a thread, continues a conversation that its author has there.
 */
export function intakeOf(message: Incoming, place: Place, botId: string): Intake {
  if (!message.author.isPerson || !message.isOrdinary) return { type: 'ignore' };
  // Should a server not say that it is a bot, it would answer itself for ever.
  if (message.author.id === botId) return { type: 'ignore' };
  if (place.type === 'dm') return { type: 'answer', channel: message.channelId, startsThread: false };
  if (namesBot(message, botId)) {
    const startsThread = place.type === 'text' && place.threads;
    return { type: 'answer', channel: startsThread ? message.id : message.channelId, startsThread };
  }
  const channels = continuedBy(message, place, botId);
  return channels.length === 0 ? { type: 'ignore' } : { type: 'follow', channels };
}

/** Where a message goes on with a conversation, if its author has one there, also without naming the bot. */
export function continuedBy(message: Incoming, place: Place, botId: string): string[] {
  if (place.type === 'thread') return [message.channelId];
  const replied = message.repliesTo?.message;
  if (replied?.authorId !== botId) return [];
  // Where no thread could be made after all, the bot answered in the channel, as a reply to the person's message.
  return [...(replied.repliesTo === null ? [] : [replied.repliesTo]), message.channelId];
}

/** The ping of a reply puts the bot among the mentioned as well; only a mention in the text is one. */
export function namesBot(message: Passage, botId: string): boolean {
  return (
    message.mentioned.some(({ id }) => id === botId) && new RegExp(`<@!?${botId}>`).test(message.content)
  );
}

/** Without the Message Content intent Discord delivers messages in servers that do not mention the bot empty. */
export function isWithheld(message: Incoming): boolean {
  return [message, ...message.forwarded].every(it => it.content === '' && it.attachments.length === 0);
}

/** The message for the core. `id` differs from Discord's only for an edited message. */
export function messageOf(
  incoming: Incoming,
  about: {
    id: string;
    channel: string;
    audience: 'private' | 'shared';
    before: Pick<Message, 'context' | 'unquoted'>;
    /** What the message replies to came to the bot by itself. */
    repliesToTaken: boolean;
    replyTo: Json;
    botId: string;
  },
): Message {
  const { before, botId } = about;
  const referred = about.repliesToTaken ? null : referredBy(incoming, botId);
  const pointedAt = [...(referred?.quotes ?? []), ...passedOn(incoming, botId)];
  return {
    id: about.id,
    conversation: {
      person: personOf(incoming.author),
      channel: about.channel,
      thread: null,
      audience: about.audience,
    },
    text: wordsOf({ ...incoming, cards: [], attachments: [] }, botId),
    attachments: [
      ...filesOf(incoming).map(it => attachmentOf(it, incoming)),
      ...(referred?.attachments ?? []),
    ],
    ...before,
    // What is replied to may have been said in the thread just before.
    context: [...before.context, ...pointedAt.filter(it => !before.context.some(one => isSame(one, it)))],
    replyTo: about.replyTo,
  };
}

/** Where the bytes of an attachment are; what Message.attachments carry as `source`. */
export const attachmentSource = z.object({
  url: z.string(),
  attachmentId: z.string(),
  channelId: z.string(),
  messageId: z.string(),
});

export function attachmentOf(it: IncomingAttachment, from: { id: string; channelId: string }): Attachment {
  const source: z.infer<typeof attachmentSource> = {
    url: it.url,
    attachmentId: it.id,
    channelId: from.channelId,
    messageId: from.id,
  };
  return { name: it.filename, mediaType: it.mediaType, sizeBytes: it.size, source };
}

/** The message that is replied to: the person points at it, whosever it is. */
function referredBy(
  incoming: Incoming,
  botId: string,
): { quotes: Quote[]; attachments: Attachment[] } | null {
  const { repliesTo, channelId, author } = incoming;
  const it = repliesTo?.message;
  if (it?.isPerson !== true || it.authorId === botId) return null;
  return {
    quotes: quotesOf(it, botId, it.authorId === author.id),
    attachments: filesOf(it).map(file => attachmentOf(file, { id: repliesTo?.messageId ?? '', channelId })),
  };
}

function isSame(one: Quote, other: Quote): boolean {
  return one.author === other.author && one.text === other.text && one.own === other.own;
}

/** A message as quotes: what it says, and what it passes on, which are not the words of who does that. */
export function quotesOf(
  it: Passage & { author: string; forwarded: readonly Passage[] },
  botId: string,
  own: boolean,
): Quote[] {
  const quote: Quote = { author: it.author, text: wordsOf(it, botId), ...(own ? { own } : {}) };
  return [...(quote.text === '' ? [] : [quote]), ...passedOn(it, botId)];
}

function passedOn({ forwarded }: { forwarded: readonly Passage[] }, botId: string): Quote[] {
  return forwarded
    .map(it => ({ author: 'a forwarded message', text: wordsOf(it, botId) }))
    .filter(({ text }) => text !== '');
}

/** Of files it must be known that they are there, and whose they are. */
function wordsOf({ content, mentioned, attachments, cards, extras }: Passage, botId: string): string {
  const files = attachments.map(({ filename }) => `[file: ${filename}]`);
  return [content, ...cards, ...extras]
    .map(words => readableText(words, mentioned, botId))
    .concat(files)
    .filter(words => words !== '')
    .join('\n');
}

/** Mentions as names; the bot's own, which only calls it, left out. */
export function readableText(
  content: string,
  mentioned: readonly { id: string; name: string }[],
  botId: string,
): string {
  return content
    .replace(/<@!?(\d+)>/g, (mention, id: string) => {
      if (id === botId) return '';
      const name = mentioned.find(each => each.id === id)?.name;
      return name === undefined ? mention : `@${name}`;
    })
    .replace(/<a?:(\w+):\d+>/g, ':$1:')
    .replace(/[ \t]+$/gm, '')
    .trim();
}
