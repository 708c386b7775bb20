import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import { type Failure, failureOf } from '../errors.ts';
import { backoff, pause } from '../patience.ts';
import type { Reconnect } from '../telemetry.ts';
import { isAfter, type StreamEvent } from '../turn/turn-state.ts';
import type { KeptStreams } from './kept-streams.ts';
import { type LiveStream, openLiveStream } from './live-stream.ts';

export interface FollowOptions {
  client: Anthropic;
  sessionId: string;
  /** Done once the stream stands and before anything is read; repeated after a retryable failure until it resolves. */
  opened: () => Promise<void>;
  /** From where the log is read after a cut (the server's time of an event), or null for all of it. */
  since: () => string | null;
  /** Read the log at once: what is followed began before this stream. */
  resume: boolean;
  /** Told when the service cannot be reached, and with null when it answers again. Throws to give up. */
  onTrouble: (failure: Extract<Failure, { type: 'retry' }> | null, error?: unknown) => void;
  /** Told why, each time the stream has to be opened again. */
  onReconnect?: (reason: Reconnect) => void;
  /** Where a stream is left that may serve the next turn, and found. Absent: each turn opens its own. */
  kept?: KeptStreams;
  /** Asked at the end: nothing more will come from this turn. */
  isOver?: () => boolean;
  signal: AbortSignal;
  log: Log;
  /** After this long without an event the log is asked whether the stream has missed something. */
  silenceMs?: number;
  /** A stream that does not begin for so long never will: its connection was lost without a word. */
  openMs?: number;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** `live`: from the stream; otherwise from the log. */
export interface Batch {
  events: StreamEvent[];
  live: boolean;
}

const SILENCE_MS = 20_000;
const OPEN_MS = 30_000;
/** A stream from the turn before: silence after sending may mean that nobody is at the other end any longer. */
const DOUBT_MS = 3_000;

/**
 * Every event of a session from now on, each once and in order, in batches that belong together: what came live
 * at a time, or what the log held after a cut. The API keeps no position in a stream, so a cut is mended by
 * opening a new stream first, then reading the log, then leaving out what was seen.
 * Ends only by `return()` or `signal`; rejects on errors that a retry cannot mend.
 */
export async function* followSession(options: FollowOptions): AsyncGenerator<Batch, void, void> {
  const { client, sessionId, signal, log } = options;
  const { silenceMs = SILENCE_MS, openMs: beginMs = OPEN_MS, wait = pause } = options;
  const seen = new Set<string>();
  let attempt = 0;
  let cut = options.resume;
  let previews = true;
  let reason: Reconnect = 'ended';

  const unseen = (events: readonly StreamEvent[]) =>
    events.filter(event => {
      const key = identity(event);
      if (key === null) return true;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });

  // What is resumed began before any stream of this process.
  let found = options.resume ? null : (options.kept?.take(sessionId) ?? null);
  let live: LiveStream | null = null;
  const close = () => {
    live?.close();
    live = null;
  };
  signal.addEventListener('abort', close);
  try {
    while (!signal.aborted) {
      reason = 'ended';
      let doubted = found !== null;
      try {
        const stream = found ?? (await openLiveStream(client, sessionId, { previews, beginMs, signal }));
        live = stream;
        found = null;
        await options.opened();
        const missed = cut ? unseen(await readLog(client, sessionId, options.since(), signal)) : [];
        // Not before: a service that lets streams open but cannot say what was missed is away all the same.
        options.onTrouble(null);
        if (missed.length > 0) yield { events: missed, live: false };
        for (;;) {
          const come = await stream.take(doubted ? Math.min(DOUBT_MS, silenceMs) : silenceMs);
          doubted = false;
          if (come === null) break;
          if (come !== 'silence') {
            attempt = 0;
            const fresh = unseen(come);
            if (fresh.length > 0) yield { events: fresh, live: true };
            continue;
          }
          const since = options.since();
          const missed = unseen(await readLog(client, sessionId, since, signal));
          // The log begins with what the turn before ended with.
          if (!missed.some(event => isAfter(event, since))) continue;
          reason = 'stalled';
          log.warn({ event: 'stream.stalled', session: sessionId }, 'the stream missed events; reconnecting');
          close();
          yield { events: missed, live: false };
          break;
        }
        // Ended without an error. A server that keeps closing at once must not be hammered.
        if (attempt > 0) await wait(backoff(attempt), signal);
        attempt += 1;
      } catch (error) {
        if (signal.aborted) return;
        const failure = failureOf(error);
        const refused = failure.type === 'refused' && failure.reason === 'request';
        if (previews && refused && live === null && attempt === 0 && !cut) {
          // A compatible server may not know previews: then the reply arrives message by message.
          previews = false;
          close();
          continue;
        }
        if (failure.type !== 'retry') throw error;
        options.onTrouble(failure, error);
        reason = failure.reason;
        log.warn({ event: 'stream.cut', session: sessionId, reason: failure.reason, attempt }, 'stream cut');
        await wait(failure.afterMs ?? backoff(attempt), signal);
        attempt += 1;
      }
      close();
      cut = true;
      if (!signal.aborted) options.onReconnect?.(reason);
    }
  } finally {
    signal.removeEventListener('abort', close);
    found?.close();
    if (live !== null && options.isOver?.() === true) options.kept?.keep(sessionId, live);
    else close();
  }
}

/** The log from a moment on, oldest first. */
export async function readLog(
  client: Anthropic,
  sessionId: string,
  since: string | null,
  signal: AbortSignal,
): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  const query = {
    limit: 1_000,
    order: 'asc' as const,
    ...(since === null ? {} : { 'created_at[gte]': since }),
  };
  for await (const event of client.beta.sessions.events.list(sessionId, query, { signal }))
    events.push(event);
  return events;
}

/** A client event appears twice, first queued and then processed; previews have no identity of their own. */
function identity(event: StreamEvent): string | null {
  if (event.type === 'event_start' || event.type === 'event_delta') return null;
  return `${event.id}:${'processed_at' in event && event.processed_at ? 'processed' : 'queued'}`;
}
