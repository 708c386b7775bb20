import { failureOf } from '../core/errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from './metrics.ts';

/** A log that counts what it warns of, so that every trouble has a number to alert on. */
export function countedLog(log: Log, metrics: Metrics): Log {
  const counted =
    (level: 'warn' | 'error'): Log['warn'] =>
    (...args: unknown[]) => {
      const [fields] = args;
      metrics.errors.inc({ level, event: eventOf(fields), kind: kindOf(fields) });
      Reflect.apply(log[level], log, args);
    };
  return {
    debug: log.debug.bind(log),
    info: log.info.bind(log),
    warn: counted('warn'),
    error: counted('error'),
  };
}

/** Names of events stand in the source: there are as many as the documentation lists. */
function eventOf(fields: unknown): string {
  const event = fieldOf(fields, 'event');
  return typeof event === 'string' ? event : 'other';
}

/** Whether the service could not be reached, was busy, refused …; "none" where no error was logged. */
function kindOf(fields: unknown): string {
  const error = fieldOf(fields, 'err');
  if (error === undefined) return 'none';
  const failure = failureOf(error);
  return 'reason' in failure ? failure.reason : failure.type;
}

function fieldOf(fields: unknown, name: string): unknown {
  return typeof fields === 'object' && fields !== null ? Reflect.get(fields, name) : undefined;
}
