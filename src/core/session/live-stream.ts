import type Anthropic from '@anthropic-ai/sdk';
import type { StreamEvent } from '../turn/turn-state.ts';

/** A session's events as they happen, read as they arrive, whether or not anybody takes them. */
export interface LiveStream {
  /**
   * What has come and was not taken, in order; waits for it where there is nothing. 'silence' after `silenceMs`
   * without anything, null at the end. Rejects when the stream broke.
   */
  take(silenceMs: number): Promise<StreamEvent[] | 'silence' | null>;
  /** Between two turns what comes is of no interest. `onEnd` is called when the stream ends meanwhile. */
  rest(onEnd: () => void): void;
  /** False when it has ended. What comes from now on is kept again. */
  resume(): boolean;
  close(): void;
}

/** Made once: every stream is closed in the end, and a new one would look up where it was made. */
const CLOSED = new DOMException('the stream is closed', 'AbortError');

/**
 * Resolves when the stream stands. Previews are what is said before it is complete; `beginMs`: how long the beginning may
 * take, in place of the SDK's ten minutes.
 */
export async function openLiveStream(
  client: Anthropic,
  sessionId: string,
  { previews, beginMs, signal }: { previews: boolean; beginMs: number; signal: AbortSignal },
): Promise<LiveStream> {
  const connection = new AbortController();
  const close = () => connection.abort(CLOSED);
  signal.addEventListener('abort', close, { once: true });
  try {
    const events = await client.beta.sessions.events.stream(
      sessionId,
      previews ? { event_deltas: ['agent.message'] } : {},
      { signal: connection.signal, maxRetries: 0, timeout: beginMs },
    );
    return readAhead(events, close);
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener('abort', close);
  }
}

export function readAhead(stream: AsyncIterable<StreamEvent>, close: () => void): LiveStream {
  let come: StreamEvent[] = [];
  let end: 'clean' | { error: unknown } | null = null;
  let resting: (() => void) | null = null;
  let wake = () => {};
  let timer: { ms: number; handle: NodeJS.Timeout } | undefined;

  async function read(): Promise<void> {
    try {
      for await (const event of stream) {
        if (resting !== null) continue;
        come.push(event);
        // Many words may come in one piece, and are then taken in one: not before all of it is read.
        if (come.length === 1) process.nextTick(() => wake());
      }
      end = 'clean';
    } catch (error) {
      end = { error };
    }
    wake();
    resting?.();
  }
  void read();

  /** Restarted rather than created: there would be one for every word. */
  function wakeIn(ms: number): void {
    if (timer?.ms === ms) {
      timer.handle.refresh();
      return;
    }
    clearTimeout(timer?.handle);
    timer = { ms, handle: setTimeout(() => wake(), ms) };
  }

  function stopTimer(): void {
    clearTimeout(timer?.handle);
    timer = undefined;
  }

  return {
    async take(silenceMs) {
      if (come.length === 0 && end === null) {
        await new Promise<void>(resolve => {
          wake = resolve;
          wakeIn(silenceMs);
        });
      }
      if (come.length > 0) {
        const events = come;
        come = [];
        return events;
      }
      if (end === null) return 'silence';
      stopTimer();
      if (end !== 'clean') throw end.error;
      return null;
    },
    rest(onEnd) {
      stopTimer();
      come = [];
      resting = onEnd;
      if (end !== null) onEnd();
    },
    resume() {
      resting = null;
      return end === null;
    },
    close() {
      stopTimer();
      close();
    },
  };
}
