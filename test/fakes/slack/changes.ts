// Lets a test wait for an outcome instead of a time: `until` looks again whenever something happened in the
// fake (a call answered, a delivery acknowledged, a connection opened).

export interface Changes {
  notify(): void;
  /**
   * Resolves with the first truthy value of `look`. Rejects after `timeoutMs` of real time, naming `what`.
   */
  until<T>(look: () => T | undefined | null | false, what?: string, timeoutMs?: number): Promise<T>;
  stop(): void;
}

export function createChanges(): Changes {
  const listeners = new Set<() => void>();
  return {
    notify() {
      for (const listener of [...listeners]) listener();
    },
    until(look, what = 'the expected state', timeoutMs = 10_000) {
      return new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer);
          clearInterval(poll);
          listeners.delete(check);
        };
        const check = () => {
          try {
            const value = look();
            if (value === undefined || value === null || value === false) return;
            end();
            resolve(value);
          } catch (error) {
            end();
            reject(error);
          }
        };
        const timer = setTimeout(() => {
          end();
          reject(new Error(`fake Slack: waited ${timeoutMs} ms for ${what}`));
        }, timeoutMs);
        // What a bot does on its own side changes nothing here, so a slow look-again covers it.
        const poll = setInterval(check, 20);
        listeners.add(check);
        check();
      });
    },
    stop: () => listeners.clear(),
  };
}
