/** Work in order per channel, and side by side across channels. */
export interface Lanes {
  /** Runs after everything given to this lane before. Never rejects: `onError` hears of it. */
  run(lane: string, work: () => Promise<void>): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export function createLanes(onError: (error: unknown, lane: string) => void): Lanes {
  const ends = new Map<string, Promise<void>>();
  return {
    run(lane, work) {
      const end = (ends.get(lane) ?? Promise.resolve())
        .then(work)
        .catch((error: unknown) => onError(error, lane))
        .finally(() => {
          if (ends.get(lane) === end) ends.delete(lane);
        });
      ends.set(lane, end);
      return end;
    },
    async idle() {
      while (ends.size > 0) await Promise.all(ends.values());
    },
  };
}
