import { posix } from 'node:path';
import { z } from 'zod';
import { compileGlob } from './glob.ts';
import { HOME, type ReadableFs } from './sandbox.ts';
import { absolute, type BuiltinTool, bounded, describeFailure, ToolFailure } from './tool.ts';

const MAX_FILES = 200;
const MAX_VISITED = 50_000;
const MAX_GREP_CHARS = 30_000;
/** Where there is something to find: the agent's own files, memory, uploads and outputs. */
const DEFAULT_ROOTS = [HOME, '/mnt'];

const globInput = z.object({
  pattern: z
    .string()
    .min(1)
    .describe('e.g. "**/*.md"; * stays in one folder, ** crosses folders, {a,b} is either'),
  path: z
    .string()
    .min(1)
    .optional()
    .describe(`Folder to search; ${DEFAULT_ROOTS.join(' and ')} when left out`),
});

export const globTool: BuiltinTool<z.infer<typeof globInput>> = {
  description: 'Finds files by name. Gives absolute paths in alphabetical order.',
  input: globInput,
  async run({ pattern, path }, { sandbox, signal }) {
    const { root, rest } = splitPattern(pattern);
    const roots = root !== undefined ? [root] : path !== undefined ? [absolute(path)] : DEFAULT_ROOTS;
    const matches = compileGlob(rest);

    const found: string[] = [];
    for (const folder of roots) {
      if (path !== undefined || root !== undefined) await assertFolder(sandbox.fs, folder);
      for await (const file of walk(sandbox.fs, folder, signal)) {
        if (matches(posix.relative(folder, file))) found.push(file);
      }
    }
    if (found.length === 0) return 'No files match.';
    found.sort();
    const shown = found.slice(0, MAX_FILES).join('\n');
    if (found.length <= MAX_FILES) return shown;
    return `${shown}\n… ${found.length - MAX_FILES} more files match. Use a narrower pattern or path.`;
  },
};

const grepInput = z.object({
  pattern: z.string().min(1).describe('Regular expression, matched against each line'),
  path: z
    .string()
    .min(1)
    .optional()
    .describe(`File or folder; ${DEFAULT_ROOTS.join(' and ')} when left out`),
});

export const grepTool: BuiltinTool<z.infer<typeof grepInput>> = {
  description: 'Searches the content of files. Gives lines as path:line number:text.',
  input: grepInput,
  async run({ pattern, path }, { sandbox, signal }) {
    const roots = path === undefined ? DEFAULT_ROOTS : [absolute(path)];
    for (const root of roots) {
      await sandbox.fs.stat(root).catch(error => {
        throw new ToolFailure(describeFailure(error, root));
      });
    }
    // The shell's grep, not RegExp: its engine takes linear time, so no pattern can hang the process. Arguments
    // bypass the shell's parser; a second file makes grep name the first.
    const args = ['-rnE', '-e', pattern, '--', ...roots, '/dev/null'];
    const { stdout, stderr, exitCode } = await sandbox.exec('grep', { signal, args });
    if (stdout === '' && stderr !== '') throw new ToolFailure(stderr.trim());
    if (exitCode > 1) throw new ToolFailure(`grep failed with exit code ${exitCode}.`);
    if (stdout === '') return 'No lines match.';
    const lines = stdout.trimEnd().split('\n');
    return bounded(sortByPath(lines).join('\n'), MAX_GREP_CHARS, 'Use a narrower pattern or path.');
  },
};

/** An absolute pattern names its own folder: its leading parts without wildcards. */
function splitPattern(pattern: string): { root: string | undefined; rest: string } {
  if (pattern.split('/').includes('..'))
    throw new ToolFailure('".." is not possible in a pattern; give a path.');
  if (!pattern.startsWith('/')) return { root: undefined, rest: pattern.replace(/^(\.\/)+/, '') };
  const parts = pattern.split('/').filter(part => part !== '');
  const fixed: string[] = [];
  while (parts.length > 1 && !/[*?[{\\]/.test(parts[0] ?? '')) fixed.push(parts.shift() ?? '');
  return { root: `/${fixed.join('/')}`, rest: parts.join('/') };
}

async function assertFolder(fs: ReadableFs, path: string): Promise<void> {
  const stat = await fs.stat(path).catch(error => {
    throw new ToolFailure(describeFailure(error, path));
  });
  if (!stat.isDirectory) throw new ToolFailure(`${path} is a file, not a folder.`);
}

async function* walk(fs: ReadableFs, root: string, signal: AbortSignal): AsyncGenerator<string> {
  const folders = [root];
  let visited = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of await fs.readdir(folder)) {
      signal.throwIfAborted();
      visited += 1;
      if (visited > MAX_VISITED) throw new ToolFailure('Too many files to search. Give a narrower path.');
      const path = posix.join(folder, name);
      if ((await fs.lstat(path)).isDirectory) folders.push(path);
      else yield path;
    }
  }
}

/** Stable by path, so that the lines of one file keep their order. */
function sortByPath(lines: string[]): string[] {
  const pathOf = (line: string) => line.replace(/:\d+:.*$/s, '');
  return lines
    .map(line => ({ line, path: pathOf(line) }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .map(({ line }) => line);
}
