import { DiscordAPIError, HTTPError, PermissionFlagsBits, REST, RESTEvents, Routes } from 'discord.js';
import { z } from 'zod';
import { commandsOf, type Persona, sameCommands } from '../../adapters/discord/commands.ts';
import { restOptions } from '../../adapters/discord/connection/api.ts';
import { inviteLink, PERMISSIONS } from '../../adapters/discord/connection/permissions.ts';
import type { DiscordSettings } from '../../adapters/discord/connection/settings.ts';
import { count } from '../text.ts';
import { type Check, fine, listOf, problem, warning } from './findings.ts';
import type { Network } from './network.ts';

const application = z.object({
  id: z.string(),
  name: z.string(),
  flags: z.number().default(0),
  bot_require_code_grant: z.boolean().default(false),
  interactions_endpoint_url: z.string().nullish(),
});
const gateway = z.object({
  shards: z.number(),
  session_start_limit: z.object({ total: z.number(), remaining: z.number(), reset_after: z.number() }),
});
const guilds = z.array(
  z.object({ id: z.string(), name: z.string(), owner: z.boolean().default(false), permissions: z.string() }),
);
const named = z.array(z.object({ name: z.string() }));

/** GATEWAY_MESSAGE_CONTENT and its _LIMITED form for applications that need no review (resources/application). */
const MESSAGE_CONTENT = (1 << 18) | (1 << 19);
const GUILD_PAGE = 200;
const NAMED = 5;
const PORTAL = 'discord.com/developers/applications';

type Get = (route: `/${string}`, query?: URLSearchParams) => Promise<unknown>;

/** `persona`: null where agent.yml cannot be read, which is said elsewhere. */
export async function checkDiscord(
  settings: DiscordSettings,
  persona: Persona | null,
  network: Network,
): Promise<Check[]> {
  const rest = new REST({
    ...restOptions(settings.apiUrl),
    retries: 0,
    timeout: network.timeoutMs,
    // Waiting out a rate limit is for the bot; a doctor says that there is one.
    rejectOnRateLimit: () => true,
  }).setToken(settings.token);
  let sentAt = Date.now();
  rest.on(RESTEvents.Response, (_, response) =>
    network.clocks.note('Discord', response.headers.get('date'), sentAt),
  );
  const get: Get = (route, query) => {
    sentAt = Date.now();
    return network.within(rest.get(route, query === undefined ? {} : { query }));
  };
  const checks: Check[] = [];
  try {
    const app = application.parse(await get(Routes.currentApplication()));
    checks.push(fine(`Discord accepts DISCORD_TOKEN: ${app.name} (${app.id})`));
    if (app.id !== settings.applicationId) {
      // Whatever follows would be asked about somebody else's application.
      checks.push(
        problem(
          'discord.application_differs',
          `DISCORD_APPLICATION_ID is ${settings.applicationId}, but the token belongs to application ${app.id}`,
          `Set DISCORD_APPLICATION_ID=${app.id}, or take the token from the other application's Bot page.`,
        ),
      );
      return checks;
    }
    checks.push(...checkApplication(app, settings));
    if (persona !== null) checks.push(checkCommands(await get(Routes.applicationCommands(app.id)), persona));
    checks.push(...checkStarts(gateway.parse(await get(Routes.gatewayBot())), settings));
    checks.push(...(await checkServers(get, app.id)));
  } catch (error) {
    checks.push(failureOf(error, settings, network));
  }
  return checks;
}

function checkApplication(app: z.infer<typeof application>, settings: DiscordSettings): Check[] {
  const checks = [checkIntent((app.flags & MESSAGE_CONTENT) !== 0, app.id, settings.messageContent)];
  if (app.interactions_endpoint_url) {
    checks.push(
      problem(
        'discord.interactions_endpoint',
        'The application has an Interactions Endpoint URL: commands and buttons go there, and the bot gets none of them',
        `${PORTAL}/${app.id}/information → clear Interactions Endpoint URL.`,
      ),
    );
  }
  if (app.bot_require_code_grant) {
    checks.push(
      warning(
        'discord.code_grant',
        'The application requires the OAuth2 code grant: the invitation link does not work',
        `${PORTAL}/${app.id}/bot → switch Requires OAuth2 Code Grant off.`,
      ),
    );
  }
  return checks;
}

function checkIntent(granted: boolean, appId: string, setting: DiscordSettings['messageContent']): Check {
  const page = `${PORTAL}/${appId}/bot → Privileged Gateway Intents → Message Content Intent`;
  if (setting === 'off')
    return fine('The Message Content intent is not asked for (DISCORD_MESSAGE_CONTENT=off)');
  if (granted) return fine('The Message Content intent is on');
  if (setting === 'on') {
    return problem(
      'discord.intent_missing',
      'The Message Content intent is off, and DISCORD_MESSAGE_CONTENT=on: the bot will not connect',
      `${page}: switch it on; or set DISCORD_MESSAGE_CONTENT=auto.`,
    );
  }
  return warning(
    'discord.intent_off',
    'The Message Content intent is off: in servers the bot reads only what mentions it, so every follow-up in a thread needs a mention',
    `${page}: switch it on and restart the bot. If that is as you want it, set DISCORD_MESSAGE_CONTENT=off.`,
  );
}

