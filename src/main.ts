/** The map: config → state → agent client → bot → adapters → start → stop. */

import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
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
    const client = new Anthropic({
      apiKey: api.apiKey,
      baseURL: api.baseUrl,
      authToken: null,
      logLevel: 'off',
    });

    const platforms = await openPlatforms(config, options, { state, file, log });
    const bot = createBot({
      client,
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

/** The agent service: one elsewhere, or the local runtime in this process. The bot meets either over HTTP alone. */
async function openApi(
  config: Config,
  log: Log,
): Promise<{ baseUrl: string; apiKey: string; stop(): Promise<void> }> {
  if (config.api.type === 'remote') {
    const { baseUrl, apiKey } = config.api;
    return { baseUrl, apiKey, stop: async () => {} };
  }
  const { createAgentLoop } = await import('./runtime/agent-loop.ts');
  const { createModel } = await import('./runtime/models/model.ts');
  const { createRuntime } = await import('./runtime/server.ts');
  const loop = createAgentLoop({ model: createModel(config.api.model), log });
  const runtime = await createRuntime({ dataDir: join(config.dataDir, 'runtime'), port: 0, loop, log });
  return { baseUrl: runtime.url, apiKey: 'local', stop: () => runtime.stop() };
}
