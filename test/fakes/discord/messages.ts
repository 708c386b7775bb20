// Creating, editing and deleting messages, by whomever. Rules from Discord's resources/message and
// topics/threads: enforce_nonce returns the message that already carries the nonce, sending unarchives a
// thread that is not locked, edits work mentions out anew, old messages take few edits (30046).

import { ChannelType, MessageFlags, MessageType } from 'discord-api-types/v10';
import { ApiError, emptyMessage, missingPermissions, threadArchived } from './api-error.ts';
import { messageDeleted, messageEvent } from './events.ts';
import { invalidField, type Json } from './form.ts';
import type { Kernel } from './kernel.ts';
import type { MessageDraft, MessagePatch, NewFile } from './limits/message-body.ts';
import { type AllowedMentions, describePing, PARSE_ALL, resolveMentions, visibleText } from './mentions.ts';
import {
  can,
  canReach,
  PermissionFlagsBits,
  requirePermissions,
  requireView,
  sendingPermission,
} from './permissions.ts';
import { RateLimitedError } from './rate-limits.ts';
import {
  type Attachment,
  type Channel,
  type InteractionMetadata,
  isDm,
  isForum,
  type Message,
} from './state.ts';
import { joinThread, refreshThread, unarchive } from './threads.ts';

export interface Posting {
  authorId: string;
  content: string;
  allowed: AllowedMentions;
  type?: MessageType;
  embeds?: Json[];
  components?: Json[];
  files?: readonly NewFile[];
  flags?: number;
  tts?: boolean;
  nonce?: string | number | null;
  webhook?: { id: string; name: string };
  reference?: Message['reference'];
  interaction?: InteractionMetadata;
  ephemeralFor?: string | null;
  /** The first message of a forum post has the id of its thread. */
  id?: string;
  /** How often the gateway delivers the event. */
  times?: number;
}

/** "The past few minutes" in which a nonce is remembered; Discord does not say how many. */
const NONCE_WINDOW_MS = 5 * 60_000;
const OLD_MESSAGE_MS = 60 * 60_000;

const COUNTED_TYPES: readonly MessageType[] = [
  MessageType.Default,
  MessageType.Reply,
  MessageType.ChatInputCommand,
  MessageType.ContextMenuCommand,
];

/** What the bot must be allowed to before its message is even read. */
export function requireSending(kernel: Kernel, channel: Channel): void {
  const { state } = kernel;
  const botId = state.app.botId;
  if (isDm(channel)) {
    requireView(state, channel, botId);
    for (const userId of channel.recipients.filter(id => id !== botId)) {
      if (!canReach(state, userId)) {
        throw new ApiError(403, 50278, 'Cannot send messages to this user due to having no mutual guilds');
      }
      if (state.users.get(userId)?.acceptsDms === false) {
        throw new ApiError(403, 50007, 'Cannot send messages to this user');
      }
    }
    return;
  }
  requireView(state, channel, botId);
  if (isForum(channel)) throw new ApiError(400, 40058, 'Cannot send a message in a forum channel');
  if (channel.type === ChannelType.GuildCategory) {
    throw new ApiError(400, 50008, 'Cannot send messages in a non-text channel');
  }
  requirePermissions(state, channel, botId, sendingPermission(channel));
}

/** POST /channels/:channel/messages, once the body is read and requireSending() passed. */
export function sendAsBot(kernel: Kernel, channel: Channel, draft: MessageDraft): Message {
  const { state, clock } = kernel;
  const botId = state.app.botId;
  if (draft.content === '' && isEmpty(draft)) throw emptyMessage();
  if (draft.files.length > 0 && !can(state, channel, botId, PermissionFlagsBits.AttachFiles)) {
    throw missingPermissions();
  }
  if (draft.embeds.length > 0 && !can(state, channel, botId, PermissionFlagsBits.EmbedLinks)) {
    throw missingPermissions();
  }
  if (draft.tts && !can(state, channel, botId, PermissionFlagsBits.SendTTSMessages)) {
    throw missingPermissions();
  }
  const reference = draft.replyTo === null ? null : replyReference(kernel, channel, draft.replyTo);

  const nonceKey = `${botId}:${draft.nonce}`;
  const known = state.nonces.get(nonceKey);
  if (draft.enforceNonce && draft.nonce !== null && known && clock.now() - known.at < NONCE_WINDOW_MS) {
    return known.message;
  }
  makeWritable(kernel, channel, botId);
  requireSlowmode(kernel, channel, botId);
  const message = post(kernel, channel, {
    authorId: botId,
    content: draft.content,
    embeds: draft.embeds,
    components: draft.components,
    files: draft.files,
    flags: draft.flags,
    tts: draft.tts,
    nonce: draft.nonce,
    allowed: draft.allowed ?? PARSE_ALL,
    reference,
    type: reference === null ? MessageType.Default : MessageType.Reply,
  });
  if (draft.nonce !== null) state.nonces.set(nonceKey, { message, at: clock.now() });
  return message;
}

