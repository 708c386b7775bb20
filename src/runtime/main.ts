import { parseArgs } from 'node:util';
import * as z from 'zod';
import { EnvFileError, loadEnvFile } from '../env-file.ts';
import { givenIn } from '../given.ts';
import { createLog, LOG_LEVELS } from '../log.ts';
import { ProxyError, useProxy } from '../proxy.ts';
import { createAgentLoop } from './agent-loop.ts';
import { DataDirError } from './database.ts';
import { ModelSettingsError } from './models/messages.ts';
import { createModel } from './models/model.ts';
import { createRuntime, PortError } from './server.ts';

const USAGE = `usage: npm run runtime -- [--port N] [--host ADDRESS] [--data DIR]
  --port N          the port, 0 for a free one (default 4180)
  --host ADDRESS    where it listens (default 127.0.0.1); anywhere else needs RUNTIME_API_KEY
  --data DIR        where everything is kept (default ./data/runtime)
environment:
  RUNTIME_API_KEY   the only API key accepted (default: any)
  MODEL_BASE_URL, MODEL_API_KEY, MODEL   the Messages endpoint to ask (default: the built-in offline model)
  LOG_LEVEL   default info`;

const flags = z.strictObject({
  port: z.coerce
    .number('--port must be a number')
    .int('--port must be a whole number')
    .min(0, '--port must be 0 to 65535')
    .max(65_535, '--port must be 0 to 65535')
    .default(4180),
  host: z.string().min(1, '--host must be an address').default('127.0.0.1'),
  data: z.string().min(1, '--data must name a directory').default('./data/runtime'),
  help: z.boolean().default(false),
});

/** Serves until SIGTERM or SIGINT. Standard output carries one line, the address; the log goes to stderr. */
async function main(args: string[]): Promise<void> {
  const { port, host, data, help } = readFlags(args);
  if (help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  loadEnvFile(process.env);
  useProxy(process.env);
  const given = givenIn(process.env);
  const { RUNTIME_API_KEY, LOG_LEVEL = 'info' } = given;
  const level = LOG_LEVELS.find(known => known === LOG_LEVEL);
  if (level === undefined) throw new SettingError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}.`);
  const log = createLog(level);
  const model = createModel(given);
  const runtime = await createRuntime({
    dataDir: data,
    port,
    host,
    loop: createAgentLoop({ model, log }),
    log,
    ...(RUNTIME_API_KEY === undefined ? {} : { apiKey: RUNTIME_API_KEY }),
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      runtime.stop().then(
        () => process.exit(0),
        error => fail(error),
      );
    });
  }
  log.info({ event: 'runtime.started', model: model.label, data }, 'local runtime started');
  process.stdout.write(`listening on ${runtime.url}\n`);
}

class UsageError extends Error {}
class SettingError extends Error {}

function readFlags(args: string[]): z.infer<typeof flags> {
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const parsed = flags.safeParse(values);
  if (parsed.success) return parsed.data;
  throw new UsageError(parsed.error.issues.map(issue => issue.message).join('\n'));
}

const SENTENCES = [SettingError, EnvFileError, ProxyError, DataDirError, PortError, ModelSettingsError];

/** What the operator can act on is a sentence; anything else is a bug and keeps its stack. */
function fail(error: unknown): never {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n${USAGE}\n`);
  else if (SENTENCES.some(type => error instanceof type) && error instanceof Error)
    process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}

main(process.argv.slice(2)).catch(fail);
