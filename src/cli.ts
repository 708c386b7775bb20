#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { runCommand } from './commands/table.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

// `shopper memory list | head`: whoever read the output has had enough.
process.stdout.on('error', error => {
  if ('code' in error && error.code === 'EPIPE') process.exit(0);
  throw error;
});

if (existsSync('.env')) process.loadEnvFile('.env');
const { env, stdout, stderr } = process;
const code = await runCommand(process.argv.slice(2), { env, stdout, stderr, signal: stopping.signal });
stdout.write('', () => process.exit(code));