function isEmpty(draft: { embeds: Json[]; components: Json[]; files: readonly NewFile[] }): boolean {
  return draft.embeds.length + draft.components.length + draft.files.length === 0;
}

function replyReference(
  kernel: Kernel,
  channel: Channel,
  reply: { messageId: string; failIfMissing: boolean },
): Message['reference'] {
  const botId = kernel.state.app.botId;
  if (!can(kernel.state, channel, botId, PermissionFlagsBits.ReadMessageHistory)) {
    throw new ApiError(400, 160002, 'Cannot reply without permission to read message history');
  }
  const target = channel.messages.get(reply.messageId);
  if (!target || target.deletedAt !== null || target.ephemeralFor !== null) {
    if (!reply.failIfMissing) return null;
    throw invalidField(['message_reference'], 'REPLIES_UNKNOWN_MESSAGE', 'Unknown message');
  }
  if (!COUNTED_TYPES.includes(target.type)) {
    throw invalidField(
      ['message_reference'],
      'REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE',
      'Cannot reply to a system message',
    );
  }
  return { messageId: target.id, channelId: channel.id, guildId: channel.guildId };
}

/** Locked threads refuse, archived ones open up again. */
export function makeWritable(kernel: Kernel, channel: Channel, userId: string): void {
  if (!channel.thread) return;
  refreshThread(kernel, channel);
  if (channel.thread.locked && !can(kernel.state, channel, userId, PermissionFlagsBits.ManageThreads)) {
    throw channel.thread.archived ? threadArchived() : new ApiError(400, 160005, 'Thread is locked');
  }
  if (channel.thread.archived) unarchive(kernel, channel);
}

function requireSlowmode(kernel: Kernel, channel: Channel, userId: string): void {
  if (channel.slowmodeSeconds === 0) return;
  const { state, clock } = kernel;
  const exempt = [
    PermissionFlagsBits.ManageMessages,
    PermissionFlagsBits.ManageChannels,
    PermissionFlagsBits.BypassSlowmode,
  ].some(bit => can(state, channel, userId, bit));
  const last = state.lastSent.get(`${channel.id}:${userId}`) ?? 0;
  const leftMs = last + channel.slowmodeSeconds * 1000 - clock.now();
  if (!exempt && leftMs > 0) throw new RateLimitedError(kernel.rateLimits.refuse(leftMs, 'shared', 20016));
}

/** Puts a message into a channel, tells the gateway, and notes whom it pings. */
export function post(kernel: Kernel, channel: Channel, posting: Posting): Message {
  const { state, clock, ids } = kernel;
  const now = clock.now();
  const id = posting.id ?? ids.next();
  const content = posting.content;
  const components = posting.components ?? [];
  const target =
    posting.reference?.messageId == null
      ? undefined
      : state.channels.get(posting.reference.channelId)?.messages.get(posting.reference.messageId);
  const pingsAuthor = posting.type === MessageType.Reply && posting.allowed.repliedUser;
  const repliedUser = pingsAuthor && target?.webhook === null ? target.authorId : null;
  const mentions = resolveMentions(
    state,
    channel,
    posting.authorId,
    visibleText(content, components),
    posting.allowed,
  );
  if (repliedUser !== null && !mentions.users.includes(repliedUser)) mentions.users.push(repliedUser);

  const message: Message = {
    id,
    channelId: channel.id,
    type: posting.type ?? MessageType.Default,
    authorId: posting.authorId,
    webhook: posting.webhook ?? null,
    applicationId: posting.interaction ? state.app.id : null,
    content,
    embeds: posting.embeds ?? [],
    unfurled: [],
    components,
    attachments: keepFiles(kernel, channel, posting.files ?? [], posting.ephemeralFor != null),
    flags: posting.flags ?? 0,
    tts: posting.tts ?? false,
    nonce: posting.nonce ?? null,
    reference: posting.reference ?? null,
    mentions,
    createdAt: now,
    editedAt: null,
    deletedAt: null,
    ephemeralFor: posting.ephemeralFor ?? null,
    hasThread: false,
    interaction: posting.interaction ?? null,
    reactions: new Map(),
    history: [],
  };
  remember(message, now);
  channel.messages.set(id, message);
  state.lastSent.set(`${channel.id}:${posting.authorId}`, now);
  if (message.ephemeralFor === null) {
    channel.lastMessageId = id;
    if (channel.thread) countInThread(kernel, channel, message);
  }
  const times = posting.times === undefined ? {} : { times: posting.times };
  kernel.emit({ ...messageEvent(kernel, 'MESSAGE_CREATE', message, channel), ...times });
  kernel.pings.push(describePing(state, channel, message, 'create', repliedUser, now));
  kernel.journal.touch();
  return message;
}

