import { z } from 'zod';
import type { Granted } from '../../adapters/slack/connection/installations.ts';
import { openSealed, type Sealed } from '../../adapters/slack/connection/sealed.ts';
import type { SlackSettings } from '../../adapters/slack/connection/settings.ts';
import type { Config } from '../../config.ts';
import type { Log } from '../../log.ts';
import { eachOf } from '../pool.ts';
import { count } from '../text.ts';
import { type Check, fine, listOf, problem, warning } from './findings.ts';
import type { Network } from './network.ts';
import { type Answer, type AskSlack, createAskSlack } from './slack-api.ts';
import { listenToSlack } from './slack-listen.ts';
import {
  compareManifests,
  lossOf,
  type Manifest,
  missingScopes,
  parseManifest,
  wantedManifest,
} from './slack-manifest.ts';
import { checkSlackPort } from './slack-port.ts';
import { readRows } from './stored-rows.ts';

export interface SlackDeps {
  settings: SlackSettings;
  /** Where OAuth installations are stored; null where it cannot be read. */
  config: Config | null;
  configToken: string | undefined;
  /** The manifest to compare with; undefined: the operator's own, or the program's. */
  manifest: string | undefined;
  /** How long to listen for events; undefined: not at all. */
  listenMs: number | undefined;
  signal: AbortSignal;
  /** For the operator, while they wait. */
  say(text: string): void;
  network: Network;
  log: Log;
}

/** One place where the app is installed, as its token says. */
interface Place {
  /** "Acme (T123)" */
  name: string;
  appId: string | null;
}

const AT_ONCE = 6;
const NAMED = 20;
const INSTALL_PAGE = 'api.slack.com/apps → your app → Install App';

const identity = z.object({
  team: z.string().default(''),
  team_id: z.string(),
  user: z.string().default(''),
  bot_id: z.string().optional(),
  enterprise_id: z.string().nullish(),
  is_enterprise_install: z.boolean().nullish(),
  expires_in: z.number().optional(),
});
const bot = z.object({ bot: z.object({ app_id: z.string() }) });

export async function checkSlack(deps: SlackDeps): Promise<Check[]> {
  const { settings, network } = deps;
  const ask = createAskSlack(settings.apiUrl, network, deps.log);
  const wanted = await wantedManifest(deps.manifest);
  const checks: Check[] = [];
  const places =
    settings.install.type === 'token'
      ? await checkToken(ask, settings.install.botToken, wanted, settings, checks)
      : await checkInstallations(ask, settings.install.encryptionKey, wanted, deps, checks);
  // Without an answer to the first question the others would only say the same once more.
  if (checks.some(check => check.level === 'problem' && check.code === 'slack.unreachable')) return checks;
  const appId = await checkTransport(ask, places, deps, checks);
  checks.push(...(await checkEvents(ask, appId, wanted, deps)));
  return checks;
}

async function checkToken(
  ask: AskSlack,
  token: string,
  wanted: Manifest,
  settings: SlackSettings,
  checks: Check[],
): Promise<Place[]> {
  const answer = await ask(token, 'auth.test');
  if (answer.type !== 'answer') {
    checks.push(refusedToken(answer, settings));
    return [];
  }
  const it = identity.parse(answer.body);
  const place = await placeOf(ask, token, it);
  checks.push(fine(`Slack accepts SLACK_BOT_TOKEN: ${it.user} in ${place.name}`));
  if (it.bot_id === undefined) {
    checks.push(
      problem(
        'settings.token_misplaced',
        'SLACK_BOT_TOKEN is a person’s token, not a bot’s',
        `Put the Bot User OAuth Token there (xoxb-…): ${INSTALL_PAGE}.`,
      ),
    );
  }
  if (it.expires_in !== undefined) {
    checks.push(
      problem(
        'slack.token_expires',
        `SLACK_BOT_TOKEN expires in ${Math.max(1, Math.round(it.expires_in / 3600))} h: token rotation is on`,
        'A rotating token needs OAuth (docs/slack.md, "Many workspaces"). For one workspace, create the app again from manifest.yml: rotation cannot be switched off.',
      ),
    );
  }
  const missing = missingScopes(answer.scopes, wanted);
  if (missing.length === 0)
    checks.push(fine(`It has the ${wanted.oauth_config.scopes.bot.length} scopes it needs`));
  for (const scope of missing) checks.push(missingScope(scope, ''));
  return [place];
}

function refusedToken(answer: Exclude<Answer, { type: 'answer' }>, settings: SlackSettings): Check {
  return answer.type === 'silent'
    ? unreachable(settings, answer.why)
    : problem(
        'slack.token_refused',
        `Slack refuses SLACK_BOT_TOKEN (${answer.error})`,
        `Copy the Bot User OAuth Token again: ${INSTALL_PAGE}. If the app was removed, install it again.`,
      );
}

