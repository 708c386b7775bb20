/** Yes/no questions that wait for a button. */
export interface Questions {
  /** Null when `signal` aborts first. */
  wait(key: string, signal: AbortSignal): Promise<boolean | null>;
  /** False when nobody waits for this answer. */
  answer(key: string, allow: boolean): boolean;
}

export function createQuestions(): Questions {
  const waiting = new Map<string, (answer: boolean | null) => void>();
  return {
    wait: (key, signal) =>
      new Promise(resolve => {
        const settle = (answer: boolean | null) => {
          waiting.delete(key);
          signal.removeEventListener('abort', onAbort);
          resolve(answer);
        };
        const onAbort = () => settle(null);
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.set(key, settle);
        if (signal.aborted) settle(null);
      }),
    answer(key, allow) {
      const settle = waiting.get(key);
      settle?.(allow);
      return settle !== undefined;
    },
  };
}
