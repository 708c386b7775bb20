// Sets the scene: people, servers, roles, channels, installations. Changes after the bot is connected reach it
// as the gateway events Discord would send.

import { ChannelType, type MessageType } from 'discord-api-types/v10';
import { openDm } from '../dms.ts';
import {
  channelEvent,
  guildCreated,
  guildDeleted,
  memberAdded,
  memberUpdated,
  messagesDeleted,
  roleEvent,
} from '../events.ts';
import type { Kernel } from '../kernel.ts';
import { PARSE_ALL } from '../mentions.ts';
import { post, unfurl } from '../messages.ts';
import { DEFAULT_PERMISSIONS } from '../permissions.ts';
import {
  type Channel,
  channelOf,
  type Guild,
  type Message,
  messageOf,
  type Role,
  type User,
} from '../state.ts';
import { setArchived } from '../thread-state.ts';

export interface World {
  addUser(name: string, options?: { id?: string; bot?: boolean; acceptsDms?: boolean }): User;
  /** A server with its members; the bot is one of them unless `withBot` is false. */
  addGuild(
    name: string,
    options?: {
      id?: string;
      /** Puts the server on a shard of so many. */
      shard?: [shard: number, count: number];
      ownerId?: string;
      members?: readonly string[];
      withBot?: boolean;
      everyone?: bigint;
      /** Permissions of the bot's own role, added to those of everyone. */
      botPermissions?: bigint;
    },
  ): Guild;
  addChannel(
    guildId: string,
    name: string,
    options?: { type?: ChannelType; id?: string; parentId?: string; slowmodeSeconds?: number },
  ): Channel;
  /** A DM or group DM that the bot is no part of. */
  addPrivateChannel(userIds: readonly string[]): Channel;
  addRole(guildId: string, name: string, options?: { permissions?: bigint; mentionable?: boolean }): Role;
  addMember(guildId: string, userId: string, roleIds?: readonly string[]): void;
  giveRole(guildId: string, userId: string, roleId: string): void;
  setRolePermissions(guildId: string, roleId: string, permissions: bigint): void;
  /** Allows and denies for a role or a member in one channel. */
  overwrite(channelId: string, id: string, change: { allow?: bigint; deny?: bigint }): void;
  /** Archives, locks, opens or unlocks a thread, as a moderator would. */
  setThread(threadId: string, change: { archived?: boolean; locked?: boolean }): void;
  removeBot(guildId: string): void;
  inviteBot(guildId: string): void;
  /** The server goes away for a while, or comes back. */
  outage(guildId: string, isOut: boolean): void;
  deleteChannel(channelId: string): void;
  /** A moderator removes many messages of a server's channel at once. */
  purge(channelId: string, messageIds: readonly string[]): void;
  /** The app installed by this person, for use anywhere. */
  installForUser(userId: string): void;
  /** A message of an incoming webhook. */
  webhookSays(channelId: string, name: string, content: string): Message;
  /** A message Discord writes itself, such as a join or a boost. */
  systemMessage(channelId: string, type: MessageType, userId: string, content?: string): Message;
  /** The preview of a link turns up, as an update of the message. */
  unfurlLink(channelId: string, messageId: string, url: string): void;
}

