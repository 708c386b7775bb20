import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { failureOf } from '../core/errors.ts';
import type { Origin, Telemetry, TurnEnding, TurnMark, TurnStep, TurnTelemetry } from '../core/telemetry.ts';
import type { Metrics } from './metrics.ts';

/** Endings that are nobody's failure. */
const GOOD: readonly TurnEnding[] = ['answered', 'refused', 'stopped', 'turned_away', 'left'];

/**
 * Metrics and spans from the same few hooks. A message's trace begins with its `receive`, in whichever process that
 * was; the turn that answers it is a child of it, and of the traces of further messages a link. Without an SDK every
 * span is a no-op. `now` in milliseconds since 1970, as the inbox has it.
 */
export function createTelemetry(metrics: Metrics | null, now: () => number = Date.now): Telemetry {
  const tracer = trace.getTracer('shopper');

  return {
    async receive(platform, accept) {
      const started = performance.now();
      const span = tracer.startSpan(
        'receive',
        { kind: SpanKind.CONSUMER, root: true, attributes: { 'shopper.platform': platform } },
        ROOT_CONTEXT,
      );
      const within = trace.setSpan(ROOT_CONTEXT, span);
      try {
        const receipt = await context.with(within, () => accept(nameOf(within)));
        const outcome = typeof receipt === 'string' ? receipt : 'refused';
        span.setAttribute('shopper.outcome', outcome);
        metrics?.deliveries.inc({ platform, outcome });
        return receipt;
      } catch (error) {
        fail(span, error);
        metrics?.deliveries.inc({ platform, outcome: 'failed' });
        throw error;
      } finally {
        metrics?.receiving.observe({ platform }, (performance.now() - started) / 1_000);
        span.end();
      }
    },

    async turn({ platform, origins, resumed }, work) {
      const takenUp = now();
      const accepted = Math.min(takenUp, ...origins.map(origin => origin.receivedAt));
      const [parent, ...others] = origins.map(contextOf);
      const span = tracer.startSpan(
        'turn',
        {
          kind: SpanKind.CONSUMER,
          startTime: accepted,
          links: others.flatMap(other => {
            const linked = trace.getSpanContext(other);
            return linked === undefined ? [] : [{ context: linked }];
          }),
          attributes: {
            'shopper.platform': platform,
            'shopper.messages': origins.length,
            'shopper.resumed': resumed,
          },
        },
        parent ?? ROOT_CONTEXT,
      );
      const within = trace.setSpan(parent ?? ROOT_CONTEXT, span);
      tracer.startSpan('queue', { startTime: accepted }, within).end(takenUp);
      // What a crash or another attempt added to the wait says nothing about the queue.
      if (!resumed) metrics?.stages.observe({ platform, stage: 'queue' }, (takenUp - accepted) / 1_000);
      const turn = createTurn({ platform, accepted, takenUp, span, resumed });
      try {
        return await context.with(within, () => work(turn.telemetry));
      } catch (error) {
        fail(span, error);
        turn.telemetry.ended('left');
        throw error;
      } finally {
        turn.end();
      }
    },
  };

  function createTurn(about: {
    platform: string;
    accepted: number;
    takenUp: number;
    span: Span;
    resumed: boolean;
  }) {
    const { platform, accepted, takenUp, span } = about;
    const started = performance.now();
    const marks = new Map<TurnMark, number>();
    let ending: TurnEnding | undefined;

    const observe = (stage: string, ms: number) => {
      if (!about.resumed) metrics?.stages.observe({ platform, stage }, ms / 1_000);
    };

    function mark(name: TurnMark): void {
      // Text before the agent's own is a sentence of the bot's.
      if (marks.has(name) || (name === 'text' && !marks.has('token'))) return;
      const at = performance.now() - started;
      marks.set(name, at);
      span.addEvent(name);
      switch (name) {
        case 'sign':
          observe('sign', at);
          return;
        case 'sent':
          return;
        case 'token':
          observe('token', at);
          // From the message's being sent: what the agent took to say something.
          tracer.startSpan('first token', { startTime: takenUp + (marks.get('sent') ?? 0) }).end();
          return;
        case 'text':
          observe('text', at - (marks.get('token') ?? at));
          observe('visible', takenUp - accepted + at);
          return;
      }
    }

    async function step<T>(name: TurnStep, work: () => Promise<T>): Promise<T> {
      const part = tracer.startSpan(name);
      try {
        return await context.with(trace.setSpan(context.active(), part), work);
      } catch (error) {
        fail(part, error);
        throw error;
      } finally {
        part.end();
      }
    }

    const telemetry: TurnTelemetry = {
      mark,
      async step(name, work) {
        const result = await step(name, work);
        if (name === 'send') mark('sent');
        if (name === 'reply.finish' && marks.has('token')) {
          mark('text');
          observe('done', performance.now() - started);
        }
        return result;
      },
      session(id, isNew) {
        const attributes: Attributes = { 'shopper.session': id, 'shopper.session_new': isNew };
        span.setAttributes(attributes);
        trace.getActiveSpan()?.setAttributes(attributes);
      },
      reconnected(reason) {
        metrics?.reconnects.inc({ reason });
        trace.getActiveSpan()?.addEvent('reconnect', { reason });
      },
      used(tokens, cents) {
        const kinds = {
          input: tokens.input,
          output: tokens.output,
          cache_read: tokens.cacheRead,
          cache_write: tokens.cacheWrite,
        };
        for (const [kind, count] of Object.entries(kinds)) {
          // A compatible service may leave some out.
          if (!Number.isFinite(count)) continue;
          metrics?.tokens.inc({ platform, kind }, count);
          span.setAttribute(`shopper.tokens.${kind}`, count);
        }
        if (cents === null || !Number.isFinite(cents)) return;
        metrics?.cost.inc({ platform }, cents / 100);
        span.setAttribute('shopper.list_cost_usd', cents / 100);
      },
      noticed(kind) {
        metrics?.notices.inc({ platform, kind });
      },
      ended(how) {
        ending ??= how;
      },
    };
    return {
      telemetry,
      /** A turn whose reply was complete before this attempt has no ending of its own. */
      end() {
        if (ending !== undefined) {
          metrics?.turns.inc({ platform, ending });
          span.setAttribute('shopper.ending', ending);
          if (!GOOD.includes(ending)) span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  }
}

/** The W3C name of a context's span; undefined where nothing is traced. */
function nameOf(within: Context): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(within, carrier);
  return carrier.traceparent;
}

function contextOf({ trace: traceparent }: Origin): Context {
  return traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });
}

/** What kind of failure, and never its words: those may quote what somebody wrote. */
function fail(span: Span, error: unknown): void {
  const failure = failureOf(error);
  const type = 'reason' in failure ? failure.reason : failure.type;
  span.setAttribute('error.type', type === 'unknown' && error instanceof Error ? error.name : type);
  if (error instanceof Error && 'requestID' in error && typeof error.requestID === 'string')
    span.setAttribute('anthropic.request_id', error.requestID);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
