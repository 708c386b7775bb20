import {
  ApplicationIntegrationType,
  type Channel,
  ChannelType,
  type Client,
  type ClientUser,
  DiscordAPIError,
  type Interaction,
  PermissionsBitField,
} from 'discord.js';
import { beginning, clip } from '../../../core/reply/text-split.ts';
import { mayPass } from '../connection/api.ts';
import { THREAD_PERMISSIONS } from '../connection/permissions.ts';
import type { Place } from './inbound.ts';
import type { Incoming } from './incoming.ts';

/** Looks up where a message stands. A channel that is not known yet is fetched; where that is refused, the message may say. */
export async function placeOf(
  message: Pick<Incoming, 'guildId' | 'channelId' | 'channelType'>,
  client: Client,
): Promise<Place> {
  if (message.guildId === null) return { type: 'dm' };
  const channel = client.channels.cache.get(message.channelId) ?? (await fetched(message.channelId, client));
  switch (channel?.type ?? message.channelType) {
    case ChannelType.PublicThread:
    case ChannelType.PrivateThread:
    case ChannelType.AnnouncementThread:
      return { type: 'thread' };
    case ChannelType.GuildText:
    case ChannelType.GuildAnnouncement:
      return { type: 'text', threads: mayStartThreads(channel, client.user) };
    default:
      return { type: 'other' };
  }
}

/** True also where that cannot be told: then it is tried. */
function mayStartThreads(channel: Channel | null, user: ClientUser | null): boolean {
  if (channel === null || user === null || !('permissionsFor' in channel)) return true;
  try {
    return channel.permissionsFor(user)?.has(new PermissionsBitField(THREAD_PERMISSIONS)) ?? true;
  } catch {
    // discord.js throws where the roles of a server are not delivered.
    return true;
  }
}

async function fetched(channelId: string, client: Client): Promise<Channel | null> {
  try {
    return await client.channels.fetch(channelId);
  } catch (error) {
    if (!(error instanceof DiscordAPIError) || mayPass(error)) throw error;
    return null;
  }
}

const NAME_LENGTH = 80;

/** A thread's name says what it is about: the beginning of the message, cut at a word. At most 100 characters. */
export function threadName(text: string, author: string): string {
  const line = text
    .replace(/[`*_~|#>]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (line === '') return clip(`A question from ${author}`, 100);
  if (line.length <= NAME_LENGTH) return line;
  const cut = beginning(line, NAME_LENGTH).replace(/\s+\S*$/, '');
  return `${cut}…`;
}

/** Whether the bot itself is where this was used, rather than with the person alone. */
export function isInstalled({ authorizingIntegrationOwners: owners }: Interaction): boolean {
  return owners[ApplicationIntegrationType.GuildInstall] !== undefined;
}

/** Where somebody who has the bot with them asks for their eyes alone: a conversation apart from the channel's. */
export function askedIn(channelId: string): string {
  return `ask-${channelId}`;
}
