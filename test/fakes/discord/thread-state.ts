// What changes in a thread besides its messages: archiving after inactivity, opening again, locking, and who is
// in it (Discord's topics/threads).

import { ChannelType } from 'discord-api-types/v10';
import { cannotExecuteOnChannel } from './api-error.ts';
import { threadEvent, threadMembersUpdated } from './events.ts';
import type { Kernel } from './kernel.ts';
import { canView } from './permissions.ts';
import type { Channel } from './state.ts';

/** Archives a thread whose time has run out. */
export function refreshThread(kernel: Kernel, channel: Channel): void {
  const { thread } = channel;
  if (!thread || thread.archived) return;
  if (kernel.clock.now() - thread.lastActivityAt < thread.autoArchiveMinutes * 60_000) return;
  setArchived(kernel, channel, { archived: true });
}

export function unarchive(kernel: Kernel, channel: Channel): void {
  if (channel.thread) channel.thread.lastActivityAt = kernel.clock.now();
  setArchived(kernel, channel, { archived: false });
}

export function setArchived(
  kernel: Kernel,
  channel: Channel,
  change: { archived?: boolean; locked?: boolean },
): void {
  const { thread } = channel;
  if (!thread) throw cannotExecuteOnChannel();
  thread.archived = change.archived ?? thread.archived;
  thread.locked = change.locked ?? thread.locked;
  thread.archiveChangedAt = kernel.clock.now();
  kernel.emit(threadEvent(kernel.state, 'THREAD_UPDATE', channel));
  kernel.journal.touch();
}

export function joinThread(kernel: Kernel, channel: Channel, userId: string): void {
  const { thread } = channel;
  if (!thread || thread.members.has(userId)) return;
  const guild = channel.guildId === null ? undefined : kernel.state.guilds.get(channel.guildId);
  const parent = kernel.state.channels.get(channel.parentId ?? '');
  if (!guild?.members.has(userId) || (parent && !canView(kernel.state, parent, userId))) return;
  thread.members.set(userId, kernel.clock.now());
  if (userId === kernel.state.app.botId && channel.type === ChannelType.PrivateThread) {
    kernel.emit(threadEvent(kernel.state, 'THREAD_CREATE', channel));
  }
  kernel.emit(threadMembersUpdated(kernel.state, channel, [userId], []));
}

export function leaveThread(kernel: Kernel, channel: Channel, userId: string): void {
  if (!channel.thread?.members.delete(userId)) return;
  kernel.emit(threadMembersUpdated(kernel.state, channel, [], [userId]));
}
