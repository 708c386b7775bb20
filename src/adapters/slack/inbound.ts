/** Slack's event payloads, read into what they mean to the bot. Pure: no calls, no state. */

import { z } from 'zod';
import type { Attachment, Conversation, Json, Message, Person, Quote } from '../../core/message.ts';
import { maybe } from './maybe.ts';
import { textOfBlocks } from './said-in-blocks.ts';
import { type SlackFile, sharedIn, slackFiles } from './shares.ts';

export const PLATFORM = 'slack';

export type Inbound =
  /** `address`: why it may be for the bot. A `follow_up` is only where the bot already talks with this person. */
  | { type: 'message'; said: Said; address: 'direct' | 'mention' | 'follow_up' }
  | { type: 'edited'; said: Said; editedAt: string; address: 'direct' | 'mention' | 'follow_up' }
  | { type: 'deleted'; said: Said }
  | { type: 'stopped'; channel: string; thread: string; user: string; streams: string[] }
  | { type: 'opened'; tab: 'home' | 'messages'; channel: string; user: string }
  | { type: 'removed' }
  | { type: 'ignored'; reason: string };

/** What one person wrote in one place, as Slack sent it. */
export interface Said {
  channel: string;
  ts: string;
  /** The root of the thread that it is in or begins. */
  thread: string;
  user: string;
  /** The speaker's own workspace or organisation, where Slack says so; on Slack Connect another than the bot's. */
  home: string | null;
  text: string;
  /** Their own files, and those of messages they pass on. */
  attachments: Attachment[];
  /** Messages they pass on, in Slack's markup. */
  shared: Quote[];
  audience: Conversation['audience'];
}

/** Where and for whom the bot answers. Ids only: it is stored with the message. */
export interface ReplyTo extends Record<string, Json> {
  /** The installation to answer through. */
  tenant: string;
  channel: string;
  thread: string;
  user: string;
  /** The workspace of the person, which Slack wants to know for streams outside of DMs. */
  team: string;
  private: boolean;
}

export const replyToSchema = z.object({
  tenant: z.string(),
  channel: z.string(),
  thread: z.string(),
  user: z.string(),
  team: z.string(),
  private: z.boolean(),
});

const word = maybe(z.string());

const message = z.looseObject({
  type: word,
  subtype: word,
  channel: word,
  channel_type: word,
  user: word,
  bot_id: word,
  text: word,
  ts: z.string(),
  thread_ts: word,
  user_team: word,
  team: word,
  files: slackFiles.nullish(),
  attachments: z.array(z.unknown()).nullish(),
  blocks: z.unknown().optional(),
  edited: z.looseObject({ ts: z.string() }).nullish(),
});

type SlackMessage = z.infer<typeof message>;

const changed = z.looseObject({
  channel: z.string(),
  channel_type: word,
  message,
  previous_message: maybe(message),
});

const deleted = z.looseObject({
  channel: z.string(),
  channel_type: word,
  previous_message: message,
});

const stopped = z.looseObject({
  channel: z.string(),
  user: z.string(),
  thread_ts: z.string(),
  streaming_message_ts: z.array(z.string()).nullish(),
});

const opened = z.looseObject({ user: z.string(), channel: z.string(), tab: word });
const revoked = z.looseObject({ tokens: z.looseObject({ bot: z.array(z.string()).nullish() }) });
const event = z.looseObject({ type: z.string(), subtype: word });

/** Reads the `event` of an Events API delivery. `botUser` is the user id of the bot in that installation. */
export function readEvent(payload: unknown, botUser: string): Inbound {
  const kind = event.safeParse(payload);
  if (!kind.success) return ignored('not an event');
  switch (kind.data.type) {
    case 'message':
      return readMessageEvent(payload, kind.data.subtype, botUser);
    case 'app_mention':
      return read(message, payload, it => readMessage(it, it.channel, it.channel_type, botUser));
    case 'agent_session_stopped':
      return read(stopped, payload, it => ({
        type: 'stopped',
        channel: it.channel,
        thread: it.thread_ts,
        user: it.user,
        streams: it.streaming_message_ts ?? [],
      }));
    case 'app_home_opened':
      return read(opened, payload, it => ({
        type: 'opened',
        tab: it.tab === 'messages' ? 'messages' : 'home',
        channel: it.channel,
        user: it.user,
      }));
    case 'app_uninstalled':
      return { type: 'removed' };
    case 'tokens_revoked':
      return read(revoked, payload, it =>
        (it.tokens.bot ?? []).length > 0 ? { type: 'removed' } : ignored('no bot token revoked'),
      );
    default:
      return ignored(`event ${kind.data.type}`);
  }
}

