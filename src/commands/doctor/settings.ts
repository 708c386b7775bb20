import { readFileSync } from 'node:fs';
import {
  DISCORD_VARIABLES,
  type DiscordSettings,
  readDiscordSettings,
} from '../../adapters/discord/connection/settings.ts';
import {
  readSlackSettings,
  SLACK_VARIABLES,
  type SlackSettings,
} from '../../adapters/slack/connection/settings.ts';
import { type Config, readConfig } from '../../config.ts';
import { type AgentFile, readAgentFile } from '../../core/agent-file.ts';
import { SetupError } from '../../core/errors.ts';
import type { CustomToolRegistry } from '../../core/turn/custom-tools.ts';
import { ownFile } from '../../own-files.ts';
import { loadAdapter } from '../../own-modules.ts';
import { openTools } from '../../tools.ts';
import { type Check, fine, problem, warning } from './findings.ts';

/** What could be read; null where it cannot be used. One platform's mistakes do not hide the rest. */
export interface Settings {
  config: Config | null;
  /** Null also where none are set. */
  slack: SlackSettings | null;
  discord: DiscordSettings | null;
  agent: { file: AgentFile; tools: CustomToolRegistry } | null;
  checks: Check[];
}

/** Read by the doctor alone. */
export const CONFIG_TOKEN = 'SLACK_CONFIG_TOKEN';

export async function readSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  const checks: Check[] = [checkNode(process.versions.node, oldestNode())];
  const misplaced = misplacedTokens(env);
  checks.push(...misplaced.map(({ check }) => check));
  const all = attempt(() => readConfig(env));
  if (all instanceof SetupError) {
    checks.push(...problemsOf(all, new Set(misplaced.map(({ variable }) => variable))));
  }
  const rest = Object.entries(env).filter(([name]) => !/^(SLACK|DISCORD)_/.test(name) && name !== 'PORT');
  const config = usable(all) ?? usable(attempt(() => readConfig(Object.fromEntries(rest))));
  const slack = usable(attempt(() => readSlackSettings(env)));
  const discord = usable(attempt(() => readDiscordSettings(env)));
  checks.push(...unknownVariables(env));
  if (config !== null && checks.every(({ level }) => level === 'fine')) {
    checks.push(fine(`Settings: ${summaryOf(config, slack, discord)}`));
  }
  const agent = config === null ? null : await readAgent(config.agentFile, checks);
  for (const path of config?.adapters ?? []) checks.push(await checkAdapter(path));
  return { config, slack, discord, agent, checks };
}

function attempt<T>(read: () => T): T | SetupError {
  try {
    return read();
  } catch (error) {
    if (error instanceof SetupError) return error;
    throw error;
  }
}

function usable<T>(read: T | SetupError): T | null {
  return read instanceof SetupError ? null : read;
}

/** `version` and `oldest` as "20.19.0" and "20.19". */
export function checkNode(version: string, oldest: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = oldest.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
    ? fine(`Node ${version}`)
    : problem(
        'node.too_old',
        `Node ${version} is too old`,
        `Install Node 24 LTS (nodejs.org); ${oldest} is the oldest that works.`,
      );
}

function oldestNode(): string {
  const { engines } = JSON.parse(readFileSync(ownFile('package.json'), 'utf8')) as {
    engines: { node: string };
  };
  return engines.node.replace(/[^\d.]/g, '');
}

/** The problems a reader named, a line each; values are never in them. */
function problemsOf(error: SetupError, known: ReadonlySet<string>): Check[] {
  return error.message
    .split('\n')
    .filter(line => line.startsWith('  '))
    .map(line => line.trim())
    .filter(line => !known.has(line.split(' ')[0] ?? ''))
    .map(line =>
      problem(
        'settings.invalid',
        line,
        'Correct it in .env or in the environment; the README lists every setting.',
      ),
    );
}

