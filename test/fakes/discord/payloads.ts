// State rendered as the API objects of Discord's resource pages: users, members, roles, servers, channels and
// threads. Messages have a file of their own.

import { ChannelType } from 'discord-api-types/v10';
import type { Json } from './form.ts';
import { canView } from './permissions.ts';
import {
  type Channel,
  type Guild,
  isDm,
  type Member,
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
        channel => channel.thread && !channel.thread.archived && canView(state, channel, state.app.botId),
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

/** `name` for a Unicode emoji, `name:id` for one of a server. */
export function emojiPayload(emoji: string): Json {
  const [name, id] = emoji.split(':');
  return { id: id ?? null, name: name ?? emoji };
}

export function userById(state: State, id: string): Json {
  const user = state.users.get(id);
  return user ? userPayload(user) : { id, username: 'Deleted User', discriminator: '0000', avatar: null };
}
