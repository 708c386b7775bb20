import { type Caps, capsOf, FairQueue, lanesOf, Slots } from './fair-queue.ts';

/** One turn at a time per conversation; different conversations side by side. */
export interface Dispatcher {
  /** There may be something to do for this conversation. Never waits; calls while it runs become one more run. */
  wake(conversation: string): void;
  /** Conversations that run here and that wait, here or (where processes share turns) anywhere. */
  load(): Promise<{ running: number; waiting: number }>;
  /** Where what waits is kept elsewhere: resolves when that answers, and rejects when it cannot be asked. */
  answers?(): Promise<unknown>;
  /** Resolves when nothing is running or waiting. */
  idle(): Promise<void>;
  /** Starts nothing new here from now on. Wakes are still passed on where there are other processes. */
  drain(): void;
  /** Drains and waits for what runs; what is left is for other processes or a later one. Safe to call twice. */
  stop(): Promise<void>;
}

/** Handles what is pending for a conversation when it begins; a wake after that must run it again. Does not reject. */
export type Run = (conversation: string) => Promise<void>;

/** Within one process. Conversations beyond a cap wait; workspaces, and within one its people, take turns. */
export function createLocalDispatcher(run: Run, caps: Partial<Caps> = {}): Dispatcher {
  const running = new Map<string, { again: boolean }>();
  const slots = new Slots(capsOf(caps));
  const waiting = new FairQueue();
  let stopped = false;
  let idlers: (() => void)[] = [];

  function start(conversation: string): void {
    const state = { again: false };
    const lanes = lanesOf(conversation);
    running.set(conversation, state);
    slots.take(lanes);
    void run(conversation).finally(() => {
      running.delete(conversation);
      slots.give(lanes);
      if (state.again) waiting.add(conversation);
      next();
    });
  }

  function next(): void {
    while (!stopped) {
      const conversation = waiting.take(slots);
      if (conversation === undefined) break;
      start(conversation);
    }
    if (running.size === 0 && (stopped || waiting.empty)) {
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
    load: async () => ({ running: slots.taken, waiting: waiting.size }),
    idle,
    drain() {
      stopped = true;
    },
    async stop() {
      stopped = true;
      await idle();
    },
  };
}
