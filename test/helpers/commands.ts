import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { runCommand } from '../../src/commands/table.ts';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import { createRuntime } from '../../src/runtime/server.ts';
import { createFaultProxy, type FaultProxy } from '../fakes/fault-proxy.ts';
import { AGENT } from './bench.ts';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  /** Standard output as JSON, one value a line. */
  json(): unknown[];
}

export interface Shop {
  /** For files a test needs; also where the data directory is. */
  dir: string;
  /** What commands are given: the API is a runtime behind `proxy`. */
  env: Record<string, string>;
  proxy: FaultProxy;
  /** Straight to the runtime. */
  client: Anthropic;
  /** `whilePausing`: what happens while the command waits; it does not wait by the clock. */
  run(args: string[], options?: RunOptions): Promise<Ran>;
  /** Writes a file and gives its path. */
  file(name: string, content: string): Promise<string>;
  /** A store as the bot makes one, with these files. */
  person(name: string, files?: Record<string, string>, metadata?: Record<string, string>): Promise<string>;
  stop(): Promise<void>;
}

interface RunOptions {
  signal?: AbortSignal;
  env?: Record<string, string>;
  whilePausing?(): Promise<void>;
}

/** An operator's commands in this process, against a real runtime. */
export async function openShop(): Promise<Shop> {
  const dir = await mkdtemp(join(tmpdir(), 'shopper-commands-'));
  const loop = createAgentLoop({ model: createOfflineModel() });
  const runtime = await createRuntime({ dataDir: join(dir, 'runtime'), port: 0, loop });
  const proxy = await createFaultProxy(runtime.url);
  const client = new Anthropic({ baseURL: runtime.url, apiKey: 'key', logLevel: 'off' });
  const file = async (name: string, content: string) => {
    const path = join(dir, name);
    await writeFile(path, content);
    return path;
  };
  const env = {
    ANTHROPIC_BASE_URL: proxy.url,
    SHOPPER_DATA_DIR: join(dir, 'data'),
    AGENT_FILE: await file('agent.yml', AGENT),
    LOG_LEVEL: 'silent',
  };
  return {
    dir,
    env,
    proxy,
    client,
    file,
    async run(args, options = {}) {
      let stdout = '';
      let stderr = '';
      const code = await runCommand(args, {
        env: { ...env, ...options.env },
        stdout: {
          write(text) {
            stdout += text;
          },
        },
        stderr: {
          write(text) {
            stderr += text;
          },
        },
        signal: options.signal ?? new AbortController().signal,
        pause: options.whilePausing ?? (async () => {}),
      });
      const json = () =>
        stdout
          .split('\n')
          .filter(Boolean)
          .map(line => JSON.parse(line) as unknown);
      return { code, stdout, stderr, json };
    },
    async person(name, files = {}, metadata = {}) {
      const [platform = '', workspace = '', id = ''] = name.split(':');
      const store = await client.beta.memoryStores.create({
        name: `Memory of ${platform} ${workspace} ${id}`,
        metadata: { shopper_app: 'shopper', platform, workspace, person: id, person_name: id, ...metadata },
      });
      for (const [path, content] of Object.entries(files)) {
        await client.beta.memoryStores.memories.create(store.id, { path, content });
      }
      return store.id;
    },
    async stop() {
      await proxy.stop();
      await runtime.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
