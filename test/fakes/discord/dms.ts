// DM and group DM channels: one for each set of people, made when first needed.

import type { ChannelType } from 'discord-api-types/v10';
import type { Kernel } from './kernel.ts';
import { type Channel, findDm } from './state.ts';

export function openDm(
  kernel: Kernel,
  userIds: readonly string[],
  type: ChannelType.DM | ChannelType.GroupDM,
): Channel {
  const existing = findDm(kernel.state, userIds);
  if (existing) return existing;
  const channel: Channel = {
    id: kernel.ids.next(),
    type,
    guildId: null,
    parentId: null,
    name: null,
    topic: null,
    position: 0,
    overwrites: [],
    recipients: [...userIds],
    slowmodeSeconds: 0,
    lastMessageId: null,
    thread: null,
    messages: new Map(),
  };
  kernel.state.channels.set(channel.id, channel);
  return channel;
}
