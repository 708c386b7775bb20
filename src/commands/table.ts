/** Every command, and how a line of arguments finds its one. */

import { ownVersion } from '../own-files.ts';
import { useProxy } from '../proxy.ts';
import { accessApprove } from './access/approve.ts';
import { accessList } from './access/list.ts';
import { accessRevoke } from './access/revoke.ts';
import { type Command, EXIT, type Io, NotFoundError, UsageError } from './command.ts';
import { doctor } from './doctor/doctor.ts';
import { init } from './init.ts';
import { memoryAudit } from './memory/audit.ts';
import { memoryExport } from './memory/export.ts';
import { memoryForget } from './memory/forget.ts';
import { memoryList } from './memory/list.ts';
import { memoryRebuild } from './memory/rebuild.ts';
import { memorySeed } from './memory/seed.ts';
import { memoryShow } from './memory/show.ts';
import { start } from './start.ts';

const COMMANDS: readonly Command[] = [
  start,
  init,
  doctor,
  memoryList,
  memoryShow,
  memorySeed,
  memoryExport,
  memoryAudit,
  memoryForget,
  memoryRebuild,
  accessList,
  accessApprove,
  accessRevoke,
];

/**
 * Runs one command, once `prepare` has completed the environment. Resolves with its exit code and does not reject: what went
 * wrong is on standard error.
 */
export async function runCommand(
  args: readonly string[],
  io: Io,
  prepare: () => void = () => {},
): Promise<number> {
  try {
    if (args[0] === '--version' || args[0] === '-v') {
      io.stdout.write(`${ownVersion()}\n`);
      return EXIT.ok;
    }
    const { command, rest } = find(args);
    if (command === null) {
      io.stdout.write(`${usage(rest)}\n`);
      return EXIT.ok;
    }
    prepare();
    useProxy(io.env);
    return await command.run(rest, io);
  } catch (error) {
    const { type, code } = kindOf(error);
    const message = error instanceof Error ? error.message : String(error);
    // Who reads JSON gets JSON, whatever happens.
    if (args.includes('--json')) io.stdout.write(`${JSON.stringify({ error: { type, message } })}\n`);
    io.stderr.write(`${message}\n`);
    if (error instanceof UsageError) io.stderr.write(`${hint(args)}\n`);
    return code;
  }
}

function kindOf(error: unknown): { type: string; code: number } {
  if (error instanceof UsageError) return { type: 'usage', code: EXIT.usage };
  if (error instanceof NotFoundError) return { type: 'not_found', code: EXIT.notFound };
  return { type: 'failed', code: EXIT.failed };
}

/** The command these arguments begin with; null when help was asked for, with the words it was asked about. */
function find(args: readonly string[]): { command: Command | null; rest: string[] } {
  const [first] = args;
  // `shopper --user ann` is `shopper start --user ann`.
  if (first === undefined || (first.startsWith('-') && first !== '-h' && first !== '--help')) {
    return { command: start, rest: [...args] };
  }
  const command = COMMANDS.find(({ name }) => name.split(' ').every((word, index) => args[index] === word));
  if (command !== undefined) return { command, rest: args.slice(command.name.split(' ').length) };
  const flag = args.findIndex(arg => arg.startsWith('-'));
  const words = flag === -1 ? [...args] : args.slice(0, flag);
  const isGroup = within(words).length > 0;
  if (isGroup && args.some(arg => arg === '--help' || arg === '-h')) return { command: null, rest: words };
  if (isGroup) throw new UsageError(`Choose a command: ${within(words).map(last).join(', ')}.`);
  throw new UsageError(`There is no command "${words.join(' ')}".`);
}

function within(words: readonly string[]): Command[] {
  return COMMANDS.filter(({ name }) => words.every((word, index) => name.split(' ')[index] === word));
}

function last(command: Command): string {
  return command.name.split(' ').at(-1) ?? command.name;
}

function usage(words: readonly string[]): string {
  const commands = within(words);
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    `Usage: shopper ${[...words, 'COMMAND'].join(' ')} [options]`,
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'shopper COMMAND --help describes one, shopper --version prints the version. Without a command, the bot starts.',
    'Settings come from the environment and from .env; the README lists them.',
  ].join('\n');
}

function hint(args: readonly string[]): string {
  const known = COMMANDS.find(({ name }) => name.split(' ').every((word, index) => args[index] === word));
  return `See shopper ${known === undefined ? '' : `${known.name} `}--help`;
}
