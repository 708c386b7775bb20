import { z } from 'zod';
import { SetupError } from '../../../core/errors.ts';
import { givenIn } from '../../../given.ts';

export interface DiscordSettings {
  token: string;
  applicationId: string;
  /** Base of the REST API, e.g. "http://127.0.0.1:4000/api"; undefined: Discord's own. The gateway is where it says. */
  apiUrl: string | undefined;
  /** `auto`: as many as Discord recommends. */
  shards: 'auto' | number;
  /** `auto`: with the Message Content intent if the application has it, without it otherwise. */
  messageContent: 'on' | 'off' | 'auto';
  /** What was missed while away is answered when it is not older than this. */
  catchUpMs: number;
  /** Where a notice for one person's eyes goes when no interaction is open: their DMs, or a line that only they can open. */
  privateNotices: 'line' | 'dm';
}

const SNOWFLAKE = /^\d{17,20}$/;
const onOffAuto = z.enum(['on', 'off', 'auto'], 'must be on, off or auto');

const schema = z.object({
  DISCORD_TOKEN: z.string('is needed: the bot token from the Bot page of the application'),
  DISCORD_APPLICATION_ID: z
    .string('is needed: the Application ID from the General Information page of the application')
    .regex(SNOWFLAKE, 'must be the Application ID, a number of 17 to 20 digits'),
  DISCORD_API_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:4000/api' })
    .optional(),
  DISCORD_SHARDS: z
    .string()
    .regex(/^(auto|[1-9]\d{0,4})$/, 'must be auto or a whole number')
    .transform(shards => (shards === 'auto' ? shards : Number(shards)))
    .default('auto'),
  DISCORD_MESSAGE_CONTENT: onOffAuto.default('auto'),
  DISCORD_CATCH_UP_MINUTES: z.coerce
    .number('must be a number of minutes')
    .nonnegative('must be 0 or more')
    .default(30),
  DISCORD_PRIVATE_NOTICES: z.enum(['line', 'dm'], 'must be line or dm').default('line'),
});

/** Another server that speaks Discord's API may count from wherever it likes. */
const elsewhere = schema.extend({
  DISCORD_APPLICATION_ID: z
    .string('is needed: the Application ID')
    .regex(/^\d+$/, 'must be the Application ID, a number'),
});

/** The environment variables that are read here. */
export const DISCORD_VARIABLES = Object.keys(schema.shape);

/**
 * Discord's settings from the environment; null when neither credential is set. Rejects with one SetupError that
 * names every problem and repeats no value. An empty variable counts as not set.
 */
export function readDiscordSettings(env: NodeJS.ProcessEnv): DiscordSettings | null {
  const given = givenIn(env);
  if (given.DISCORD_TOKEN === undefined && given.DISCORD_APPLICATION_ID === undefined) return null;
  const parsed = (given.DISCORD_API_URL === undefined ? schema : elsewhere).safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(issue => `  ${issue.path.join('.')} ${issue.message}`);
    throw new SetupError(`Some Discord settings need attention:\n${problems.join('\n')}`);
  }
  const it = parsed.data;
  return {
    // People paste it as it stands in a header; discord.js adds the prefix itself.
    token: it.DISCORD_TOKEN.replace(/^Bot\s+/i, ''),
    applicationId: it.DISCORD_APPLICATION_ID,
    // Other libraries want the version with it; discord.js adds it itself.
    apiUrl: it.DISCORD_API_URL?.replace(/(\/v\d+)?\/*$/, ''),
    shards: it.DISCORD_SHARDS,
    messageContent: it.DISCORD_MESSAGE_CONTENT,
    catchUpMs: it.DISCORD_CATCH_UP_MINUTES * 60_000,
    privateNotices: it.DISCORD_PRIVATE_NOTICES,
  };
}
