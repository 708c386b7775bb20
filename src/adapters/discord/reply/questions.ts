import type { Question } from '../../../core/adapter.ts';

export type Outcome = 'allowed' | 'denied' | 'unanswered';

/** Yes/no questions that wait for a button. */
export interface Questions {
  /** `unanswered` when `signal` aborts first. */
  wait(key: string, question: Question, signal: AbortSignal): Promise<Outcome>;
  /** False when nobody waits for this answer. */
  answer(key: string, allow: boolean): boolean;
  /** A question that still waits. */
  open(key: string): { question: Question; outcome: Promise<Outcome> } | undefined;
}

export function createQuestions(): Questions {
  const waiting = new Map<
    string,
    { question: Question; outcome: Promise<Outcome>; settle: (outcome: Outcome) => void }
  >();
  return {
    wait(key, question, signal) {
      let settle: (outcome: Outcome) => void = () => {};
      const settled = new Promise<Outcome>(resolve => {
        settle = resolve;
      });
      const giveUp = () => settle('unanswered');
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      const outcome = settled.finally(() => {
        waiting.delete(key);
        signal.removeEventListener('abort', giveUp);
      });
      waiting.set(key, { question, outcome, settle });
      return outcome;
    },
    answer(key, allow) {
      const open = waiting.get(key);
      open?.settle(allow ? 'allowed' : 'denied');
      return open !== undefined;
    },
    open: key => waiting.get(key),
  };
}
