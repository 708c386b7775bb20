// One person in Discord's app: what they can write, press and see. Acts are refused where the app would not
// offer them (a channel they cannot see, a button that is not there), with an error that names the mistake.

import { ChannelType, MessageFlags, MessageType } from 'discord-api-types/v10';
import { openDm } from '../dms.ts';
import { reactionEvent, typingEvent } from '../events.ts';
import type { Json } from '../form.ts';
import type { Kernel } from '../kernel.ts';
import { PARSE_ALL } from '../mentions.ts';
import { edit, post, remove } from '../messages.ts';
import { canView, PermissionFlagsBits, requirePermissions, sendingPermission } from '../permissions.ts';
import { makeWritable } from '../sending.ts';
import {
  type Channel,
  channelOf,
  findMessage,
  type Interaction,
  isDm,
  type Message,
  messageOf,
  userOf,
} from '../state.ts';
import { leaveThread } from '../thread-state.ts';
import { readThreadRequest, startForumThread, startThread, startThreadFromMessage } from '../threads.ts';
import { createActs, type SlashOptions } from './acts.ts';
import type { ModalFiles, ModalValues } from './modal-form.ts';

export interface FileToSend {
  name: string;
  contentType?: string;
  data: string | Buffer;
}

export interface SayOptions {
  replyTo?: string;
  /** Whether the reply pings its author, as the app's switch does; true by default. */
  pingReply?: boolean;
  files?: readonly FileToSend[];
  /** Deliver the event so many times. */
  times?: number;
  silent?: boolean;
  /** Its question comes first. */
  poll?: readonly [question: string, ...answers: string[]];
  /** By name. */
  stickers?: readonly string[];
}

export interface Person {
  readonly id: string;
  /** `<@id>` as the app writes a mention. */
  readonly mention: string;
  /** This person's DM with the bot. */
  dmChannel(): Channel;
  dm(content: string, options?: SayOptions): Message;
  say(channelId: string, content: string, options?: SayOptions): Message;
  /** Forwards a message; a comment is a message of its own in Discord's app, sent right after it. */
  forward(messageId: string, toChannelId: string): Message;
  edit(messageId: string, content: string): Message;
  remove(messageId: string): void;
  post(forumId: string, name: string, content: string, options?: SayOptions): Channel;
  startThread(
    channelId: string,
    name: string,
    options?: { messageId?: string; isPrivate?: boolean },
  ): Channel;
  leaveThread(threadId: string): void;
  typing(channelId: string): void;
  react(messageId: string, emoji: string): void;
  /** What this person sees in a channel, oldest first: ephemeral messages only when they are theirs. */
  sees(channelId: string): Message[];
  slash(channelId: string, name: string, options?: SlashOptions): Interaction;
  autocomplete(
    channelId: string,
    name: string,
    focused: string,
    typed: string,
    options?: SlashOptions,
  ): Interaction;
  messageCommand(name: string, messageId: string): Interaction;
  press(messageId: string, customId: string): Interaction;
  select(messageId: string, customId: string, values: readonly string[]): Interaction;
  /** Fills in the modal that answered `opened`: text for text inputs, lists for selects, true for checkboxes. */
  submit(opened: Interaction, values: ModalValues, files?: ModalFiles): Interaction;
}

