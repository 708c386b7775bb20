import { failureOf } from './errors.ts';

const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 15_000;

/** Doubling, with jitter so that many conversations do not return at the same instant. */
export function backoff(attempt: number): number {
  const full = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt);
  return full / 2 + (Math.random() * full) / 2;
}

/** Resolves early, without rejecting, when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/** The result of `work`, or `late` once that many milliseconds have passed; the work itself continues. */
export async function inTime<T, L>(work: Promise<T>, ms: number, late: L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<L>(resolve => {
    timer = setTimeout(() => resolve(late), ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Tries again what may pass, for as long as `limitMs` and until one of `signals` aborts; then it rejects as the work did.
 * `onWait` is told before each wait what it is for.
 */
export async function retryTransient<T>(
  work: () => Promise<T>,
  options: { limitMs: number; signals: AbortSignal[]; now?: () => number; onWait?: (error: unknown) => void },
): Promise<T> {
  const { limitMs, signals, now = Date.now } = options;
  const until = now() + limitMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const failure = failureOf(error);
      const left = until - now();
      if (failure.type !== 'retry' || left <= 0 || signals.some(({ aborted }) => aborted)) throw error;
      options.onWait?.(error);
      await pause(Math.min(left, failure.afterMs ?? backoff(attempt)), AbortSignal.any(signals));
    }
  }
}
