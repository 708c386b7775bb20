#!/usr/bin/env node
import { runCommand } from './commands/table.ts';
import { loadEnvFile } from './env-file.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

// `shopper memory list | head`: whoever read the output has had enough.
process.stdout.on('error', error => {
  if ('code' in error && error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { env, stdout, stderr } = process;
const io = { env, stdout, stderr, signal: stopping.signal };
const code = await runCommand(process.argv.slice(2), io, () => loadEnvFile(env));
stdout.write('', () => process.exit(code));
