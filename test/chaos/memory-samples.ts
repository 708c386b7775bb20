import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Resident memory at a moment, in megabytes. */
export interface Sample {
  second: number;
  bot: number;
  runtime: number;
}

const EVERY_MS = 5_000;

/** Looks now and then, where the system says it (Linux), until the signal. */
export async function sampleMemory(options: {
  pids: () => number[];
  runtime: number;
  into: Sample[];
  signal: AbortSignal;
}): Promise<void> {
  const started = Date.now();
  while (!options.signal.aborted) {
    const [bot, runtime] = await Promise.all([sum(options.pids()), sum([options.runtime])]);
    options.into.push({ second: Math.round((Date.now() - started) / 1_000), bot, runtime });
    await pause(EVERY_MS, undefined, { signal: options.signal }).catch(() => {});
  }
}

async function sum(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(
    pids.map(async pid => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
    }),
  );
  return Math.round(each.reduce((total, one) => total + one, 0));
}
