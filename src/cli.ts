#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CLOUD, readConfig } from './config.ts';
import { operatorSentence } from './core/errors.ts';
import { createLog } from './log.ts';
import { run } from './main.ts';

const USAGE = `Usage: shopper [start] [--user NAME]

  start           start every platform whose credentials are set; with none, chat in the terminal
  --user NAME     who you are in the terminal (default: your login name)

Settings come from the environment and from .env; the README lists them.`;

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { user: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [command = 'start', ...rest] = positionals;
  if (values.help === true || command !== 'start' || rest.length > 0) {
    process.stderr.write(`${USAGE}\n`);
    return values.help === true ? 0 : 2;
  }
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = readConfig(process.env);
  // In a chat on a terminal, routine log lines would stand between the replies.
  const log = createLog(config.logLevel ?? 'warn');
  const running = await run(config, values.user === undefined ? {} : { user: values.user }, log).catch(
    error => {
      const baseUrl = config.api.type === 'remote' ? config.api.baseUrl : CLOUD;
      throw new Error(operatorSentence(error, baseUrl), { cause: error });
    },
  );
  const signalled = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await Promise.race([running.finished, signalled]);
  await running.stop();
  return 0;
}

main(process.argv.slice(2)).then(
  code => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
