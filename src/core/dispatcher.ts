/** One turn at a time per conversation; different conversations side by side. */
export interface Dispatcher {
  /** There may be something to do for this conversation. Never waits; calls while it runs become one more run. */
  wake(conversation: string): void;
  /** Resolves when nothing is running or waiting. */
  idle(): Promise<void>;
  /** Starts nothing new and waits for what runs. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Within one process. `run` handles everything pending for a conversation and does not reject; `limit` is how
 * many conversations run at the same time, the others wait in the order in which they were woken.
 */
export function createLocalDispatcher(
  run: (conversation: string) => Promise<void>,
  limit = 1_000,
): Dispatcher {
  const running = new Map<string, { again: boolean }>();
  const waiting = new Set<string>();
  let stopped = false;
  let idlers: (() => void)[] = [];

  function start(conversation: string): void {
    const state = { again: false };
    running.set(conversation, state);
    void run(conversation).finally(() => {
      running.delete(conversation);
      if (state.again) waiting.add(conversation);
      next();
    });
  }

  function next(): void {
    while (!stopped && running.size < limit) {
      const [conversation] = waiting;
      if (conversation === undefined) break;
      waiting.delete(conversation);
      start(conversation);
    }
    if (running.size === 0 && (stopped || waiting.size === 0)) {
      for (const resolve of idlers) resolve();
      idlers = [];
    }
  }

  const idle = () =>
    new Promise<void>(resolve => {
      idlers.push(resolve);
      next();
    });

  return {
    wake(conversation) {
      if (stopped) return;
      const state = running.get(conversation);
      if (state !== undefined) state.again = true;
      else {
        waiting.add(conversation);
        next();
      }
    },
    idle,
    async stop() {
      stopped = true;
      await idle();
    },
  };
}
