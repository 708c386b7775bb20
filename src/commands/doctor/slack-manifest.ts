import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { SlackSettings } from '../../adapters/slack/connection/settings.ts';
import { SetupError } from '../../core/errors.ts';
import { ownFile } from '../../own-files.ts';
import { type Check, type Finding, fine, listOf, problem } from './findings.ts';

const on = z.boolean().default(false);
const request = z.object({ request_url: z.string().optional() });

/** What the bot depends on in an app's manifest; whatever else it says stays out of sight. */
const schema = z.object({
  features: z
    .object({
      app_home: z
        .object({ home_tab_enabled: on, messages_tab_enabled: on, messages_tab_read_only_enabled: on })
        .prefault({}),
      agent_view: z.unknown().optional(),
      shortcuts: z.array(z.object({ name: z.string().default(''), callback_id: z.string() })).default([]),
      slash_commands: z.array(z.object({ command: z.string(), url: z.string().optional() })).default([]),
    })
    .prefault({}),
  oauth_config: z
    .object({
      redirect_urls: z.array(z.string()).default([]),
      scopes: z.object({ bot: z.array(z.string()).default([]) }).prefault({}),
    })
    .prefault({}),
  settings: z
    .object({
      event_subscriptions: request.extend({ bot_events: z.array(z.string()).default([]) }).prefault({}),
      interactivity: request.extend({ is_enabled: on }).prefault({}),
      socket_mode_enabled: on,
    })
    .prefault({}),
});

export type Manifest = z.infer<typeof schema>;

export const parseManifest = (value: unknown): Manifest => schema.parse(value);

