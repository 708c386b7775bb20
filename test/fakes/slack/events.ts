// Events API payloads: the envelope of @slack/bolt (types/events) around the events of @slack/types (events/*),
// sent only for what the app subscribed to and has the scope for (docs.slack.dev/reference/events). On Slack
// Connect one delivery goes out for the app, authorised for one installation that can see the event.

import type { Core } from './core.ts';
import type { Delivery } from './deliveries.ts';
import {
  type Channel,
  covers,
  type Installation,
  installationFor,
  type Json,
  type Team,
  targetId,
} from './world.ts';

/** Each subscription and the scopes any one of which allows it; none: no scope needed. */
const EVENT_SCOPES: Readonly<Record<string, readonly string[]>> = {
  'message.im': ['im:history'],
  'message.mpim': ['mpim:history'],
  'message.channels': ['channels:history'],
  'message.groups': ['groups:history'],
  app_mention: ['app_mentions:read'],
  app_home_opened: [],
  app_context_changed: ['assistant:write'],
  agent_session_stopped: ['chat:write'],
  agent_session_title_changed: ['chat:write'],
  member_joined_channel: ['channels:read', 'groups:read'],
  member_left_channel: ['channels:read', 'groups:read'],
  reaction_added: ['reactions:read'],
  user_change: ['users:read'],
  app_uninstalled: [],
  tokens_revoked: [],
};

export const MESSAGE_SUBSCRIPTION = {
  im: 'message.im',
  mpim: 'message.mpim',
  channel: 'message.channels',
  group: 'message.groups',
} as const;

export interface EventScope {
  /** The subscription that lets it through. */
  readonly subscription: string;
  /** Where it happened. */
  readonly team: Team;
  readonly channel?: Channel;
  /** For the two events about an installation that has just ended. */
  readonly installation?: Installation;
}

/** Sends an event if the app gets it at all. */
export function emit(core: Core, event: Json, scope: EventScope): Delivery | undefined {
  const installation = scope.installation ?? witness(core, scope);
  if (installation === undefined || !core.app.events.includes(scope.subscription)) return undefined;
  const scopes = EVENT_SCOPES[scope.subscription] ?? [];
  if (scopes.length > 0 && !scopes.some(name => installation.scopes.has(name))) return undefined;
  return core.deliveries.send({ kind: 'events_api', body: envelope(core, event, scope, installation) });
}

/** The installation an event in a channel is authorised for: its bot is a member; the host's comes first. */
function witness(core: Core, { channel, team }: EventScope): Installation | undefined {
  if (channel === undefined) return installationFor(core.world, team);
  const teams = [channel.host, ...core.world.teams.values()].filter(({ id }) => channel.teams.has(id));
  return teams
    .map(candidate => installationFor(core.world, candidate))
    .find(installation => installation !== undefined && channel.members.has(installation.bot.id));
}

function envelope(core: Core, event: Json, { team, channel }: EventScope, installation: Installation): Json {
  const org = installation.target.type === 'org';
  const shared = (channel?.teams.size ?? 1) > 1;
  const home = covers(installation, team) ? team : (homeTeam(core, installation, channel) ?? team);
  return {
    token: core.app.verificationToken,
    team_id: team.id,
    ...(team.enterprise === undefined ? {} : { enterprise_id: team.enterprise.id }),
    context_team_id: org ? null : targetId(installation),
    context_enterprise_id: home.enterprise?.id ?? null,
    api_app_id: core.app.id,
    event,
    type: 'event_callback',
    event_id: core.world.id('Ev'),
    event_time: Math.floor(core.clock.now() / 1_000),
    authorizations: [
      {
        enterprise_id: home.enterprise?.id ?? null,
        team_id: org ? null : home.id,
        user_id: installation.bot.id,
        is_bot: true,
        is_enterprise_install: org,
      },
    ],
    is_ext_shared_channel: shared,
    event_context: `4-${core.world.id('E')}`,
  };
}

function homeTeam(core: Core, installation: Installation, channel: Channel | undefined): Team | undefined {
  if (installation.target.type === 'team') return installation.target.team;
  return [...core.world.teams.values()].find(
    team => channel?.teams.has(team.id) === true && covers(installation, team),
  );
}
