// Installing and removing the app: one bot user and one bot id per workspace or organisation, kept over
// reinstallations. Removal ends every token with account_inactive and is told by app_uninstalled and
// tokens_revoked, in no promised order (docs.slack.dev/reference/events/app_uninstalled, tokens_revoked).

import type { Core } from './core.ts';
import type { Delivery } from './deliveries.ts';
import { emit } from './events.ts';
import type { Installation, Person, Team } from './world.ts';

/** Adds the app, or adds scopes to what is there. */
export function install(core: Core, target: Installation['target'], scopes: readonly string[]): Installation {
  const id = target.type === 'team' ? target.team.id : target.enterprise.id;
  const present = core.world.installations.get(id);
  if (present !== undefined) {
    if (!present.active) present.scopes.clear();
    present.active = true;
    for (const scope of scopes) present.scopes.add(scope);
    return present;
  }
  const botId = core.world.id('B');
  const home = target.type === 'team' ? target.team : firstTeam(core, target.enterprise.id);
  const bot: Person = {
    id: core.world.id('U'),
    team: home,
    name: core.app.name,
    realName: core.app.name,
    displayName: core.app.name,
    tz: 'America/Los_Angeles',
    botId,
    deleted: false,
  };
  const installation: Installation = { id, target, bot, botId, scopes: new Set(scopes), active: true };
  core.world.people.set(bot.id, bot);
  core.world.installations.set(id, installation);
  return installation;
}

function firstTeam(core: Core, enterprise: string): Team {
  for (const team of core.world.teams.values()) if (team.enterprise?.id === enterprise) return team;
  throw new Error(`organisation ${enterprise} has no workspace yet`);
}

/** Removes the app from where it was installed, as an administrator does or apps.uninstall. */
export function uninstall(core: Core, installation: Installation): Delivery[] {
  installation.active = false;
  for (const channel of core.world.channels.values()) {
    if (channel.kind !== 'im') channel.members.delete(installation.bot.id);
  }
  core.tokens.revokeAll(installation, 'account_inactive');
  const team = installation.target.type === 'team' ? installation.target.team : installation.bot.team;
  const deliveries = [
    emit(core, { type: 'app_uninstalled' }, { subscription: 'app_uninstalled', team, installation }),
    emit(
      core,
      { type: 'tokens_revoked', tokens: { oauth: [], bot: [installation.bot.id] } },
      { subscription: 'tokens_revoked', team, installation },
    ),
  ];
  return deliveries.filter(delivery => delivery !== undefined);
}

/** Revokes the bot's tokens and leaves the app installed. */
export function revokeTokens(core: Core, installation: Installation): Delivery[] {
  core.tokens.revokeAll(installation, 'token_revoked');
  const team = installation.target.type === 'team' ? installation.target.team : installation.bot.team;
  const event = { type: 'tokens_revoked', tokens: { oauth: [], bot: [installation.bot.id] } };
  const delivery = emit(core, event, { subscription: 'tokens_revoked', team, installation });
  return delivery === undefined ? [] : [delivery];
}