function read<T>(schema: z.ZodType<T>, payload: unknown, then: (it: T) => Inbound): Inbound {
  const parsed = schema.safeParse(payload);
  return parsed.success ? then(parsed.data) : ignored('unreadable event');
}

const ignored = (reason: string): Inbound => ({ type: 'ignored', reason });

/** What people write. Everything else (joins, topics, other bots, tombstones) has another subtype. */
export function isWritten(subtype: string | undefined): boolean {
  return subtype === undefined || ['file_share', 'thread_broadcast', 'me_message'].includes(subtype);
}

function readMessageEvent(payload: unknown, subtype: string | undefined, botUser: string): Inbound {
  switch (subtype) {
    case 'message_changed':
      return read(changed, payload, it => readEdit(it, botUser));
    case 'message_deleted':
      return read(deleted, payload, ({ channel, channel_type, previous_message: before }) =>
        isPerson(before, botUser)
          ? { type: 'deleted', said: saidBy(before, channel, channel_type) }
          : ignored('a deletion that is not a person’s'),
      );
    default:
      return read(message, payload, it => readMessage(it, it.channel, it.channel_type, botUser));
  }
}

function readMessage(
  it: SlackMessage,
  channel: string | undefined,
  channelType: string | undefined,
  botUser: string,
): Inbound {
  if (channel === undefined) return ignored('a message without a channel');
  if (!isWritten(it.subtype)) return ignored(`message ${it.subtype ?? ''}`);
  if (!isPerson(it, botUser)) return ignored('not a person');
  const said = saidBy(it, channel, channelType);
  const address = addressOf(it, said, botUser);
  return address === null
    ? ignored('not for the bot')
    : { type: 'message', said: { ...said, text: withoutBot(said.text, botUser) }, address };
}

/** Slack also says "changed" when it adds a preview, or when a thread gets a reply: only a person's edit counts. */
function readEdit(it: z.infer<typeof changed>, botUser: string): Inbound {
  const { message: now, previous_message: before } = it;
  if (now.subtype === 'tombstone' && before !== undefined && isPerson(before, botUser)) {
    return { type: 'deleted', said: saidBy(before, it.channel, it.channel_type) };
  }
  if (!isWritten(now.subtype) || !isPerson(now, botUser)) return ignored('a change that is not a person’s');
  if (!now.edited || now.edited.ts === before?.edited?.ts || now.text === before?.text) {
    return ignored('a change of no words');
  }
  const said = saidBy(now, it.channel, it.channel_type);
  const address = addressOf(now, said, botUser);
  // An edit that takes the mention away takes the request back.
  if (address === null) return { type: 'deleted', said };
  return {
    type: 'edited',
    said: { ...said, text: withoutBot(said.text, botUser) },
    editedAt: now.edited.ts,
    address,
  };
}

function isPerson(it: SlackMessage, botUser: string): it is SlackMessage & { user: string } {
  return it.bot_id === undefined && it.user !== undefined && it.user !== botUser && it.user !== 'USLACKBOT';
}

function addressOf(it: SlackMessage, said: Said, botUser: string): 'direct' | 'mention' | 'follow_up' | null {
  if (said.audience === 'private') return 'direct';
  if (said.text.includes(`<@${botUser}>`) || said.text.includes(`<@${botUser}|`)) return 'mention';
  if (it.thread_ts === undefined) return null;
  // "@Ann what do you think?" is a question to Ann.
  return /^\s*<[@!]/.test(said.text) ? null : 'follow_up';
}