function unreachable(settings: SlackSettings, why: string): Check {
  const own = settings.apiUrl !== 'https://slack.com/api/';
  return problem(
    'slack.unreachable',
    `Slack at ${new URL(settings.apiUrl).host} ${why}`,
    own
      ? 'Check SLACK_API_URL, and that the server behind it is running.'
      : 'Check this machine’s internet connection (proxy, firewall: slack.com and *.slack.com on port 443), and status.slack.com.',
  );
}

function missingScope(scope: string, where: string): Check {
  return problem(
    'slack.scope_missing',
    `The scope ${scope} is missing${where}${lossOf(scope)}`,
    'api.slack.com/apps → your app → OAuth & Permissions → Bot Token Scopes: add it, then reinstall the app. The token stays the same.',
  );
}

/** auth.test does not say which app a token is of; bots.info does, to who may read users. */
async function placeOf(ask: AskSlack, token: string, it: z.infer<typeof identity>): Promise<Place> {
  const name = it.team === '' ? it.team_id : `${it.team} (${it.team_id})`;
  if (it.bot_id === undefined) return { name, appId: null };
  const answer = await ask(token, 'bots.info', { bot: it.bot_id, team_id: it.team_id });
  const parsed = bot.safeParse(answer.type === 'answer' ? answer.body : null);
  return { name, appId: parsed.data?.bot.app_id ?? null };
}

async function checkInstallations(
  ask: AskSlack,
  key: Uint8Array,
  wanted: Manifest,
  deps: SlackDeps,
  checks: Check[],
): Promise<Place[]> {
  const stored = await installationsOf(key, deps, checks);
  if (stored === null) return [];
  if (stored.length === 0) {
    checks.push(
      warning(
        'slack.not_installed',
        'The app is not installed anywhere yet',
        'Start the bot and open /slack/install at its address; docs/slack.md, "Many workspaces".',
      ),
    );
    return [];
  }
  // The bot renews what has run out. A refresh token works once, so that is not for others to do.
  const isOver = ({ expiresAt }: Granted) => expiresAt !== null && expiresAt <= Date.now();
  const asked = stored.filter(granted => !isOver(granted));
  const places: Place[] = [];
  const bad: Check[] = [];
  let good = 0;
  await eachOf(
    asked,
    AT_ONCE,
    async granted => {
      const { place, found } = await checkInstallation(ask, granted, wanted, deps);
      if (place !== null) places.push(place);
      if (found.length === 0) good += 1;
      bad.push(...found);
    },
    deps.signal,
  );
  const over = stored.length - asked.length;
  if (good > 0) checks.push(fine(`${count(good, 'installation')} accepted by Slack, with all scopes`));
  if (over > 0)
    checks.push(
      fine(`${count(over, 'installation')} with an expired token; the bot renews it at the next use`),
    );
  // Where Slack cannot be reached, that is the same for all.
  const silent = bad.find(check => check.level !== 'fine' && check.code === 'slack.unreachable');
  if (silent !== undefined) {
    checks.push(silent);
    return places;
  }
  checks.push(...bad.slice(0, NAMED));
  if (bad.length > NAMED) {
    const rest = `${bad.length - NAMED} more of these in other workspaces`;
    checks.push(problem('slack.token_refused', rest, 'Fix the ones above, then check again.'));
  }
  return places;
}

/** Null where they cannot be read. */
async function installationsOf(key: Uint8Array, deps: SlackDeps, checks: Check[]): Promise<Granted[] | null> {
  if (deps.config === null) return null;
  try {
    const rows = await readRows(deps.config, 'slack-installation', deps.network);
    return [...rows].map(([tenant, row]) => openSealed<Granted>(row as Sealed, key, tenant));
  } catch (error) {
    const sealed = error instanceof Error && /unable to authenticate data/i.test(error.message);
    checks.push(
      sealed
        ? problem(
            'slack.encryption_key',
            'SLACK_ENCRYPTION_KEY does not decrypt the stored installations',
            'Set the key they were stored with. If it is lost, install the app again in every workspace.',
          )
        : problem(
            'slack.installations_unread',
            'The stored installations cannot be read',
            'See the findings on the state below.',
          ),
    );
    return null;
  }
}

