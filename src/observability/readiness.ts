import type { ChatAdapter } from '../core/adapter.ts';
import type { State } from '../core/state.ts';

/** Each check by name, with a sentence for the operator where something is not ready; null: all right. */
export type Checks = Readonly<Record<string, string | null>>;

export interface Readiness {
  /** Never rejects, and takes no longer than the state is given to answer. */
  checks(): Promise<Checks>;
  started(): void;
  /** From now on nothing new is begun here. */
  draining(): void;
}

const STATE_PATIENCE_MS = 2_000;

/**
 * Whether this process can take messages and answer them. An outage of the agent service later on is not a reason to
 * be sent nothing: messages are accepted and answered when it is back.
 */
export function createReadiness(deps: {
  state: State;
  adapters: readonly ChatAdapter[];
  /** The agent service has answered. */
  reached: () => boolean;
  patienceMs?: number;
}): Readiness {
  const rows = deps.state.table<unknown>('readiness');
  let phase: 'starting' | 'started' | 'draining' = 'starting';
  let asking: Promise<string | null> | undefined;

  async function stateAnswers(): Promise<string | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>(resolve => {
      timer = setTimeout(
        () => resolve('the state store does not answer'),
        deps.patienceMs ?? STATE_PATIENCE_MS,
      );
    });
    const answered = rows.get('probe').then(
      () => null,
      () => 'the state store cannot be read',
    );
    return Promise.race([answered, late]).finally(() => clearTimeout(timer));
  }

  return {
    async checks() {
      // Several who look at once, or a store that hangs, cost it one question.
      asking ??= stateAnswers().finally(() => {
        asking = undefined;
      });
      const state = await asking;
      const checks: Record<string, string | null> = {
        state,
        agent_service: deps.reached() ? null : 'the agent service has not been reached yet',
      };
      for (const adapter of deps.adapters) {
        const isConnected = phase === 'started' && adapter.connected?.() !== false;
        checks[adapter.platform] = isConnected ? null : 'not connected';
      }
      checks.process = phase === 'started' ? null : phase;
      return checks;
    },
    started() {
      if (phase === 'starting') phase = 'started';
    },
    draining() {
      phase = 'draining';
    },
  };
}
