import { SetupError } from '../errors.ts';
import type { State } from './state.ts';

/**
 * In the table "provision" a bot keeps, under its name, what it has made at the API; so it says whose the state is.
 *
 * Rejects with a SetupError where another bot keeps its state and this one has not been. Mappings name people, not bots, and
 * whoever has the inbox answers what is in it: a second bot would be given the first one's people, their memory and
 * their conversations.
 */
export async function refuseAnother(state: State, bot: string): Promise<void> {
  const bots: string[] = [];
  for await (const [name] of state.table('provision').entries()) bots.push(name);
  if (!isOfAnother(bots, bot)) return;
  const own = state.multiProcess
    ? 'a database of its own (DATABASE_URL)'
    : 'a data directory of its own (SHOPPER_DATA_DIR)';
  throw new SetupError(
    `What is kept here belongs to the bot ${quoted(bots)}, and the name in agent.yml is "${bot}". ` +
      `Give "${bot}" ${own}, or keep the name if it is the same bot.`,
  );
}

/** `bots`: the names in that table. */
export function isOfAnother(bots: readonly string[], bot: string): boolean {
  return bots.length > 0 && !bots.includes(bot);
}

export function quoted(bots: readonly string[]): string {
  return bots.map(name => `"${name}"`).join(', ');
}
