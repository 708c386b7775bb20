import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inject } from 'vitest';

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves once standard output or error matches. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  finished: Promise<Finished>;
}

const REPO = resolve(import.meta.dirname, '../..');

/** Runs one of our programs, as it is built, with exactly this environment besides PATH and HOME. */
export function startProgram(
  file: string,
  args: string[],
  env: Record<string, string>,
  cwd = REPO,
  uid?: number,
): Started {
  return startNode([resolve(inject('built'), file.replace(/\.ts$/, '.js')), ...args], env, cwd, uid);
}

/** The same from its source, as `npm start` does: it then understands modules in TypeScript also on Node 20. */
export function startSource(file: string, args: string[], env: Record<string, string>): Started {
  return startNode(['--import', 'tsx', resolve(REPO, file), ...args], env, REPO);
}

function startNode(args: string[], env: Record<string, string>, cwd: string, uid?: number): Started {
  const child = spawn(process.execPath, args, {
    cwd,
    ...(uid === undefined ? {} : { uid }),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of watchers) watcher();
  };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    changed();
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    changed();
  });
  const finished = new Promise<Finished>(done => {
    child.on('close', code => {
      done({ code, stdout, stderr });
      changed();
    });
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    finished,
    says(pattern) {
      return new Promise((found, failed) => {
        const look = () => {
          const match = pattern.exec(stdout) ?? pattern.exec(stderr);
          if (match !== null) found(match);
          else if (child.exitCode !== null || child.signalCode !== null) {
            failed(new Error(`ended without saying ${pattern}:\n${stdout}\n${stderr}`));
          } else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      });
    },
  };
}

/** `npm start` in a pipe: these lines in, and what came out. */
export function chat(
  lines: string[],
  options: { dataDir: string; user?: string; env?: Record<string, string>; start?: typeof startSource },
): Promise<Finished> {
  const args = ['start', ...(options.user === undefined ? [] : ['--user', options.user])];
  const start = options.start ?? startProgram;
  const program = start('src/cli.ts', args, { SHOPPER_DATA_DIR: options.dataDir, ...options.env });
  program.child.stdin?.end(lines.map(line => `${line}\n`).join(''));
  return program.finished;
}

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'shopper-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
