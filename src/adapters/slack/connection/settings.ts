import { z } from 'zod';
import { SetupError } from '../../../core/errors.ts';
import { givenIn } from '../../../given.ts';

export interface SlackSettings {
  transport: Transport;
  install: Install;
  /** Base of every Slack call, ending in a slash. */
  apiUrl: string;
  /** Hosts whose links stay links; all others are shown as text, so that nothing is fetched from them. */
  linkHosts: readonly string[];
}

export type Transport =
  /** `port` serves only the installation pages, when there are any. */
  { type: 'socket'; appToken: string; port: number } | { type: 'http'; signingSecret: string; port: number };

export type Install =
  | { type: 'token'; botToken: string }
  | {
      type: 'oauth';
      clientId: string;
      clientSecret: string;
      stateSecret: string;
      /** 32 bytes; tokens are kept encrypted with it. */
      encryptionKey: Uint8Array;
    };

const CREDENTIALS = [
  'SLACK_BOT_TOKEN',
  'SLACK_APP_TOKEN',
  'SLACK_SIGNING_SECRET',
  'SLACK_CLIENT_ID',
  'SLACK_CLIENT_SECRET',
  'SLACK_STATE_SECRET',
] as const;

const OAUTH = [
  'SLACK_CLIENT_ID',
  'SLACK_CLIENT_SECRET',
  'SLACK_STATE_SECRET',
  'SLACK_ENCRYPTION_KEY',
] as const;

const schema = z.object({
  SLACK_BOT_TOKEN: z
    .string()
    .regex(/^(?:xoxe\.)?xoxb-/, 'must be a bot token: it starts with xoxb-')
    .optional(),
  SLACK_APP_TOKEN: z
    .string()
    .regex(/^xapp-/, 'must be an app-level token: it starts with xapp-')
    .optional(),
  SLACK_SIGNING_SECRET: z.string().optional(),
  SLACK_CLIENT_ID: z.string().optional(),
  SLACK_CLIENT_SECRET: z.string().optional(),
  SLACK_STATE_SECRET: z.string().optional(),
  SLACK_ENCRYPTION_KEY: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits; make one with: openssl rand -hex 32')
    .optional(),
  SLACK_API_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:3001/api/' })
    .default('https://slack.com/api/'),
  SLACK_LINK_HOSTS: z.string().default(''),
  PORT: z.coerce
    .number('must be a port number')
    .int('must be a port number')
    .min(0, 'must be a port number')
    .max(65_535, 'must be a port number')
    .default(3000),
});

/** The environment variables that are read here. */
export const SLACK_VARIABLES = Object.keys(schema.shape);

/**
 * Slack's settings; null when no Slack credential is set. Rejects with one SetupError that names every problem
 * and repeats no value. An empty variable counts as not set.
 */
export function readSlackSettings(env: NodeJS.ProcessEnv): SlackSettings | null {
  const given = givenIn(env);
  if (CREDENTIALS.every(name => given[name] === undefined)) return null;
  const parsed = schema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`);
  problems.push(...missing(given));
  if (!parsed.success || problems.length > 0) {
    throw new SetupError(
      `Some Slack settings need attention:\n${problems.map(problem => `  ${problem}`).join('\n')}`,
    );
  }
  const it = parsed.data;
  return {
    transport: transportOf(it),
    install: installOf(it),
    apiUrl: it.SLACK_API_URL.replace(/\/*$/, '/'),
    linkHosts: it.SLACK_LINK_HOSTS.split(/[\s,]+/)
      .filter(host => host !== '')
      .map(host => host.toLowerCase()),
  };
}

function missing(given: Record<string, string | undefined>): string[] {
  const problems: string[] = [];
  if (given.SLACK_APP_TOKEN === undefined && given.SLACK_SIGNING_SECRET === undefined) {
    problems.push(
      'SLACK_APP_TOKEN is needed for Socket Mode, or SLACK_SIGNING_SECRET for requests over HTTP',
    );
  }
  const oauth = OAUTH.filter(name => given[name] !== undefined);
  if (given.SLACK_BOT_TOKEN !== undefined && given.SLACK_CLIENT_ID !== undefined) {
    problems.push(
      'SLACK_BOT_TOKEN is for one workspace, SLACK_CLIENT_ID for many; set one of the two, not both',
    );
  } else if (given.SLACK_BOT_TOKEN === undefined && oauth.length === 0) {
    problems.push(
      'SLACK_BOT_TOKEN is needed for one workspace, or SLACK_CLIENT_ID and its companions for many',
    );
  } else if (given.SLACK_BOT_TOKEN === undefined) {
    const absent = OAUTH.filter(name => given[name] === undefined);
    for (const name of absent) problems.push(`${name} is needed for installing in many workspaces`);
  }
  return problems;
}

function transportOf(it: z.infer<typeof schema>): Transport {
  return it.SLACK_APP_TOKEN === undefined
    ? { type: 'http', signingSecret: it.SLACK_SIGNING_SECRET ?? '', port: it.PORT }
    : { type: 'socket', appToken: it.SLACK_APP_TOKEN, port: it.PORT };
}

function installOf(it: z.infer<typeof schema>): Install {
  if (it.SLACK_BOT_TOKEN !== undefined) return { type: 'token', botToken: it.SLACK_BOT_TOKEN };
  return {
    type: 'oauth',
    clientId: it.SLACK_CLIENT_ID ?? '',
    clientSecret: it.SLACK_CLIENT_SECRET ?? '',
    stateSecret: it.SLACK_STATE_SECRET ?? '',
    encryptionKey: Buffer.from(it.SLACK_ENCRYPTION_KEY ?? '', 'hex'),
  };
}
