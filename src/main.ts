/** The map: config → state → agent client → bot → adapters → start → stop. */

import { openApi } from './agent-api.ts';
import type { Config } from './config.ts';
import { readAgentFile } from './core/agent-file.ts';
import { createBot } from './core/bot.ts';
import { createCustomTools } from './core/custom-tools.ts';
import { openSqliteState } from './core/state/sqlite.ts';
import type { Log } from './log.ts';
import { openPlatforms } from './platforms.ts';
import { customTools } from './tools.ts';

export interface Running {
  /** Resolves when there is nothing left to do: the terminal was left. Never, while a platform is connected. */
  finished: Promise<void>;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

export async function run(config: Config, options: { user?: string }, log: Log): Promise<Running> {
  const file = await readAgentFile(config.agentFile);
  const state = await openSqliteState(config.dataDir);
  const stops: (() => Promise<void>)[] = [() => state.close()];
  const stop = async () => {
    while (stops.length > 0) await stops.pop()?.();
  };
  try {
    const api = await openApi(config, log);
    stops.push(api.stop);
    const platforms = await openPlatforms(config, options, { state, file, log });
    const bot = createBot({
      client: api.client,
      state,
      file,
      tools: createCustomTools(customTools),
      adapters: platforms.adapters,
      notices: config.notices,
      limits: { ...config.limits, outageMs: config.limits.outageMs ?? platforms.outageMs },
      log,
    });
    stops.push(() => bot.stop());
    await bot.start();
    return { finished: platforms.finished, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
