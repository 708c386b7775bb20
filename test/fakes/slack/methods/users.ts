// auth.test, users.info, bots.info, reactions.add (docs.slack.dev/reference/methods).

import { z } from 'zod';
import { knows, memberChannel } from '../access.ts';
import type { Core } from '../core.ts';
import { emit } from '../events.ts';
import { findMessage } from '../messages.ts';
import { ApiError, botMethod, flag, type Method, name, optional } from '../method.ts';
import { authorId, covers, type Installation, type Json, type Person, targetId } from '../world.ts';

const authTest = botMethod({
  name: 'auth.test',
  tier: 'special',
  args: z.object({}),
  run({ core, token, installation }) {
    const { target, bot } = installation;
    const home = target.type === 'team' ? target.team : undefined;
    return {
      url: `https://${home?.domain ?? 'enterprise'}.slack.com/`,
      team: home?.name ?? (target.type === 'org' ? target.enterprise.name : ''),
      user: bot.name,
      team_id: targetId(installation),
      user_id: bot.id,
      bot_id: installation.botId,
      is_enterprise_install: target.type === 'org',
      ...(target.type === 'org' ? { enterprise_id: target.enterprise.id } : {}),
      ...(home?.enterprise === undefined ? {} : { enterprise_id: home.enterprise.id }),
      ...(token.expiresAt === undefined
        ? {}
        : { expires_in: Math.floor((token.expiresAt - core.clock.now()) / 1_000) }),
    };
  },
});

function userObject(core: Core, installation: Installation, person: Person): Json {
  const { enterprise } = person.team;
  return {
    id: person.id,
    team_id: person.team.id,
    name: person.name,
    deleted: person.deleted,
    real_name: person.realName,
    tz: person.tz,
    tz_label: person.tz,
    tz_offset: 0,
    is_admin: false,
    is_bot: person.botId !== undefined,
    is_app_user: false,
    ...(enterprise === undefined
      ? {}
      : {
          enterprise_user: {
            id: person.id,
            enterprise_id: enterprise.id,
            enterprise_name: enterprise.name,
            is_admin: false,
            is_owner: false,
            teams: [person.team.id],
          },
        }),
    ...(covers(installation, person.team) ? {} : { is_stranger: true }),
    profile: {
      real_name: person.realName,
      display_name: person.displayName,
      real_name_normalized: person.realName,
      display_name_normalized: person.displayName,
      team: person.team.id,
      ...(person.botId === undefined ? {} : { bot_id: person.botId, api_app_id: core.app.id }),
    },
  };
}

const usersInfo = botMethod({
  name: 'users.info',
  tier: 4,
  scopes: ['users:read'],
  args: z.object({ user: name, include_locale: flag }),
  run({ core, installation }, args) {
    const person = core.world.people.get(args.user);
    if (person === undefined) throw new ApiError('user_not_found');
    if (!knows(core, installation, person) && person !== installation.bot)
      throw new ApiError('user_not_visible');
    return { user: userObject(core, installation, person) };
  },
});

const botsInfo = botMethod({
  name: 'bots.info',
  tier: 3,
  scopes: ['users:read'],
  args: z.object({ bot: optional, team_id: optional }),
  run({ core, installation }, args) {
    if (installation.target.type === 'org' && args.team_id === undefined)
      throw new ApiError('team_not_found');
    const wanted = args.bot ?? installation.botId;
    const person = [...core.world.people.values()].find(({ botId }) => botId === wanted);
    if (person === undefined) throw new ApiError('bot_not_found');
    const app = wanted === installation.botId ? core.app.id : `A${wanted}`;
    return {
      bot: {
        id: wanted,
        deleted: person.deleted,
        name: person.name,
        updated: 0,
        app_id: app,
        user_id: person.id,
        icons: {},
      },
    };
  },
});

const reactionsAdd = botMethod({
  name: 'reactions.add',
  tier: 3,
  scopes: ['reactions:write'],
  args: z.object({ channel: name, timestamp: name, name }),
  run({ core, installation }, args) {
    const channel = memberChannel(core, installation, args.channel);
    if (channel.archived) throw new ApiError('is_archived');
    const message = findMessage(channel, args.timestamp);
    if (message === undefined) throw new ApiError('message_not_found');
    if (!/^[a-z0-9_+'-]+(::skin-tone-[2-6])?$/.test(args.name)) throw new ApiError('invalid_name');
    const users = message.reactions.get(args.name) ?? new Set<string>();
    if (users.has(installation.bot.id)) throw new ApiError('already_reacted');
    message.reactions.set(args.name, users.add(installation.bot.id));
    const item = { type: 'message', channel: channel.id, ts: message.ts };
    const event = {
      type: 'reaction_added',
      user: installation.bot.id,
      reaction: args.name,
      item,
      item_user: authorId(message.author),
      event_ts: core.world.ts(core.clock.now()),
    };
    emit(core, event, { subscription: 'reaction_added', team: channel.host, channel });
    return {};
  },
});

export const userMethods: readonly Method[] = [authTest, usersInfo, botsInfo, reactionsAdd];
