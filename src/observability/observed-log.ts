import { trace } from '@opentelemetry/api';
import { failureOf } from '../core/errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from './metrics.ts';

/**
 * A log that counts what it warns of, so that every trouble has a number to alert on, and that names the trace a line
 * belongs to.
 */
export function observedLog(log: Log, metrics: Metrics | null): Log {
  const observed =
    (level: keyof Log): Log['info'] =>
    (...args: unknown[]) => {
      const [fields] = args;
      if (level === 'warn' || level === 'error')
        metrics?.errors.inc({ level, event: eventOf(fields), kind: kindOf(fields) });
      const span = trace.getActiveSpan()?.spanContext();
      const seen =
        span === undefined || typeof fields !== 'object' || fields === null
          ? args
          : [{ ...fields, trace_id: span.traceId, span_id: span.spanId }, ...args.slice(1)];
      Reflect.apply(log[level], log, seen);
    };
  return {
    debug: observed('debug'),
    info: observed('info'),
    warn: observed('warn'),
    error: observed('error'),
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
