// The parts of one fake Slack, as its methods and drivers see them, and the app's settings page: what the app
// asks for, subscribes to and shows (the manifest fields of docs.slack.dev/reference/app-manifest).

import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Deliveries } from './deliveries.ts';
import type { Faults } from './faults.ts';
import type { Interactions } from './interactions.ts';
import type { Journal } from './journal.ts';
import type { Limits } from './limits.ts';
import type { RateLimits } from './rate-limits.ts';
import type { SocketTransport } from './socket-transport.ts';
import type { Tokens } from './tokens.ts';
import type { World } from './world.ts';

export interface AppSettings {
  readonly id: string;
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly signingSecret: string;
  readonly verificationToken: string;
  /** Bot scopes granted on installation unless the installation says otherwise. */
  readonly scopes: readonly string[];
  /** Scopes of the app-level token. */
  readonly appScopes: readonly string[];
  /** Bot events subscribed to, e.g. `message.im`. */
  readonly events: readonly string[];
  readonly commands: readonly string[];
  /** Entries in the menu of messages, by callback_id. */
  readonly shortcuts: readonly string[];
  /** Allowed redirect URLs, by prefix; none listed: any. */
  readonly redirectUrls: readonly string[];
  readonly agentView: boolean;
  readonly homeTab: boolean;
  readonly messagesTab: boolean;
  /** Off: buttons and forms reach nobody. */
  readonly interactivity: boolean;
  readonly tokenRotation: boolean;
}

export const APP_SETTINGS: AppSettings = {
  id: 'A0FAKEAPP',
  name: 'shopper',
  clientId: '1111.2222',
  clientSecret: 'client-secret-of-the-fake',
  signingSecret: 'signing-secret-of-the-fake',
  verificationToken: 'verification-token',
  scopes: [
    'app_mentions:read',
    'assistant:write',
    'chat:write',
    'commands',
    'im:history',
    'im:write',
    'mpim:history',
    'channels:history',
    'groups:history',
    'users:read',
    'files:read',
    'files:write',
  ],
  appScopes: ['connections:write'],
  events: [
    'app_home_opened',
    'app_context_changed',
    'agent_session_stopped',
    'app_mention',
    'message.im',
    'message.mpim',
    'message.channels',
    'message.groups',
    'app_uninstalled',
    'tokens_revoked',
  ],
  commands: ['/preferences'],
  shortcuts: [],
  redirectUrls: [],
  agentView: true,
  homeTab: true,
  messagesTab: true,
  interactivity: true,
  tokenRotation: false,
};

export interface Core {
  readonly app: AppSettings;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly world: World;
  readonly rates: RateLimits;
  readonly journal: Journal;
  readonly faults: Faults;
  readonly changes: Changes;
  readonly deliveries: Deliveries;
  readonly tokens: Tokens;
  readonly interactions: Interactions;
  readonly socket: SocketTransport;
  /** `http://127.0.0.1:PORT`, once listening. */
  readonly origin: string;
}