export function createPerson(kernel: Kernel, id: string): Person {
  const { state } = kernel;
  userOf(state, id);
  const acts = createActs(kernel, id);

  function say(channel: Channel, content: string, options: SayOptions = {}, messageId?: string): Message {
    requirePermissions(state, channel, id, sendingPermission(channel));
    if (options.files?.length) requirePermissions(state, channel, id, PermissionFlagsBits.AttachFiles);
    makeWritable(kernel, channel, id);
    const replyTo = options.replyTo === undefined ? undefined : messageOf(channel, options.replyTo);
    return post(kernel, channel, {
      authorId: id,
      content: content.trim(),
      allowed: { ...PARSE_ALL, repliedUser: options.pingReply ?? true },
      files: (options.files ?? []).map(file => ({
        filename: file.name,
        contentType: file.contentType ?? null,
        description: null,
        data: Buffer.from(file.data),
      })),
      ...(options.poll === undefined ? {} : { poll: pollOf(...options.poll) }),
      stickers: (options.stickers ?? []).map(name => ({ id: kernel.ids.next(), name, format_type: 1 })),
      flags: options.silent ? MessageFlags.SuppressNotifications : 0,
      ...(replyTo
        ? {
            type: MessageType.Reply,
            reference: { messageId: replyTo.id, channelId: channel.id, guildId: channel.guildId },
          }
        : {}),
      ...(messageId === undefined ? {} : { id: messageId }),
      ...(options.times === undefined ? {} : { times: options.times }),
    });
  }

  function existing(messageId: string): { channel: Channel; message: Message } {
    const message = findMessage(state, messageId);
    if (!message || message.deletedAt !== null) throw new Error(`there is no message ${messageId}`);
    return { channel: channelOf(state, message.channelId), message };
  }

  const dmChannel = () => openDm(kernel, [state.app.botId, id], ChannelType.DM);

  return {
    ...acts,
    id,
    mention: `<@${id}>`,
    dmChannel,
    dm: (content, options) => say(dmChannel(), content, options),
    say: (channelId, content, options) => say(channelOf(state, channelId), content, options),
    forward(messageId, toChannelId) {
      const { channel: from, message } = existing(messageId);
      if (message.poll !== null) throw new Error('polls cannot be forwarded');
      const channel = channelOf(state, toChannelId);
      requirePermissions(state, channel, id, sendingPermission(channel));
      const { type, channelId, content, embeds, components, attachments, flags, mentions } = message;
      const { stickers, createdAt, editedAt } = message;
      return post(kernel, channel, {
        authorId: id,
        content: '',
        allowed: PARSE_ALL,
        flags: MessageFlags.HasSnapshot,
        reference: { messageId, channelId: from.id, guildId: from.guildId },
        snapshot: structuredClone({
          ...{ type, channelId, content, embeds, components, attachments, flags, mentions },
          ...{ stickers, createdAt, editedAt },
        }),
      });
    },
    edit(messageId, content) {
      const { channel, message } = existing(messageId);
      if (message.authorId !== id) throw new Error('people edit their own messages only');
      const { embeds, components, flags, attachments } = message;
      const patch = { content, embeds, components, flags, kept: attachments, files: [] };
      edit(kernel, channel, message, { ...patch, allowed: undefined, touchesText: true }, PARSE_ALL);
      return message;
    },
    remove(messageId) {
      const { channel, message } = existing(messageId);
      if (message.authorId !== id && !isDm(channel)) {
        requirePermissions(state, channel, id, PermissionFlagsBits.ManageMessages);
      }
      remove(kernel, channel, message);
    },
    post(forumId, name, content, options) {
      const thread = startForumThread(kernel, channelOf(state, forumId), id, readThreadRequest({ name }));
      say(thread, content, options, thread.id);
      return thread;
    },
    startThread(channelId, name, { messageId, isPrivate = false } = {}) {
      const parent = channelOf(state, channelId);
      const request = readThreadRequest({ name });
      if (messageId === undefined) return startThread(kernel, parent, id, request, isPrivate);
      return startThreadFromMessage(kernel, parent, messageOf(parent, messageId), id, request);
    },
    leaveThread: threadId => leaveThread(kernel, channelOf(state, threadId), id),
    typing(channelId) {
      kernel.emit(typingEvent(kernel, channelOf(state, channelId), id));
    },
    react(messageId, emoji) {
      const { channel, message } = existing(messageId);
      requirePermissions(state, channel, id, PermissionFlagsBits.AddReactions);
      const users = message.reactions.get(emoji) ?? new Set();
      message.reactions.set(emoji, users.add(id));
      kernel.emit(reactionEvent(state, 'MESSAGE_REACTION_ADD', channel, message, id, emoji));
    },
    sees(channelId) {
      const channel = channelOf(state, channelId);
      if (!canView(state, channel, id)) return [];
      return [...channel.messages.values()].filter(
        message =>
          message.deletedAt === null && (message.ephemeralFor === null || message.ephemeralFor === id),
      );
    },
  };
}

/** Discord's resources/poll, "Poll Object". */
function pollOf(question: string, ...answers: readonly string[]): Json {
  return {
    question: { text: question },
    answers: answers.map((text, index) => ({ answer_id: index + 1, poll_media: { text } })),
    expiry: null,
    allow_multiselect: false,
    layout_type: 1,
  };
}
