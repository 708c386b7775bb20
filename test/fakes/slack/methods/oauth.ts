// oauth.v2.access: exchanging a code, and a refresh token for a new pair (docs.slack.dev/reference/methods/
// oauth.v2.access, docs.slack.dev/authentication/installing-with-oauth, using-token-rotation). A code works once
// and for ten minutes, a refresh token once. Client credentials come as HTTP Basic or as arguments.

import { z } from 'zod';
import { ApiError, type Method, type OpenCall, openMethod, optional } from '../method.ts';
import type { Grant } from '../tokens.ts';
import type { Installation, Json } from '../world.ts';

function grantObject(
  { core }: OpenCall,
  installation: Installation,
  grant: Grant,
  user: string | undefined,
): Json {
  const { target, bot, scopes } = installation;
  const enterprise = target.type === 'org' ? target.enterprise : target.team.enterprise;
  return {
    access_token: grant.token.value,
    token_type: 'bot',
    scope: [...scopes].join(','),
    bot_user_id: bot.id,
    app_id: core.app.id,
    team: target.type === 'team' ? { id: target.team.id, name: target.team.name } : null,
    enterprise: enterprise === undefined ? null : { id: enterprise.id, name: enterprise.name },
    is_enterprise_install: target.type === 'org',
    ...(user === undefined ? {} : { authed_user: { id: user } }),
    ...(grant.refreshToken === undefined
      ? {}
      : { refresh_token: grant.refreshToken, expires_in: Math.floor(core.limits.tokenLifetimeMs / 1_000) }),
  };
}

const access = openMethod({
  name: 'oauth.v2.access',
  tier: 'special',
  args: z.object({
    client_id: optional,
    client_secret: optional,
    code: optional,
    redirect_uri: optional,
    grant_type: optional,
    refresh_token: optional,
  }),
  run(call, args) {
    const { core } = call;
    const id = call.basic?.user ?? args.client_id;
    const secret = call.basic?.password ?? args.client_secret;
    if (id !== core.app.clientId) throw new ApiError('invalid_client_id');
    if (secret !== core.app.clientSecret) throw new ApiError('bad_client_secret');
    if (args.grant_type === 'refresh_token') {
      const grant = core.tokens.refresh(args.refresh_token ?? '');
      const installation = grant?.token.installation;
      if (grant === undefined || installation === undefined) throw new ApiError('invalid_refresh_token');
      return grantObject(call, installation, grant, undefined);
    }
    if (args.grant_type !== undefined && args.grant_type !== 'authorization_code')
      throw new ApiError('invalid_grant_type');
    const code = core.world.codes.get(args.code ?? '');
    core.world.codes.delete(args.code ?? '');
    if (code === undefined || core.clock.now() >= code.expiresAt) throw new ApiError('invalid_code');
    if (code.redirectUri !== args.redirect_uri) throw new ApiError('bad_redirect_uri');
    const grant = core.tokens.issue(code.installation, core.app.tokenRotation);
    return grantObject(call, code.installation, grant, code.user);
  },
});

export const oauthMethods: readonly Method[] = [access];
