import type { Clock } from './clock.ts';
import type { Transaction } from './database.ts';
import type { EventLog, SentEvent } from './event-log.ts';
import { interruptedResult } from './pending-actions.ts';
import { budgetOf, type SessionState, usageOf } from './session-rows.ts';
import { idle, running, type StopDetails, type StopReason } from './status-events.ts';
import { unanswered } from './turn-log.ts';

/** How turns begin and end, each as part of one transaction: status, log, queue and open actions together. */
export interface TurnTransitions {
  /** Starts a turn with what it answers to. */
  begin(tx: Transaction, session: SessionState, inputs: readonly SentEvent[]): Promise<void>;
  end(tx: Transaction, session: SessionState, reason: StopReason, details?: StopDetails): Promise<void>;
  /** Ends a turn that cannot go on, for a reason the log then tells. */
  fail(tx: Transaction, session: SessionState, message: string): Promise<void>;
  /** Tool uses that were cut off get a result, so that the next turn neither repeats them nor waits for them. */
  endInterrupted(tx: Transaction, session: SessionState): Promise<void>;
  /** Messages that arrived during the turn are the next turn. */
  next(tx: Transaction, session: SessionState): Promise<void>;
}

/** `onBegin` is called once a turn's beginning is durable. */
export function createTurnTransitions(deps: {
  events: EventLog;
  clock: Clock;
  onBegin: (sessionId: string) => void;
}): TurnTransitions {
  const { events, clock, onBegin } = deps;

  async function begin(tx: Transaction, session: SessionState, inputs: readonly SentEvent[]): Promise<void> {
    const now = clock();
    await tx.run(
      `UPDATE sessions SET status = 'running', interrupted = 0, running_since = ?, updated_at = ? WHERE id = ?`,
      [now, now, session.id],
    );
    await events.append(tx, session.id, [...running(session), ...inputs]);
    tx.afterCommit(() => onBegin(session.id));
  }

  async function fail(tx: Transaction, session: SessionState, message: string): Promise<void> {
    await events.append(tx, session.id, [
      {
        type: 'session.error',
        error: { type: 'unknown_error', message, retry_status: { type: 'exhausted' } },
      },
    ]);
    await end(tx, session, { type: 'retries_exhausted' });
    return next(tx, session);
  }

  async function next(tx: Transaction, session: SessionState): Promise<void> {
    const waiting = await events.takeQueued(tx, session.id);
    if (waiting.length > 0) await begin(tx, session, waiting);
  }

  async function endInterrupted(tx: Transaction, session: SessionState): Promise<void> {
    const open = unanswered(await events.history(tx, session.id));
    await events.append(tx, session.id, open.map(interruptedResult));
    await end(tx, session, { type: 'end_turn' });
  }

  async function end(
    tx: Transaction,
    session: SessionState,
    reason: StopReason,
    details: StopDetails = null,
  ): Promise<void> {
    const now = clock();
    const state: SessionState = {
      ...session,
      active_ms: session.active_ms + (session.running_since === null ? 0 : now - session.running_since),
      running_since: null,
    };
    await tx.run(
      `UPDATE sessions SET status = 'idle', interrupted = 0, active_ms = ?, running_since = NULL, updated_at = ?
       WHERE id = ?`,
      [state.active_ms, now, session.id],
    );
    if (reason.type !== 'requires_action') {
      await tx.run('DELETE FROM pending_actions WHERE session_id = ?', [session.id]);
    }
    const [thread, whole] = idle(session, reason, details);
    await events.append(tx, session.id, [
      thread,
      { type: 'session.usage', usage: usageOf(state, now), budget: budgetOf(session) },
      whole,
    ]);
  }

  return { begin, end, fail, endInterrupted, next };
}
