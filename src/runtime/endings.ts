import type { Clock } from './clock.ts';
import type { Database, Reader } from './database.ts';
import { notFound } from './errors.ts';

/** How environments and memory stores end: archived for good, which asking again does not change, or deleted. */
export function createEndings<T extends { archived_at: unknown }>(deps: {
  db: Database;
  clock: Clock;
  table: 'environments' | 'memory_stores';
  /** As errors call it: "memory store". */
  what: string;
  get(id: string, reader: Reader): Promise<T>;
}): { archive(id: string): Promise<T>; remove(id: string): Promise<void> } {
  const { db, clock, table, what, get } = deps;
  return {
    archive: id =>
      db.write(async tx => {
        const current = await get(id, tx);
        if (current.archived_at !== null) return current;
        const now = clock();
        await tx.run(`UPDATE ${table} SET archived_at = ?, updated_at = ? WHERE id = ?`, [now, now, id]);
        return get(id, tx);
      }),
    remove: id =>
      db.write(async tx => {
        const { changes } = await tx.run(`DELETE FROM ${table} WHERE id = ?`, [id]);
        if (changes === 0) throw notFound(what, id);
        tx.scrub();
      }),
  };
}
