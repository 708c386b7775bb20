/** Runs one statement and gives back its rows. */
export type Query<R> = (sql: string, ...parameters: unknown[]) => Promise<R[]>;

interface Write<R> {
  sql: string;
  parameters: unknown[];
  resolve(rows: R[]): void;
  reject(error: unknown): void;
}

/** A write waits for the disk; what else is asked for meanwhile shares the next wait. More than this do not. */
const MOST_AT_ONCE = 100;

/**
 * Writes one after the other, on a connection that nobody else uses. Each resolves once it is on the disk, as if it
 * were alone; those that came while the disk was busy go into one transaction, because what takes time is the disk,
 * not the writing. A write that is refused (a constraint, say) takes no other with it; when the transaction cannot be
 * completed, all of it rejects.
 */
export function createWrites<R>(query: Query<R>): Query<R> {
  let waiting: Write<R>[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST_AT_ONCE);
      waiting = waiting.slice(MOST_AT_ONCE);
      await (batch.length === 1 ? alone(batch) : together(batch));
    }
    running = false;
  }

  async function alone(batch: readonly Write<R>[]): Promise<void> {
    for (const { sql, parameters, resolve, reject } of batch)
      await query(sql, ...parameters).then(resolve, reject);
  }

  async function together(batch: readonly Write<R>[]): Promise<void> {
    const done: (() => void)[] = [];
    try {
      await query('BEGIN IMMEDIATE');
      for (const { sql, parameters, resolve, reject } of batch) {
        done.push(
          await query(sql, ...parameters).then(
            rows => () => resolve(rows),
            (error: unknown) => () => reject(error),
          ),
        );
      }
      await query('COMMIT');
    } catch (error) {
      // SQLite may have ended the transaction by itself.
      await query('ROLLBACK').catch(() => {});
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const tell of done) tell();
  }

  return (sql, ...parameters) =>
    new Promise((resolve, reject) => {
      waiting.push({ sql, parameters, resolve, reject });
      if (!running) void run();
    });
}
