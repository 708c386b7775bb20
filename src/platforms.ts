import { userInfo } from 'node:os';
import { createTerminal } from './adapters/terminal/terminal.ts';
import type { Config } from './config.ts';
import type { ChatAdapter } from './core/adapter.ts';
import type { AgentFile } from './core/agent-file.ts';
import type { State } from './core/state/state.ts';
import type { RateLimited } from './core/telemetry.ts';
import type { Log } from './log.ts';
import { loadAdapter } from './own-modules.ts';
import type { PlainLog } from './plain-log.ts';

export interface Platforms {
  adapters: ChatAdapter[];
  /** Resolves when nobody can say anything any more: the terminal was left. Never, on a platform. */
  finished: Promise<void>;
  /** How long an outage of the agent service is waited out where these people are. */
  outageMs: number;
}

/** A platform's people come back to their answer; a person at a terminal would rather know soon. */
const OUTAGE_MS = { platform: 30 * 60_000, terminal: 60_000 };

/**
 * Every platform whose credentials are set; with none, the terminal. Platforms are loaded only when used, so that
 * a chat in the terminal does not wait for their SDKs.
 */
export async function openPlatforms(
  config: Config,
  options: { user?: string; plainLog?: PlainLog },
  deps: {
    state: State;
    file: AgentFile;
    log: Log;
    /** Where a platform's waits are counted. */
    rateLimitedOn(platform: string): RateLimited;
  },
): Promise<Platforms> {
  const { state, log, rateLimitedOn } = deps;
  const adapters: ChatAdapter[] = [];
  if (config.slack !== null) {
    const { createSlackAdapter } = await import('./adapters/slack/adapter.ts');
    const suggestedPrompts = deps.file.chat.suggested_prompts;
    adapters.push(
      createSlackAdapter({
        ...config.slack,
        state,
        log,
        suggestedPrompts,
        rateLimited: rateLimitedOn('slack'),
      }),
    );
  }
  if (config.discord !== null) {
    const { createDiscordAdapter } = await import('./adapters/discord/adapter.ts');
    const { personaOf } = await import('./adapters/discord/commands.ts');
    adapters.push(
      createDiscordAdapter({
        settings: config.discord,
        persona: personaOf(deps.file),
        state,
        log,
        rateLimited: rateLimitedOn('discord'),
      }),
    );
  }
  for (const path of config.adapters) {
    const createAdapter = await loadAdapter(path, process.cwd());
    adapters.push(await createAdapter({ env: process.env, log }));
  }
  if (adapters.length > 0) {
    return { adapters, finished: new Promise(() => {}), outageMs: OUTAGE_MS.platform };
  }
  const terminal = createTerminal({
    user: options.user ?? userInfo().username,
    input: process.stdin,
    output: process.stdout,
    interactive: isKeyboard(),
  });
  options.plainLog?.showIn(terminal.aside);
  return { adapters: [terminal], finished: terminal.left, outageMs: OUTAGE_MS.terminal };
}

/** A person sits there, rather than a pipe. */
export function isKeyboard(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}
