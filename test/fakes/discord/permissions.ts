// Who may do what, computed as in Discord's topics/permissions: base permissions from roles, then the
// channel's overwrites for @everyone, roles and member. Without VIEW_CHANNEL nothing else counts; without the
// right to send, neither mentions of everyone, files nor embeds do. Threads take their parent's permissions and
// need SEND_MESSAGES_IN_THREADS instead of SEND_MESSAGES. Voice channels need CONNECT as well.

import { ChannelType, PermissionFlagsBits } from 'discord-api-types/v10';
import { missingAccess, missingPermissions } from './api-error.ts';
import { type Channel, type Guild, isDm, isForum, type State } from './state.ts';

export { PermissionFlagsBits };

const ALL_PERMISSIONS = Object.values(PermissionFlagsBits).reduce((all, bit) => all | bit, 0n);

/** What @everyone may do in a new server, near to Discord's own default. */
export const DEFAULT_PERMISSIONS =
  PermissionFlagsBits.ViewChannel |
  PermissionFlagsBits.SendMessages |
  PermissionFlagsBits.SendMessagesInThreads |
  PermissionFlagsBits.CreatePublicThreads |
  PermissionFlagsBits.EmbedLinks |
  PermissionFlagsBits.AttachFiles |
  PermissionFlagsBits.AddReactions |
  PermissionFlagsBits.ReadMessageHistory |
  PermissionFlagsBits.UseApplicationCommands |
  PermissionFlagsBits.UseExternalApps |
  PermissionFlagsBits.Connect |
  PermissionFlagsBits.Speak;

/** docs, interactions: what an app may do in a DM, whatever else. */
const DM_PERMISSIONS =
  PermissionFlagsBits.ViewChannel |
  PermissionFlagsBits.SendMessages |
  PermissionFlagsBits.ReadMessageHistory |
  PermissionFlagsBits.AttachFiles |
  PermissionFlagsBits.EmbedLinks |
  PermissionFlagsBits.MentionEveryone |
  PermissionFlagsBits.AddReactions;

export function guildPermissions(guild: Guild, userId: string): bigint {
  const member = guild.members.get(userId);
  if (!member) return 0n;
  if (guild.ownerId === userId) return ALL_PERMISSIONS;
  let permissions = guild.roles.get(guild.id)?.permissions ?? 0n;
  for (const roleId of member.roles) permissions |= guild.roles.get(roleId)?.permissions ?? 0n;
  return permissions & PermissionFlagsBits.Administrator ? ALL_PERMISSIONS : permissions;
}

export function permissionsIn(state: State, channel: Channel, userId: string): bigint {
  if (channel.guildId === null) return channel.recipients.includes(userId) ? DM_PERMISSIONS : 0n;
  const guild = state.guilds.get(channel.guildId);
  const member = guild?.members.get(userId);
  if (!guild || !member) return 0n;
  const base = guildPermissions(guild, userId);
  if (base & PermissionFlagsBits.Administrator) return ALL_PERMISSIONS;

  const place = channel.thread ? (state.channels.get(channel.parentId ?? '') ?? channel) : channel;
  let permissions = applyOverwrites(base, place, guild.id, member.roles, userId);
  if (!(permissions & PermissionFlagsBits.ViewChannel)) return 0n;
  const sending = channel.thread
    ? PermissionFlagsBits.SendMessagesInThreads
    : PermissionFlagsBits.SendMessages;
  if (!(permissions & sending)) {
    permissions &= ~(
      PermissionFlagsBits.MentionEveryone |
      PermissionFlagsBits.SendTTSMessages |
      PermissionFlagsBits.AttachFiles |
      PermissionFlagsBits.EmbedLinks
    );
  }
  const isPrivate = channel.type === ChannelType.PrivateThread;
  if (isPrivate && !channel.thread?.members.has(userId)) {
    return permissions & PermissionFlagsBits.ManageThreads ? permissions : 0n;
  }
  return permissions;
}

function applyOverwrites(
  base: bigint,
  channel: Channel,
  everyoneId: string,
  roles: ReadonlySet<string>,
  userId: string,
): bigint {
  let permissions = base;
  const everyone = channel.overwrites.find(overwrite => overwrite.id === everyoneId);
  if (everyone) permissions = (permissions & ~everyone.deny) | everyone.allow;
  let allow = 0n;
  let deny = 0n;
  for (const overwrite of channel.overwrites) {
    if (overwrite.type !== 'role' || !roles.has(overwrite.id)) continue;
    allow |= overwrite.allow;
    deny |= overwrite.deny;
  }
  permissions = (permissions & ~deny) | allow;
  const own = channel.overwrites.find(overwrite => overwrite.type === 'member' && overwrite.id === userId);
  if (own) permissions = (permissions & ~own.deny) | own.allow;
  return permissions;
}

export function can(state: State, channel: Channel, userId: string, ...needed: bigint[]): boolean {
  const permissions = permissionsIn(state, channel, userId);
  return needed.every(bit => (permissions & bit) === bit);
}

export function canView(state: State, channel: Channel, userId: string): boolean {
  return can(state, channel, userId, PermissionFlagsBits.ViewChannel);
}

/** 50001 where the user cannot see the channel, or cannot enter a voice channel. */
export function requireView(state: State, channel: Channel, userId: string): void {
  if (!canView(state, channel, userId)) throw missingAccess();
  const isVoice = channel.type === ChannelType.GuildVoice || channel.type === ChannelType.GuildStageVoice;
  if (isVoice && !can(state, channel, userId, PermissionFlagsBits.Connect)) throw missingAccess();
}

/** 50001 without sight of the channel, 50013 without one of the permissions. */
export function requirePermissions(
  state: State,
  channel: Channel,
  userId: string,
  ...needed: bigint[]
): void {
  requireView(state, channel, userId);
  if (!can(state, channel, userId, ...needed)) throw missingPermissions();
}

/** The permission that posting in this channel takes. */
export function sendingPermission(channel: Channel): bigint {
  return channel.thread && !isForum(channel)
    ? PermissionFlagsBits.SendMessagesInThreads
    : PermissionFlagsBits.SendMessages;
}

/** Users who share at least one server with the bot, or installed it, can be written to. */
export function canReach(state: State, userId: string): boolean {
  if (state.app.userInstalls.has(userId)) return true;
  for (const guild of state.guilds.values()) {
    if (guild.members.has(userId) && guild.members.has(state.app.botId)) return true;
  }
  return false;
}

/** Everybody who could be notified in a channel. */
export function audience(state: State, channel: Channel): string[] {
  if (isDm(channel)) return channel.recipients;
  const guild = channel.guildId === null ? undefined : state.guilds.get(channel.guildId);
  if (!guild) return [];
  return [...guild.members.keys()].filter(userId => canView(state, channel, userId));
}