async function checkInstallation(
  ask: AskSlack,
  granted: Granted,
  wanted: Manifest,
  deps: SlackDeps,
): Promise<{ place: Place | null; found: Check[] }> {
  const answer = await ask(granted.token, 'auth.test');
  if (answer.type === 'silent') return { place: null, found: [unreachable(deps.settings, answer.why)] };
  if (answer.type === 'refused') {
    const check = problem(
      'slack.token_refused',
      `Slack refuses the token of ${granted.tenant} (${answer.error})`,
      'The app was removed there, or its token revoked. Whoever manages that workspace has to install it again at /slack/install.',
    );
    return { place: null, found: [check] };
  }
  const place = await placeOf(ask, granted.token, identity.parse(answer.body));
  const missing = missingScopes(answer.scopes, wanted);
  return { place, found: missing.map(scope => missingScope(scope, ` in ${place.name}`)) };
}

/** How events come in. Resolves with the app's id, where something told it. */
async function checkTransport(
  ask: AskSlack,
  places: readonly Place[],
  deps: SlackDeps,
  checks: Check[],
): Promise<string | null> {
  const { transport, install } = deps.settings;
  const ofBot = places.find(({ appId }) => appId !== null)?.appId ?? null;
  if (transport.type === 'http') {
    checks.push(...(await checkSlackPort(transport, deps.network)));
    return ofBot;
  }
  if (install.type === 'oauth')
    checks.push(...(await checkSlackPort({ ...transport, signingSecret: null }, deps.network)));
  const answer = await ask(transport.appToken, 'apps.connections.open');
  if (answer.type === 'silent') {
    checks.push(unreachable(deps.settings, answer.why));
    return ofBot;
  }
  if (answer.type === 'refused') {
    checks.push(refusedAppToken(answer));
    return ofBot;
  }
  checks.push(fine('Slack accepts SLACK_APP_TOKEN for Socket Mode'));
  // As it stands in the token: xapp-1-A0123456789-…
  const ofApp = /^xapp-\d+-(A[A-Z0-9]+)-/.exec(transport.appToken)?.[1] ?? null;
  if (ofBot !== null && ofApp !== null && ofBot !== ofApp) {
    checks.push(
      problem(
        'slack.apps_differ',
        `SLACK_APP_TOKEN belongs to app ${ofApp}, SLACK_BOT_TOKEN to ${ofBot}: what people write to one does not reach the other`,
        `Take both from the same app: api.slack.com/apps/${ofBot} → Basic Information → App-Level Tokens.`,
      ),
    );
  }
  return ofBot ?? ofApp;
}

function refusedAppToken({ error, needed }: Extract<Answer, { type: 'refused' }>): Check {
  const page = 'api.slack.com/apps → your app → Basic Information → App-Level Tokens';
  if (error === 'missing_scope') {
    return problem(
      'slack.app_token_refused',
      `SLACK_APP_TOKEN lacks the scope ${needed === '' ? 'connections:write' : needed}`,
      `${page} → Generate Token and Scopes: make one with connections:write and put it there instead.`,
    );
  }
  return problem(
    'slack.app_token_refused',
    `Slack refuses SLACK_APP_TOKEN (${error})`,
    `${page}: copy it again, or generate another one with the scope connections:write.`,
  );
}

async function checkEvents(
  ask: AskSlack,
  appId: string | null,
  wanted: Manifest,
  deps: SlackDeps,
): Promise<Check[]> {
  const checks: Check[] = [];
  const { configToken, listenMs } = deps;
  if (configToken !== undefined && appId !== null) {
    const answer = await ask(configToken, 'apps.manifest.export', { app_id: appId });
    if (answer.type === 'answer') {
      const it = parseManifest(answer.body.manifest);
      checks.push(...compareManifests(it, wanted, deps.settings, appId));
    } else {
      const why = answer.type === 'silent' ? answer.why : `refuses SLACK_CONFIG_TOKEN (${answer.error})`;
      checks.push(
        warning(
          'slack.config_token_refused',
          `The app's settings could not be read: Slack ${why}`,
          'Configuration tokens last twelve hours and belong to one workspace: api.slack.com/apps → Your App Configuration Tokens → Generate, in the workspace where the app was made.',
        ),
      );
    }
  }
  if (listenMs !== undefined) checks.push(...(await listenToSlack({ ...deps, listenMs, wanted })));
  if (checks.length > 0) return checks;
  const { bot_events: events } = wanted.settings.event_subscriptions;
  return [
    warning(
      'slack.events_unchecked',
      'Slack does not tell a bot token whether the app subscribes to all its events',
      deps.settings.transport.type === 'socket'
        ? `Stop the bot, run this with --listen 60 and write to the app while it runs. Or set SLACK_CONFIG_TOKEN (api.slack.com/apps → Your App Configuration Tokens → Generate; twelve hours) and run it again. Or compare by eye, under Event Subscriptions: ${listOf(events)}.`
        : `Set SLACK_CONFIG_TOKEN (api.slack.com/apps → Your App Configuration Tokens → Generate; twelve hours) and run this again. Or compare by eye, under Event Subscriptions: ${listOf(events)}.`,
    ),
  ];
}
