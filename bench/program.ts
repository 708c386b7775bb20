/** Processes of a benchmark: what is measured, and what it is measured against, each on its own, told by messages. */

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { z } from 'zod';

export interface Program {
  /** From the spawn until it said that it was ready, in milliseconds. */
  readonly readyMs: number;
  call(method: string, ...args: unknown[]): Promise<unknown>;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

/** Processor time in milliseconds and memory in bytes, of the whole process with all its threads. */
export interface Usage {
  cpuMs: number;
  /** Of the thread that runs JavaScript alone: what a process can do where there are cores enough for the others. Null: only Linux says. */
  mainMs: number | null;
  rss: number;
  heap: number;
}

type Methods = Record<string, (...args: never[]) => unknown>;

const callSchema = z.object({ id: z.number(), method: z.string(), args: z.array(z.unknown()) });
const replySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('result'), id: z.number(), value: z.unknown() }),
  z.object({ type: z.literal('error'), id: z.number(), message: z.string() }),
]);

const STOP_MS = 5_000;
const KEPT_OUTPUT = 4_000;

/** In the process: answers calls by name and says that it is ready. `usage` and `peak` are there in each. */
export function serveProgram(methods: Methods): void {
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 50);
  watch.unref();
  const all: Methods = {
    ...methods,
    usage(): Usage {
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed } = process.memoryUsage();
      return { cpuMs: (user + system) / 1_000, mainMs: mainThreadMs(), rss, heap: heapUsed };
    },
    /** The highest since the last call. */
    peak() {
      const highest = Math.max(peak, process.memoryUsage.rss());
      peak = 0;
      return highest;
    },
  };
  process.on('message', (message: unknown) => {
    const { id, method, args } = callSchema.parse(message);
    Promise.resolve()
      .then(() => {
        const run = all[method];
        if (run === undefined) throw new Error(`no method ${method}`);
        return run(...(args as never[]));
      })
      .then(
        value => process.send?.({ type: 'result', id, value: value ?? null }),
        (error: unknown) => process.send?.({ type: 'error', id, message: String(error) }),
      );
  });
  // Whoever started it has gone.
  process.on('disconnect', () => process.exit(0));
  process.send?.({ type: 'ready' });
}

function mainThreadMs(): number | null {
  const file = `/proc/self/task/${process.pid}/schedstat`;
  if (!existsSync(file)) return null;
  return Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6;
}

/** Starts `file` and resolves when it is ready. What it says is kept for when it fails. */
export async function startProgram(file: URL, env: Record<string, string> = {}): Promise<Program> {
  const started = performance.now();
  const isSource = extname(file.pathname) === '.ts';
  const execArgv = [...(isSource ? ['--import', 'tsx'] : []), ...flagsOf(file)];
  const child = fork(file, [], {
    env: { ...cleanEnv(), ...env },
    execArgv,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-KEPT_OUTPUT);
    });
  }
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const readyMs = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code =>
      reject(new Error(`${file.pathname} ended with ${code} before it was ready: ${said}`)),
    );
    child.on('message', (message: unknown) => {
      const reply = replySchema.parse(message);
      if (reply.type === 'ready') return resolve(performance.now() - started);
      const caller = waiting.get(reply.id);
      waiting.delete(reply.id);
      if (reply.type === 'result') caller?.resolve(reply.value);
      else caller?.reject(new Error(reply.message));
    });
  });
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`${file.pathname} has ended: ${said}`));
  });
  return {
    readyMs,
    call(method, ...args) {
      return new Promise((resolve, reject) => {
        calls += 1;
        waiting.set(calls, { resolve, reject });
        child.send({ id: calls, method, args });
      });
    },
    stop: () => end(child, exited),
  };
}

/** BENCH_CPU_PROF=name profiles the program of that name; BENCH_CPU_PROF_DIR says where the profile goes. */
function flagsOf(file: URL): string[] {
  const wanted = process.env.BENCH_CPU_PROF;
  if (wanted === undefined || !file.pathname.includes(`/${wanted}.`)) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_CPU_PROF_DIR ?? '.'}`];
}

/** Credentials and settings of whoever runs the benchmark are not what is measured. */
function cleanEnv(): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR, NODE_OPTIONS } = process.env;
  return { PATH, HOME, TMPDIR, NODE_OPTIONS, NODE_ENV: 'production' };
}

async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (child.connected) child.disconnect();
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(late);
}
