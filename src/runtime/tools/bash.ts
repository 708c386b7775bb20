import { z } from 'zod';
import { type BuiltinTool, bounded, ToolFailure } from './tool.ts';

const DEFAULT_TIMEOUT_MS = 120_000;
const MAX_TIMEOUT_MS = 600_000;
const MAX_OUTPUT_CHARS = 30_000;

const input = z.object({
  command: z.string().optional().describe('The command to run'),
  restart: z.boolean().optional().describe('Start a fresh shell first; files stay'),
  timeout_ms: z
    .int()
    .min(1)
    .max(86_400_000)
    .optional()
    .describe(
      `Milliseconds the command may take: ${DEFAULT_TIMEOUT_MS} by default, at most ${MAX_TIMEOUT_MS}`,
    ),
});

export const bashTool: BuiltinTool<z.infer<typeof input>> = {
  description:
    'Runs a command in a bash-like shell. The working folder and variables carry over to the next call. ' +
    'There are the usual text and file commands (ls, cat, grep, sed, awk, jq, find, diff, ...) but no network, ' +
    'no package manager and no other programs.',
  input,
  async run({ command, restart, timeout_ms }, { sandbox, signal, repeated }) {
    if (restart === true) sandbox.restart();
    if (command === undefined || command.trim() === '') {
      if (restart === true) return 'A fresh shell is ready.';
      throw new ToolFailure('bash needs a command (or restart: true).');
    }
    if (repeated) {
      // Unlike the file tools, a command that ran half may do harm when it runs again (`>>`, `mv`).
      throw new ToolFailure(
        'The runtime restarted while this command ran: it may have run fully, partly or not at all, and files ' +
          'outside /mnt/memory are gone. Look at the current state before you run it again.',
      );
    }

    const timeoutMs = Math.min(timeout_ms ?? DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS);
    const timeout = AbortSignal.timeout(timeoutMs);
    const result = await sandbox.exec(command, { signal: AbortSignal.any([signal, timeout]) });

    // A refused write is an error whatever the exit code says (`rm -f` and `… || true` hide it).
    const { stdout, stderr, exitCode, refusals, dropped } = result;
    const parts = [stdout, stderr, ...refusals.map(reason => `refused: ${reason}`), tooLarge(dropped)];
    const output = bounded(
      parts
        .map(part => part.trimEnd())
        .filter(part => part !== '')
        .join('\n'),
      MAX_OUTPUT_CHARS,
      'Narrow the command down, or write its output to a file and read parts of it.',
    );
    if (timeout.aborted) throw failure(output, `The command was stopped after ${timeoutMs} ms.`);
    if (exitCode !== 0 || refusals.length > 0) throw failure(output, `Exit code ${exitCode}`);
    return output === '' ? '(no output)' : output;
  },
};

function tooLarge(variables: readonly string[]): string {
  if (variables.length === 0) return '';
  const names = variables.slice(0, 5).join(', ') + (variables.length > 5 ? ', …' : '');
  return `(The variables are too large together to be kept for the next command: ${names} are gone. Use files.)`;
}

function failure(output: string, reason: string): ToolFailure {
  return new ToolFailure(output === '' ? reason : `${output}\n${reason}`);
}
