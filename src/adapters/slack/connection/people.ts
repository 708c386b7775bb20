import { z } from 'zod';
import { inTime } from '../../../core/patience.ts';
import type { Log } from '../../../log.ts';
import { type SlackApi, SlackRefusal } from './web-client.ts';

export interface Profile {
  name: string;
  team: string | null;
  enterprise: string | null;
  /** In an organisation: every workspace of it that they are in. */
  teams: readonly string[];
  /** From another organisation than the bot's. */
  stranger: boolean;
}

export interface People {
  /** Null when Slack does not say in time. */
  profile(tenant: string, user: string): Promise<Profile | null>;
  /** Names by user id; whoever is unknown is left out. */
  names(tenant: string, users: readonly string[]): Promise<ReadonlyMap<string, string>>;
  forget(tenant: string): void;
}

const info = z.looseObject({
  user: z.looseObject({
    team_id: z.string().nullish(),
    is_stranger: z.boolean().nullish(),
    name: z.string().nullish(),
    real_name: z.string().nullish(),
    profile: z.looseObject({ display_name: z.string().nullish(), real_name: z.string().nullish() }).nullish(),
    enterprise_user: z
      .looseObject({ enterprise_id: z.string().nullish(), teams: z.array(z.string()).nullish() })
      .nullish(),
  }),
});

const KEEP_MS = 3600_000;
/** Of whom Slack says that it knows nobody, or may not tell us: names are not asked for again so long. */
const KEEP_UNKNOWN_MS = 5 * 60_000;
const UNKNOWN = ['user_not_found', 'user_not_visible'];
const MOST = 5_000;
/** An event must be acknowledged within three seconds, and this is only a part of it. */
const PATIENCE_MS = 900;

export function createPeople(deps: { apiOf(tenant: string): SlackApi; now: () => number; log: Log }): People {
  const known = new Map<string, { profile: Profile | null; until: number }>();
  const asking = new Map<string, Promise<Profile | null>>();

  function remember(tenant: string, user: string, profile: Profile | null, keepMs: number): void {
    if (known.size >= MOST) known.delete(known.keys().next().value ?? '');
    known.set(`${tenant} ${user}`, { profile, until: deps.now() + keepMs });
  }

  async function ask(tenant: string, user: string): Promise<Profile | null> {
    try {
      const answer = await deps.apiOf(tenant).call('users.info', { user }, { now: { reserve: 0 } });
      const { user: it } = info.parse(answer);
      const name = [it.profile?.display_name, it.real_name, it.profile?.real_name, it.name].find(
        word => typeof word === 'string' && word.trim() !== '',
      );
      const profile = {
        name: name ?? user,
        team: it.team_id ?? null,
        enterprise: it.enterprise_user?.enterprise_id ?? null,
        teams: it.enterprise_user?.teams ?? [],
        stranger: it.is_stranger === true,
      };
      remember(tenant, user, profile, KEEP_MS);
      return profile;
    } catch (error) {
      if (error instanceof SlackRefusal && UNKNOWN.includes(error.code))
        remember(tenant, user, null, KEEP_UNKNOWN_MS);
      deps.log.debug({ event: 'slack.profile_failed', tenant, err: error }, 'a name could not be looked up');
      return null;
    }
  }

  function fresh(tenant: string, user: string): Profile | null | undefined {
    const entry = known.get(`${tenant} ${user}`);
    return entry !== undefined && entry.until > deps.now() ? entry.profile : undefined;
  }

  async function profile(tenant: string, user: string): Promise<Profile | null> {
    const key = `${tenant} ${user}`;
    // Whose people a person belongs to hangs on it, so of an unknown one it is asked again.
    const now = fresh(tenant, user);
    if (now) return now;
    const running = asking.get(key) ?? ask(tenant, user).finally(() => asking.delete(key));
    asking.set(key, running);
    return inTime(running, PATIENCE_MS, known.get(key)?.profile ?? null);
  }

  return {
    profile,
    async names(tenant, users) {
      const found = await Promise.all(
        users.map(async user => {
          const isUnknown = fresh(tenant, user) === null;
          return [user, isUnknown ? undefined : (await profile(tenant, user))?.name] as const;
        }),
      );
      return new Map(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
    },
    forget(tenant) {
      for (const key of known.keys()) if (key.startsWith(`${tenant} `)) known.delete(key);
    },
  };
}
