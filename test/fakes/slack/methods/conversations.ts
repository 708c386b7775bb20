// conversations.open, info, history, replies, members, join, leave (docs.slack.dev/reference/methods). Which
// scope counts depends on the kind of channel. history is newest first and leaves replies out unless they were
// broadcast; replies is oldest first and starts with the root on every page.

import { z } from 'zod';
import { directMessage, historyScope, readScope, visibleChannel } from '../access.ts';
import type { Core } from '../core.ts';
import { messageObject } from '../messages.ts';
import {
  ApiError,
  type BotCall,
  botMethod,
  count,
  flag,
  type Method,
  name,
  needScope,
  optional,
} from '../method.ts';
import type { Channel, Json, Message } from '../world.ts';

const HISTORY = ['channels:history', 'groups:history', 'im:history', 'mpim:history'];
const READ = ['channels:read', 'groups:read', 'im:read', 'mpim:read'];

function channelObject(call: BotCall, channel: Channel): Json {
  const member = channel.members.has(call.installation.bot.id);
  const shared = channel.teams.size > 1;
  const base = {
    id: channel.id,
    is_archived: channel.archived,
    context_team_id: channel.host.id,
    created: 0,
  };
  if (channel.kind === 'im') {
    const user = [...channel.members].find(id => id !== call.installation.bot.id);
    return { ...base, is_im: true, user, is_open: true };
  }
  return {
    ...base,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: channel.kind === 'channel',
    is_group: channel.kind === 'group',
    is_im: false,
    is_mpim: channel.kind === 'mpim',
    is_private: channel.kind !== 'channel',
    is_general: false,
    is_member: member,
    is_shared: shared,
    is_ext_shared: shared,
    is_org_shared: false,
    shared_team_ids: [...channel.teams],
  };
}

const open = botMethod({
  name: 'conversations.open',
  tier: 3,
  scopes: ['im:write', 'mpim:write', 'groups:write', 'channels:manage'],
  args: z.object({ channel: optional, users: optional, return_im: flag, prevent_creation: flag }),
  run(call, args) {
    const { core, installation } = call;
    if (args.channel !== undefined)
      return { channel: channelObject(call, visibleChannel(core, installation, args.channel)) };
    const ids = (args.users ?? '').split(',').filter(id => id !== '');
    if (ids.length === 0) throw new ApiError('users_list_not_supplied');
    if (ids.length > 8) throw new ApiError('too_many_users');
    const people = ids.map(id => core.world.people.get(id) ?? refuse('user_not_found'));
    const [first] = people;
    if (first === undefined) throw new ApiError('not_enough_users');
    if (people.length > 1)
      return {
        channel: {
          id: group(
            core,
            call,
            people.map(({ id }) => id),
          ).id,
        },
      };
    needScope(call, 'im:write');
    const channel = directMessage(core, installation, first);
    return { channel: args.return_im === true ? channelObject(call, channel) : { id: channel.id } };
  },
});

function refuse(code: string): never {
  throw new ApiError(code);
}

function group(core: Core, call: BotCall, ids: string[]): Channel {
  needScope(call, 'mpim:write');
  const members = new Set([...ids, call.installation.bot.id]);
  for (const channel of core.world.channels.values()) {
    if (
      channel.kind === 'mpim' &&
      channel.members.size === members.size &&
      [...members].every(id => channel.members.has(id))
    ) {
      return channel;
    }
  }
  const host = core.world.people.get(ids[0] ?? '')?.team ?? refuse('user_not_found');
  const channel: Channel = {
    id: core.world.id('C'),
    kind: 'mpim',
    name: `mpdm-${ids.join('--').toLowerCase()}-1`,
    host,
    teams: new Set([host.id]),
    members,
    messages: new Map(),
    threads: new Map(),
    archived: false,
  };
  core.world.channels.set(channel.id, channel);
  return channel;
}

const info = botMethod({
  name: 'conversations.info',
  tier: 3,
  scopes: READ,
  args: z.object({ channel: name, include_num_members: flag, include_locale: flag }),
  run(call, args) {
    const channel = visibleChannel(call.core, call.installation, args.channel);
    needScope(call, readScope(channel));
    const members = args.include_num_members === true ? { num_members: channel.members.size } : {};
    return { channel: { ...channelObject(call, channel), ...members } };
  },
});

