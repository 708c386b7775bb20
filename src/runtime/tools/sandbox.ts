import { AsyncLocalStorage } from 'node:async_hooks';
import { posix } from 'node:path';
import { Bash, type CommandName, getCommandNames, type IFileSystem } from 'just-bash';
import type { MemoryMount, UploadedFile } from '../ports.ts';
import { MAX_UPLOADED_BYTES, UPLOADS } from '../uploads.ts';
import { fsErrorCode } from './fs-error.ts';
import { createMemoryFs } from './memory-fs.ts';
import { isFolder, ScratchFs } from './scratch-fs.ts';
import { SessionFs } from './session-fs.ts';
import { decoderFor } from './shell-text.ts';

export const HOME = '/home/agent';
const OUTPUTS = '/mnt/session/outputs';

/** One command may not outlive this; the bash tool's own timeout is shorter. */
const MAX_EXECUTION_MS = 11 * 60_000;

/** The variables of a shell stay in this process's memory for as long as the session is kept. */
const MAX_ENV_CHARS = 1024 * 1024;

/** What a session's shell keeps between commands. */
export interface ShellState {
  cwd: string;
  env: Record<string, string>;
}

/** What a session keeps between turns and loses with the process: scratch files, the shell, empty folders. */
export interface Scratch {
  readonly root: ScratchFs;
  readonly outputs: ScratchFs;
  /** Folders without files, per mount path. */
  readonly directories: Map<string, Set<string>>;
  shell: ShellState;
}

export interface ShellResult {
  stdout: string;
  stderr: string;
  exitCode: number;
  /** Writes that the file system refused. Some commands report them as a missing file, or not at all. */
  refusals: string[];
  /** Variables too large to be kept for the next command. */
  dropped: string[];
}

/** To look at files; writing goes through `write` and `exec`, which see to it that stores keep what was written. */
export type ReadableFs = Pick<IFileSystem, 'readFileBuffer' | 'readdir' | 'stat' | 'lstat'>;

export interface Sandbox {
  readonly fs: ReadableFs;
  /** Creates or replaces a file; missing folders are made. */
  write(path: string, content: string): Promise<void>;
  /** Runs in the session's shell; working folder and variables carry over to the next command. */
  exec(command: string, options: { signal: AbortSignal; args?: string[] }): Promise<ShellResult>;
  /** A fresh shell: home folder, no variables. Files stay. */
  restart(): void;
  /** Runs one tool call: it sees the stores as they are now. */
  call<T>(work: () => Promise<T>): Promise<T>;
}

export function createScratch(): Scratch {
  const root = new ScratchFs('/mnt');
  // The shell lays out /bin, /dev, /proc and /tmp, all of them made up, in the file system it is first given.
  new Bash({ fs: root });
  for (const path of [HOME, '/mnt/memory', UPLOADS, OUTPUTS]) root.mkdirSync(path, { recursive: true });
  return { root, outputs: new ScratchFs(), directories: new Map(), shell: freshShell() };
}

/**
 * The file system of a session and a shell over it: everything lives in memory or in the mounted stores. There is
 * no path to the host's files, environment, processes or network, because no part of this file system is backed
 * by them.
 */
export function openSandbox(
  scratch: Scratch,
  mounts: readonly MemoryMount[],
  uploads: readonly UploadedFile[],
): Sandbox {
  const memories = mounts.map(mount => {
    const directories = scratch.directories.get(mount.mountPath) ?? new Set<string>();
    scratch.directories.set(mount.mountPath, directories);
    return { mountPoint: mount.mountPath, filesystem: createMemoryFs(mount, directories) };
  });
  const fs = new SessionFs({
    base: scratch.root,
    mounts: [
      { mountPoint: OUTPUTS, filesystem: scratch.outputs },
      { mountPoint: UPLOADS, filesystem: uploadsFs(uploads) },
      ...memories,
    ],
  });
  const bash = new Bash({
    fs,
    cwd: HOME,
    env: { HOME },
    // sqlite3 would run in a worker thread of this process, outside the memory bounds.
    commands: getCommandNames().filter((name): name is CommandName => name !== 'sqlite3'),
    executionLimitProfile: 'hardened',
    executionLimits: { maxExecutionTimeMs: MAX_EXECUTION_MS },
  });

  async function save(): Promise<Error[]> {
    const refused: Error[] = [];
    for (const { filesystem } of memories) refused.push(...(await filesystem.save()));
    return refused;
  }

  return {
    fs,
    async write(path, content) {
      await fs.mkdir(posix.dirname(path), { recursive: true });
      await fs.writeFile(path, content);
      const [refused] = await save();
      if (refused !== undefined) throw refused;
    },
    async exec(command, { signal, args }) {
      const { shell } = scratch;
      const cwd = (await isFolder(fs, shell.cwd)) ? shell.cwd : HOME;
      fs.refusals.clear();
      // Also after a timeout: what the command had written by then is kept, as it would be on a disk.
      const refusals = async () => {
        for (const { message } of await save()) fs.refusals.add(message);
        return [...fs.refusals];
      };
      try {
        const decode = decoderFor(command);
        const { stdout, stderr, exitCode, env } = await fs.command({ signal, decode }, () =>
          bash.exec(command, { cwd, env: shell.env, signal, ...(args === undefined ? {} : { args }) }),
        );
        const { kept, dropped } = withinBounds(env, decode);
        if (args === undefined) scratch.shell = { cwd: env.PWD ?? cwd, env: kept };
        return { stdout: decode(stdout), stderr, exitCode, refusals: await refusals(), dropped };
      } catch (error) {
        if (signal.aborted) {
          const stderr = 'bash: execution aborted';
          return { stdout: '', stderr, exitCode: 124, refusals: await refusals(), dropped: [] };
        }
        // A redirection to a file that cannot be written ends the whole script, its earlier output included.
        if (fsErrorCode(error) === undefined) throw error;
        const stderr = 'bash: a redirection failed, and the command stopped there';
        return { stdout: '', stderr, exitCode: 1, refusals: await refusals(), dropped: [] };
      }
    },
    restart() {
      scratch.shell = freshShell();
    },
    async call(work) {
      for (const { filesystem } of memories) filesystem.begin();
      return work();
    },
  };
}

/** An upload's path as the agent sees it, whether or not it was given with its mount. */
export function absoluteUploadPath({ path }: UploadedFile): string {
  const below = path.startsWith(`${UPLOADS}/`) ? path.slice(UPLOADS.length) : path;
  return UPLOADS + posix.resolve('/', below);
}

function uploadsFs(uploads: readonly UploadedFile[]): ScratchFs {
  const outside = AsyncLocalStorage.snapshot();
  const fs = new ScratchFs('/', MAX_UPLOADED_BYTES);
  for (const file of uploads) {
    const path = absoluteUploadPath(file).slice(UPLOADS.length);
    fs.writeFileLazy(path, () => outside(() => file.read()), { mode: 0o444 });
  }
  return fs;
}

/** The smallest stay: one variable that holds a whole file must not cost all the others. */
function withinBounds(
  env: Record<string, string>,
  decode: (text: string) => string,
): { kept: Record<string, string>; dropped: string[] } {
  const kept: [string, string][] = [];
  const dropped: string[] = [];
  let room = MAX_ENV_CHARS;
  for (const [name, value] of Object.entries(env).sort(([, a], [, b]) => a.length - b.length)) {
    room -= name.length + value.length;
    if (room >= 0) kept.push([name, decode(value)]);
    else dropped.push(name);
  }
  return { kept: Object.fromEntries(kept), dropped };
}

function freshShell(): ShellState {
  return { cwd: HOME, env: {} };
}
