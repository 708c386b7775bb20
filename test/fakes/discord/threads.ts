// Threads, from Discord's topics/threads and resources/channel: one thread per message with the message's id
// (160004 on the second), only in text and announcement channels; forum posts whose first message has the
// thread's id; who may rename, archive or lock.

import { ChannelType, MessageFlags, MessageType } from 'discord-api-types/v10';
import { ApiError, cannotExecuteOnChannel, missingPermissions, threadArchived } from './api-error.ts';
import { messageEvent, threadEvent, threadMembersUpdated } from './events.ts';
import { bodyObject, Form, type Json } from './form.ts';
import type { Kernel } from './kernel.ts';
import { PARSE_USERS } from './mentions.ts';
import { post } from './messages.ts';
import { can, PermissionFlagsBits, requirePermissions } from './permissions.ts';
import { type Channel, isForum, type Message } from './state.ts';
import { setArchived } from './thread-state.ts';

export interface ThreadRequest {
  name: string;
  autoArchiveMinutes: number;
  slowmodeSeconds: number;
}

export function readThreadRequest(body: unknown): ThreadRequest {
  const form = new Form();
  const given = bodyObject(body);
  const name = form.string(given, 'name', [], { min: 1, max: 100, required: true })?.trim() ?? '';
  const minutes = form.integer(given, 'auto_archive_duration', [], { among: [60, 1440, 4320, 10080] });
  const slowmode = form.integer(given, 'rate_limit_per_user', [], { min: 0, max: 21_600 });
  if (name === '') form.required(['name']);
  form.check();
  return { name, autoArchiveMinutes: minutes ?? 4320, slowmodeSeconds: slowmode ?? 0 };
}

/** POST /channels/:channel/messages/:message/threads, for the bot and for people. */
export function startThreadFromMessage(
  kernel: Kernel,
  parent: Channel,
  message: Message,
  ownerId: string,
  request: ThreadRequest,
): Channel {
  const { state } = kernel;
  if (parent.type !== ChannelType.GuildText && parent.type !== ChannelType.GuildAnnouncement) {
    throw cannotExecuteOnChannel();
  }
  requirePermissions(state, parent, ownerId, PermissionFlagsBits.CreatePublicThreads);
  if (message.hasThread || state.channels.has(message.id)) {
    throw new ApiError(400, 160004, 'A thread has already been created for this message');
  }
  const isSystem = message.type !== MessageType.Default && message.type !== MessageType.Reply;
  const isCommand =
    message.type === MessageType.ChatInputCommand || message.type === MessageType.ContextMenuCommand;
  if (message.ephemeralFor !== null || (isSystem && !isCommand)) {
    throw new ApiError(400, 50068, 'Invalid message type');
  }
  const isLatest = parent.lastMessageId === message.id;
  const type =
    parent.type === ChannelType.GuildAnnouncement ? ChannelType.AnnouncementThread : ChannelType.PublicThread;
  const thread = addThread(kernel, parent, message.id, type, ownerId, request);
  message.hasThread = true;
  message.flags |= MessageFlags.HasThread;
  kernel.emit(threadEvent(state, 'THREAD_CREATE', thread));
  kernel.emit(threadMembersUpdated(state, thread, [ownerId], []));
  kernel.emit(messageEvent(kernel, 'MESSAGE_UPDATE', message, parent));
  post(kernel, thread, {
    authorId: ownerId,
    content: '',
    allowed: { ...PARSE_USERS, parse: [] },
    type: MessageType.ThreadStarterMessage,
    reference: { messageId: message.id, channelId: parent.id, guildId: parent.guildId },
  });
  if (!isLatest) announceThread(kernel, parent, thread, ownerId);
  return thread;
}

