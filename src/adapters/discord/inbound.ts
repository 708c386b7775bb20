/** What Discord delivers, reduced to what matters here, and what each message means to the bot. Pure. */

import { MessageReferenceType, MessageType } from 'discord.js';
import { z } from 'zod';
import type { Attachment, Json, Message, Person, Quote } from '../../core/message.ts';

export const PLATFORM = 'discord';

/** Discord's user ids hold everywhere, so that one person in two servers is one person. */
const WORKSPACE = 'discord';

export interface Incoming {
  id: string;
  channelId: string;
  /** Null in DMs. Messages fetched over REST do not say it: the caller knows. */
  guildId: string | null;
  author: { id: string; name: string; isPerson: boolean };
  /** An ordinary message or a reply, not one of Discord's own lines ("joined the server"). */
  isOrdinary: boolean;
  content: string;
  attachments: IncomingAttachment[];
  /** Texts of messages that were forwarded with this one. */
  forwarded: string[];
  mentioned: { id: string; name: string }[];
  repliesTo: {
    messageId: string;
    /** Null when Discord did not send the message along. */
    message: {
      authorId: string;
      author: string;
      content: string;
      isPerson: boolean;
      repliesTo: string | null;
    } | null;
  } | null;
  /** Milliseconds since the Unix epoch; null while it was never edited. */
  editedAt: number | null;
}

export interface IncomingAttachment {
  id: string;
  filename: string;
  mediaType: string;
  size: number;
  url: string;
}

const user = z.object({
  id: z.string(),
  username: z.string(),
  global_name: z.string().nullish(),
  bot: z.boolean().optional(),
  system: z.boolean().optional(),
});

const attachment = z.object({
  id: z.string(),
  filename: z.string(),
  content_type: z.string().nullish(),
  size: z.number(),
  url: z.string(),
});

const reference = z.object({ type: z.number().optional(), message_id: z.string().optional() });

const schema = z.object({
  id: z.string(),
  channel_id: z.string(),
  guild_id: z.string().optional(),
  type: z.number(),
  author: user,
  member: z.object({ nick: z.string().nullish() }).nullish(),
  webhook_id: z.string().optional(),
  content: z.string().default(''),
  attachments: z.array(attachment).default([]),
  mentions: z.array(user).default([]),
  edited_timestamp: z.string().nullish(),
  message_reference: reference.nullish(),
  message_snapshots: z
    .array(z.object({ message: z.object({ content: z.string().default('') }) }))
    .default([]),
  referenced_message: z
    .object({
      author: user,
      webhook_id: z.string().optional(),
      content: z.string().default(''),
      message_reference: reference.nullish(),
    })
    .nullish(),
});

/** A message as the gateway or REST sent it; null for anything else, such as an update that names no author. */
export function readIncoming(raw: unknown, guildId?: string | null): Incoming | null {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) return null;
  const it = parsed.data;
  const quoted = it.referenced_message;
  const repliedId =
    it.message_reference?.type === MessageReferenceType.Forward
      ? undefined
      : it.message_reference?.message_id;
  return {
    id: it.id,
    channelId: it.channel_id,
    guildId: it.guild_id ?? guildId ?? null,
    author: {
      id: it.author.id,
      name: it.member?.nick ?? nameOf(it.author),
      isPerson: isPerson(it.author, it.webhook_id),
    },
    isOrdinary: it.type === MessageType.Default || it.type === MessageType.Reply,
    content: it.content,
    attachments: it.attachments.map(({ id, filename, content_type, size, url }) => ({
      id,
      filename,
      // "text/plain; charset=utf-8" as much as "image/png"
      mediaType: content_type?.split(';')[0]?.trim() ?? 'application/octet-stream',
      size,
      url,
    })),
    forwarded: it.message_snapshots.map(({ message }) => message.content).filter(text => text.trim() !== ''),
    mentioned: it.mentions.map(each => ({ id: each.id, name: nameOf(each) })),
    repliesTo:
      repliedId === undefined
        ? null
        : {
            messageId: repliedId,
            message: quoted
              ? {
                  authorId: quoted.author.id,
                  author: nameOf(quoted.author),
                  content: quoted.content,
                  isPerson: isPerson(quoted.author, quoted.webhook_id),
                  repliesTo: quoted.message_reference?.message_id ?? null,
                }
              : null,
          },
    editedAt: it.edited_timestamp == null ? null : Date.parse(it.edited_timestamp),
  };
}

function nameOf(it: z.infer<typeof user>): string {
  return it.global_name ?? it.username;
}

function isPerson(it: z.infer<typeof user>, webhookId: string | undefined): boolean {
  return it.bot !== true && it.system !== true && webhookId === undefined;
}

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
  if (place.type === 'dm') return { type: 'answer', channel: message.channelId, startsThread: false };
  if (namesBot(message, botId)) {
    const startsThread = place.type === 'text' && place.threads;
    return { type: 'answer', channel: startsThread ? message.id : message.channelId, startsThread };
  }
  const replied = message.repliesTo?.message;
  const repliesToBot = replied?.authorId === botId;
  if (place.type === 'thread') return { type: 'follow', channels: [message.channelId] };
  if (!repliesToBot) return { type: 'ignore' };
  // Where no thread could be made after all, the bot answered in the channel, as a reply to the person's message.
  const origin = replied?.repliesTo ?? null;
  return { type: 'follow', channels: [...(origin === null ? [] : [origin]), message.channelId] };
}

/** The ping of a reply puts the bot among the mentioned as well; only a mention in the text is one. */
function namesBot(message: Incoming, botId: string): boolean {
  return (
    message.mentioned.some(({ id }) => id === botId) && new RegExp(`<@!?${botId}>`).test(message.content)
  );
}

/** Without the Message Content intent Discord delivers messages in servers that do not mention the bot empty. */
export function isWithheld(message: Incoming): boolean {
  return message.content === '' && message.attachments.length === 0 && message.forwarded.length === 0;
}

export function personOf(author: { id: string; name: string }): Person {
  return { platform: PLATFORM, workspace: WORKSPACE, id: author.id, name: author.name };
}

/** The message for the core. `id` differs from Discord's only for an edited message. */
export function messageOf(
  incoming: Incoming,
  about: {
    id: string;
    channel: string;
    audience: 'private' | 'shared';
    context: Quote[];
    replyTo: Json;
    botId: string;
  },
): Message {
  return {
    id: about.id,
    conversation: {
      person: personOf(incoming.author),
      channel: about.channel,
      thread: null,
      audience: about.audience,
    },
    text: readableText(incoming.content, incoming.mentioned, about.botId),
    attachments: incoming.attachments.map(it => attachmentOf(it, incoming)),
    context: [...about.context, ...quotesIn(incoming, about.botId)],
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

/** What the person points at without having said it: the message they reply to, and what they forward. */
function quotesIn(incoming: Incoming, botId: string): Quote[] {
  const replied = incoming.repliesTo?.message;
  const points =
    replied?.isPerson === true && replied.authorId !== incoming.author.id && replied.authorId !== botId;
  return [
    ...(points && replied.content.trim() !== ''
      ? [{ author: replied.author, text: readableText(replied.content, incoming.mentioned, botId) }]
      : []),
    ...incoming.forwarded.map(text => ({ author: 'a forwarded message', text })),
  ];
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
