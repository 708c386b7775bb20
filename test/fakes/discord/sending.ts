// What the bot's own writing must pass before it happens (Discord's resources/message and topics/threads):
// permissions, nonces (enforce_nonce returns the message that already carries the nonce), replies, slow mode,
// archived and locked threads, authorship of edits, and few edits for old messages (30046).

import { ChannelType, MessageType } from 'discord-api-types/v10';
import { ApiError, emptyMessage, missingPermissions, threadArchived } from './api-error.ts';
import { invalidField } from './form.ts';
import type { Kernel } from './kernel.ts';
import type { MessageDraft } from './limits/message-body.ts';
import { PARSE_ALL } from './mentions.ts';
import { isEmpty, post, WRITTEN_TYPES } from './messages.ts';
import {
  can,
  canReach,
  PermissionFlagsBits,
  requirePermissions,
  requireView,
  sendingPermission,
} from './permissions.ts';
import { RateLimitedError } from './rate-limits.ts';
import { type Channel, isDm, isForum, type Message } from './state.ts';
import { refreshThread, unarchive } from './thread-state.ts';

/** "The past few minutes" in which a nonce is remembered; Discord does not say how many. */
const NONCE_WINDOW_MS = 5 * 60_000;
const OLD_MESSAGE_MS = 60 * 60_000;

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
  if (isEmpty(draft)) throw emptyMessage();
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
  if (!WRITTEN_TYPES.includes(target.type)) {
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

/** What PATCH and DELETE on one's own message need besides authorship. */
export function requireEditable(kernel: Kernel, channel: Channel, message: Message): void {
  if (message.authorId !== kernel.state.app.botId || message.webhook !== null) {
    throw new ApiError(403, 50005, 'Cannot edit a message authored by another user');
  }
  if (!WRITTEN_TYPES.includes(message.type)) {
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
