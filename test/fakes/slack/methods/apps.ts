// apps.connections.open, apps.uninstall, auth.revoke (docs.slack.dev/reference/methods).

import { z } from 'zod';
import { uninstall } from '../installations.ts';
import { ApiError, appMethod, botMethod, flag, type Method, name } from '../method.ts';

const connectionsOpen = appMethod({
  name: 'apps.connections.open',
  tier: 3,
  scopes: ['connections:write'],
  args: z.object({}),
  run({ core }) {
    const address = core.origin.replace(/^http/, 'ws');
    return { url: `${address}/link/?ticket=${core.socket.ticket()}&app_id=${core.app.id}` };
  },
});

const appsUninstall = botMethod({
  name: 'apps.uninstall',
  tier: 'special',
  args: z.object({ client_id: name, client_secret: name }),
  run({ core, installation }, args) {
    if (args.client_id !== core.app.clientId) throw new ApiError('invalid_client_id');
    if (args.client_secret !== core.app.clientSecret) throw new ApiError('bad_client_secret');
    uninstall(core, installation);
    return {};
  },
});

const authRevoke = botMethod({
  name: 'auth.revoke',
  tier: 3,
  args: z.object({ test: flag }),
  run({ core, token }, args) {
    if (args.test === true) return { revoked: false };
    core.tokens.revoke(token);
    return { revoked: true };
  },
});

export const appMethods: readonly Method[] = [connectionsOpen, appsUninstall, authRevoke];
