import { z } from 'zod';
import { type DiscordSettings, readDiscordSettings } from './adapters/discord/connection/settings.ts';
import { readSlackSettings, type SlackSettings } from './adapters/slack/connection/settings.ts';
import { SetupError } from './core/errors.ts';
import { NOTICE_MODES, type NoticeMode } from './core/message.ts';
import type { TurnLimits } from './core/turn/turn.ts';
import { givenIn } from './given.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import type { ObservabilitySettings } from './observability/observability.ts';
import { defaultAgentFile } from './own-files.ts';

export interface Config {
  dataDir: string;
  agentFile: string;
  api:
    | { type: 'remote'; apiKey: string; baseUrl: string }
    /** The local runtime, in this process; `model` as its model settings want them. */
    | { type: 'local'; model: { MODEL_BASE_URL?: string; MODEL_API_KEY?: string; MODEL?: string } };
  /** Null where no credentials are set. */
  slack: SlackSettings | null;
  discord: DiscordSettings | null;
  /** Files of adapters of one's own. */
  adapters: readonly string[];
  notices: NoticeMode | undefined;
  /** Undefined: SQLite in the data directory, for one process. */
  databaseUrl: string | undefined;
  /** Undefined: turns run in the process that accepted them. */
  redisUrl: string | undefined;
  logLevel: LogLevel | undefined;
  observability: ObservabilitySettings;
  /** `outageMs` undefined: as long as fits where people talk to the bot. */
  limits: Omit<TurnLimits, 'outageMs'> & { outageMs: number | undefined };
}

export const CLOUD = 'https://api.anthropic.com';

/** Node's timers fire at once beyond 2^31 ms, and an AbortSignal's throw a little later. */
const MAX_SECONDS = 2_147_483;
const seconds = z.coerce
  .number('must be a number of seconds')
  .positive('must be more than 0')
  .max(MAX_SECONDS, `must be at most ${MAX_SECONDS}`);
const url = z.url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:8787' });

const UNREADABLE =
  'cannot be read as a URL; write characters such as / # ? % @ in the password as %2F %23 %3F %25 %40';

const schema = z.object({
  SHOPPER_DATA_DIR: z.string().default('./data'),
  AGENT_FILE: z.string().optional(),
  ANTHROPIC_API_KEY: z.string().optional(),
  ANTHROPIC_BASE_URL: url.optional(),
  AGENT_API: z.enum(['cloud', 'local'], 'must be cloud or local').optional(),
  MODEL_BASE_URL: url.optional(),
  MODEL_API_KEY: z.string().optional(),
  MODEL: z.string().optional(),
  ADAPTERS: z.string().default(''),
  MEMORY_NOTICES: z.enum(NOTICE_MODES, 'must be thread, private or off').optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).optional(),
  HEALTH_PORT: z.coerce
    .number('must be a port number')
    .int('must be a port number')
    .min(0, 'must be a port number')
    .max(65_535, 'must be a port number')
    .optional(),
  HEALTH_HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z.string().refine(isReadable, UNREADABLE).optional(),
  REDIS_URL: z
    .string()
    .refine(isReadable, { error: UNREADABLE, abort: true })
    .url({ protocol: /^rediss?$/, error: 'must be a URL such as redis://127.0.0.1:6379' })
    .optional(),
  TURN_LIMIT_SECONDS: seconds.default(600),
  QUESTION_LIMIT_SECONDS: seconds.default(300),
  OUTAGE_LIMIT_SECONDS: seconds.optional(),
});

/**
 * Settings from the environment. Rejects with one SetupError that names every problem; values are never
 * repeated in it, because some are secrets. An empty variable counts as not set.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = givenIn(env);
  const parsed = schema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(issue => `  ${issue.path.join('.')} ${issue.message}`);
  if (given.AGENT_API === 'cloud' && given.ANTHROPIC_API_KEY === undefined) {
    problems.push('  ANTHROPIC_API_KEY is needed when AGENT_API is cloud');
  }
  if (given.REDIS_URL !== undefined && given.DATABASE_URL === undefined) {
    problems.push(
      '  DATABASE_URL is needed with REDIS_URL: processes that share turns have to share their state',
    );
  }
  const slack = settingsOf(() => readSlackSettings(env), problems);
  const discord = settingsOf(() => readDiscordSettings(env), problems);
  const health = parsed.data?.HEALTH_PORT;
  if (slack?.transport.type === 'http' && slack.transport.port === health) {
    problems.push('  HEALTH_PORT must not be the PORT that Slack calls: that one is open to the internet');
  }
  if (!parsed.success || problems.length > 0) {
    throw new SetupError(`Some settings need attention:\n${problems.join('\n')}`);
  }
  const it = parsed.data;
  const remote =
    it.AGENT_API !== 'local' && (it.ANTHROPIC_API_KEY !== undefined || it.ANTHROPIC_BASE_URL !== undefined);
  return {
    dataDir: it.SHOPPER_DATA_DIR,
    agentFile: it.AGENT_FILE ?? defaultAgentFile(),
    api: remote
      ? // A server on one's own machine may want no key; the SDK wants one to send.
        { type: 'remote', apiKey: it.ANTHROPIC_API_KEY ?? 'none', baseUrl: it.ANTHROPIC_BASE_URL ?? CLOUD }
      : {
          type: 'local',
          model: defined({
            MODEL_BASE_URL: it.MODEL_BASE_URL,
            MODEL_API_KEY: it.MODEL_API_KEY,
            MODEL: it.MODEL,
          }),
        },
    slack,
    discord,
    adapters: it.ADAPTERS.split(',')
      .map(path => path.trim())
      .filter(path => path !== ''),
    notices: it.MEMORY_NOTICES,
    databaseUrl: it.DATABASE_URL,
    redisUrl: it.REDIS_URL,
    logLevel: it.LOG_LEVEL,
    observability: {
      health: it.HEALTH_PORT === undefined ? null : { host: it.HEALTH_HOST, port: it.HEALTH_PORT },
      traces: exportsTraces(given),
    },
    limits: {
      turnMs: it.TURN_LIMIT_SECONDS * 1_000,
      questionMs: it.QUESTION_LIMIT_SECONDS * 1_000,
      outageMs: it.OUTAGE_LIMIT_SECONDS === undefined ? undefined : it.OUTAGE_LIMIT_SECONDS * 1_000,
    },
  };
}

/**
 * False for the address of a server in which something stands that had to be written differently. Not every such one is
 * no URL at all: of "redis://u:12/34@host" the host is "u" and the port 12.
 */
function isReadable(address: string): boolean {
  if (!/^(postgres(ql)?|rediss?):/.test(address)) return true;
  if (!URL.canParse(address)) return false;
  const { username, password, pathname, search, hash } = new URL(address);
  if (hash !== '' || `${pathname}${search}`.includes('@')) return false;
  try {
    decodeURIComponent(`${username}${password}${pathname}`);
    return true;
  } catch {
    return false;
  }
}

/** As OpenTelemetry's own variables say; everything about how is for its SDK to read. */
function exportsTraces(env: NodeJS.ProcessEnv): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const isOff = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none';
  return endpoint !== undefined && !isOff;
}

/** A platform's settings, or its problems among the others. */
function settingsOf<T>(read: () => T, problems: string[]): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    problems.push(...error.message.split('\n').filter(line => line.startsWith('  ')));
    return null;
  }
}

function defined<K extends string>(values: Record<K, string | undefined>): Partial<Record<K, string>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Record<K, string>
  >;
}
