// Users and the DM channels a bot opens (Discord's resources/user). Opening a DM always works; whether the
// person can be written to shows when a message is sent.

import { ChannelType } from 'discord-api-types/v10';
import { unknownUser } from '../api-error.ts';
import { openDm } from '../dms.ts';
import { bodyObject, Form, invalidField } from '../form.ts';
import { channelPayload, userPayload } from '../payloads.ts';
import { guildPermissions } from '../permissions.ts';
import { bucket, type Route } from '../router.ts';
import { userOf } from '../state.ts';

const MAX_GUILDS = 200;

export const userRoutes: Route[] = [
  {
    method: 'GET',
    path: '/users/@me',
    auth: 'bot',
    bucket: bucket('get self', 5, 5),
    handle({ kernel: { state } }) {
      return { status: 200, body: { ...userPayload(userOf(state, state.app.botId)), verified: true } };
    },
  },
  {
    method: 'GET',
    path: '/users/@me/guilds',
    auth: 'bot',
    bucket: bucket('own guilds', 5, 5),
    handle({ kernel: { state }, query }) {
      const { botId } = state.app;
      const limit = Number(query.get('limit') ?? MAX_GUILDS);
      if (!(limit >= 1 && limit <= MAX_GUILDS)) {
        throw invalidField(['limit'], 'NUMBER_TYPE_MAX', `int value should be between 1 and ${MAX_GUILDS}.`);
      }
      const after = BigInt(query.get('after') ?? 0);
      const joined = [...state.guilds.values()]
        .filter(guild => guild.members.has(botId) && BigInt(guild.id) > after)
        .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
      return {
        status: 200,
        // Permissions in the server as such, whatever its channels say otherwise.
        body: joined.slice(0, limit).map(guild => ({
          id: guild.id,
          name: guild.name,
          icon: null,
          owner: guild.ownerId === botId,
          permissions: String(guildPermissions(guild, botId)),
          features: [],
        })),
      };
    },
  },
  {
    method: 'GET',
    path: '/users/:user',
    auth: 'bot',
    bucket: bucket('get user', 50, 5),
    handle({ kernel: { state }, id }) {
      const user = state.users.get(id('user'));
      if (!user) throw unknownUser();
      return { status: 200, body: userPayload(user) };
    },
  },
  {
    method: 'POST',
    path: '/users/@me/channels',
    auth: 'bot',
    bucket: bucket('open dm', 10, 10),
    handle({ kernel, body }) {
      const { state } = kernel;
      const form = new Form();
      const recipient = form.string(bodyObject(body), 'recipient_id', [], { required: true });
      form.check();
      if (recipient === undefined || !state.users.has(recipient)) {
        throw invalidField(['recipient_id'], 'USER_INVALID', 'Invalid recipient');
      }
      const channel = openDm(kernel, [state.app.botId, recipient], ChannelType.DM);
      return { status: 200, body: channelPayload(state, channel, state.app.botId) };
    },
  },
];
