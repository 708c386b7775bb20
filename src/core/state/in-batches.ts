/** One piece of work, and who waits for it. */
export interface Waiting<W, T> {
  work: W;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Begins each piece of work when those before it are over. */
export type OneByOne = <T>(work: () => Promise<T>) => Promise<T>;

export function oneByOne(): OneByOne {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
}

/** A statement should not keep what else waits for the connection for long. */
const MOST_AT_ONCE = 100;

/**
 * What is asked for while `after` is busy goes together into the next batch, because what takes time is the way to the
 * disk and back. `carryOut` settles each of its batch; where it rejects, all that it has not settled fail with that.
 */
export function inBatches<W, T>(
  after: OneByOne,
  carryOut: (batch: readonly Waiting<W, T>[]) => Promise<void>,
): (work: W) => Promise<T> {
  let waiting: Waiting<W, T>[] = [];

  async function next(): Promise<void> {
    const batch = waiting.slice(0, MOST_AT_ONCE);
    waiting = waiting.slice(MOST_AT_ONCE);
    if (waiting.length > 0) void after(next);
    try {
      await carryOut(batch);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return work =>
    new Promise((resolve, reject) => {
      waiting.push({ work, resolve, reject });
      if (waiting.length === 1) void after(next);
    });
}
