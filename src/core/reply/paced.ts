/** Pacing of snapshots: of many values in quick succession only the newest is worth writing. */

import { realTimer, type SetTimer } from '../timer.ts';

/** Thrown by `write` to be tried again later, with whatever is newest by then. */
export class RetryLater extends Error {
  readonly afterMs: number;
  /** The platform said so, so a flush waits as well. Otherwise the bot holds itself back, and a flush need not. */
  readonly binding: boolean;

  constructor(afterMs: number, options: ErrorOptions & { binding?: boolean } = {}) {
    super(`to be tried again after ${afterMs} ms`, options);
    this.name = 'RetryLater';
    this.afterMs = Math.max(0, afterMs);
    this.binding = options.binding ?? true;
  }
}

export interface Paced<T> {
  /** The newest value: written at once, or when the pace allows, unless a newer one replaces it. Never waits, never throws. */
  push(value: T): void;
  /**
   * Resolves when the newest value pushed so far is written, as soon as possible, and tried once more if its
   * write has failed. Rejects with the error of that write, or when stopped.
   */
  flush(): Promise<void>;
  /** Writes nothing more; a write under way is not cut off. Safe to call twice. */
  stop(): void;
}

export interface PacedOptions<T> {
  /** Called for one value at a time. A RetryLater rejection is waited out; any other one goes to `onError`. */
  write(value: T): Promise<void>;
  /** Between the starts of two writes; a flush does not wait for it. */
  minIntervalMs: number;
  /** True for a value that should not wait for the interval: the first words after many signs of work, say. */
  isUrgent?(value: T): boolean;
  /** A write that no flush waited for has failed. Its value is tried again by the next flush. */
  onError?(error: unknown): void;
  now?: () => number;
  setTimer?: SetTimer;
}

interface Flush {
  upTo: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Latest value wins: the first at once, then at most one write per interval and one at a time; the last value
 * always arrives.
 */
export function createPaced<T>(options: PacedOptions<T>): Paced<T> {
  const now = options.now ?? Date.now;
  const setTimer = options.setTimer ?? realTimer;
  // Values are numbered from 1; what is up to `settled` needs no further write.
  let newest: { value: T; number: number } | undefined;
  let settled = 0;
  let newestFailed = false;
  let writing = false;
  let stopped = false;
  /** Not before these times: pushes and flushes, pushes alone, and pushes of what is not urgent. */
  let blockedUntil = Number.NEGATIVE_INFINITY;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let pacedUntil = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | undefined;
  let flushes: Flush[] = [];

  function schedule(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    if (writing || stopped || newest === undefined || settled >= newest.number) return;
    const wait = startOf(newest.value) - now();
    if (wait > 0) cancelTimer = setTimer(schedule, wait);
    else void writeOne(newest.value, newest.number);
  }

  function startOf(value: T): number {
    if (flushes.length > 0) return blockedUntil;
    const held = Math.max(blockedUntil, heldUntil);
    return options.isUrgent?.(value) === true ? held : Math.max(held, pacedUntil);
  }

  async function writeOne(value: T, number: number): Promise<void> {
    writing = true;
    pacedUntil = now() + options.minIntervalMs;
    try {
      await options.write(value);
      settle(number, flush => flush.resolve());
    } catch (error) {
      if (error instanceof RetryLater) {
        const until = now() + error.afterMs;
        if (error.binding) blockedUntil = until;
        else heldUntil = Math.max(heldUntil, until);
      } else {
        // What was refused is not to be tried at the pace at which it grows.
        heldUntil = Math.max(heldUntil, pacedUntil);
        newestFailed = newest?.number === number;
        const waitedFor = settle(number, flush => flush.reject(error));
        if (!waitedFor) options.onError?.(error);
      }
    } finally {
      writing = false;
      schedule();
    }
  }

  /** True when a flush was waiting for this value. */
  function settle(number: number, tell: (flush: Flush) => void): boolean {
    settled = number;
    const waiting = flushes.filter(flush => flush.upTo <= number);
    flushes = flushes.filter(flush => flush.upTo > number);
    waiting.forEach(tell);
    return waiting.length > 0;
  }

  return {
    push(value) {
      if (stopped) return;
      newest = { value, number: (newest?.number ?? 0) + 1 };
      newestFailed = false;
      schedule();
    },
    flush() {
      if (stopped) return Promise.reject(new Error('stopped'));
      const upTo = newest?.number ?? 0;
      if (newestFailed) settled = upTo - 1;
      newestFailed = false;
      if (settled >= upTo) return Promise.resolve();
      return new Promise((resolve, reject) => {
        flushes.push({ upTo, resolve, reject });
        schedule();
      });
    },
    stop() {
      if (stopped) return;
      stopped = true;
      cancelTimer?.();
      for (const flush of flushes) flush.reject(new Error('stopped'));
      flushes = [];
    },
  };
}
