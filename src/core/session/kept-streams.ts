import type { LiveStream } from './live-stream.ts';

/**
 * Streams of sessions whose turn is over, for the turn that follows soon: it need not ask for one, and a person who
 * answers at once waits for one connection less.
 */
export interface KeptStreams {
  /** The session's stream, if there is one that still stands. It is the caller's then. */
  take(sessionId: string): LiveStream | null;
  keep(sessionId: string, stream: LiveStream): void;
  /** Closes all, and whatever is left here later. */
  close(): void;
}

/** Most people answer within a minute; proxies between us and the service may drop what is silent for longer. */
const KEEP_MS = 60_000;
/** The oldest goes first. */
const MOST = 1_000;

export function createKeptStreams(keepMs = KEEP_MS, most = MOST): KeptStreams {
  const kept = new Map<string, { stream: LiveStream; late: NodeJS.Timeout }>();
  let closed = false;

  function take(sessionId: string): LiveStream | null {
    const found = kept.get(sessionId);
    if (found === undefined) return null;
    kept.delete(sessionId);
    clearTimeout(found.late);
    return found.stream;
  }

  function drop(sessionId: string): void {
    take(sessionId)?.close();
  }

  return {
    take(sessionId) {
      const stream = take(sessionId);
      return stream?.resume() === true ? stream : null;
    },

    keep(sessionId, stream) {
      drop(sessionId);
      if (closed) return stream.close();
      const late = setTimeout(() => drop(sessionId), keepMs);
      late.unref();
      kept.set(sessionId, { stream, late });
      stream.rest(() => {
        if (kept.get(sessionId)?.stream === stream) drop(sessionId);
      });
      if (kept.size > most) drop(kept.keys().next().value ?? '');
    },

    close() {
      closed = true;
      for (const sessionId of [...kept.keys()]) drop(sessionId);
    },
  };
}
