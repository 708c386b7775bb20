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

export function createLog(level: LogLevel): Log {
  return pino(
    { level, redact: { paths: SECRETS, censor: '[redacted]' }, serializers: { err: describeError } },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** An error as it may be logged: no headers, no request body, but the request id that support asks for. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const extra: Record<string, unknown> = {};
  for (const key of ['status', 'code', 'type', 'requestID'] as const) {
    if (key in error) extra[key] = Reflect.get(error, key);
  }
  return {
    name: error.name,
    message: error.message,
    ...extra,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
