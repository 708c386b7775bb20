import { AsyncLocalStorage } from 'node:async_hooks';

/** How long everything else in this process may have to wait for a command. */
const MAX_BUSY_MS = 10;
/** What a command that is told to stop may take to end while the file system no longer answers it. */
const STOPPING_MS = 100;

interface Command {
  signal: AbortSignal;
  state: 'running' | 'refused' | 'over';
  /** What it asked of the file system and has no answer to. */
  asked: Set<(reason: unknown) => void>;
}

/**
 * What stands between the shell and its file system. The shell runs in this process, in promises alone: without a
 * pause here no timer fires and no other session is answered until a command is over.
 *
 * A command that is aborted gets no more answers. What it still has under way would go on after the shell has left
 * it: a late write, or an error that nobody catches any more, which ends the process.
 */
export class CommandGate {
  // The shell runs commands in an async context where timers and clocks are blocked.
  readonly #outside = AsyncLocalStorage.snapshot();
  #command: Command | undefined;
  #pause: Promise<void> | undefined;
  #pausedAt = 0;

  /** Runs the one command of the moment, which `signal` stops. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const command: Command = { signal, state: 'running', asked: new Set() };
    let timer: NodeJS.Timeout | undefined;
    // Some waits of the shell do not end with the signal: then the answer it waits for is that there is none.
    const refuse = () => {
      command.state = 'refused';
      for (const reject of command.asked) reject(signal.reason);
    };
    const stop = () => {
      timer = setTimeout(refuse, STOPPING_MS);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    this.#command = command;
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      command.state = 'over';
      command.asked.clear();
      this.#command = undefined;
    }
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    const command = this.#command;
    await this.#breathe();
    if (command === undefined) return work();
    const { signal, asked } = command;
    if (command.state === 'refused') throw signal.reason;
    return new Promise<T>((resolve, reject) => {
      if (command.state === 'running') asked.add(reject);
      if (signal.aborted) return;
      const answer = (settle: () => void) => {
        if (signal.aborted) return;
        asked.delete(reject);
        settle();
      };
      work().then(
        value => answer(() => resolve(value)),
        error => answer(() => reject(error)),
      );
    });
  }

  async #breathe(): Promise<void> {
    // Those who wait for one pause go on one after the other, and each looks again.
    while (this.#now() - this.#pausedAt >= MAX_BUSY_MS) {
      this.#pause ??= this.#outside(
        () =>
          new Promise<void>(resolve => {
            setImmediate(() => {
              this.#pause = undefined;
              this.#pausedAt = performance.now();
              resolve();
            });
          }),
      );
      await this.#pause;
    }
  }

  #now(): number {
    return this.#outside(() => performance.now());
  }
}
