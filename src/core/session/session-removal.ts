import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import { failureOf } from '../errors.ts';
import { pause } from '../patience.ts';
import type { State } from '../state/state.ts';

const POLL_MS = 200;
/** How long a running session gets to stop after it was interrupted. */
const STOP_WITHIN_MS = 30_000;

/**
 * Deletes a session and its history. The API refuses that while it runs: `interrupt` stops it first, otherwise it
 * is left alone. Rejects when it would not stop.
 */
export async function removeSession(
  client: Anthropic,
  sessionId: string,
  options: { interrupt: boolean; wait?: (ms: number) => Promise<void> },
): Promise<'removed' | 'gone' | 'running'> {
  const { sessions } = client.beta;
  let interrupted = false;
  for (let waited = 0; ; waited += POLL_MS) {
    try {
      const { status } = await sessions.retrieve(sessionId);
      const running = status === 'running' || status === 'rescheduling';
      if (running && !options.interrupt) return 'running';
      if (running && !interrupted) {
        await sessions.events.send(sessionId, { events: [{ type: 'user.interrupt' }] }, { maxRetries: 0 });
        interrupted = true;
      }
      if (!running) {
        await sessions.delete(sessionId, {}, { maxRetries: 0 });
        return 'removed';
      }
    } catch (error) {
      const failure = failureOf(error);
      if (failure.type === 'gone') return 'gone';
      // Just after its idle event a session may still count as running, and one that stops takes no interrupt.
      const passing =
        failure.type === 'retry' ||
        (failure.type === 'refused' && (failure.reason === 'request' || failure.reason === 'conflict'));
      if (!passing || waited >= STOP_WITHIN_MS) throw error;
    }
    if (waited >= STOP_WITHIN_MS) throw new Error(`the session ${sessionId} does not stop`);
    await (options.wait ?? pause)(POLL_MS);
  }
}

interface Ending {
  sessionId: string;
  /** Milliseconds; until then the session may be used. */
  due: number;
}

/** Sessions that are not to be kept, so that none is forgotten when a process ends too early. */
export interface SessionEndings {
  /** The session is deleted if it is not used until `due`; called again when it is used. */
  schedule(owner: string, sessionId: string, due: number): Promise<void>;
  /** The session is kept after all. */
  cancel(owner: string, sessionId: string): Promise<void>;
  /** The session goes now; where it cannot, with the next sweep. */
  end(owner: string, sessionId: string): Promise<void>;
  /** Deletes what is due. Returns how many are gone. */
  sweep(): Promise<number>;
}

/** `owner` is a person's key: rows of a person are found by it. */
export function createSessionEndings(deps: {
  client: Anthropic;
  state: State;
  log: Log;
  now: () => number;
}): SessionEndings {
  const { client, log, now } = deps;
  const endings = deps.state.table<Ending>('session-ending');

  async function remove(key: string, { sessionId }: Ending): Promise<boolean> {
    try {
      // One that still answers is left until it is done.
      if ((await removeSession(client, sessionId, { interrupt: false })) === 'running') return false;
      await endings.delete(key);
      return true;
    } catch (error) {
      log.warn(
        { event: 'session.not_removed', session: sessionId, err: error },
        'a session could not be deleted yet',
      );
      return false;
    }
  }

  const keyOf = (owner: string, sessionId: string) => `${owner}/${sessionId}`;

  return {
    async schedule(owner, sessionId, due) {
      await endings.set(keyOf(owner, sessionId), { sessionId, due });
    },
    async cancel(owner, sessionId) {
      await endings.delete(keyOf(owner, sessionId));
    },
    async end(owner, sessionId) {
      const ending = { sessionId, due: now() };
      await endings.set(keyOf(owner, sessionId), ending);
      await remove(keyOf(owner, sessionId), ending);
    },
    async sweep() {
      let removed = 0;
      for await (const [key, ending] of endings.entries()) {
        if (ending.due <= now() && (await remove(key, ending))) removed += 1;
      }
      return removed;
    },
  };
}
