import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Operations } from './programs/serve.ts';

/** A part of the world in a process of its own. */
export interface Program<O extends Operations> {
  pid: number;
  call<N extends keyof O & string>(
    name: N,
    argument: Parameters<O[N]>[0],
  ): Promise<Awaited<ReturnType<O[N]>>>;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

export const REPO = resolve(import.meta.dirname, '../..');
const TSX = resolve(REPO, 'node_modules/tsx/dist/esm/index.mjs');

/** Starts test/chaos/programs/`name`.ts; what it prints goes to `log`. Resolves once it can be called. */
export async function startProgram<O extends Operations>(name: string, log: string): Promise<Program<O>> {
  const output = openSync(log, 'a');
  const child = fork(resolve(import.meta.dirname, `programs/${name}.ts`), [], {
    execArgv: ['--import', TSX],
    serialization: 'advanced',
    stdio: ['ignore', output, output, 'ipc'],
  });
  const waiting = new Map<number, (answer: Answer) => void>();
  const ready = new Promise<Answer>(settle => waiting.set(0, settle));
  const gone = new Promise<never>((_, fail) => {
    child.once('exit', code => fail(new Error(`the program ${name} ended with ${code}; see ${log}`)));
  });
  gone.catch(() => {});
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  await Promise.race([ready, gone]);
  let calls = 0;
  let stopping: Promise<void> | undefined;
  return {
    pid: child.pid ?? 0,
    async call<N extends keyof O & string>(
      operation: N,
      argument: Parameters<O[N]>[0],
    ): Promise<Awaited<ReturnType<O[N]>>> {
      calls += 1;
      const id = calls;
      const answered = new Promise<Answer>(settle => waiting.set(id, settle));
      child.send({ id, name: operation, argument });
      const { value, error } = await Promise.race([answered, gone]);
      if (error !== undefined) throw new Error(`${name}.${operation}: ${error}`);
      return value as Awaited<ReturnType<O[N]>>;
    },
    stop() {
      stopping ??= (async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.disconnect();
        await once(child, 'exit');
      })();
      return stopping;
    },
  };
}

/** Should the harness end before its time, what it started does not go on without it. */
export function endWithUs(child: ChildProcess): void {
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}
