import type { Person } from '../../../core/message.ts';
import { PLATFORM } from '../inbound.ts';
import type { Installations } from './installations.ts';
import type { People } from './people.ts';

/** Who does something, as one of the bot's people. */
export interface Actor {
  tenant: string;
  user: string;
  person: Person;
}

export interface Actors {
  /**
   * Who it is, without the name: enough to tell people apart, and fast. `home`: their workspace or organisation; null: as good
   * as the bot's, where no guests are; undefined: not said where there may be guests, so that Slack is asked.
   */
  identify(tenant: string, user: string, home: string | null | undefined): Promise<Person>;
  of(tenant: string, user: string, home: string | null): Promise<Actor>;
}

/**
 * Who somebody is to the bot. Whoever belongs to where the app is installed has that place as their workspace;
 * a guest through Slack Connect has their own (or their organisation), so that ids of two organisations never meet.
 */
export function createActors(deps: { installations: Installations; people: People }): Actors {
  async function workspaceOf(tenant: string, user: string, home: string | null | undefined): Promise<string> {
    const orgWide = (await deps.installations.get(tenant))?.orgWide === true;
    if (!orgWide && (home === null || home === tenant)) return tenant;
    // In an organisation a person is the same in every workspace, and payloads name any of these, or the organisation.
    const profile = await deps.people.profile(tenant, user);
    if (profile === null) throw new Error(`Slack does not say which organisation ${user} belongs to`);
    const ours = orgWide
      ? profile.enterprise === tenant || (profile.enterprise === null && !profile.stranger)
      : profile.team === tenant || profile.teams.includes(tenant);
    return ours ? tenant : (profile.enterprise ?? profile.team ?? home ?? tenant);
  }

  async function identify(tenant: string, user: string, home: string | null | undefined): Promise<Person> {
    return { platform: PLATFORM, workspace: await workspaceOf(tenant, user, home), id: user, name: user };
  }

  return {
    identify,
    async of(tenant, user, home) {
      const [person, profile] = await Promise.all([
        identify(tenant, user, home),
        deps.people.profile(tenant, user),
      ]);
      return { tenant, user, person: { ...person, name: profile?.name ?? user } };
    },
  };
}
