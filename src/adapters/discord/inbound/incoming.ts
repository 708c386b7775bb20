/** A message as Discord delivers it, by gateway or REST, reduced to what matters here. Pure. */

import { ComponentType, MessageReferenceType, MessageType } from 'discord.js';
import { z } from 'zod';
import { timeOf } from './live-channels.ts';

/** What a message says, and what stands with it. */
export interface Passage {
  content: string;
  mentioned: { id: string; name: string }[];
  attachments: IncomingAttachment[];
  /** What the cards and panels of an app say, a text each; without previews of links, which others wrote. */
  cards: string[];
  /** A poll and stickers, a text each: the author's own words. */
  extras: string[];
}

export interface Incoming extends Passage {
  id: string;
  channelId: string;
  /** Null in DMs. Messages fetched over REST do not say it: the caller knows. */
  guildId: string | null;
  /** Discord's number for the kind of channel, where it says so: the gateway does, REST does not. */
  channelType: number | null;
  author: { id: string; name: string; isPerson: boolean };
  /** An ordinary message or a reply, not one of Discord's own lines ("joined the server"). */
  isOrdinary: boolean;
  /** The line at the beginning of a thread that was made from a message, which it refers to. */
  isThreadStart: boolean;
  /** Messages that are forwarded with this one. Discord does not say whose they are. */
  forwarded: Passage[];
  repliesTo: { messageId: string; message: Referred | null } | null;
  /** Milliseconds since the Unix epoch. */
  sentAt: number;
  /** Milliseconds since the Unix epoch; null while it was never edited. */
  editedAt: number | null;
}

/** A message that another one points at, where Discord sends it along. */
export interface Referred extends Passage {
  authorId: string;
  author: string;
  isPerson: boolean;
  forwarded: Passage[];
  repliesTo: string | null;
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
  username: z.string().default(''),
  global_name: z.string().nullish(),
  bot: z.boolean().optional(),
  system: z.boolean().optional(),
});

const attachment = z.object({
  id: z.string(),
  filename: z.string().default('file'),
  content_type: z.string().nullish(),
  size: z.number().default(0),
  url: z.string(),
});

const embed = z.object({
  type: z.string().nullish(),
  title: z.string().nullish(),
  description: z.string().nullish(),
  fields: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
});

const poll = z.object({
  question: z.object({ text: z.string().nullish() }),
  answers: z.array(z.object({ poll_media: z.object({ text: z.string().nullish() }) })).nullish(),
});

const component = z.object({
  type: z.number(),
  content: z.string().nullish(),
  components: z.array(z.unknown()).nullish(),
});

const passage = {
  content: z.string().nullish(),
  attachments: z.array(attachment).nullish(),
  mentions: z.array(user).nullish(),
  embeds: z.array(embed).nullish().catch(null),
  components: z.array(z.unknown()).nullish().catch(null),
  poll: poll.nullish().catch(null),
  sticker_items: z
    .array(z.object({ name: z.string() }))
    .nullish()
    .catch(null),
};

const snapshots = z.array(z.object({ message: z.object(passage) })).nullish();

const reference = z.object({ type: z.number().nullish(), message_id: z.string().nullish() });

