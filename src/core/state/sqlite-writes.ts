import { WRITE, type Write, writesOf } from './sqlite-statements.ts';

/** Runs one statement and gives back its rows. */
export type Query<R = Record<string, unknown>> = (sql: string, ...parameters: unknown[]) => Promise<R[]>;

export interface Writes {
  /** True when it took effect. Resolves once it is on the disk. */
  write(write: Write): Promise<boolean>;
  /** Another statement, on its own. */
  query: Query;
}

interface Waiting<W, T> {
  work: W;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** What SQLite says when it is the content of a write that it does not take. */
const OF_ONE_WRITE = ['SQLITE_ERROR', 'SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_TOOBIG'];
const isTheirs = (error: unknown) =>
  error instanceof Error && 'code' in error && OF_ONE_WRITE.includes(String(error.code));

/** A write waits for the disk; what else is asked for meanwhile shares the next wait. More than this do not. */
const MOST_AT_ONCE = 100;

/**
 * Writes one after the other, on a connection that nobody else uses and that is prepared with PREPARE_WRITES. Those that
 * came while the disk was busy go there as one statement, because what takes time is the disk and the way to it.
 * Each comes out as if it were alone: where one of them is not to be had, each is tried by itself.
 */
export function createWrites(query: Query, now: () => number = Date.now): Writes {
  let writes: Waiting<Write, boolean>[] = [];
  let last: Promise<unknown> = Promise.resolve();

  /** One statement at a time on this connection. */
  function after<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  async function carryOut(): Promise<void> {
    const batch = writes.slice(0, MOST_AT_ONCE);
    writes = writes.slice(MOST_AT_ONCE);
    if (writes.length > 0) void after(carryOut);
    try {
      await together(batch);
    } catch (error) {
      // A disk that is full or locked is so for each of them.
      if (batch.length > 1 && isTheirs(error)) {
        for (const one of batch) await together([one]).catch(one.reject);
      } else for (const { reject } of batch) reject(error);
    }
  }

  async function together(batch: readonly Waiting<Write, boolean>[]): Promise<void> {
    const rows = await query(WRITE, writesOf(batch.map(({ work }) => work)), now());
    for (const { id, took } of rows) batch[Number(id)]?.resolve(took === 1);
  }

  return {
    write: work =>
      new Promise((resolve, reject) => {
        writes.push({ work, resolve, reject });
        if (writes.length === 1) void after(carryOut);
      }),
    query: (sql, ...parameters) => after(() => query(sql, ...parameters)),
  };
}
