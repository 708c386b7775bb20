/** What a running bot does besides answering: what has expired goes, and what was to be forgotten is. */

import type { Log } from '../log.ts';
import type { State } from './state/state.ts';
import type { SetTimer } from './timer.ts';

const EVERY_MS = 3600_000;
/** So long a start waits for what is unfinished: with many, or a slow agent service, everybody else would go unanswered. */
const START_WAITS_MS = 30_000;

export interface Housekeeping {
  /**
   * Finishes what people had asked to be forgotten when an earlier process ended. Failures are told and tried again
   * later; what takes long goes on, and is not waited for any more.
   */
  resume(): Promise<void>;
  /** Sweeps, and looks at what turns left to be looked at: now and every hour, once there is somebody to tell. Nobody waits for it: after a long rest there can be millions of rows to sweep. */
  begin(): void;
  /** Calls off what runs and waits for the state's own sweep, which is short now; not for the agent service. */
  stop(): Promise<void>;
}

export function createHousekeeping(deps: {
  state: State;
  sessions: { sweep(): Promise<number> };
  preferences: { resume(): Promise<void> };
  late: { resume(): Promise<void> };
  log: Log;
  setTimer: SetTimer;
}): Housekeeping {
  const { state, sessions, preferences, late, log, setTimer } = deps;
  const stopped = new AbortController();
  let callOff = () => {};
  let running = Promise.resolve();
  let sweeping: Promise<void> | undefined;

  async function look(): Promise<void> {
    await late.resume().catch((error: unknown) => {
      log.error({ event: 'notice.unread', err: error }, 'could not look for what turns left in memory');
    });
  }

  async function sweep(): Promise<void> {
    try {
      sweeping = state.sweep(stopped.signal);
      await sweeping;
      if (!stopped.signal.aborted) await sessions.sweep();
    } catch (error) {
      log.error({ event: 'state.sweep_failed', err: error }, 'sweeping failed; trying again in an hour');
    }
  }

  /** One after the other, also when one takes longer than an hour. */
  function next(what: () => Promise<void>): void {
    running = running.then(() => (stopped.signal.aborted ? undefined : what()));
  }

  function everyHour(): void {
    next(look);
    next(sweep);
    next(() => preferences.resume());
    callOff = setTimer(everyHour, EVERY_MS);
  }

  return {
    async resume() {
      next(() => preferences.resume());
      let waiting: NodeJS.Timeout | undefined;
      const enough = new Promise<void>(resolve => {
        waiting = setTimeout(resolve, START_WAITS_MS);
      });
      await Promise.race([running, enough]);
      clearTimeout(waiting);
    },
    begin() {
      next(look);
      next(sweep);
      callOff = setTimer(everyHour, EVERY_MS);
    },
    async stop() {
      callOff();
      stopped.abort();
      await sweeping?.catch(() => {});
    },
  };
}
