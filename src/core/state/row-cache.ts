/** Rows by key as they are on the disk; null where there is none. */
export interface RowCache {
  /** The row, read with `load` where it is not known. */
  get(key: string, load: () => Promise<string | null>): Promise<string | null>;
  /** Around a write of this key, which returns what is there afterwards, or undefined where it cannot know. */
  write<T>(key: string, work: () => Promise<T>, after: (result: T) => string | null | undefined): Promise<T>;
}

/** A row is some hundred characters, so these are some megabytes: what a thousand people have at hand. */
const MOST_ROWS = 10_000;
/** Longer ones are read again rather than kept. */
const LONGEST_ROW = 2_048;

/**
 * For a store that only this process writes: what was read or written a moment ago need not be read again, and most of
 * what a turn asks for is that nothing has been said about a person. Only what was asked for is kept, the least
 * recently used goes first. A read that was under way while its key was written is not kept.
 */
export function createRowCache(): RowCache {
  const rows = new Map<string, string | null>();
  const reading = new Map<string, Promise<string | null>>();
  const writing = new Map<string, number>();

  function keep(key: string, row: string | null): void {
    rows.delete(key);
    if (row !== null && row.length > LONGEST_ROW) return;
    rows.set(key, row);
    if (rows.size > MOST_ROWS) rows.delete(rows.keys().next().value ?? '');
  }

  return {
    async get(key, load) {
      const known = rows.get(key);
      if (known !== undefined) {
        keep(key, known);
        return known;
      }
      const running = reading.get(key);
      if (running !== undefined) return running;
      const read = load();
      reading.set(key, read);
      try {
        const row = await read;
        if (reading.get(key) === read && !writing.has(key)) keep(key, row);
        return row;
      } finally {
        if (reading.get(key) === read) reading.delete(key);
      }
    },

    async write(key, work, after) {
      const asked = rows.has(key) || reading.has(key);
      // Until it is on the disk, readers are to see what was there before, as they would without this.
      const before = writing.get(key) ?? 0;
      writing.set(key, before + 1);
      reading.delete(key);
      try {
        const result = await work();
        const row = after(result);
        if (!asked || row === undefined) rows.delete(key);
        else keep(key, row);
        return result;
      } catch (error) {
        rows.delete(key);
        throw error;
      } finally {
        // Of what was read meanwhile nobody knows whether it is from before or after.
        reading.delete(key);
        const left = (writing.get(key) ?? 1) - 1;
        if (left === 0) writing.delete(key);
        else writing.set(key, left);
      }
    },
  };
}