function saidBy(it: SlackMessage & { user: string }, channel: string, channelType: string | undefined): Said {
  const shares = sharedIn(it.attachments ?? []);
  return {
    channel,
    ts: it.ts,
    thread: it.thread_ts ?? it.ts,
    user: it.user,
    home: it.user_team ?? it.team ?? null,
    text: it.text || textOfBlocks(it.blocks),
    attachments: [...(it.files ?? []), ...shares.flatMap(({ files }) => files)].map(attachmentOf),
    shared: shares.map(({ author, text }) => ({ author, text })),
    audience: (channelType ?? (channel.startsWith('D') ? 'im' : 'channel')) === 'im' ? 'private' : 'shared',
  };
}

/** A file from another organisation is only an id until it is asked for. */
function attachmentOf(it: SlackFile): Attachment {
  return {
    name: it.name ?? it.title ?? 'file',
    mediaType: it.mimetype ?? '',
    sizeBytes: it.size ?? 0,
    source: { file: it.id },
  };
}

function withoutBot(text: string, botUser: string): string {
  // Each bot's pattern is another one, and most messages do not need it.
  if (!text.includes(`<@${botUser}`)) return text.trim();
  return text.replace(new RegExp(`[ \\t]*<@${botUser}(?:\\|[^>]*)?>[ \\t]*`, 'g'), ' ').trim();
}

/** User ids that a text mentions, so that their names can be looked up. */
export function mentionedIn(text: string): string[] {
  return [...new Set([...text.matchAll(/<@([UW][A-Z0-9]+)(?:\|[^>]*)?>/g)].map(match => match[1] ?? ''))];
}

/** Slack's markup as a person reads it. `names`: display names by user id. */
export function readableText(text: string, names: ReadonlyMap<string, string>): string {
  return text
    .replace(/<([^<>]+)>/g, (whole, inner: string) => {
      const [target = '', label] = inner.split('|', 2);
      if (target.startsWith('@')) return `@${names.get(target.slice(1)) ?? label ?? target.slice(1)}`;
      if (target.startsWith('#')) return `#${label ?? target.slice(1)}`;
      if (target.startsWith('!date')) return label ?? '';
      if (target.startsWith('!subteam')) return label ?? '@group';
      if (target.startsWith('!')) return `@${target.slice(1)}`;
      if (/^(?:https?|mailto|tel):/i.test(target)) {
        return label === undefined || label === target ? target : `${label} (${target})`;
      }
      return whole;
    })
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

export function conversationOf(said: Said, person: Person): Conversation {
  return { person, channel: said.channel, thread: said.thread, audience: said.audience };
}

/** The same message delivered twice, or as a mention and as a message, has one id. */
export function messageId(said: Pick<Said, 'channel' | 'ts'>, editedAt: string | null): string {
  const id = `${said.channel}:${said.ts}`;
  return editedAt === null ? id : `${id}:edited-${editedAt}`;
}

/** When a message was written, as a Slack timestamp; of an edited one, when it was written first. */
export function writtenAt(messageId: string): string {
  return messageId.split(':')[1] ?? '0';
}

/** `tenant` is the installation; `team` the workspace to name as the speaker's. */
export function toMessage(
  said: Said,
  id: string,
  about: {
    person: Person;
    tenant: string;
    team: string;
    names: ReadonlyMap<string, string>;
    /** Of the thread before it. */
    earlier: Pick<Message, 'context' | 'unquoted'>;
  },
): Message {
  const replyTo: ReplyTo = {
    tenant: about.tenant,
    channel: said.channel,
    thread: said.thread,
    user: said.user,
    team: about.team,
    private: said.audience === 'private',
  };
  return {
    id,
    conversation: conversationOf(said, about.person),
    text: readableText(said.text, about.names),
    attachments: said.attachments.map(attachment => ({
      ...attachment,
      source: { tenant: about.tenant, ...sourceOf(attachment.source) },
    })),
    context: [
      ...about.earlier.context,
      ...said.shared.map(({ author, text }) => ({ author, text: readableText(text, about.names) })),
    ],
    ...(about.earlier.unquoted === undefined ? {} : { unquoted: about.earlier.unquoted }),
    replyTo,
  };
}

const sourceSchema = z.object({ file: z.string() });

function sourceOf(source: Json): { file: string } {
  return sourceSchema.parse(source);
}
