// apps.connections.open, apps.manifest.export, apps.uninstall, auth.revoke (docs.slack.dev/reference/methods).

import { z } from 'zod';
import type { Core } from '../core.ts';
import { uninstall } from '../installations.ts';
import { ApiError, appMethod, botMethod, configMethod, flag, type Method, name } from '../method.ts';
import type { Json } from '../world.ts';

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

const manifestExport = configMethod({
  name: 'apps.manifest.export',
  tier: 3,
  args: z.object({ app_id: name }),
  run({ core }, args) {
    if (!/^A[A-Z0-9]+$/.test(args.app_id)) throw new ApiError('invalid_app_id');
    if (args.app_id !== core.app.id) throw new ApiError('app_not_found');
    return { manifest: manifestOf(core) };
  },
});

/** The settings pages as a manifest (docs.slack.dev/reference/app-manifest); what is not set up has no key. */
function manifestOf({ app, deliveries }: Core): Json {
  const url = deliveries.transport?.requestUrl;
  const request_url = url === undefined ? {} : { request_url: url };
  return {
    _metadata: { major_version: 2 },
    display_information: { name: app.name },
    features: {
      app_home: {
        home_tab_enabled: app.homeTab,
        messages_tab_enabled: app.messagesTab,
        messages_tab_read_only_enabled: false,
      },
      bot_user: { display_name: app.name, always_online: true },
      ...(app.agentView ? { agent_view: { agent_description: app.name } } : {}),
      ...(app.shortcuts.length === 0
        ? {}
        : {
            shortcuts: app.shortcuts.map(callback_id => ({
              name: callback_id,
              type: 'message',
              callback_id,
              description: callback_id,
            })),
          }),
      ...(app.commands.length === 0
        ? {}
        : {
            slash_commands: app.commands.map(command => ({
              command,
              ...(url === undefined ? {} : { url }),
              description: command,
              should_escape: true,
            })),
          }),
    },
    oauth_config: {
      ...(app.redirectUrls.length === 0 ? {} : { redirect_urls: app.redirectUrls }),
      scopes: { bot: app.scopes },
    },
    settings: {
      ...(app.events.length === 0 ? {} : { event_subscriptions: { ...request_url, bot_events: app.events } }),
      ...(app.interactivity ? { interactivity: { is_enabled: true, ...request_url } } : {}),
      org_deploy_enabled: false,
      socket_mode_enabled: deliveries.transport?.name === 'socket',
      token_rotation_enabled: app.tokenRotation,
    },
  };
}

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

export const appMethods: readonly Method[] = [connectionsOpen, manifestExport, appsUninstall, authRevoke];
