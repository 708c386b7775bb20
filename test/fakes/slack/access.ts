// Who may act where: the channel, thread and membership rules behind channel_not_found, not_in_channel,
// is_archived and their like, as the errors tables of the method pages describe them.

import type { Core } from './core.ts';
import { ApiError } from './method.ts';
import { type Channel, covers, type Installation, type Message, type Person } from './world.ts';

const HISTORY = {
  im: 'im:history',
  mpim: 'mpim:history',
  channel: 'channels:history',
  group: 'groups:history',
} as const;
const READ = { im: 'im:read', mpim: 'mpim:read', channel: 'channels:read', group: 'groups:read' } as const;

export const historyScope = (channel: Channel): string => HISTORY[channel.kind];
export const readScope = (channel: Channel): string => READ[channel.kind];

/** A channel the installation can see at all: public ones of its workspaces, others only as a member. */
export function visibleChannel(core: Core, installation: Installation, id: string): Channel {
  const channel = core.world.channels.get(id);
  if (channel === undefined) throw new ApiError('channel_not_found');
  const reachable = [...channel.teams].some(team => covers(installation, core.world.teams.get(team)));
  const member = channel.members.has(installation.bot.id);
  if (!reachable || (channel.kind !== 'channel' && !member)) throw new ApiError('channel_not_found');
  return channel;
}

/** A channel the bot is in. */
export function memberChannel(core: Core, installation: Installation, id: string): Channel {
  const channel = visibleChannel(core, installation, id);
  if (!channel.members.has(installation.bot.id)) throw new ApiError('not_in_channel');
  return channel;
}

/** A channel to write to. A user's id stands for the DM with that user; `publicly` is chat:write.public. */
export function writableChannel(
  core: Core,
  installation: Installation,
  id: string,
  publicly = false,
): Channel {
  const person = core.world.people.get(id);
  const channel =
    person === undefined ? visibleChannel(core, installation, id) : directMessage(core, installation, person);
  if (channel.archived) throw new ApiError('is_archived');
  if (!channel.members.has(installation.bot.id) && !(publicly && channel.kind === 'channel')) {
    throw new ApiError('not_in_channel');
  }
  if (channel.kind === 'im' && !core.app.messagesTab) throw new ApiError('messages_tab_disabled');
  return channel;
}

/** The DM between the app and a person, made if there is none yet. */
export function directMessage(core: Core, installation: Installation, person: Person): Channel {
  if (person.botId !== undefined) throw new ApiError('cannot_dm_bot');
  if (person.deleted) throw new ApiError('user_disabled');
  if (!knows(core, installation, person)) throw new ApiError('user_not_found');
  return openDirect(core, installation, person);
}

export function openDirect(core: Core, installation: Installation, person: Person): Channel {
  const key = `${installation.bot.id}:${person.id}`;
  const present = core.world.directs.get(key);
  if (present !== undefined) return present;
  const host = covers(installation, person.team) ? person.team : installation.bot.team;
  const channel: Channel = {
    id: core.world.id('D'),
    kind: 'im',
    name: 'directmessage',
    host,
    teams: new Set([host.id, person.team.id]),
    members: new Set([person.id, installation.bot.id]),
    messages: new Map(),
    threads: new Map(),
    archived: false,
  };
  core.world.channels.set(channel.id, channel);
  core.world.directs.set(key, channel);
  return channel;
}

/** A colleague, or someone met in a shared channel. */
export function knows(core: Core, installation: Installation, person: Person): boolean {
  if (covers(installation, person.team)) return true;
  return [...core.world.channels.values()].some(
    channel => channel.members.has(person.id) && channel.members.has(installation.bot.id),
  );
}

const TS = /^\d{10}\.\d{6}$/;

/** The root a reply goes under. A ts that is no message any more gives thread_not_found. */
export function threadRoot(channel: Channel, ts: string): Message {
  if (!TS.test(ts)) {
    throw new ApiError('invalid_thread_ts', {
      response_metadata: { messages: [`[ERROR] ${ts} is not a valid thread_ts`] },
    });
  }
  const root = channel.messages.get(ts);
  if (root === undefined || root.ephemeralTo !== undefined) throw new ApiError('thread_not_found');
  if (root.subtype?.startsWith('channel_') === true) throw new ApiError('cannot_reply_to_message');
  return root;
}

/** Whether a person can see a channel: public ones of their workspace, others as a member. */
export function personSees(channel: Channel, person: Person): boolean {
  return channel.members.has(person.id) || (channel.kind === 'channel' && channel.teams.has(person.team.id));
}
