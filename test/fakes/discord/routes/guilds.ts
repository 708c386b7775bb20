// Servers and their members as a bot reads them (Discord's resources/guild).

import { missingAccess, unknownGuild, unknownMember } from '../api-error.ts';
import type { Kernel } from '../kernel.ts';
import { channelPayload, guildPayload, memberPayload, rolePayload, userById } from '../payloads.ts';
import { canView } from '../permissions.ts';
import { bucket, type Route } from '../router.ts';
import type { Guild, Member } from '../state.ts';

export const guildRoutes: Route[] = [
  {
    method: 'GET',
    path: '/guilds/:guild',
    auth: 'bot',
    bucket: bucket('get guild', 50, 5),
    handle({ kernel, id }) {
      return { status: 200, body: guildPayload(joinedGuild(kernel, id('guild'))) };
    },
  },
  {
    method: 'GET',
    path: '/guilds/:guild/channels',
    auth: 'bot',
    bucket: bucket('guild channels', 50, 5),
    handle({ kernel, id }) {
      const { state } = kernel;
      const guild = joinedGuild(kernel, id('guild'));
      const channels = [...state.channels.values()].filter(
        channel =>
          channel.guildId === guild.id && !channel.thread && canView(state, channel, state.app.botId),
      );
      return { status: 200, body: channels.map(channel => channelPayload(state, channel, state.app.botId)) };
    },
  },
  {
    method: 'GET',
    path: '/guilds/:guild/threads/active',
    auth: 'bot',
    bucket: bucket('active threads', 50, 5),
    handle({ kernel, id }) {
      const { state } = kernel;
      const { botId } = state.app;
      const guild = joinedGuild(kernel, id('guild'));
      const threads = [...state.channels.values()].filter(
        channel =>
          channel.guildId === guild.id &&
          channel.thread &&
          !channel.thread.archived &&
          canView(state, channel, botId),
      );
      const payloads = threads.map(thread => channelPayload(state, thread, botId));
      return {
        status: 200,
        body: { threads: payloads, members: payloads.flatMap(thread => thread.member ?? []) },
      };
    },
  },
  {
    method: 'GET',
    path: '/guilds/:guild/roles',
    auth: 'bot',
    bucket: bucket('guild roles', 50, 5),
    handle({ kernel, id }) {
      return { status: 200, body: [...joinedGuild(kernel, id('guild')).roles.values()].map(rolePayload) };
    },
  },
  {
    method: 'GET',
    path: '/guilds/:guild/members/:user',
    auth: 'bot',
    bucket: bucket('get member', 50, 5),
    handle({ kernel, id }) {
      const guild = joinedGuild(kernel, id('guild'));
      const member = guild.members.get(id('user'));
      if (!member) throw unknownMember();
      return { status: 200, body: withUser(kernel, member) };
    },
  },
  {
    method: 'GET',
    path: '/guilds/:guild/members',
    auth: 'bot',
    bucket: bucket('list members', 10, 10),
    handle({ kernel, id, query }) {
      const guild = joinedGuild(kernel, id('guild'));
      if (!kernel.state.app.privileged.guildMembers) throw missingAccess();
      const limit = Number(query.get('limit') ?? 1);
      const members = [...guild.members.values()].slice(0, limit);
      return { status: 200, body: members.map(member => withUser(kernel, member)) };
    },
  },
];

function joinedGuild(kernel: Kernel, guildId: string): Guild {
  const guild = kernel.state.guilds.get(guildId);
  if (!guild) throw unknownGuild();
  if (!guild.members.has(kernel.state.app.botId)) throw missingAccess();
  return guild;
}

function withUser(kernel: Kernel, member: Member) {
  return { ...memberPayload(member), user: userById(kernel.state, member.userId) };
}
