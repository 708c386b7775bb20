import { createLog, type Log } from '../../src/log.ts';

export const silentLog: Log = createLog('silent');

const PATIENCE_MS = 60_000;

/** Resolves with the first truthy value; rejects when there is none for a long time. */
export async function until<T>(look: () => T | undefined | null | false, what: string): Promise<T> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > giveUpAt) throw new Error(`waited in vain for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
