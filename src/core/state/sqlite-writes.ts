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
 * not the writing. A write that is refused (a constraint, say) takes no other kind with it; when the transaction cannot
 * be completed, all of it rejects.
 *
 * `forMany`: statements that can be had for many keys at once. Their first parameter is the key, and their rows name it.
 */
export function createWrites<R extends { key: string }>(
  query: Query<R>,
  forMany: ReadonlyMap<string, (count: number) => string> = new Map(),
): Query<R> {
  let waiting: Write<R>[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST_AT_ONCE);
      waiting = waiting.slice(MOST_AT_ONCE);
      const steps = stepsOf(batch, forMany);
      const [only] = steps;
      if (steps.length === 1 && only !== undefined) (await carryOut(only))();
      else await together(batch, steps);
    }
    running = false;
  }

  async function together(batch: readonly Write<R>[], steps: readonly Write<R>[][]): Promise<void> {
    const done: (() => void)[] = [];
    try {
      await query('BEGIN IMMEDIATE');
      for (const step of steps) done.push(await carryOut(step));
      await query('COMMIT');
    } catch (error) {
      // SQLite may have ended the transaction by itself.
      await query('ROLLBACK').catch(() => {});
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const tell of done) tell();
  }

  /** One statement; what it returns says to those who asked for it how it went. Does not reject. */
  async function carryOut(step: readonly Write<R>[]): Promise<() => void> {
    const [first] = step;
    if (first === undefined) return () => {};
    const sql = step.length === 1 ? first.sql : (forMany.get(first.sql)?.(step.length) ?? '');
    try {
      const rows = await query(sql, ...step.flatMap(({ parameters }) => parameters));
      if (step.length === 1) return () => first.resolve(rows);
      const byKey = new Map(rows.map(row => [row.key, row]));
      return () => {
        for (const { parameters, resolve } of step) {
          const row = byKey.get(String(parameters[0]));
          resolve(row === undefined ? [] : [row]);
        }
      };
    } catch (error) {
      return () => {
        for (const { reject } of step) reject(error);
      };
    }
  }

  return (sql, ...parameters) =>
    new Promise((resolve, reject) => {
      waiting.push({ sql, parameters, resolve, reject });
      if (!running) void run();
    });
}

/**
 * The writes of a batch in as few statements as may be: those of one kind together, each key once, and never before
 * what was asked for this key earlier. Writes of other keys change nothing for one another. A statement whose first
 * parameter is no key stays where it is among all of them.
 */
function stepsOf<W extends { sql: string; parameters: readonly unknown[] }>(
  batch: readonly W[],
  forMany: ReadonlyMap<string, unknown>,
): W[][] {
  const steps: W[][] = [];
  const open = new Map<string, number>();
  const lastOf = new Map<unknown, number>();
  for (const write of batch) {
    const [key] = write.parameters;
    const at = open.get(write.sql);
    if (at !== undefined && at > (lastOf.get(key) ?? -1)) {
      steps[at]?.push(write);
      lastOf.set(key, at);
      continue;
    }
    const next = steps.push([write]) - 1;
    lastOf.set(key, next);
    if (typeof key !== 'string') open.clear();
    else if (forMany.has(write.sql)) open.set(write.sql, next);
  }
  return steps;
}