function checkCommands(registered: unknown, persona: Persona): Check {
  const commands = commandsOf(persona);
  if (sameCommands(registered, commands)) return fine(`The ${commands.length} commands are registered`);
  const there = named.safeParse(registered).data?.map(({ name }) => name) ?? [];
  const wanted = commands.map(({ name }) => name);
  const missing = wanted.filter(name => !there.includes(name));
  const other = there.filter(name => !wanted.includes(name));
  const parts = [
    ...(missing.length === 0 ? [] : [`missing: ${listOf(missing)}`]),
    ...(other.length === 0 ? [] : [`not the bot's: ${listOf(other)}`]),
    ...(missing.length + other.length === 0 ? ['some are from another version'] : []),
  ];
  return warning(
    'discord.commands_differ',
    `The registered commands are not the bot's (${parts.join('; ')})`,
    'The bot registers them when it starts: start it, or restart it. If it is running, look for discord.commands_failed in its log.',
  );
}

function checkStarts(it: z.infer<typeof gateway>, settings: DiscordSettings): Check[] {
  const { remaining, total, reset_after } = it.session_start_limit;
  const shards = settings.shards === 'auto' ? it.shards : settings.shards;
  const minutes = Math.ceil(reset_after / 60_000);
  const left = `${remaining} of ${total} connections left for the next ${minutes} min`;
  const checks: Check[] = [];
  if (remaining < shards) {
    checks.push(
      problem(
        'discord.starts_used_up',
        `The bot cannot connect: ${left}, and it needs ${count(shards, 'one', String(shards))}`,
        'Something keeps restarting it: stop it, read its log, and start it again after that time. Past the limit, Discord resets the token.',
      ),
    );
  } else if (remaining < total / 10) {
    checks.push(
      warning(
        'discord.starts_used_up',
        `Only ${left}`,
        'Something keeps restarting the bot: read its log. Past the limit, Discord resets the token.',
      ),
    );
  } else checks.push(fine(`The bot may connect: ${left}`));
  if (settings.shards !== 'auto' && settings.shards < it.shards) {
    checks.push(
      warning(
        'discord.too_few_shards',
        `DISCORD_SHARDS is ${settings.shards}, Discord recommends ${it.shards}`,
        'Set DISCORD_SHARDS to auto. With more than 2,500 servers per shard, Discord refuses the connection.',
      ),
    );
  }
  return checks;
}

async function checkServers(get: Get, appId: string): Promise<Check[]> {
  const invitation = inviteLink(appId);
  const lacking: { server: string; names: string[] }[] = [];
  let servers = 0;
  let after = '0';
  for (;;) {
    const query = new URLSearchParams({ limit: String(GUILD_PAGE), after });
    const page = guilds.parse(await get(Routes.userGuilds(), query));
    servers += page.length;
    for (const { name, owner, permissions } of page) {
      const names = owner ? [] : lackingIn(BigInt(permissions));
      if (names.length > 0) lacking.push({ server: name, names });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < GUILD_PAGE) break;
    after = last.id;
  }
  if (servers === 0) {
    return [
      warning(
        'discord.no_server',
        'The bot is not in any server yet; only people who installed it for themselves can reach it',
        `Ask somebody who manages a server to open ${invitation}`,
      ),
    ];
  }
  if (lacking.length === 0) return [fine(`${count(servers, 'server')}, with every permission the bot uses`)];
  const mend = `Give them to its role (Server Settings → Roles), or open ${invitation} again. docs/discord.md says what is lost without each. Channels can take permissions away too; that is not checked.`;
  const checks: Check[] = lacking
    .slice(0, NAMED)
    .map(({ server, names }) =>
      warning('discord.permission_missing', `In ${server} the bot may not: ${listOf(names)}`, mend),
    );
  if (lacking.length > NAMED) {
    const rest = `The same in ${count(lacking.length - NAMED, 'more server')}`;
    checks.push(warning('discord.permission_missing', rest, mend));
  }
  if (lacking.length < servers)
    checks.unshift(fine(`${count(servers - lacking.length, 'server')} with every permission`));
  return checks;
}

function lackingIn(permissions: bigint): string[] {
  if ((permissions & PermissionFlagsBits.Administrator) !== 0n) return [];
  return PERMISSIONS.filter(({ flag }) => (permissions & flag) === 0n).map(({ name }) => name);
}

function failureOf(error: unknown, settings: DiscordSettings, network: Network): Check {
  if (error instanceof DiscordAPIError && error.status === 401) {
    return problem(
      'discord.token_refused',
      'Discord refuses DISCORD_TOKEN',
      `${PORTAL}/${settings.applicationId}/bot → Reset Token, and put the new one there. The public key and the client secret are different things.`,
    );
  }
  const why =
    error instanceof DiscordAPIError || error instanceof HTTPError
      ? `answers with HTTP status ${error.status}`
      : error instanceof z.ZodError
        ? 'answers, but not like Discord'
        : error instanceof Error && error.name.startsWith('RateLimitError')
          ? 'is limiting requests for a while (rate limit)'
          : network.reason(error);
  return problem(
    'discord.unreachable',
    `Discord at ${new URL(settings.apiUrl ?? 'https://discord.com').host} ${why}`,
    settings.apiUrl === undefined
      ? 'Check this machine’s internet connection (proxy, firewall: discord.com and gateway.discord.gg on port 443), and discordstatus.com.'
      : 'Check DISCORD_API_URL, and that the server behind it is running.',
  );
}
