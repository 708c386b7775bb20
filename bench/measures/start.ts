/** From the start of the process until it takes messages. */

import { type ContenderName, openArena } from '../arena.ts';
import type { Setting } from './conversation.ts';

export async function measureStart(
  { programs, results, say }: Setting,
  contender: ContenderName,
): Promise<void> {
  say(`${contender}: start`);
  const arena = await openArena({ programs, contender, workspaces: 1, people: 1 });
  try {
    const { rss } = await arena.settled();
    results.add('Start', 'start → ready', 'ms', contender, arena.readyMs);
    results.add('Start', 'memory when ready (RSS)', 'MB', contender, rss / 1e6);
  } finally {
    await arena.stop();
  }
}
