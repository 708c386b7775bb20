// Messages as API objects (Discord's resources/message). The message content rule is applied here: without the
// intent a message from others, outside DMs, that does not mention the bot comes with empty content, embeds,
// attachments and components and no poll (docs, events/gateway, "Message Content Intent").

import { MessageFlags, MessageReferenceType, MessageType } from 'discord-api-types/v10';
import type { Json } from './form.ts';
import type { Kernel } from './kernel.ts';
import { channelPayload, emojiPayload, iso, userById } from './payloads.ts';
import {
  type Attachment,
  type InteractionMetadata,
  isDm,
  type Message,
  type Snapshot,
  type State,
} from './state.ts';

export function attachmentPayload(kernel: Kernel, channelId: string, attachment: Attachment): Json {
  const url = kernel.attachmentUrl(channelId, attachment.id, attachment.filename);
  return {
    id: attachment.id,
    filename: attachment.filename,
    size: attachment.data.length,
    url,
    proxy_url: url,
    flags: 0,
    ...(attachment.contentType === null ? {} : { content_type: attachment.contentType }),
    ...(attachment.description === null ? {} : { description: attachment.description }),
    ...(attachment.ephemeral ? { ephemeral: true } : {}),
  };
}

/** Whether the bot may read what a message says, given the Message Content rule. */
function contentVisible(state: State, message: Message, hasIntent: boolean): boolean {
  if (hasIntent || message.authorId === state.app.botId) return true;
  if (message.mentions.users.includes(state.app.botId)) return true;
  const channel = state.channels.get(message.channelId);
  return channel !== undefined && isDm(channel);
}

/** A message as the bot gets it; `hasIntent` says whether it may read what others write. */
export function messagePayload(kernel: Kernel, message: Message, hasIntent: boolean, depth = 0): Json {
  const { state } = kernel;
  const readable = contentVisible(state, message, hasIntent);
  const suppressed = (message.flags & MessageFlags.SuppressEmbeds) !== 0;
  const { reference } = message;
  return {
    id: message.id,
    channel_id: message.channelId,
    type: message.type,
    author: authorPayload(state, message),
    content: readable ? message.content : '',
    embeds: readable && !suppressed ? [...message.embeds, ...message.unfurled] : [],
    components: readable ? message.components : [],
    attachments: readable
      ? message.attachments.map(attachment => attachmentPayload(kernel, message.channelId, attachment))
      : [],
    ...(readable && message.poll !== null ? { poll: message.poll } : {}),
    ...(message.stickers.length === 0 ? {} : { sticker_items: message.stickers }),
    mentions: message.mentions.users.map(id => userById(state, id)),
    mention_roles: message.mentions.roles,
    mention_everyone: message.mentions.everyone,
    timestamp: iso(message.createdAt),
    edited_timestamp: message.editedAt === null ? null : iso(message.editedAt),
    flags: message.flags,
    tts: message.tts,
    pinned: false,
    ...(message.reactions.size === 0 ? {} : { reactions: reactionPayloads(state, message) }),
    ...(message.webhook === null ? {} : { webhook_id: message.webhook.id }),
    ...(message.applicationId === null
      ? {}
      : { application_id: message.applicationId, webhook_id: message.applicationId }),
    ...(message.interaction === null
      ? {}
      : { interaction_metadata: metadataPayload(state, message.interaction) }),
    ...(message.hasThread ? threadOf(state, message) : {}),
    ...(reference === null
      ? {}
      : {
          message_reference: {
            type: message.snapshot === null ? MessageReferenceType.Default : MessageReferenceType.Forward,
            channel_id: reference.channelId,
            ...(reference.messageId === null ? {} : { message_id: reference.messageId }),
            ...(reference.guildId === null ? {} : { guild_id: reference.guildId }),
          },
        }),
    ...(message.snapshot === null
      ? {}
      : { message_snapshots: [{ message: snapshotPayload(kernel, message.snapshot, readable) }] }),
    ...(depth === 0 ? referencedMessage(kernel, message, hasIntent) : {}),
  };
}

/** What is forwarded keeps its files, at the address they had. */
function snapshotPayload(kernel: Kernel, snapshot: Snapshot, readable: boolean): Json {
  return {
    type: snapshot.type,
    content: readable ? snapshot.content : '',
    embeds: readable ? snapshot.embeds : [],
    components: readable ? snapshot.components : [],
    attachments: readable
      ? snapshot.attachments.map(it => attachmentPayload(kernel, snapshot.channelId, it))
      : [],
    ...(snapshot.stickers.length === 0 ? {} : { sticker_items: snapshot.stickers }),
    timestamp: iso(snapshot.createdAt),
    edited_timestamp: snapshot.editedAt === null ? null : iso(snapshot.editedAt),
    flags: snapshot.flags,
    mentions: snapshot.mentions.users.map(id => userById(kernel.state, id)),
    mention_roles: snapshot.mentions.roles,
  };
}

function authorPayload(state: State, message: Message): Json {
  if (message.webhook === null) return userById(state, message.authorId);
  return {
    id: message.webhook.id,
    username: message.webhook.name,
    avatar: null,
    discriminator: '0000',
    global_name: null,
    public_flags: 0,
    bot: true,
  };
}

function referencedMessage(kernel: Kernel, message: Message, hasIntent: boolean): Json {
  const types: MessageType[] = [
    MessageType.Reply,
    MessageType.ThreadStarterMessage,
    MessageType.ContextMenuCommand,
  ];
  if (!types.includes(message.type) || message.reference?.messageId == null) return {};
  const target = kernel.state.channels
    .get(message.reference.channelId)
    ?.messages.get(message.reference.messageId);
  if (!target || target.deletedAt !== null) return { referenced_message: null };
  return { referenced_message: messagePayload(kernel, target, hasIntent, 1) };
}

function threadOf(state: State, message: Message): Json {
  const thread = state.channels.get(message.id);
  return thread ? { thread: channelPayload(state, thread, state.app.botId) } : {};
}

function reactionPayloads(state: State, message: Message): Json[] {
  return [...message.reactions].map(([emoji, users]) => ({
    emoji: emojiPayload(emoji),
    count: users.size,
    count_details: { burst: 0, normal: users.size },
    me: users.has(state.app.botId),
    me_burst: false,
    burst_colors: [],
  }));
}

function metadataPayload(state: State, metadata: InteractionMetadata): Json {
  return {
    id: metadata.id,
    type: metadata.type,
    user: userById(state, metadata.userId),
    authorizing_integration_owners: metadata.owners,
    ...(metadata.name === null ? {} : { name: metadata.name }),
    ...(metadata.originalResponseId === null
      ? {}
      : { original_response_message_id: metadata.originalResponseId }),
    ...(metadata.interactedMessageId === null ? {} : { interacted_message_id: metadata.interactedMessageId }),
    ...(metadata.targetMessageId === null ? {} : { target_message_id: metadata.targetMessageId }),
    ...(metadata.triggering === null
      ? {}
      : { triggering_interaction_metadata: metadataPayload(state, metadata.triggering) }),
  };
}
