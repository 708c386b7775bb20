// The gateway events that changes of state cause, with the intent each one takes (docs, events/gateway, "List
// of Intents") and the rule who gets it: nothing from a channel the bot cannot see. Ephemeral messages go
// through DIRECT_MESSAGES without guild_id or member (docs, events/gateway-events, "Messages").

import { GatewayIntentBits as Intents } from 'discord-api-types/v10';
import type { GatewayEvent, Kernel } from './kernel.ts';
import { messagePayload } from './message-payload.ts';
import {
  channelPayload,
  emojiPayload,
  guildCreatePayload,
  memberPayload,
  rolePayload,
  threadMemberPayload,
  userById,
} from './payloads.ts';
import { canView } from './permissions.ts';
import type { Channel, Guild, Message, Role, State } from './state.ts';

function inChannel(
  state: State,
  channel: Channel,
  name: string,
  intents: number,
  render: GatewayEvent['render'],
): GatewayEvent {
  return {
    name,
    intents,
    guildId: channel.guildId,
    render: view => (canView(state, channel, state.app.botId) ? render(view) : null),
  };
}

export function messageEvent(
  kernel: Kernel,
  name: 'MESSAGE_CREATE' | 'MESSAGE_UPDATE',
  message: Message,
  channel: Channel,
): GatewayEvent {
  const { state } = kernel;
  const ephemeral = message.ephemeralFor !== null;
  const guild = channel.guildId === null ? undefined : state.guilds.get(channel.guildId);
  const member = message.webhook === null ? guild?.members.get(message.authorId) : undefined;
  const render: GatewayEvent['render'] = ({ messageContent }) => ({
    ...messagePayload(kernel, message, messageContent),
    channel_type: channel.type,
    ...(message.nonce === null ? {} : { nonce: message.nonce }),
    ...(guild && !ephemeral ? { guild_id: guild.id } : {}),
    ...(member && !ephemeral ? { member: memberPayload(member) } : {}),
  });
  if (ephemeral) return { name, intents: Intents.DirectMessages, guildId: null, render };
  const intents = guild ? Intents.GuildMessages : Intents.DirectMessages;
  return inChannel(state, channel, name, intents, render);
}

export function messageDeleted(state: State, message: Message, channel: Channel): GatewayEvent {
  const ephemeral = message.ephemeralFor !== null;
  const payload = {
    id: message.id,
    channel_id: channel.id,
    ...(channel.guildId === null || ephemeral ? {} : { guild_id: channel.guildId }),
  };
  if (ephemeral) {
    return { name: 'MESSAGE_DELETE', intents: Intents.DirectMessages, guildId: null, render: () => payload };
  }
  const intents = channel.guildId === null ? Intents.DirectMessages : Intents.GuildMessages;
  return inChannel(state, channel, 'MESSAGE_DELETE', intents, () => payload);
}

/** Many at once, as a moderator or their bot removes them. */
export function messagesDeleted(state: State, ids: readonly string[], channel: Channel): GatewayEvent {
  const payload = { ids: [...ids], channel_id: channel.id, guild_id: channel.guildId };
  return inChannel(state, channel, 'MESSAGE_DELETE_BULK', Intents.GuildMessages, () => payload);
}

export function reactionEvent(
  state: State,
  name: 'MESSAGE_REACTION_ADD' | 'MESSAGE_REACTION_REMOVE',
  channel: Channel,
  message: Message,
  userId: string,
  emoji: string,
): GatewayEvent {
  const intents = channel.guildId === null ? Intents.DirectMessageReactions : Intents.GuildMessageReactions;
  return inChannel(state, channel, name, intents, () => ({
    user_id: userId,
    channel_id: channel.id,
    message_id: message.id,
    emoji: emojiPayload(emoji),
    burst: false,
    type: 0,
    ...(channel.guildId === null ? {} : { guild_id: channel.guildId }),
  }));
}

export function typingEvent(kernel: Kernel, channel: Channel, userId: string): GatewayEvent {
  const { state } = kernel;
  const intents = channel.guildId === null ? Intents.DirectMessageTyping : Intents.GuildMessageTyping;
  return inChannel(state, channel, 'TYPING_START', intents, () => ({
    channel_id: channel.id,
    user_id: userId,
    timestamp: Math.floor(kernel.clock.now() / 1000),
    ...(channel.guildId === null ? {} : { guild_id: channel.guildId }),
  }));
}