/** One page of a list. The cursor is the position, as opaque to the client as Slack's. */
function page<T>(
  items: readonly T[],
  cursor: string | undefined,
  limit: number,
): { items: T[]; next: string } {
  const start =
    cursor === undefined || cursor === ''
      ? 0
      : Number(Buffer.from(cursor, 'base64').toString().replace('next:', ''));
  if (Number.isNaN(start)) throw new ApiError('invalid_cursor');
  const more = start + limit < items.length;
  return {
    items: items.slice(start, start + limit),
    next: more ? Buffer.from(`next:${start + limit}`).toString('base64') : '',
  };
}

interface Range {
  readonly oldest?: string | undefined;
  readonly latest?: string | undefined;
  readonly inclusive?: boolean | undefined;
}

function within(message: Message, { oldest, latest, inclusive }: Range): boolean {
  const at = Number(message.ts);
  if (inclusive === true && (message.ts === oldest || message.ts === latest)) return true;
  return (oldest === undefined || at > Number(oldest)) && (latest === undefined || at < Number(latest));
}

const range = {
  oldest: optional,
  latest: optional,
  inclusive: flag,
  cursor: optional,
  include_all_metadata: flag,
};

const history = botMethod({
  name: 'conversations.history',
  tier: 3,
  scopes: HISTORY,
  args: z.object({ channel: name, ...range, limit: count(1, 999) }),
  run(call, args) {
    const { core, installation } = call;
    const channel = visibleChannel(core, installation, args.channel);
    needScope(call, historyScope(channel));
    if (!channel.members.has(installation.bot.id)) throw new ApiError('not_in_channel');
    const messages = [...channel.messages.values()]
      .filter(
        message => message.ephemeralTo === undefined && (message.threadTs === undefined || message.broadcast),
      )
      .filter(message => within(message, args))
      .reverse();
    const { items, next } = page(messages, args.cursor, Math.min(args.limit ?? 100, core.limits.messagePage));
    return {
      messages: items.map(message => messageObject(core, message)),
      has_more: next !== '',
      response_metadata: { next_cursor: next },
    };
  },
});

const replies = botMethod({
  name: 'conversations.replies',
  tier: 3,
  scopes: HISTORY,
  args: z.object({ channel: name, ts: name, ...range, limit: count(1, 1_000) }),
  run(call, args) {
    const { core, installation } = call;
    const channel = visibleChannel(core, installation, args.channel);
    needScope(call, historyScope(channel));
    if (!channel.members.has(installation.bot.id)) throw new ApiError('channel_not_found');
    const named = channel.messages.get(args.ts);
    const root = named?.threadTs === undefined ? named : channel.messages.get(named.threadTs);
    if (root === undefined || root.ephemeralTo !== undefined) throw new ApiError('thread_not_found');
    const thread = (channel.threads.get(root.ts) ?? []).filter(message => within(message, args));
    const { items, next } = page(thread, args.cursor, Math.min(args.limit ?? 1_000, core.limits.messagePage));
    return {
      messages: [root, ...items].map(message => messageObject(core, message)),
      has_more: next !== '',
      response_metadata: { next_cursor: next },
    };
  },
});

const members = botMethod({
  name: 'conversations.members',
  tier: 4,
  scopes: READ,
  args: z.object({ channel: name, cursor: optional, limit: count(1, 1_000) }),
  run(call, args) {
    const channel = visibleChannel(call.core, call.installation, args.channel);
    needScope(call, readScope(channel));
    const { items, next } = page([...channel.members], args.cursor, args.limit ?? 100);
    return { members: items, response_metadata: { next_cursor: next } };
  },
});

const join = botMethod({
  name: 'conversations.join',
  tier: 3,
  scopes: ['channels:join'],
  args: z.object({ channel: name }),
  run(call, args) {
    const channel = visibleChannel(call.core, call.installation, args.channel);
    if (channel.kind !== 'channel') throw new ApiError('method_not_supported_for_channel_type');
    if (channel.archived) throw new ApiError('is_archived');
    channel.members.add(call.installation.bot.id);
    return { channel: channelObject(call, channel) };
  },
});

const leave = botMethod({
  name: 'conversations.leave',
  tier: 3,
  scopes: ['channels:manage', 'groups:write', 'im:write', 'mpim:write'],
  args: z.object({ channel: name }),
  run(call, args) {
    const channel = visibleChannel(call.core, call.installation, args.channel);
    if (channel.kind === 'im') throw new ApiError('method_not_supported_for_channel_type');
    if (channel.archived) throw new ApiError('is_archived');
    const left = channel.members.delete(call.installation.bot.id);
    return left ? {} : { not_in_channel: true };
  },
});

export const conversationMethods: readonly Method[] = [open, info, history, replies, members, join, leave];
