import { inBatches, oneByOne, type Waiting } from './in-batches.ts';
import { WRITE, type Write, writesOf } from './sqlite-statements.ts';

/** Runs one statement and gives back its rows. */
export type Query<R = Record<string, unknown>> = (sql: string, ...parameters: unknown[]) => Promise<R[]>;

export interface Writes {
  /** True when it took effect. Resolves once it is on the disk. */
  write(write: Write): Promise<boolean>;
  /** Another statement, on its own. */
  query: Query;
}

/** What SQLite says when it is the content of a write that it does not take. */
const OF_ONE_WRITE = ['SQLITE_ERROR', 'SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_TOOBIG'];
const isTheirs = (error: unknown) =>
  error instanceof Error && 'code' in error && OF_ONE_WRITE.includes(String(error.code));

/**
 * Writes one after the other, on a connection that nobody else uses and that is prepared with PREPARE_WRITES. Those that
 * came while the disk was busy go there as one statement. Each comes out as if it were alone: where one of them is not
 * to be had, each is tried by itself.
 */
export function createWrites(query: Query, now: () => number = Date.now): Writes {
  const after = oneByOne();

  async function together(batch: readonly Waiting<Write, boolean>[]): Promise<void> {
    const rows = await query(WRITE, writesOf(batch.map(({ work }) => work)), now());
    for (const { id, took } of rows) batch[Number(id)]?.resolve(took === 1);
  }

  return {
    write: inBatches(after, async batch => {
      try {
        await together(batch);
      } catch (error) {
        // A disk that is full or locked is so for each of them.
        if (batch.length === 1 || !isTheirs(error)) throw error;
        for (const one of batch) await together([one]).catch(one.reject);
      }
    }),
    query: (sql, ...parameters) => after(() => query(sql, ...parameters)),
  };
}
