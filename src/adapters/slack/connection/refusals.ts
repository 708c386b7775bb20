/** What Slack's error codes mean for a reply (the errors tables of docs.slack.dev/reference/methods/chat.*). */

/** The place cannot be written to any more; its people may still be reached. */
export function isPlaceGone(code: string): boolean {
  return PLACE.has(code) || code.startsWith('restricted_action');
}

/** Nothing can be written through this installation any more. */
export function isInstallationGone(code: string): boolean {
  return INSTALLATION.has(code);
}

export function isGone(code: string): boolean {
  return isPlaceGone(code) || isInstallationGone(code);
}

export function isTooLong(code: string): boolean {
  return code === 'msg_too_long' || code === 'msg_blocks_too_long';
}

const PLACE = new Set([
  'cannot_reply_to_message',
  'channel_not_found',
  'is_archived',
  'is_inactive',
  'messages_tab_disabled',
  'no_permission',
  'not_in_channel',
  'thread_not_found',
]);

/** Slack's own words for a token that will not work again. */
export function isTokenDead(code: string): boolean {
  return DEAD_TOKEN.has(code);
}

const DEAD_TOKEN = new Set([
  'account_inactive',
  'invalid_auth',
  'not_authed',
  'team_access_not_granted',
  'token_expired',
  'token_revoked',
]);

const INSTALLATION = new Set([
  ...DEAD_TOKEN,
  'app_access_denied',
  // Of oauth.v2.access: the token has expired and will not be renewed.
  'invalid_refresh_token',
  'missing_scope',
  'team_not_found',
]);