/** POST /channels/:channel/threads in a text channel: a thread that hangs on no message. */
export function startThread(
  kernel: Kernel,
  parent: Channel,
  ownerId: string,
  request: ThreadRequest,
  isPrivate: boolean,
): Channel {
  const isText = parent.type === ChannelType.GuildText;
  if (!isText && (isPrivate || parent.type !== ChannelType.GuildAnnouncement)) throw cannotExecuteOnChannel();
  const needed = isPrivate
    ? PermissionFlagsBits.CreatePrivateThreads
    : PermissionFlagsBits.CreatePublicThreads;
  requirePermissions(kernel.state, parent, ownerId, needed);
  const publicType = isText ? ChannelType.PublicThread : ChannelType.AnnouncementThread;
  const type = isPrivate ? ChannelType.PrivateThread : publicType;
  const thread = addThread(kernel, parent, kernel.ids.next(), type, ownerId, request);
  kernel.emit(threadEvent(kernel.state, 'THREAD_CREATE', thread));
  kernel.emit(threadMembersUpdated(kernel.state, thread, [ownerId], []));
  if (!isPrivate) announceThread(kernel, parent, thread, ownerId);
  return thread;
}

/** POST /channels/:channel/threads in a forum, without its first message: the caller posts that. */
export function startForumThread(
  kernel: Kernel,
  forum: Channel,
  ownerId: string,
  request: ThreadRequest,
): Channel {
  if (!isForum(forum)) throw cannotExecuteOnChannel();
  requirePermissions(kernel.state, forum, ownerId, PermissionFlagsBits.SendMessages);
  const thread = addThread(kernel, forum, kernel.ids.next(), ChannelType.PublicThread, ownerId, request);
  forum.lastMessageId = thread.id;
  kernel.emit(threadEvent(kernel.state, 'THREAD_CREATE', thread));
  kernel.emit(threadMembersUpdated(kernel.state, thread, [ownerId], []));
  return thread;
}

function addThread(
  kernel: Kernel,
  parent: Channel,
  id: string,
  type: ChannelType,
  ownerId: string,
  request: ThreadRequest,
): Channel {
  const now = kernel.clock.now();
  const channel: Channel = {
    id,
    type,
    guildId: parent.guildId,
    parentId: parent.id,
    name: request.name,
    topic: null,
    position: 0,
    overwrites: [],
    recipients: [],
    slowmodeSeconds: request.slowmodeSeconds,
    lastMessageId: null,
    messages: new Map(),
    thread: {
      ownerId,
      archived: false,
      locked: false,
      autoArchiveMinutes: request.autoArchiveMinutes,
      archiveChangedAt: now,
      createdAt: now,
      lastActivityAt: now,
      members: new Map([[ownerId, now]]),
      messageCount: 0,
      totalMessageSent: 0,
    },
  };
  kernel.state.channels.set(id, channel);
  return channel;
}

/** The line in the parent channel that tells of a thread (message type 18). */
function announceThread(kernel: Kernel, parent: Channel, thread: Channel, ownerId: string): void {
  post(kernel, parent, {
    authorId: ownerId,
    content: thread.name ?? '',
    allowed: { ...PARSE_USERS, parse: [] },
    type: MessageType.ThreadCreated,
    reference: { messageId: null, channelId: thread.id, guildId: thread.guildId },
  });
}

/** PATCH /channels/:channel on a thread (docs, topics/threads, "Editing & Deleting Threads"). */
export function modifyThread(kernel: Kernel, channel: Channel, userId: string, body: Json): void {
  const { thread } = channel;
  if (!thread) throw cannotExecuteOnChannel();
  const form = new Form();
  const name = form.string(body, 'name', [], { min: 1, max: 100 });
  const minutes = form.integer(body, 'auto_archive_duration', [], { among: [60, 1440, 4320, 10080] });
  form.check();
  const isModerator = can(kernel.state, channel, userId, PermissionFlagsBits.ManageThreads);
  const opens = body.archived === false;
  if (thread.archived && !opens) throw threadArchived();
  const changesMore = name !== undefined || minutes !== undefined || body.archived === true;
  if (changesMore && !isModerator && thread.ownerId !== userId) throw missingPermissions();
  if (body.locked !== undefined && !isModerator) throw missingPermissions();
  if (opens && thread.locked && !isModerator) throw missingPermissions();
  if (name !== undefined) channel.name = name;
  if (minutes !== undefined) thread.autoArchiveMinutes = minutes;
  if (opens) thread.lastActivityAt = kernel.clock.now();
  setArchived(kernel, channel, {
    ...(typeof body.archived === 'boolean' ? { archived: body.archived } : {}),
    ...(typeof body.locked === 'boolean' ? { locked: body.locked } : {}),
  });
}
