import { setTimeout as pause } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';
import type { Random } from './random.ts';

export interface TroubleDeps {
  fleet: Fleet;
  random: Random;
  kills: number;
  rolls: number;
  /** Of the platforms, in a second. */
  troubles: number;
  /** Messages that are answered, and how many there will be, so that the kills fall into the whole of the run. */
  progress(): { answered: number; total: number };
  platforms: readonly {
    trouble(): Promise<unknown>;
    hold(ms: number): Promise<unknown>;
    again(): Promise<unknown>;
  }[];
  cutWire(): Promise<unknown>;
  /** What part of the kills and restarts has been. */
  onAct(part: number): void;
  signal: AbortSignal;
}

/** Everything that is done to the bot while people talk with it, until the signal. */
export async function makeTrouble(deps: TroubleDeps): Promise<void> {
  await Promise.all([bringDown(deps), disturb(deps)]);
}

/** By then a process that was started has answered something. */
const WORK_MS = 40_000;

/** Kills and restarts, spread over the run by how far it has come. */
async function bringDown({
  fleet,
  random,
  kills,
  rolls,
  progress,
  onAct,
  signal,
}: TroubleDeps): Promise<void> {
  const acts = shuffled([...Array<'kill'>(kills).fill('kill'), ...Array<'roll'>(rolls).fill('roll')], random);
  for (const [at, act] of acts.entries()) {
    const { total } = progress();
    // The last of them while there is still something to answer.
    const due = (0.97 * at * total) / Math.max(1, acts.length);
    while (progress().answered < due && !signal.aborted) await pause(50);
    // Some come while the process starts, most while it works.
    const works = random.chance(0.75);
    const { answered } = progress();
    const patience = Date.now() + WORK_MS;
    while (works && progress().answered === answered && Date.now() < patience && !signal.aborted)
      await pause(50);
    await pause(random.between(0, 2_000));
    if (signal.aborted) return;
    if (act === 'kill') await fleet.kill();
    else await fleet.roll();
    onAct((at + 1) / acts.length);
  }
}

async function disturb({ random, troubles, platforms, cutWire, signal }: TroubleDeps): Promise<void> {
  if (troubles === 0) return;
  const drawn = random.fork('disturb');
  while (!signal.aborted) {
    await pause((drawn.next() * 2_000) / troubles);
    if (signal.aborted) return;
    const platform = drawn.pick(platforms);
    const kind = drawn.next();
    if (kind < 0.65) await platform.trouble();
    else if (kind < 0.8) await platform.again();
    else if (kind < 0.95) await platform.hold(drawn.between(200, 1_500));
    else await cutWire();
  }
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = random.between(0, at);
    const [a, b] = [items[at], items[other]];
    if (a !== undefined && b !== undefined) [items[at], items[other]] = [b, a];
  }
  return items;
}
