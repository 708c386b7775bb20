// Creating, editing and deleting messages, by whomever (Discord's resources/message). Each text a message has had
// is kept; edits work mentions out anew; every write notes whom it pings.

import { MessageFlags, MessageType } from 'discord-api-types/v10';
import { emptyMessage } from './api-error.ts';
import { messageDeleted, messageEvent } from './events.ts';
import type { Json } from './form.ts';
import type { Kernel } from './kernel.ts';
import type { MessagePatch, NewFile } from './limits/message-body.ts';
import { type AllowedMentions, describePing, resolveMentions, visibleText } from './mentions.ts';
import type { Attachment, Channel, InteractionMetadata, Message } from './state.ts';
import { joinThread } from './thread-state.ts';

export interface Posting {
  authorId: string;
  content: string;
  allowed: AllowedMentions;
  type?: MessageType;
  embeds?: Json[];
  components?: Json[];
  files?: readonly NewFile[];
  poll?: Json;
  stickers?: Json[];
  flags?: number;
  tts?: boolean;
  nonce?: string | number | null;
  webhook?: { id: string; name: string };
  reference?: Message['reference'];
  snapshot?: Message['snapshot'];
  interaction?: InteractionMetadata;
  ephemeralFor?: string | null;
  /** The first message of a forum post has the id of its thread. */
  id?: string;
  /** How often the gateway delivers the event. */
  times?: number;
}

/** What people and bots write, as opposed to messages of the system. */
export const WRITTEN_TYPES: readonly MessageType[] = [
  MessageType.Default,
  MessageType.Reply,
  MessageType.ChatInputCommand,
  MessageType.ContextMenuCommand,
];

export function isEmpty(parts: {
  content: string;
  embeds: readonly Json[];
  components: readonly Json[];
  files: readonly NewFile[];
}): boolean {
  return parts.content === '' && parts.embeds.length + parts.components.length + parts.files.length === 0;
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
    poll: posting.poll ?? null,
    stickers: posting.stickers ?? [],
    flags: posting.flags ?? 0,
    tts: posting.tts ?? false,
    nonce: posting.nonce ?? null,
    reference: posting.reference ?? null,
    snapshot: posting.snapshot ?? null,
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
  if (isEmpty(patch) && patch.kept.length === 0) throw emptyMessage();
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

export function remove(kernel: Kernel, channel: Channel, message: Message): void {
  message.deletedAt = kernel.clock.now();
  if (channel.thread && WRITTEN_TYPES.includes(message.type)) {
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

export function keepFiles(
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
  if (!WRITTEN_TYPES.includes(message.type)) return;
  if (message.id !== channel.id) {
    thread.messageCount += 1;
    thread.totalMessageSent += 1;
  }
  if (message.webhook === null) joinThread(kernel, channel, message.authorId);
  for (const userId of message.mentions.users) joinThread(kernel, channel, userId);
}
