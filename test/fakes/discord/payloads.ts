// State rendered as the API objects of Discord's resource pages (user, guild, channel, message, thread). The
// message content rule is applied here: without the intent a message from others, outside DMs, that does not
// mention the bot comes with empty content, embeds, attachments and components (docs, events/gateway).

import { ChannelType, MessageFlags, MessageType } from 'discord-api-types/v10';
import type { Json } from './form.ts';
import type { Kernel } from './kernel.ts';
import { permissionsIn } from './permissions.ts';
import {
  type Attachment,
  type Channel,
  type Guild,
  type InteractionMetadata,
  isDm,
  type Member,
  type Message,
  type Role,
  type State,
  type Thread,
  type User,
} from './state.ts';

export function iso(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000+00:00');
}

export function userPayload(user: User): Json {
  return {
    id: user.id,
    username: user.username,
    global_name: user.globalName,
    discriminator: user.bot ? '0001' : '0',
    avatar: null,
    public_flags: 0,
    ...(user.bot ? { bot: true } : {}),
  };
}

export function memberPayload(member: Member): Json {
  return {
    roles: [...member.roles],
    nick: member.nick,
    avatar: null,
    banner: null,
    joined_at: iso(member.joinedAt),
    premium_since: null,
    communication_disabled_until: null,
    deaf: false,
    mute: false,
    pending: false,
    flags: 0,
  };
}

export function rolePayload(role: Role): Json {
  return {
    id: role.id,
    name: role.name,
    permissions: String(role.permissions),
    mentionable: role.mentionable,
    position: role.position,
    managed: role.managed,
    hoist: false,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    icon: null,
    unicode_emoji: null,
    flags: 0,
  };
}

export function guildPayload(guild: Guild): Json {
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    splash: null,
    discovery_splash: null,
    owner_id: guild.ownerId,
    afk_channel_id: null,
    afk_timeout: 300,
    verification_level: 0,
    default_message_notifications: 1,
    explicit_content_filter: 0,
    roles: [...guild.roles.values()].map(rolePayload),
    emojis: [],
    stickers: [],
    features: [],
    mfa_level: 0,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    vanity_url_code: null,
    description: null,
    banner: null,
    premium_tier: 0,
    preferred_locale: 'en-US',
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    nsfw_level: 0,
    premium_progress_bar_enabled: false,
  };
}

/** GUILD_CREATE: the guild with its channels, the threads the bot sees, and (by intent) its members. */
export function guildCreatePayload(state: State, guild: Guild, allMembers: boolean): Json {
  const channels = [...state.channels.values()].filter(channel => channel.guildId === guild.id);
  const bot = guild.members.get(state.app.botId);
  const members = allMembers ? [...guild.members.values()] : bot ? [bot] : [];
  return {
    ...guildPayload(guild),
    joined_at: iso(bot?.joinedAt ?? 0),
    large: false,
    unavailable: false,
    member_count: guild.members.size,
    voice_states: [],
    members: members.map(member => ({ ...memberPayload(member), user: userById(state, member.userId) })),
    channels: channels
      .filter(channel => !channel.thread)
      .map(channel => channelPayload(state, channel, state.app.botId)),
    threads: channels
      .filter(
        channel =>
          channel.thread && !channel.thread.archived && permissionsIn(state, channel, state.app.botId) > 0n,
      )
      .map(channel => channelPayload(state, channel, state.app.botId)),
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

/** A channel as one user sees it: in a thread with their membership, in a DM without themselves. */
export function channelPayload(state: State, channel: Channel, viewerId: string): Json {
  if (isDm(channel)) {
    return {
      id: channel.id,
      type: channel.type,
      last_message_id: channel.lastMessageId,
      flags: 0,
      recipients: channel.recipients.filter(id => id !== viewerId).map(id => userById(state, id)),
      ...(channel.type === ChannelType.GroupDM
        ? { name: channel.name, icon: null, owner_id: channel.recipients[0] ?? null }
        : {}),
    };
  }
  const { thread } = channel;
  const common = {
    id: channel.id,
    type: channel.type,
    guild_id: channel.guildId,
    parent_id: channel.parentId,
    name: channel.name,
    last_message_id: channel.lastMessageId,
    rate_limit_per_user: channel.slowmodeSeconds,
    flags: 0,
  };
  if (thread) {
    const joinedAt = thread.members.get(viewerId);
    return {
      ...common,
      owner_id: thread.ownerId,
      message_count: thread.messageCount,
      total_message_sent: thread.totalMessageSent,
      member_count: Math.min(thread.members.size, 50),
      thread_metadata: threadMetadata(channel.type, thread),
      ...(joinedAt === undefined ? {} : { member: threadMemberPayload(channel.id, viewerId, joinedAt) }),
    };
  }
  return {
    ...common,
    topic: channel.topic,
    nsfw: false,
    position: channel.position,
    permission_overwrites: channel.overwrites.map(overwrite => ({
      id: overwrite.id,
      type: overwrite.type === 'role' ? 0 : 1,
      allow: String(overwrite.allow),
      deny: String(overwrite.deny),
    })),
    ...(channel.type === ChannelType.GuildForum
      ? {
          available_tags: [],
          default_reaction_emoji: null,
          default_sort_order: null,
          default_forum_layout: 0,
        }
      : {}),
  };
}

function threadMetadata(type: ChannelType, thread: Thread): Json {
  return {
    archived: thread.archived,
    locked: thread.locked,
    auto_archive_duration: thread.autoArchiveMinutes,
    archive_timestamp: iso(thread.archiveChangedAt),
    create_timestamp: iso(thread.createdAt),
    ...(type === ChannelType.PrivateThread ? { invitable: true } : {}),
  };
}

export function threadMemberPayload(threadId: string, userId: string, joinedAt: number): Json {
  return { id: threadId, user_id: userId, join_timestamp: iso(joinedAt), flags: 0 };
}

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
export function contentVisible(state: State, message: Message, hasIntent: boolean): boolean {
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
            type: 0,
            channel_id: reference.channelId,
            ...(reference.messageId === null ? {} : { message_id: reference.messageId }),
            ...(reference.guildId === null ? {} : { guild_id: reference.guildId }),
          },
        }),
    ...(depth === 0 ? referencedMessage(kernel, message, hasIntent) : {}),
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

/** `name` for a Unicode emoji, `name:id` for one of a server. */
export function emojiPayload(emoji: string): Json {
  const [name, id] = emoji.split(':');
  return { id: id ?? null, name: name ?? emoji };
}

export function metadataPayload(state: State, metadata: InteractionMetadata): Json {
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

export function userById(state: State, id: string): Json {
  const user = state.users.get(id);
  return user ? userPayload(user) : { id, username: 'Deleted User', discriminator: '0000', avatar: null };
}