export function channelEvent(
  state: State,
  name: 'CHANNEL_CREATE' | 'CHANNEL_UPDATE' | 'CHANNEL_DELETE',
  channel: Channel,
): GatewayEvent {
  const payload = channelPayload(state, channel, state.app.botId);
  return { name, intents: Intents.Guilds, guildId: channel.guildId, render: () => payload };
}

export function threadEvent(
  state: State,
  name: 'THREAD_CREATE' | 'THREAD_UPDATE',
  channel: Channel,
): GatewayEvent {
  const payload = {
    ...channelPayload(state, channel, state.app.botId),
    ...(name === 'THREAD_CREATE' ? { newly_created: true } : {}),
  };
  return inChannel(state, channel, name, Intents.Guilds, () => payload);
}

export function threadDeleted(state: State, channel: Channel): GatewayEvent {
  return inChannel(state, channel, 'THREAD_DELETE', Intents.Guilds, () => ({
    id: channel.id,
    guild_id: channel.guildId,
    parent_id: channel.parentId,
    type: channel.type,
  }));
}

/** Others joining a thread are told with GUILD_MEMBERS only; the bot's own joining always. */
export function threadMembersUpdated(
  state: State,
  channel: Channel,
  added: string[],
  removed: string[],
): GatewayEvent {
  const own = state.app.botId;
  return {
    name: 'THREAD_MEMBERS_UPDATE',
    intents: Intents.Guilds | Intents.GuildMembers,
    guildId: channel.guildId,
    render({ guildMembers }) {
      const seesAdded = guildMembers ? added : added.filter(id => id === own);
      const seesRemoved = guildMembers ? removed : removed.filter(id => id === own);
      if (seesAdded.length + seesRemoved.length === 0) return null;
      return {
        id: channel.id,
        guild_id: channel.guildId,
        member_count: Math.min(channel.thread?.members.size ?? 0, 50),
        ...(seesAdded.length === 0
          ? {}
          : {
              added_members: seesAdded.map(id =>
                threadMemberPayload(channel.id, id, channel.thread?.members.get(id) ?? 0),
              ),
            }),
        ...(seesRemoved.length === 0 ? {} : { removed_member_ids: seesRemoved }),
      };
    },
  };
}

export function guildCreated(state: State, guild: Guild): GatewayEvent {
  return {
    name: 'GUILD_CREATE',
    intents: Intents.Guilds,
    guildId: guild.id,
    render: view => guildCreatePayload(state, guild, view.guildMembers),
  };
}

/** `unavailable` for an outage; otherwise the bot was removed. */
export function guildDeleted(guild: Guild, unavailable: boolean): GatewayEvent {
  return {
    name: 'GUILD_DELETE',
    intents: Intents.Guilds,
    guildId: guild.id,
    render: () => ({ id: guild.id, ...(unavailable ? { unavailable: true } : {}) }),
  };
}

export function roleEvent(
  name: 'GUILD_ROLE_CREATE' | 'GUILD_ROLE_UPDATE',
  guild: Guild,
  role: Role,
): GatewayEvent {
  const payload = { guild_id: guild.id, role: rolePayload(role) };
  return { name, intents: Intents.Guilds, guildId: guild.id, render: () => payload };
}

/** Changes of the bot's own member always arrive, those of others with GUILD_MEMBERS. */
export function memberUpdated(state: State, guild: Guild, userId: string): GatewayEvent {
  const member = guild.members.get(userId);
  const isOwn = userId === state.app.botId;
  return {
    name: 'GUILD_MEMBER_UPDATE',
    intents: isOwn ? 0 : Intents.GuildMembers,
    guildId: guild.id,
    render: () =>
      member ? { ...memberPayload(member), user: userById(state, userId), guild_id: guild.id } : null,
  };
}

export function memberAdded(state: State, guild: Guild, userId: string): GatewayEvent {
  const member = guild.members.get(userId);
  return {
    name: 'GUILD_MEMBER_ADD',
    intents: Intents.GuildMembers,
    guildId: guild.id,
    render: () =>
      member ? { ...memberPayload(member), user: userById(state, userId), guild_id: guild.id } : null,
  };
}