/** Edits a message; the caller has checked who may. `defaults` holds without allowed_mentions. */
export function edit(
  kernel: Kernel,
  channel: Channel,
  message: Message,
  patch: MessagePatch,
  defaults: AllowedMentions,
): void {
  const now = kernel.clock.now();
  const files = keepFiles(kernel, channel, patch.files, message.ephemeralFor !== null);
  if (patch.content === '' && isEmpty(patch) && patch.kept.length === 0) throw emptyMessage();
  message.content = patch.content;
  message.embeds = patch.embeds;
  message.components = patch.components;
  message.attachments = [...patch.kept, ...files];
  message.flags = patch.flags;
  message.editedAt = now;
  if (patch.touchesText) {
    const text = visibleText(message.content, message.components);
    const allowed = patch.allowed ?? defaults;
    message.mentions = resolveMentions(kernel.state, channel, message.authorId, text, allowed);
  }
  remember(message, now);
  kernel.emit(messageEvent(kernel, 'MESSAGE_UPDATE', message, channel));
  kernel.pings.push(describePing(kernel.state, channel, message, 'edit', null, now));
  kernel.journal.touch();
}

/** What PATCH and DELETE on one's own message need besides authorship. */
export function requireEditable(kernel: Kernel, channel: Channel, message: Message): void {
  if (message.authorId !== kernel.state.app.botId || message.webhook !== null) {
    throw new ApiError(403, 50005, 'Cannot edit a message authored by another user');
  }
  if (!COUNTED_TYPES.includes(message.type)) {
    throw new ApiError(403, 50021, 'Cannot execute action on a system message');
  }
  if (channel.thread) {
    refreshThread(kernel, channel);
    if (channel.thread.archived) throw threadArchived();
    makeWritable(kernel, channel, kernel.state.app.botId);
  }
  if (kernel.clock.now() - message.createdAt < OLD_MESSAGE_MS) return;
  const rule = { name: 'edit of an old message', limit: 5, windowMs: 60_000 };
  const verdict = kernel.rateLimits.take(rule, channel.id, false);
  if (!verdict.refusal) return;
  verdict.refusal.body.code = 30046;
  verdict.refusal.body.message =
    'Maximum number of edits to messages older than 1 hour reached. Try again later';
  throw new RateLimitedError(verdict);
}

export function remove(kernel: Kernel, channel: Channel, message: Message): void {
  message.deletedAt = kernel.clock.now();
  if (channel.thread && COUNTED_TYPES.includes(message.type)) {
    channel.thread.messageCount = Math.max(0, channel.thread.messageCount - 1);
  }
  kernel.emit(messageDeleted(kernel.state, message, channel));
  kernel.journal.touch();
}

/** The preview of a link arrives by itself as an update without an edited_timestamp. */
export function unfurl(kernel: Kernel, channel: Channel, message: Message, url: string): void {
  if (message.flags & MessageFlags.SuppressEmbeds) return;
  message.unfurled = [{ type: 'link', url, title: url }];
  kernel.emit(messageEvent(kernel, 'MESSAGE_UPDATE', message, channel));
}

function remember(message: Message, at: number): void {
  const { content, embeds, components, flags } = message;
  message.history.push({ at, content, embeds, components, flags });
}

function keepFiles(
  kernel: Kernel,
  channel: Channel,
  files: readonly NewFile[],
  ephemeral: boolean,
): Attachment[] {
  return files.map(file => {
    const attachment: Attachment = {
      id: kernel.ids.next(),
      filename: file.filename.replace(/[^\w.-]+/g, '_'),
      contentType: file.contentType,
      description: file.description,
      data: file.data,
      ephemeral,
    };
    kernel.state.attachments.set(attachment.id, { channelId: channel.id, attachment });
    return attachment;
  });
}

function countInThread(kernel: Kernel, channel: Channel, message: Message): void {
  const { thread } = channel;
  if (!thread) return;
  thread.lastActivityAt = message.createdAt;
  if (!COUNTED_TYPES.includes(message.type)) return;
  if (message.id !== channel.id) {
    thread.messageCount += 1;
    thread.totalMessageSent += 1;
  }
  if (message.webhook === null) joinThread(kernel, channel, message.authorId);
  for (const userId of message.mentions.users) joinThread(kernel, channel, userId);
}
