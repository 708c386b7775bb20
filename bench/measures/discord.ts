/**
 * What a person waits for on Discord. Chat SDK is not among them: its Discord adapter connects its gateway client to
 * discord.com whatever `apiUrl` says (@chat-adapter/discord 4.41), so it cannot be pointed at a fake.
 */

import { type ContenderName, openArena } from '../arena.ts';
import { quantile } from '../statistics.ts';
import type { ConversationSize, Setting } from './conversation.ts';

export type DiscordSize = Omit<ConversationSize, 'fast' | 'instants'>;

const TOGETHER = 32;
const LIKE_A_MODEL = { afterMs: 300, everyMs: 20 };

export async function measureDiscord(
  { programs, results, say }: Setting,
  contender: ContenderName,
  { warm, alone, together }: DiscordSize,
): Promise<void> {
  const people = warm + alone + together;
  const arena = await openArena({ programs, contender, platform: 'discord', workspaces: 1, people });
  try {
    await arena.pace(LIKE_A_MODEL);
    await arena.work({ clients: 2, turns: warm });
    for (const [clients, turns, skip] of [
      [1, alone, warm],
      [TOGETHER, together, warm + alone],
    ] as const) {
      say(`${contender}: Discord, ${clients} at a time`);
      const done = await arena.work({ clients, turns, skip });
      for (const [figure, values] of [
        ['event → first sign', done.turns.map(({ signMs }) => signMs ?? Number.NaN)],
        ['first token → first text', done.turns.map(({ firstTextMs }) => firstTextMs)],
      ] as const) {
        const kind = `${clients} ${clients === 1 ? 'client' : 'clients'}`;
        const name = `Discord: ${figure}`;
        results.add(name, `${kind}, p50`, 'ms', contender, quantile(values, 0.5));
        results.add(name, `${kind}, p99`, 'ms', contender, quantile(values, 0.99));
      }
    }
  } finally {
    await arena.stop();
  }
}
