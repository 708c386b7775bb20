/** A message as Discord delivers it, by gateway or REST, reduced to what matters here. Pure. */

import { MessageReferenceType, MessageType } from 'discord.js';
import { z } from 'zod';

export interface Incoming {
  id: string;
  channelId: string;
  /** Null in DMs. Messages fetched over REST do not say it: the caller knows. */
  guildId: string | null;
  author: { id: string; name: string; isPerson: boolean };
  /** An ordinary message or a reply, not one of Discord's own lines ("joined the server"). */
  isOrdinary: boolean;
  content: string;
  /** Its own, and those of messages that are forwarded with it. */
  attachments: IncomingAttachment[];
  /** Messages that are forwarded with this one. Discord does not say whose they are. */
  forwarded: { content: string; mentioned: { id: string; name: string }[]; files: string[] }[];
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
    .array(
      z.object({
        message: z.object({
          content: z.string().default(''),
          attachments: z.array(attachment).default([]),
          mentions: z.array(user).default([]),
        }),
      }),
    )
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
  const forwarded = it.message_snapshots.map(({ message }) => message);
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
    attachments: [it, ...forwarded]
      .flatMap(({ attachments }) => attachments)
      .map(({ id, filename, content_type, size, url }) => ({
        id,
        filename,
        // "text/plain; charset=utf-8" as much as "image/png"
        mediaType: content_type?.split(';')[0]?.trim() ?? 'application/octet-stream',
        size,
        url,
      })),
    forwarded: forwarded.map(({ content, attachments, mentions }) => ({
      content,
      mentioned: mentions.map(named),
      files: attachments.map(({ filename }) => filename),
    })),
    mentioned: it.mentions.map(named),
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

function named(it: z.infer<typeof user>): { id: string; name: string } {
  return { id: it.id, name: nameOf(it) };
}

function nameOf(it: z.infer<typeof user>): string {
  return it.global_name ?? it.username;
}

function isPerson(it: z.infer<typeof user>, webhookId: string | undefined): boolean {
  return it.bot !== true && it.system !== true && webhookId === undefined;
}
