import { pino } from 'pino';

/**
 * Structured logs on standard error, so that standard output stays the bot's own voice. Names of events are
 * stable; message and memory texts are never logged, and known secret fields are cut out.
 */
export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRETS = [
  'token',
  'apiKey',
  'authorization',
  'headers',
  '*.token',
  '*.apiKey',
  '*.authorization',
  '*.headers',
];

/** `to`: where lines go, one JSON object each; absent: standard error. */
export function createLog(level: LogLevel, to?: pino.DestinationStream): Log {
  return pino(
    { level, redact: { paths: SECRETS, censor: '[redacted]' }, serializers: { err: describeError } },
    to ?? pino.destination({ fd: 2, sync: true }),
  );
}

/** An error as it may be logged: no headers, no request body, but the request id that support asks for. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return withoutSecrets(String(error));
  const extra: Record<string, unknown> = {};
  for (const key of ['status', 'code', 'type'] as const) {
    if (key in error) extra[key] = Reflect.get(error, key);
  }
  const requestID = requestIdOf(error);
  return {
    name: error.name,
    message: messageOf(error),
    ...extra,
    ...(requestID === undefined ? {} : { requestID }),
    // Without its first lines, which are the message once more.
    stack: error.stack
      ?.split('\n')
      .filter(line => line.startsWith('    at '))
      .join('\n'),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** Of the error, or of what caused it: adapters wrap what their platform's library throws. */
function requestIdOf(error: unknown): string | undefined {
  for (let it = error; it instanceof Error; it = it.cause) {
    if ('requestID' in it && typeof it.requestID === 'string') return it.requestID;
  }
  return undefined;
}

function messageOf(error: Error): string {
  // JSON.parse quotes what it could not read, and that may be what somebody wrote.
  if (error instanceof SyntaxError && error.message.includes('JSON')) return 'invalid JSON';
  return withoutSecrets(error.message);
}

/** Slack, Anthropic and Discord tokens, interaction tokens in paths, passwords in URLs: should one get into an error. */
function withoutSecrets(text: string): string {
  return text
    .replace(/\b(xox[a-z]-|xapp-|sk-ant-)[\w-]+/g, '$1[redacted]')
    .replace(/\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}/g, '[redacted]')
    .replace(/\b(webhooks|interactions)\/(\d+)\/[\w-]+/g, '$1/$2/[redacted]')
    .replace(/:\/\/[^/\s@]*@/g, '://[redacted]@');
}