/** The manifest the app should have been made from: the operator's, or the one that comes with the program. */
export async function wantedManifest(path: string | undefined): Promise<Manifest> {
  const file = path ?? (existsSync('manifest.yml') ? 'manifest.yml' : ownFile('manifest.yml'));
  try {
    return parseManifest(parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new SetupError(`Cannot read the Slack manifest ${file}. Name another with --manifest.`, { cause });
  }
}

/** What people lose without it. */
const WITHOUT: Readonly<Record<string, string>> = {
  'app_mentions:read': 'mentions in channels go unheard',
  'assistant:write': 'there are no suggested prompts',
  'channels:history': 'it does not follow threads in public channels',
  'chat:write': 'it cannot answer',
  commands: '/preferences does not exist',
  'files:read': 'it cannot look at pictures and PDFs',
  'files:write': 'an export arrives as text instead of a file',
  'groups:history': 'it does not follow threads in private channels',
  'im:history': 'direct messages go unheard',
  'mpim:history': 'it does not follow threads in group messages',
  'users:read': 'it does not know people’s names',
  agent_session_stopped: "Slack's own stop button does nothing",
  app_home_opened: 'the Home tab stays empty',
  app_mention: 'mentions in channels go unheard',
  app_uninstalled: 'what is stored for a workspace stays after it removes the app',
  'message.channels': 'follow-ups in public threads need a mention',
  'message.groups': 'follow-ups in private threads need a mention',
  'message.im': 'direct messages go unheard',
  'message.mpim': 'group messages go unheard unless they mention it',
  tokens_revoked: 'a revoked token is noticed only at the next answer',
};

/** ": it cannot look at pictures and PDFs"; empty for what is not the bot's own. */
export function lossOf(name: string): string {
  const loss = WITHOUT[name];
  return loss === undefined ? '' : `: ${loss}`;
}

export function missingScopes(granted: readonly string[], wanted: Manifest): string[] {
  return wanted.oauth_config.scopes.bot.filter(scope => !granted.includes(scope));
}

/** How the app is set up in Slack, beside how it should be. */
export function compareManifests(
  it: Manifest,
  wanted: Manifest,
  slack: SlackSettings,
  appId: string,
): Check[] {
  const checks: Check[] = [];
  const page = (name: string) => `api.slack.com/apps/${appId} → ${name}`;
  const say = (code: Finding, text: string, mend: string) => checks.push(problem(code, text, mend));

  const events = without(
    wanted.settings.event_subscriptions.bot_events,
    it.settings.event_subscriptions.bot_events,
  );
  for (const event of events) {
    say(
      'slack.event_missing',
      `The app does not subscribe to ${event}${lossOf(event)}`,
      `${page('Event Subscriptions')} → Subscribe to bot events: add it, save, and reinstall the app if Slack asks for it.`,
    );
  }
  const commands = without(
    wanted.features.slash_commands.map(({ command }) => command),
    it.features.slash_commands.map(({ command }) => command),
  );
  for (const command of commands) {
    say(
      'slack.command_missing',
      `The app has no command ${command}`,
      `${page('Slash Commands')} → Create New Command: ${command}, with "Escape channels, users, and links" on.`,
    );
  }
  const shortcuts = it.features.shortcuts.map(({ callback_id }) => callback_id);
  for (const { name, callback_id } of wanted.features.shortcuts) {
    if (shortcuts.includes(callback_id)) continue;
    say(
      'slack.shortcut_missing',
      `The app has no "${name}" entry in the message menu`,
      `${page('Interactivity & Shortcuts')} → Shortcuts → Create New Shortcut → On messages: ${name}, callback ID ${callback_id}.`,
    );
  }
  const scopes = missingScopes(it.oauth_config.scopes.bot, wanted);
  if (scopes.length > 0) {
    say(
      'slack.scope_not_asked',
      `The app does not ask for ${listOf(scopes)}`,
      `${page('OAuth & Permissions')} → Bot Token Scopes: add ${listOf(scopes)}, then reinstall the app.`,
    );
  }
  const { app_home: home } = it.features;
  if (wanted.settings.interactivity.is_enabled && !it.settings.interactivity.is_enabled) {
    say(
      'slack.interactivity_off',
      'Interactivity is off: buttons and forms do nothing',
      `${page('Interactivity & Shortcuts')} → switch it on.`,
    );
  }
  if (wanted.features.app_home.home_tab_enabled && !home.home_tab_enabled) {
    say(
      'slack.home_tab_off',
      'The Home tab is off',
      `${page('App Home')} → Show Tabs → switch the Home Tab on.`,
    );
  }
  if (!home.messages_tab_enabled || home.messages_tab_read_only_enabled) {
    say(
      'slack.messages_tab_off',
      'People cannot write to the app: its Messages tab is off or read-only',
      `${page('App Home')} → Show Tabs → Messages Tab, and allow users to send messages from it.`,
    );
  }
  if (wanted.features.agent_view !== undefined && it.features.agent_view === undefined) {
    say(
      'slack.agent_view_off',
      'The app is not an agent: no suggested prompts, no stop button',
      `${page('App Manifest')}: copy agent_view from manifest.yml.`,
    );
  }
  checks.push(...compareTransport(it, slack, page));
  if (checks.length > 0) return checks;
  return [fine("The app's events, commands, tabs and transport are set up as in the manifest")];
}

function compareTransport(it: Manifest, slack: SlackSettings, page: (name: string) => string): Check[] {
  const { settings, features, oauth_config: oauth } = it;
  const checks: Check[] = [];
  if (slack.transport.type === 'socket' && !settings.socket_mode_enabled) {
    checks.push(
      problem(
        'slack.socket_mode_off',
        'SLACK_APP_TOKEN is set, but Socket Mode is off in the app: nothing arrives',
        `${page('Socket Mode')} → Enable Socket Mode; or use SLACK_SIGNING_SECRET instead of SLACK_APP_TOKEN.`,
      ),
    );
  }
  if (slack.transport.type === 'http' && settings.socket_mode_enabled) {
    checks.push(
      problem(
        'slack.socket_mode_on',
        'The bot expects requests over HTTP, but Socket Mode is on in the app: Slack sends none',
        `${page('Socket Mode')} → switch it off; or set SLACK_APP_TOKEN.`,
      ),
    );
  } else if (slack.transport.type === 'http') {
    const urls = [
      ['Event Subscriptions', settings.event_subscriptions.request_url],
      ['Interactivity & Shortcuts', settings.interactivity.request_url],
      ...features.slash_commands.map(({ url }) => ['Slash Commands', url] as const),
    ] as const;
    const wrong = urls.filter(([, url]) => url === undefined || !/^https?:\/\/.+\/slack\/events$/.test(url));
    if (wrong.length > 0) {
      const pages = [...new Set(wrong.map(([name]) => name))];
      checks.push(
        problem(
          'slack.request_url',
          `The Request URL under ${listOf(pages)} does not end in /slack/events`,
          `${page(pages[0] ?? '')}: https://YOUR.HOST/slack/events, in all three places.`,
        ),
      );
    }
  }
  if (slack.install.type === 'oauth' && oauth.redirect_urls.length === 0) {
    checks.push(
      problem(
        'slack.request_url',
        'The app has no redirect URL: nobody can install it',
        `${page('OAuth & Permissions')} → Redirect URLs: https://YOUR.HOST/slack/oauth_redirect`,
      ),
    );
  }
  return checks;
}

function without(wanted: readonly string[], there: readonly string[]): string[] {
  return wanted.filter(name => !there.includes(name));
}