export function createWorld(kernel: Kernel): World {
  const { state, ids, clock } = kernel;

  function guildOf(guildId: string): Guild {
    const guild = state.guilds.get(guildId);
    if (!guild) throw new Error(`the fake knows no server ${guildId}`);
    return guild;
  }

  function join(guild: Guild, userId: string, roles: readonly string[] = []): void {
    guild.members.set(userId, { userId, roles: new Set(roles), nick: null, joinedAt: clock.now() });
  }

  function addRole(
    guild: Guild,
    name: string,
    permissions: bigint,
    mentionable: boolean,
    id = ids.next(),
  ): Role {
    const role: Role = { id, name, permissions, mentionable, position: guild.roles.size, managed: false };
    guild.roles.set(id, role);
    return role;
  }

  return {
    addUser(name, options = {}) {
      const user: User = {
        id: options.id ?? ids.next(),
        username: name.toLowerCase().replace(/\W+/g, ''),
        globalName: name,
        bot: options.bot ?? false,
        acceptsDms: options.acceptsDms ?? true,
      };
      state.users.set(user.id, user);
      return user;
    },
    addGuild(name, options = {}) {
      const fresh = options.shard ? ids.onShard(...options.shard) : ids.next();
      const guild: Guild = {
        id: options.id ?? fresh,
        name,
        ownerId: options.ownerId ?? state.app.ownerId,
        roles: new Map(),
        members: new Map(),
        unavailable: false,
      };
      state.guilds.set(guild.id, guild);
      addRole(guild, '@everyone', options.everyone ?? DEFAULT_PERMISSIONS, false, guild.id);
      for (const userId of options.members ?? []) join(guild, userId);
      if (options.withBot === false) return guild;
      const role = addRole(guild, state.app.name, options.botPermissions ?? 0n, false);
      role.managed = true;
      join(guild, state.app.botId, [role.id]);
      kernel.emit(guildCreated(state, guild));
      return guild;
    },
    addChannel(guildId, name, options = {}) {
      const guild = guildOf(guildId);
      const channel: Channel = {
        id: options.id ?? ids.next(),
        type: options.type ?? ChannelType.GuildText,
        guildId: guild.id,
        parentId: options.parentId ?? null,
        name,
        topic: null,
        position: state.channels.size,
        overwrites: [],
        recipients: [],
        slowmodeSeconds: options.slowmodeSeconds ?? 0,
        lastMessageId: null,
        thread: null,
        messages: new Map(),
      };
      state.channels.set(channel.id, channel);
      if (guild.members.has(state.app.botId)) kernel.emit(channelEvent(state, 'CHANNEL_CREATE', channel));
      return channel;
    },
    addPrivateChannel: userIds =>
      openDm(kernel, userIds, userIds.length > 2 ? ChannelType.GroupDM : ChannelType.DM),
    addRole(guildId, name, options = {}) {
      const guild = guildOf(guildId);
      const role = addRole(guild, name, options.permissions ?? 0n, options.mentionable ?? false);
      kernel.emit(roleEvent('GUILD_ROLE_CREATE', guild, role));
      return role;
    },
    addMember(guildId, userId, roleIds = []) {
      const guild = guildOf(guildId);
      join(guild, userId, roleIds);
      kernel.emit(memberAdded(state, guild, userId));
    },
    giveRole(guildId, userId, roleId) {
      const guild = guildOf(guildId);
      guild.members.get(userId)?.roles.add(roleId);
      kernel.emit(memberUpdated(state, guild, userId));
    },
    setRolePermissions(guildId, roleId, permissions) {
      const guild = guildOf(guildId);
      const role = guild.roles.get(roleId);
      if (!role) throw new Error(`no role ${roleId} in ${guild.name}`);
      role.permissions = permissions;
      kernel.emit(roleEvent('GUILD_ROLE_UPDATE', guild, role));
    },
    overwrite(channelId, id, change) {
      const channel = channelOf(state, channelId);
      const type = state.users.has(id) ? 'member' : 'role';
      channel.overwrites = channel.overwrites.filter(overwrite => overwrite.id !== id);
      channel.overwrites.push({ id, type, allow: change.allow ?? 0n, deny: change.deny ?? 0n });
      kernel.emit(channelEvent(state, 'CHANNEL_UPDATE', channel));
    },
    setThread(threadId, change) {
      const thread = channelOf(state, threadId);
      setArchived(kernel, thread, change);
    },
    removeBot(guildId) {
      const guild = guildOf(guildId);
      kernel.emit(guildDeleted(guild, false));
      guild.members.delete(state.app.botId);
    },
    inviteBot(guildId) {
      const guild = guildOf(guildId);
      join(guild, state.app.botId);
      kernel.emit(guildCreated(state, guild));
    },
    outage(guildId, isOut) {
      const guild = guildOf(guildId);
      guild.unavailable = isOut;
      kernel.emit(isOut ? guildDeleted(guild, true) : guildCreated(state, guild));
    },
    deleteChannel(channelId) {
      const channel = channelOf(state, channelId);
      kernel.emit(channelEvent(state, 'CHANNEL_DELETE', channel));
      state.channels.delete(channelId);
      for (const thread of [...state.channels.values()]) {
        if (thread.parentId === channelId && thread.thread) state.channels.delete(thread.id);
      }
    },
    purge(channelId, messageIds) {
      const channel = channelOf(state, channelId);
      for (const id of messageIds) messageOf(channel, id).deletedAt = clock.now();
      kernel.emit(messagesDeleted(state, messageIds, channel));
    },
    installForUser(userId) {
      state.app.userInstalls.add(userId);
    },
    webhookSays(channelId, name, content) {
      const webhook = { id: ids.next(), name };
      return post(kernel, channelOf(state, channelId), {
        authorId: webhook.id,
        webhook,
        content,
        allowed: PARSE_ALL,
      });
    },
    systemMessage: (channelId, type, userId, content = '') =>
      post(kernel, channelOf(state, channelId), { authorId: userId, type, content, allowed: PARSE_ALL }),
    unfurlLink(channelId, messageId, url) {
      const channel = channelOf(state, channelId);
      unfurl(kernel, channel, messageOf(channel, messageId), url);
    },
  };
}
