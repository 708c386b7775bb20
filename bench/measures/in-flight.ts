/** Many turns at the same time: what they weigh, and how far what is seen lags behind what was said. */

import { type ContenderName, openArena } from '../arena.ts';
import { quantile } from '../statistics.ts';
import type { Setting } from './conversation.ts';

export interface InFlightSize {
  turns: number;
  /** In what time people come. Their replies take longer, so that all of them run at once. */
  comeWithinMs: number;
  /** Between two tokens. */
  everyMs: number;
}

const THINK_MS = 1_000;
const MEGABYTE = 1e6;

export async function measureInFlight(
  { programs, results, say }: Setting,
  contender: ContenderName,
  { turns, comeWithinMs, everyMs }: InFlightSize,
): Promise<void> {
  const arena = await openArena({ programs, contender, workspaces: turns, people: turns });
  const name = `${turns.toLocaleString('en')} turns in flight`;
  const add = (figure: string, unit: string, value: number) =>
    results.add(name, figure, unit, contender, value);
  try {
    const idle = await arena.settled();
    await arena.peakRss();
    say(`${contender}: ${name}`);
    await arena.pace({ afterMs: THINK_MS, everyMs });
    const done = await arena.work({ clients: turns, turns, settle: false, overMs: comeWithinMs });
    const after = await arena.settled();
    const deltas = done.turns.flatMap(turn => turn.deltaMs);
    add('memory before (RSS)', 'MB', idle.rss / MEGABYTE);
    add('memory at most (RSS)', 'MB', (await arena.peakRss()) / MEGABYTE);
    add('delta → visible, p50', 'ms', quantile(deltas, 0.5));
    add('delta → visible, p99', 'ms', quantile(deltas, 0.99));
    add(
      'first token → first text, p50',
      'ms',
      quantile(
        done.turns.map(turn => turn.firstTextMs),
        0.5,
      ),
    );
    add(
      'first token → first text, p99',
      'ms',
      quantile(
        done.turns.map(turn => turn.firstTextMs),
        0.99,
      ),
    );
    add('CPU per turn', 'ms', (after.cpuMs - idle.cpuMs) / turns);
    add('turns without an answer', '', done.lost);
    if (done.limited > 0) say(`${contender}: Slack refused ${done.limited} calls; the figures contain that`);
  } finally {
    await arena.stop();
  }
}
