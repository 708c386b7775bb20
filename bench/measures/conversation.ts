/** What a person waits for, what it asks of others, and how many are answered at what cost. */

import type { ArenaOptions, ContenderName, SeenTurn } from '../arena.ts';
import { openArena } from '../arena.ts';
import type { Results } from '../results.ts';
import { quantile } from '../statistics.ts';

export interface ConversationSize {
  /** Turns before anything is measured: of a service that has run for a while, the code is compiled and connections are open. */
  warm: number;
  /** Turns of one client after the other; of 32 who talk at the same time. */
  alone: number;
  together: number;
  /** How often 32 write at the same instant. The first time finds few connections open, which keeps them apart. */
  instants: number;
  /** Turns that are answered as fast as it goes, of each kind. */
  fast: number;
}

export interface Setting {
  programs: URL;
  results: Results;
  say(what: string): void;
}

const TOGETHER = 32;
/** A model thinks for a moment; sixty tokens follow, 20 ms apart. */
const LIKE_A_MODEL = { afterMs: 300, everyMs: 20 };
/**
 * As long as a turn takes then. People who talk with the bot at the same time begin at times of their own, all over it. What it
 * is like when they all write at one instant is another figure, and mostly one of how two cores are shared: in lockstep each
 * step of every turn waits for that step of all others, in the contender and in the platform alike.
 */
const ONE_TURN_MS = 1_600;
const AT_ONCE = { afterMs: 0, everyMs: 0 };

/** One run of one contender, in processes of its own. */
export async function measureConversation(
  { programs, results, say }: Setting,
  contender: ContenderName,
  size: ConversationSize,
): Promise<void> {
  const slow = size.alone + size.together + size.instants * TOGETHER;
  const people = size.warm + slow + size.fast;
  // Slack's limits are for each workspace and minute: with few people in each, nobody comes near them.
  const options: ArenaOptions = { programs, contender, people, workspaces: Math.ceil(people / 2) };
  const arena = await openArena(options);
  const add = (measure: string, figure: string, unit: string, value: number) =>
    results.add(measure, figure, unit, contender, value);
  const latency = (kind: string, turns: readonly SeenTurn[]) => {
    for (const [figure, values] of [
      ['event → first sign', turns.map(({ signMs }) => signMs ?? Number.NaN)],
      ['first token → first text', turns.map(({ firstTextMs }) => firstTextMs)],
    ] as const) {
      add(`Waiting: ${figure}`, `${kind}, p50`, 'ms', quantile(values, 0.5));
      add(`Waiting: ${figure}`, `${kind}, p99`, 'ms', quantile(values, 0.99));
    }
  };
  try {
    await arena.pace(AT_ONCE);
    await arena.work({ clients: 4, turns: size.warm });
    await arena.pace(LIKE_A_MODEL);
    await arena.settled();
    await arena.requests();
    let limited = 0;
    for (const again of [false, true]) {
      const kind = again ? 'later turn' : 'new conversation';
      say(`${contender}: ${kind}, one client`);
      const alone = await arena.work({ clients: 1, turns: size.alone, skip: size.warm, again });
      latency(`${kind}, 1 client`, alone.turns);
      await arena.settled();
      const asked = Object.entries(await arena.requests());
      const requests = asked.reduce((sum, [, count]) => sum + count, 0);
      const calls = alone.turns.reduce((sum, turn) => sum + turn.calls.length, 0);
      const who = again ? 'later turn' : 'first turn of a new person';
      add('Requests per turn', `to the agent service, ${who}`, '', requests / size.alone);
      add('Requests per turn', `to Slack, ${who}`, '', calls / size.alone);
      let skip = size.warm + size.alone;
      say(`${contender}: ${kind}, ${TOGETHER} clients`);
      const among = { clients: TOGETHER, again };
      const together = await arena.work({ ...among, turns: size.together, skip, overMs: ONE_TURN_MS });
      latency(`${kind}, ${TOGETHER} clients`, together.turns);
      // What turns still ask for when they are over is not the next ones'.
      await arena.settled();
      skip += size.together;
      say(`${contender}: ${kind}, ${TOGETHER} clients at one instant`);
      const atOnce: SeenTurn[] = [];
      for (let instant = 0; instant < size.instants; instant += 1) {
        const wave = await arena.work({ ...among, turns: TOGETHER, skip });
        atOnce.push(...wave.turns);
        limited = wave.limited;
        skip += TOGETHER;
        await arena.settled();
      }
      latency(`${kind}, ${TOGETHER} clients at one instant`, atOnce);
      await arena.requests();
    }
    await arena.pace(AT_ONCE);
    for (const again of [false, true]) {
      say(`${contender}: as many turns as it can answer`);
      const before = await arena.settled();
      const skip = size.warm + slow;
      const fast = await arena.work({ clients: TOGETHER, turns: size.fast, skip, again, settle: false });
      const after = await arena.settled();
      const kind = again ? 'later turns' : 'new people';
      add('Capacity', `turns per second, ${kind}`, '', size.fast / fast.seconds);
      add('Capacity', `CPU per turn, ${kind}`, 'ms', (after.cpuMs - before.cpuMs) / size.fast);
      if (before.mainMs !== null && after.mainMs !== null) {
        const mainMs = (after.mainMs - before.mainMs) / size.fast;
        add('Capacity', `of it on the main thread, ${kind}`, 'ms', mainMs);
      }
      limited = fast.limited;
    }
    if (limited > 0) say(`${contender}: Slack refused ${limited} calls; the figures contain that`);
  } finally {
    await arena.stop();
  }
}