/** What a secret is, by how it begins, and where it belongs; null: nowhere. */
const KINDS: readonly { pattern: RegExp; what: string; belongs: string | null }[] = [
  { pattern: /^xoxe\.xoxp-/, what: 'a Slack app configuration token (xoxe.xoxp-…)', belongs: CONFIG_TOKEN },
  { pattern: /^(xoxe\.)?xoxb-/, what: 'a Slack bot token (xoxb-…)', belongs: 'SLACK_BOT_TOKEN' },
  { pattern: /^xapp-/, what: 'a Slack app-level token (xapp-…)', belongs: 'SLACK_APP_TOKEN' },
  { pattern: /^xoxp-/, what: 'a Slack user token (xoxp-…)', belongs: null },
  { pattern: /^xoxe-/, what: 'a Slack refresh token (xoxe-…)', belongs: null },
  { pattern: /^xox[a-z]-/, what: 'an old kind of Slack token', belongs: null },
  { pattern: /^sk-ant-/, what: 'an Anthropic API key (sk-ant-…)', belongs: 'ANTHROPIC_API_KEY' },
  {
    pattern: /^(Bot )?[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}$/,
    what: 'a Discord bot token',
    belongs: 'DISCORD_TOKEN',
  },
];
const HOLDERS: Readonly<Record<string, string>> = {
  SLACK_BOT_TOKEN:
    'Put the Bot User OAuth Token there: api.slack.com/apps → your app → Install App. It starts with xoxb-.',
  SLACK_APP_TOKEN:
    'Put an app-level token there: api.slack.com/apps → your app → Basic Information → App-Level Tokens. It starts with xapp-.',
  [CONFIG_TOKEN]:
    'Put an access token from api.slack.com/apps → Your App Configuration Tokens there (xoxe.xoxp-…), or leave it out.',
  SLACK_SIGNING_SECRET:
    'Put the Signing Secret there: api.slack.com/apps → your app → Basic Information → App Credentials.',
  SLACK_CLIENT_SECRET:
    'Put the Client Secret there: api.slack.com/apps → your app → Basic Information → App Credentials.',
  DISCORD_TOKEN:
    'Put the bot token there: discord.com/developers/applications → your application → Bot → Reset Token.',
  ANTHROPIC_API_KEY: 'Put an API key there: console.anthropic.com → API keys. It starts with sk-ant-.',
};

function misplacedTokens(env: NodeJS.ProcessEnv): { variable: string; check: Check }[] {
  return Object.entries(HOLDERS).flatMap(([variable, mend]) => {
    const value = env[variable]?.trim() ?? '';
    const kind = KINDS.find(({ pattern }) => pattern.test(value));
    if (kind === undefined || kind.belongs === variable) return [];
    const move = kind.belongs === null ? '' : ` What is there now belongs in ${kind.belongs}.`;
    const text = `${variable} holds ${kind.what}`;
    return [{ variable, check: problem('settings.token_misplaced', text, `${mend}${move}`) }];
  });
}

function unknownVariables(env: NodeJS.ProcessEnv): Check[] {
  const known = new Set([...SLACK_VARIABLES, ...DISCORD_VARIABLES, CONFIG_TOKEN]);
  return Object.keys(env)
    .filter(name => /^(SLACK|DISCORD)_/.test(name) && !known.has(name))
    .map(name =>
      warning(
        'settings.unknown',
        `Nothing reads ${name}`,
        'Look for a typo; the README lists every setting.',
      ),
    );
}

function summaryOf(config: Config, slack: SlackSettings | null, discord: DiscordSettings | null): string {
  const transport = slack?.transport.type === 'http' ? 'over HTTP' : 'in Socket Mode';
  const many = slack?.install.type === 'oauth' ? ', many workspaces' : '';
  const own = config.adapters.length > 0 ? [`${config.adapters.length} of your own`] : [];
  const platforms = [
    ...(slack === null ? [] : [`Slack ${transport}${many}`]),
    ...(discord === null ? [] : ['Discord']),
    ...own,
  ];
  return platforms.length === 0
    ? 'no platform is set up, so the bot chats in the terminal'
    : platforms.join(' and ');
}

/** Its file is loaded as the bot loads it; what it makes might connect or listen, so nothing is made. */
async function checkAdapter(path: string): Promise<Check> {
  try {
    await loadAdapter(path, process.cwd());
    return fine(`Adapter: ${path}`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return problem(
      'settings.adapter',
      error.message,
      'ADAPTERS is a comma-separated list of files, relative to the folder in which the bot is started; docs/extending.md says what they export.',
    );
  }
}

async function readAgent(
  path: string,
  checks: Check[],
): Promise<{ file: AgentFile; tools: CustomToolRegistry } | null> {
  const bad = (
    text: string,
    mend = 'Correct the file; the README and the comments in agent.yml explain every setting.',
  ) => checks.push(problem('settings.agent_file', text, mend));
  try {
    const opened = await openTools(await readAgentFile(path), path);
    const { name, model, custom_tools: tools } = opened.file;
    const missing = tools.filter(tool => opened.tools.get(tool) === undefined);
    for (const tool of missing) bad(`${path} asks for the custom tool "${tool}", which does not exist`);
    if (missing.length > 0) return null;
    checks.push(fine(`${path}: ${name}, ${typeof model === 'string' ? model : model.id}`));
    return opened;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const lines = error.message.split('\n');
    const named = lines.filter(line => line.startsWith('  ')).map(line => `${path}, ${line.trim()}`);
    for (const text of named) bad(text);
    if (named.length === 0) {
      const [text = '', mend] = error.message.split(/\. (?=[A-Z])/);
      bad(text, mend);
    }
    return null;
  }
}
