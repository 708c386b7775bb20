import { webApi } from '@slack/bolt';
import { z } from 'zod';
import { SetupError } from '../../../core/errors.ts';
import { backoff, pause } from '../../../core/patience.ts';
import { underClaim } from '../../../core/queue/claim.ts';
import type { State } from '../../../core/state/state.ts';
import type { Log } from '../../../log.ts';
import { isTokenDead } from './refusals.ts';
import { openSealed, type Sealed, seal } from './sealed.ts';
import type { Install } from './settings.ts';
import { type Credentials, clientOptions, isAnswer, NoToken, rateLimitOf } from './web-client.ts';

/** One place where the app is installed. */
export interface Installation {
  /** Names it everywhere: the workspace's id, or the organisation's for an org-wide installation. */
  tenant: string;
  orgWide: boolean;
  botUser: string;
}

/** As a delivery names where it comes from. */
export interface Source {
  team: string | undefined;
  enterprise: string | undefined;
  orgWide: boolean;
}

export interface Installations extends Credentials {
  /** Rejects with a SetupError when the credentials are of no use. */
  start(): Promise<void>;
  find(source: Source): Promise<Installation | null>;
  get(tenant: string): Promise<Installation | null>;
  /** Removes what is kept of an installation, if Slack agrees that it is gone; true when it was removed. */
  removeIfGone(source: Source): Promise<Installation | null>;
  /** What came out of an OAuth flow. Absent where there is none. */
  add?(granted: Granted): Promise<void>;
}

export interface Granted {
  tenant: string;
  orgWide: boolean;
  botUser: string;
  token: string;
  refreshToken: string | null;
  /** Milliseconds since the epoch; null: never. */
  expiresAt: number | null;
}

export interface InstallationsDeps {
  apiUrl: string;
  log: Log;
  now: () => number;
}

const authTest = z.object({
  team_id: z.string(),
  enterprise_id: z.string().nullish(),
  is_enterprise_install: z.boolean().nullish(),
  user_id: z.string(),
});

/** One workspace (or organisation), by its token. */
export function createTokenInstallation(token: string, deps: InstallationsDeps): Installations {
  let installation: Installation | undefined;

  return {
    async start() {
      const tested = authTest.parse(await test(token, deps));
      const orgWide = tested.is_enterprise_install === true && typeof tested.enterprise_id === 'string';
      installation = {
        tenant: orgWide ? (tested.enterprise_id ?? tested.team_id) : tested.team_id,
        orgWide,
        botUser: tested.user_id,
      };
    },
    async find({ team, enterprise, orgWide }) {
      if (installation === undefined) return null;
      // Slack always names it; a server that does not can mean no other.
      if (team === undefined && enterprise === undefined) return installation;
      const fits = installation.orgWide ? [enterprise] : orgWide ? [] : [team];
      return fits.some(id => id === installation?.tenant) ? installation : null;
    },
    async get(tenant) {
      return tenant === installation?.tenant ? installation : null;
    },
    async token(tenant) {
      if (tenant !== installation?.tenant) throw notInstalled(tenant);
      return token;
    },
    current: async () => token,
    async renew() {
      throw new SetupError(
        'Slack says that SLACK_BOT_TOKEN has expired. Tokens of an app with token rotation do: use OAuth, or an app without it.',
      );
    },
    async removeIfGone() {
      return null;
    },
  };
}

/** As Slack says it of the token of an app that was removed. */
function notInstalled(tenant: string): NoToken {
  return new NoToken(`${tenant} is not installed`, 'account_inactive');
}

/** Whoever starts it wants to know soon; about six seconds. */
const FIRST_ATTEMPTS = 6;

async function test(token: string, deps: InstallationsDeps): Promise<unknown> {
  const client = new webApi.WebClient(token, clientOptions(deps.apiUrl, deps.log));
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await client.auth.test();
    } catch (error) {
      const waitMs = passesIn(error);
      if (waitMs === null || attempt >= FIRST_ATTEMPTS) throw sentenceOf(error, deps.apiUrl);
      deps.log.warn(
        { event: 'slack.connecting', attempt, err: error },
        'Slack gives no connection yet; trying again',
      );
      await pause(Math.max(waitMs, backoff(attempt)));
    }
  }
}

/** How long to wait at least for what may pass; null for what will not. */
function passesIn(error: unknown): number | null {
  const limited = rateLimitOf(error);
  if (limited !== null) return limited;
  const passes =
    error instanceof webApi.WebAPIRequestError ||
    (error instanceof webApi.WebAPIHTTPError && error.statusCode >= 500) ||
    (error instanceof webApi.WebAPIPlatformError && !isAnswer(error.data.error));
  return passes ? 0 : null;
}

function sentenceOf(cause: unknown, apiUrl: string): SetupError {
  if (cause instanceof webApi.WebAPIPlatformError && isTokenDead(cause.data.error)) {
    return new SetupError(
      `Slack rejected SLACK_BOT_TOKEN (${cause.data.error}). Copy it again from the app's “Install App” page.`,
      { cause },
    );
  }
  return new SetupError(`Cannot reach Slack at ${apiUrl}. Check the network and SLACK_API_URL.`, { cause });
}

/** Slack's tokens live twelve hours; renewing early leaves time to fail. */
const RENEW_BEFORE_MS = 2 * 3600_000;
/** After a failed renewal, while the token still works. */
const RENEW_AGAIN_MS = 5 * 60_000;
const CLAIM_MS = 30_000;
const CLAIM_POLL_MS = 200;

const renewed = z.object({ access_token: z.string(), refresh_token: z.string(), expires_in: z.number() });

