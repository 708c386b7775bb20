// Interaction and command payloads (@slack/bolt types/actions, types/view, types/command;
// docs.slack.dev/reference/interaction-payloads). Under an organisation-wide installation `team` is null and
// `enterprise` set. A press on an ephemeral message brings no `message`, only its container.

import type { Core } from './core.ts';
import { messageObject } from './messages.ts';
import { viewObject } from './modals.ts';
import type { Channel, Installation, Json, Message, Person, View } from './world.ts';

/** What every interaction payload says about who and where. */
function common(core: Core, installation: Installation, user: Person): Json {
  const org = installation.target.type === 'org';
  const { enterprise } = user.team;
  return {
    team: org
      ? null
      : {
          id: user.team.id,
          domain: user.team.domain,
          ...(enterprise === undefined
            ? {}
            : { enterprise_id: enterprise.id, enterprise_name: enterprise.name }),
        },
    enterprise: enterprise === undefined ? null : { id: enterprise.id, name: enterprise.name },
    is_enterprise_install: org,
    user: { id: user.id, username: user.name, name: user.name, team_id: user.team.id },
    api_app_id: core.app.id,
    token: core.app.verificationToken,
  };
}

export function messageAction(
  core: Core,
  installation: Installation,
  user: Person,
  message: Message,
  action: Json,
): Json {
  const { channel } = message;
  const ephemeral = message.ephemeralTo !== undefined;
  return {
    type: 'block_actions',
    ...common(core, installation, user),
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: ephemeral,
      ...(message.threadTs === undefined ? {} : { thread_ts: message.threadTs }),
    },
    trigger_id: core.interactions.trigger(core, installation, user),
    channel: { id: channel.id, name: channel.name },
    ...(ephemeral ? {} : { message: messageObject(core, message) }),
    state: { values: {} },
    response_url: core.interactions.responseUrl(core, { installation, channel, user, source: message }),
    actions: [{ ...action, action_ts: core.world.ts(core.clock.now()) }],
  };
}

export function messageShortcut(
  core: Core,
  installation: Installation,
  user: Person,
  message: Message,
  callbackId: string,
): Json {
  const { channel } = message;
  return {
    type: 'message_action',
    ...common(core, installation, user),
    callback_id: callbackId,
    action_ts: core.world.ts(core.clock.now()),
    trigger_id: core.interactions.trigger(core, installation, user),
    channel: { id: channel.id, name: channel.name },
    message_ts: message.ts,
    message: messageObject(core, message),
    response_url: core.interactions.responseUrl(core, { installation, channel, user, source: message }),
  };
}

export function viewAction(core: Core, user: Person, view: View, action: Json): Json {
  return {
    type: 'block_actions',
    ...common(core, view.installation, user),
    container: { type: 'view', view_id: view.id },
    trigger_id: core.interactions.trigger(core, view.installation, user, view),
    view: viewObject(core, view),
    actions: [{ ...action, action_ts: core.world.ts(core.clock.now()) }],
  };
}

export function viewSubmission(core: Core, user: Person, view: View): Json {
  return {
    type: 'view_submission',
    ...common(core, view.installation, user),
    trigger_id: core.interactions.trigger(core, view.installation, user, view),
    view: viewObject(core, view),
    response_urls: [],
  };
}

export function viewClosed(core: Core, user: Person, view: View, cleared: boolean): Json {
  return {
    type: 'view_closed',
    ...common(core, view.installation, user),
    view: viewObject(core, view),
    is_cleared: cleared,
  };
}

export function slashCommand(
  core: Core,
  installation: Installation,
  user: Person,
  channel: Channel,
  command: string,
  text: string,
): Json {
  const { enterprise } = user.team;
  return {
    token: core.app.verificationToken,
    team_id: user.team.id,
    team_domain: user.team.domain,
    channel_id: channel.id,
    channel_name: channel.kind === 'im' ? 'directmessage' : channel.name,
    user_id: user.id,
    user_name: user.name,
    command,
    text,
    api_app_id: core.app.id,
    is_enterprise_install: String(installation.target.type === 'org'),
    ...(enterprise === undefined ? {} : { enterprise_id: enterprise.id, enterprise_name: enterprise.name }),
    response_url: core.interactions.responseUrl(core, { installation, channel, user, source: undefined }),
    trigger_id: core.interactions.trigger(core, installation, user),
  };
}
