import type { ChatAdapter } from '../core/adapter.ts';
import { inTime } from '../core/patience.ts';
import type { State } from '../core/state/state.ts';

/** Each check by name, with a sentence for the operator where something is not ready; null: all right. */
export type Checks = Readonly<Record<string, string | null>>;

export interface Standing {
  /** False: this process is to be sent nothing. */
  ready: boolean;
  checks: Checks;
}

/** Where processes share what waits to be answered. */
export interface QueueWatch {
  /** Resolves when it answers. */
  answers(): Promise<unknown>;
  /** Nothing can be done here without it. Who receives messages can still take them in. */
  needed: boolean;
}

export interface Readiness {
  /** Never rejects, and takes no longer than state and queue are given to answer. */
  standing(): Promise<Standing>;
  started(): void;
  /** From now on nothing new is begun here. */
  draining(): void;
}

const PATIENCE_MS = 2_000;
/** What is written to see whether it can be is gone again after this. */
const PROBE_LIFE_MS = 60_000;

/**
 * Whether this process can take messages and answer them. An outage of the agent service later on, or of the queue, is
 * not a reason to be sent nothing: messages are accepted and answered when it is back.
 */
export function createReadiness(deps: {
  state: State;
  adapters: readonly ChatAdapter[];
  /** The agent service has answered. */
  reached: () => boolean;
  /** Absent: turns run in the process that accepted them. */
  queue?: QueueWatch;
  patienceMs?: number;
}): Readiness {
  const { queue, patienceMs = PATIENCE_MS } = deps;
  const rows = deps.state.table<1>('readiness');
  let phase: 'starting' | 'started' | 'draining' = 'starting';
  // By writing: that is what accepting takes, and what was read once may come from memory (state/row-cache).
  const state = probe(() => rows.set('probe', 1, PROBE_LIFE_MS), {
    failed: 'the state store cannot be written to',
    late: 'the state store does not answer',
  });
  const line =
    queue === undefined
      ? null
      : probe(queue.answers, { failed: 'the queue cannot be reached', late: 'the queue does not answer' });

  /** Several who look at once, or a store that hangs, cost it one question. */
  function probe(ask: () => Promise<unknown>, said: { failed: string; late: string }) {
    let asking: Promise<string | null> | undefined;
    return () => {
      asking ??= ask()
        .then(
          () => null,
          () => said.failed,
        )
        .finally(() => {
          asking = undefined;
        });
      return inTime(asking, patienceMs, said.late);
    };
  }

  return {
    async standing() {
      const [stored, queued] = await Promise.all([state(), line?.()]);
      const checks: Record<string, string | null> = {
        state: stored,
        agent_service: deps.reached() ? null : 'the agent service has not been reached yet',
      };
      for (const adapter of deps.adapters) {
        const isConnected = phase === 'started' && adapter.connected?.() !== false;
        checks[adapter.platform] = isConnected ? null : 'not connected';
      }
      checks.process = phase === 'started' ? null : phase;
      const needed = Object.values(checks);
      if (queued !== undefined) {
        checks.queue = queued;
        if (queue?.needed === true) needed.push(queued);
      }
      return { ready: needed.every(problem => problem === null), checks };
    },
    started() {
      if (phase === 'starting') phase = 'started';
    },
    draining() {
      phase = 'draining';
    },
  };
}
