import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import type { Config } from './config.ts';
import { apiFetch } from './fetch.ts';
import type { Log } from './log.ts';
import type { AgentLoop } from './runtime/ports.ts';

/** The agent service, met over HTTP alone: one elsewhere, or the local runtime. */
export interface AgentApi {
  client: Anthropic;
  baseUrl: string;
  /** Ends a local runtime that was started here. Safe to call twice. */
  stop(): Promise<void>;
}

/** How others on this machine find a local runtime that a process holds: `runtime.json` in the data directory. */
const runtimeFile = z.object({ url: z.url(), pid: z.int(), key: z.string() });
type RuntimeFile = z.infer<typeof runtimeFile>;

const JOIN_POLL_MS = 100;
/** From taking the directory to answering, a starting bot needs far less. */
const JOIN_PATIENCE_MS = 10_000;
const COMMAND_RETRIES = 5;
const ANSWER_MS = 120_000;

/** For the bot: the service elsewhere, or a local runtime in this process. Requests go through `observed`. */
export async function openApi(config: Config, log: Log, observed?: typeof fetch): Promise<AgentApi> {
  const { api } = config;
  if (api.type === 'remote') return remote(api, undefined, observed);
  const { createAgentLoop } = await import('./runtime/agent-loop.ts');
  const { createModel } = await import('./runtime/models/model.ts');
  return startRuntime(config, createAgentLoop({ model: createModel(api.model), log }), log, observed);
}

/**
 * For a command: as the bot has it. Where a bot already holds the local runtime, that one; where none runs, a
 * runtime for the time of the command, which answers requests but carries on no conversation.
 */
export async function joinApi(config: Config, log: Log): Promise<AgentApi> {
  if (config.api.type === 'remote') return remote(config.api, COMMAND_RETRIES);
  const giveUpAt = Date.now() + JOIN_PATIENCE_MS;
  for (;;) {
    const running = await findRunning(config.dataDir);
    if (running !== null) return running;
    try {
      return await startRuntime(config, rest, log);
    } catch (error) {
      // Taken, but not to be found yet: its holder is just starting or stopping.
      const taken = error instanceof Error && error.name === 'DataDirError';
      if (!taken || Date.now() > giveUpAt) throw error;
      await wait(JOIN_POLL_MS);
    }
  }
}

function remote(
  api: { apiKey: string; baseUrl: string },
  maxRetries?: number,
  observed?: typeof fetch,
): AgentApi {
  return {
    client: clientOf(api.baseUrl, api.apiKey, maxRetries, observed),
    baseUrl: api.baseUrl,
    stop: async () => {},
  };
}

export function clientOf(
  baseURL: string,
  apiKey: string,
  maxRetries = 2,
  observed: typeof fetch = apiFetch,
): Anthropic {
  return new Anthropic({
    apiKey,
    baseURL,
    authToken: null,
    logLevel: 'off',
    maxRetries,
    // Until an answer begins. The SDK would wait ten minutes for one that was lost on the way, and a person with it.
    timeout: ANSWER_MS,
    fetch: observed,
    // Its spans, where somebody exports any, never hold what was said, whatever the environment asks for.
    openTelemetry: { propagation: false, traces: { contentMode: 'metadata_only' } },
  });
}

async function startRuntime(
  config: Config,
  loop: AgentLoop,
  log: Log,
  observed?: typeof fetch,
): Promise<AgentApi> {
  const { createRuntime } = await import('./runtime/server.ts');
  // Other users of this machine can reach the port, but only those who may read the data have the key.
  const key = randomBytes(24).toString('base64url');
  const dataDir = join(config.dataDir, 'runtime');
  const runtime = await createRuntime({ dataDir, port: 0, apiKey: key, loop, log });
  const path = join(config.dataDir, 'runtime.json');
  try {
    await announce(path, { url: runtime.url, pid: process.pid, key });
  } catch (error) {
    await runtime.stop();
    throw error;
  }
  return {
    client: clientOf(runtime.url, key, undefined, observed),
    baseUrl: runtime.url,
    async stop() {
      const announced = await readAnnouncement(path);
      if (announced?.key === key) await rm(path, { force: true });
      await runtime.stop();
    },
  };
}

async function announce(path: string, content: RuntimeFile): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await rm(draft, { force: true });
  await writeFile(draft, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

/** A runtime that answers to the key it was announced with; a file left by a killed process leads nowhere. */
export async function findRunning(dataDir: string): Promise<AgentApi | null> {
  const found = await readAnnouncement(join(dataDir, 'runtime.json'));
  if (found === null) return null;
  const client = clientOf(found.url, found.key, COMMAND_RETRIES);
  try {
    await client.beta.memoryStores.list({ limit: 1 }, { maxRetries: 0, timeout: JOIN_PATIENCE_MS });
  } catch {
    return null;
  }
  return { client, baseUrl: found.url, stop: async () => {} };
}

async function readAnnouncement(path: string): Promise<RuntimeFile | null> {
  try {
    return runtimeFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

/** A loop for commands: sessions that were cut off in the middle stay as they are until a bot carries them on. */
const rest: AgentLoop = ({ signal }) =>
  new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