/** Where Discord leaves a field out, other servers that speak its API may say null, or leave out more. */
const schema = z.object({
  id: z.string().regex(/^\d+$/),
  channel_id: z.string(),
  guild_id: z.string().nullish(),
  channel_type: z.number().nullish(),
  type: z.number().default(MessageType.Default),
  author: user,
  member: z.object({ nick: z.string().nullish() }).nullish(),
  webhook_id: z.string().nullish(),
  ...passage,
  timestamp: z.string().nullish(),
  edited_timestamp: z.string().nullish(),
  message_reference: reference.nullish(),
  message_snapshots: snapshots,
  referenced_message: z
    .object({
      author: user,
      webhook_id: z.string().nullish(),
      ...passage,
      message_reference: reference.nullish(),
      message_snapshots: snapshots,
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
    it.message_reference?.type === MessageReferenceType.Forward ? null : it.message_reference?.message_id;
  const sentAt = Date.parse(it.timestamp ?? '');
  return {
    id: it.id,
    channelId: it.channel_id,
    guildId: it.guild_id ?? guildId ?? null,
    channelType: it.channel_type ?? null,
    author: {
      id: it.author.id,
      name: it.member?.nick ?? nameOf(it.author),
      isPerson: isPerson(it.author, it.webhook_id),
    },
    isOrdinary: it.type === MessageType.Default || it.type === MessageType.Reply,
    isThreadStart: it.type === MessageType.ThreadStarterMessage,
    ...passageOf(it),
    forwarded: forwardedIn(it),
    repliesTo: repliedId == null ? null : { messageId: repliedId, message: quoted ? referred(quoted) : null },
    sentAt: Number.isNaN(sentAt) ? timeOf(it.id) : sentAt,
    editedAt: it.edited_timestamp == null ? null : Date.parse(it.edited_timestamp),
  };
}

function forwardedIn({ message_snapshots }: { message_snapshots?: z.infer<typeof snapshots> }): Passage[] {
  return (message_snapshots ?? []).map(({ message }) => passageOf(message));
}

function cardsOf(embeds: readonly z.infer<typeof embed>[]): string[] {
  return embeds
    .filter(({ type }) => (type ?? 'rich') === 'rich')
    .map(({ title, description, fields }) =>
      [title, description, ...(fields ?? []).map(({ name, value }) => `${name}: ${value}`)]
        .filter(text => text != null && text !== '')
        .join('\n'),
    )
    .filter(text => text !== '');
}

/** What stands in the components of a message (Discord, components/reference), wherever in them. */
function textsOf(components: readonly unknown[]): string[] {
  return components.flatMap(raw => {
    const it = component.safeParse(raw).data;
    if (it?.type === ComponentType.TextDisplay) return it.content == null ? [] : [it.content];
    return textsOf(it?.components ?? []);
  });
}

function pollText({ question, answers }: z.infer<typeof poll>): string {
  const lines = (answers ?? []).flatMap(({ poll_media: { text } }) => (text == null ? [] : [`- ${text}`]));
  return [`[poll: ${question.text ?? ''}]`, ...lines].join('\n');
}

/** What a message says, from how Discord writes it. */
export function passageOf(it: z.infer<z.ZodObject<typeof passage>>): Passage {
  return {
    content: it.content ?? '',
    mentioned: (it.mentions ?? []).map(named),
    cards: [...cardsOf(it.embeds ?? []), ...textsOf(it.components ?? [])],
    extras: [
      ...(it.poll == null ? [] : [pollText(it.poll)]),
      ...(it.sticker_items ?? []).map(({ name }) => `[sticker: ${name}]`),
    ],
    attachments: (it.attachments ?? []).map(fileOf),
  };
}

export function fileOf({
  id,
  filename,
  content_type,
  size,
  url,
}: z.infer<typeof attachment>): IncomingAttachment {
  // "text/plain; charset=utf-8" as much as "image/png"
  const mediaType = content_type?.split(';')[0]?.trim() ?? 'application/octet-stream';
  return { id, filename, mediaType, size, url };
}

function referred(it: NonNullable<z.infer<typeof schema>['referenced_message']>): Referred {
  return {
    authorId: it.author.id,
    author: nameOf(it.author),
    isPerson: isPerson(it.author, it.webhook_id),
    ...passageOf(it),
    forwarded: forwardedIn(it),
    repliesTo: it.message_reference?.message_id ?? null,
  };
}

/** All files that come with a message: its own, and those of what is forwarded with it. */
export function filesOf(it: Passage & { forwarded: readonly Passage[] }): IncomingAttachment[] {
  return [it, ...it.forwarded].flatMap(({ attachments }) => attachments);
}

function named(it: z.infer<typeof user>): { id: string; name: string } {
  return { id: it.id, name: nameOf(it) };
}

function nameOf(it: z.infer<typeof user>): string {
  return it.global_name ?? it.username;
}

function isPerson(it: z.infer<typeof user>, webhookId: string | null | undefined): boolean {
  return it.bot !== true && it.system !== true && webhookId == null;
}
