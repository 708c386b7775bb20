// Tokens and how they come and go: bot tokens (xoxb-), rotating ones with a refresh token (xoxe.xoxb-, xoxe-),
// the app-level token (xapp-), the app configuration token of whoever made the app (xoxe.xoxp-). Rotation: twelve hours, a refresh token works once, and of the access tokens of
// one installation the newest two work (docs.slack.dev/authentication/using-token-rotation). The errors are
// those every method page lists.

import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { Limits } from './limits.ts';
import { type Installation, type Token, targetId, type World } from './world.ts';

export interface Grant {
  readonly token: Token;
  /** With rotation only. */
  readonly refreshToken: string | undefined;
}

export interface Tokens {
  readonly appToken: string;
  /** Lives twelve hours (docs.slack.dev/reference/methods/tooling.tokens.rotate). */
  readonly configToken: string;
  /** A new access token for an installation; with `rotating`, a short-lived one and its refresh token. */
  issue(installation: Installation, rotating: boolean): Grant;
  /** Exchanges a refresh token, once. Undefined: not a valid one. */
  refresh(refreshToken: string): Grant | undefined;
  /** Ends every token of an installation. */
  revokeAll(installation: Installation, reason: 'token_revoked' | 'account_inactive'): void;
  revoke(token: Token): void;
  /** The token, or the error Slack answers with. */
  check(
    value: string | undefined,
  ): Token | 'not_authed' | 'invalid_auth' | 'token_revoked' | 'account_inactive' | 'token_expired';
}

const secret = () => randomBytes(12).toString('hex');

export function createTokens(
  world: World,
  clock: Clock,
  limits: Limits,
  appId: string,
  appScopes: readonly string[],
): Tokens {
  const refreshTokens = new Map<string, Installation>();
  const appToken = `xapp-1-${appId}-${secret()}`;
  world.tokens.set(appToken, {
    value: appToken,
    kind: 'app',
    installation: undefined,
    scopes: new Set(appScopes),
    expiresAt: undefined,
    revoked: undefined,
  });

  const configToken = `xoxe.xoxp-1-${secret()}`;
  world.tokens.set(configToken, {
    value: configToken,
    kind: 'config',
    installation: undefined,
    scopes: new Set(['app_configurations:read', 'app_configurations:write']),
    expiresAt: clock.now() + limits.tokenLifetimeMs,
    revoked: undefined,
  });

  const tokensOf = (installation: Installation) =>
    [...world.tokens.values()].filter(token => token.installation === installation);

  const tokens: Tokens = {
    appToken,
    configToken,
    issue(installation, rotating) {
      const prefix = rotating ? 'xoxe.xoxb-1-' : 'xoxb-';
      const token: Token = {
        value: `${prefix}${targetId(installation)}-${secret()}`,
        kind: 'bot',
        installation,
        scopes: new Set(installation.scopes),
        expiresAt: rotating ? clock.now() + limits.tokenLifetimeMs : undefined,
        revoked: undefined,
      };
      world.tokens.set(token.value, token);
      if (!rotating) return { token, refreshToken: undefined };
      const live = tokensOf(installation).filter(
        ({ expiresAt, revoked }) => expiresAt !== undefined && !revoked,
      );
      for (const old of live.slice(0, -2)) old.revoked = 'token_revoked';
      const refreshToken = `xoxe-1-${secret()}`;
      refreshTokens.set(refreshToken, installation);
      return { token, refreshToken };
    },
    refresh(refreshToken) {
      const installation = refreshTokens.get(refreshToken);
      if (installation === undefined || !installation.active) return undefined;
      refreshTokens.delete(refreshToken);
      return tokens.issue(installation, true);
    },
    revokeAll(installation, reason) {
      for (const token of tokensOf(installation)) token.revoked ??= reason;
      for (const [value, owner] of refreshTokens) if (owner === installation) refreshTokens.delete(value);
    },
    revoke(token) {
      token.revoked ??= 'token_revoked';
    },
    check(value) {
      if (value === undefined || value === '') return 'not_authed';
      const token = world.tokens.get(value);
      if (token === undefined) return 'invalid_auth';
      if (token.revoked !== undefined) return token.revoked;
      if (token.expiresAt !== undefined && clock.now() >= token.expiresAt) return 'token_expired';
      return token;
    },
  };
  return tokens;
}
