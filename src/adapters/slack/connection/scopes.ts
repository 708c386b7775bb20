/** What the bot may do in a workspace. manifest.yml asks for the same. */
export const SCOPES = [
  'app_mentions:read',
  'assistant:write',
  'channels:history',
  'chat:write',
  'commands',
  'files:read',
  'files:write',
  'groups:history',
  'im:history',
  'mpim:history',
  'users:read',
] as const;

/** What it is told about. manifest.yml subscribes to the same. */
export const EVENTS = [
  'agent_session_stopped',
  'app_home_opened',
  'app_mention',
  'app_uninstalled',
  'message.channels',
  'message.groups',
  'message.im',
  'message.mpim',
  'tokens_revoked',
] as const;

/** The entry in a message's menu. manifest.yml has the same. */
export const WHY_SHORTCUT = 'why_this_answer';
