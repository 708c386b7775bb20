import type { Json } from '../message.ts';

/** What one process asks the others, because only the one that runs the turn in question can do it. */
export type Signal =
  /** Interrupt the turn of a conversation: any, or only the one that answers this inbox entry. Answer: true. */
  | { type: 'interrupt'; conversation: string; entry: string | null }
  /** Interrupt every turn of a person, by their key. Answer: true while there is one. */
  | { type: 'halt'; person: string }
  /** For the adapter of a platform (see BotPort.relay). Answer: what it says. */
  | { type: 'relay'; platform: string; payload: Json };

/** Answers a signal; null when it concerns nothing in this process. */
export type SignalHandler = (signal: Signal) => Json;

export interface Signals {
  /** Called once, before anything is asked. */
  answer(handler: SignalHandler): void;
  /**
   * Asks this process and then the others. Resolves with the first answer that is not null; with null when there
   * is none, or when those who have it cannot be reached: a signal is for now, and is not kept.
   */
  ask(signal: Signal): Promise<Json>;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

/** Where there is one process. */
export function createLocalSignals(): Signals {
  let handler: SignalHandler = () => null;
  return {
    answer(given) {
      handler = given;
    },
    ask: async signal => handler(signal),
    async stop() {},
  };
}
