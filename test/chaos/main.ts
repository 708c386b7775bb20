/**
 * npm run chaos -- [--seed N] [--rounds N] [--conversations N] [--layout sqlite|postgres-redis|redis] [--kills N] …
 *
 * Runs the bot as people run it, does to it whatever can happen, and counts what it promised and did not keep. The
 * options are in options.ts. Ends with 1 when anything was counted; then the records stay, and it says where.
 */

import { readOptions } from './options.ts';
import { tableOf } from './report.ts';
import { run } from './run.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);
const options = readOptions(process.argv.slice(2));
say(`seed ${options.seed}, ${options.layout}, ${options.platform}`);
const enough = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => enough.abort());
const outcome = await run(options, say, { enough: enough.signal });
say(tableOf(options, outcome));
process.exit(outcome.failed ? 1 : 0);
