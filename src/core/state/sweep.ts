const BATCH = 500;

/**
 * `remove` takes away at most `limit` of what has expired and says how many that were. One statement for millions of
 * rows would run into the time a statement may take, and keep everything else waiting until then.
 */
export async function sweepInBatches(
  remove: (limit: number) => Promise<number>,
  signal?: AbortSignal,
): Promise<void> {
  while (signal?.aborted !== true) {
    if ((await remove(BATCH)) < BATCH) return;
  }
}