/** Many workspaces and organisations, as they installed the app. Tokens are stored encrypted. */
export function createOAuthInstallations(
  install: Extract<Install, { type: 'oauth' }>,
  deps: InstallationsDeps & { state: State },
): Installations {
  const { log, now } = deps;
  const rows = deps.state.table<Sealed>('slack-installation');
  const claims = deps.state.table<string>('slack-rotation');
  const known = new Map<string, Granted>();
  const renewing = new Map<string, Promise<Granted>>();
  const failedAt = new Map<string, number>();

  async function read(tenant: string): Promise<Granted | null> {
    const row = await rows.get(tenant);
    if (row === undefined) {
      known.delete(tenant);
      return null;
    }
    const granted = openSealed<Granted>(row, install.encryptionKey, tenant);
    known.set(tenant, granted);
    return granted;
  }

  async function write(granted: Granted): Promise<void> {
    await rows.set(granted.tenant, seal(granted, install.encryptionKey, granted.tenant));
    known.set(granted.tenant, granted);
  }

  async function lookUp(tenant: string): Promise<Granted | null> {
    return known.get(tenant) ?? read(tenant);
  }

  /** A refresh token works once, so one at a time, also across processes. */
  function renewOnce(tenant: string, stale: string): Promise<Granted> {
    const running = renewing.get(tenant) ?? renewAlone(tenant, stale).finally(() => renewing.delete(tenant));
    renewing.set(tenant, running);
    return running;
  }

  async function renewAlone(tenant: string, stale: string): Promise<Granted> {
    const until = now() + CLAIM_MS;
    const wait = async (ms: number) => {
      if (now() > until)
        throw new Error(`another process has been renewing the token of ${tenant} for too long`);
      await pause(ms);
    };
    return underClaim(claims, tenant, { ttlMs: CLAIM_MS, pollMs: CLAIM_POLL_MS, wait }, async () => {
      // Who had the claim before may have renewed it, or the app may be gone by now.
      const granted = await read(tenant);
      if (granted === null) throw notInstalled(tenant);
      if (granted.token !== stale) return granted;
      if (granted.refreshToken === null)
        throw new NoToken(`the token of ${tenant} cannot be renewed`, 'token_expired');
      return exchange(granted, granted.refreshToken);
    });
  }

  async function exchange(granted: Granted, refreshToken: string): Promise<Granted> {
    const answer = await new webApi.WebClient(undefined, clientOptions(deps.apiUrl, log)).oauth.v2.access({
      client_id: install.clientId,
      client_secret: install.clientSecret,
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
    });
    const fresh = renewed.parse(answer);
    const next = {
      ...granted,
      token: fresh.access_token,
      refreshToken: fresh.refresh_token,
      expiresAt: now() + fresh.expires_in * 1_000,
    };
    await write(next);
    log.info({ event: 'slack.token_renewed', tenant: granted.tenant }, 'Slack token renewed');
    return next;
  }

  async function remove(tenant: string): Promise<void> {
    known.delete(tenant);
    failedAt.delete(tenant);
    await rows.delete(tenant);
  }

  const publicPart = ({ tenant, orgWide, botUser }: Granted): Installation => ({ tenant, orgWide, botUser });

  async function find({ team, enterprise, orgWide }: Source): Promise<Granted | null> {
    const order = orgWide ? [enterprise, team] : [team, enterprise];
    for (const tenant of order) {
      const granted = tenant === undefined ? null : await lookUp(tenant);
      if (granted !== null) return granted;
    }
    return null;
  }

  return {
    async start() {
      try {
        for await (const [tenant, row] of rows.entries()) openSealed(row, install.encryptionKey, tenant);
      } catch (cause) {
        throw new SetupError(
          'SLACK_ENCRYPTION_KEY is not the key that the stored Slack installations were encrypted with. Set the old key again, or install the app again in every workspace.',
          { cause },
        );
      }
    },

    async find(source) {
      const granted = await find(source);
      return granted === null ? null : publicPart(granted);
    },

    async get(tenant) {
      const granted = await lookUp(tenant);
      return granted === null ? null : publicPart(granted);
    },

    async token(tenant) {
      const granted = await lookUp(tenant);
      if (granted === null) throw notInstalled(tenant);
      const { expiresAt, token } = granted;
      if (expiresAt === null || expiresAt - now() > RENEW_BEFORE_MS) return token;
      if (now() - (failedAt.get(tenant) ?? Number.NEGATIVE_INFINITY) < RENEW_AGAIN_MS && expiresAt > now())
        return token;
      try {
        return (await renewOnce(tenant, token)).token;
      } catch (error) {
        failedAt.set(tenant, now());
        log.error(
          { event: 'slack.renewal_failed', tenant, err: error },
          'a Slack token could not be renewed',
        );
        if (expiresAt > now()) return token;
        throw error;
      }
    },

    async current(tenant) {
      return (await read(tenant))?.token ?? null;
    },

    async renew(tenant, expired) {
      return (await renewOnce(tenant, expired)).token;
    },

    async removeIfGone(source) {
      const found = await find(source);
      // Another process may have installed it again.
      const granted = found === null ? null : await read(found.tenant);
      if (granted === null) return null;
      try {
        // An old delivery may come after the app was installed again.
        await new webApi.WebClient(granted.token, clientOptions(deps.apiUrl, log)).auth.test();
        return null;
      } catch (error) {
        if (!(error instanceof webApi.WebAPIPlatformError) || !isTokenDead(error.data.error)) throw error;
      }
      await remove(granted.tenant);
      log.info(
        { event: 'slack.uninstalled', tenant: granted.tenant },
        'the Slack app was removed from a workspace',
      );
      return publicPart(granted);
    },

    async add(granted) {
      await write(granted);
      failedAt.delete(granted.tenant);
      log.info(
        { event: 'slack.installed', tenant: granted.tenant },
        'the Slack app was installed in a workspace',
      );
    },
  };
}
