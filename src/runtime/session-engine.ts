import type { Clock } from './clock.ts';
import type { Database, Transaction } from './database.ts';
import { errorBody, invalid, notFound, toApiError } from './errors.ts';
import type { EventHub } from './event-hub.ts';
import type { EventLog, QueuedEvent, SentEvent } from './event-log.ts';
import { type EventParam, referredFiles } from './event-params.ts';
import type { Files } from './files.ts';
import { newId } from './ids.ts';
import type { RuntimeLog } from './log.ts';
import type { Memories } from './memory/memories.ts';
import { actionOf, pendingActions, settle } from './pending-actions.ts';
import type { AgentLoop, LoopOutcome, NewEvent, SessionEvent } from './ports.ts';
import { loopInput } from './session-input.ts';
import { findSession, findSessionState } from './session-rows.ts';
import { idle, rescheduled, running } from './status-events.ts';
import { createTurnTransitions } from './turn-transitions.ts';

/**
 * What happens to a session, as transactions on its log:
 *
 *   idle --message--> running --loop ends--> idle (and running again if messages wait)
 *   running --loop needs the client--> idle, blocked --all answers--> running
 *   running or blocked --interrupt--> idle
 *
 * A turn takes every message that waits. Status, log, queue and open actions change together, so a crash at any
 * point leaves a session that `recover` can carry on.
 */
export interface SessionEngine {
  send(sessionId: string, events: readonly EventParam[]): Promise<SentEvent[]>;
  /** The same inside a transaction of the caller, e.g. the one that creates the session. */
  receive(tx: Transaction, sessionId: string, events: readonly EventParam[]): Promise<SentEvent[]>;
  /** Carries on with the sessions that were running when the process last ended. */
  recover(): Promise<void>;
  /** Stops the loops; their sessions stay `running` and are carried on by the next `recover`. */
  stop(): Promise<void>;
}

export interface EngineDeps {
  db: Database;
  events: EventLog;
  hub: EventHub;
  memories: Memories;
  files: Files;
  loop: AgentLoop;
  clock: Clock;
  log: RuntimeLog;
  /** How long an aborted loop may take to return before the session goes on without it. */
  abortGraceMs: number;
}

interface Run {
  readonly controller: AbortController;
  /** An answer arrived while the loop was running, which it may not have seen. */
  answered: boolean;
  done: Promise<void>;
}

type Answer = Extract<SentEvent, { type: 'user.tool_confirmation' | 'user.custom_tool_result' }>;
type Outcome = LoopOutcome | { type: 'failed'; message: string };

export function createSessionEngine(deps: EngineDeps): SessionEngine {
  const { db, events, hub, clock, log } = deps;
  const runs = new Map<string, Run>();
  let stopping = false;
  const { begin, end, fail, endInterrupted, next } = createTurnTransitions({
    events,
    clock,
    onBegin: launch,
  });

  async function receive(
    tx: Transaction,
    sessionId: string,
    params: readonly EventParam[],
  ): Promise<SentEvent[]> {
    const session = await findSessionState(tx, sessionId);
    if (session.archived_at !== null || session.status === 'terminated') {
      throw invalid(`The session ${sessionId} is archived and takes no more events; create a new one.`);
    }
    for (const fileId of referredFiles(params)) await deps.files.get(fileId, tx);

    const sent = params.map(param => asSent(param));
    const interrupts = sent.filter(event => event.type === 'user.interrupt');
    const answers = sent.filter(event => isAnswer(event));
    const messages = sent.filter(event => isQueued(event));
    for (const interrupt of interrupts) {
      const thread = interrupt.session_thread_id ?? session.thread_id;
      if (thread !== session.thread_id) throw notFound('session thread', thread);
    }
    const blocked = session.status === 'idle' && (await pendingActions(tx, sessionId)).length > 0;
    for (const answer of answers) await settle(tx, sessionId, answer);

    events.announce(tx, sessionId, sent);
    if (session.status === 'running') {
      await events.append(tx, sessionId, [...answers, ...interrupts]);
      await events.enqueue(tx, sessionId, messages);
      if (interrupts.length > 0) {
        await tx.run('UPDATE sessions SET interrupted = 1 WHERE id = ?', [sessionId]);
      }
      tx.afterCommit(() => {
        const run = runs.get(sessionId);
        if (run && answers.length > 0) run.answered = true;
        if (run && interrupts.length > 0) run.controller.abort();
        // Without a run the last turn could not be recorded (disk full); this is the chance to go on.
        if (!run) launch(sessionId);
      });
      return sent;
    }

    if (interrupts.length > 0) {
      await events.append(tx, sessionId, [...answers, ...interrupts]);
      if (blocked) await endInterrupted(tx, session);
      const waiting = [...(await events.takeQueued(tx, sessionId)), ...messages];
      if (waiting.length > 0) await begin(tx, session, waiting);
      return sent;
    }
    if (answers.length > 0) {
      const open = await pendingActions(tx, sessionId);
      if (open.length > 0) {
        await events.append(tx, sessionId, [
          ...answers,
          ...idle(session, { type: 'requires_action', event_ids: open }),
        ]);
      } else {
        await begin(tx, session, answers);
      }
      await events.enqueue(tx, sessionId, messages);
      return sent;
    }
    if (blocked) await events.enqueue(tx, sessionId, messages);
    else await begin(tx, session, messages);
    return sent;
  }

  function launch(sessionId: string): void {
    if (stopping || runs.has(sessionId)) return;
    const run: Run = { controller: new AbortController(), answered: false, done: Promise.resolve() };
    runs.set(sessionId, run);
    run.done = drive(sessionId, run);
  }

  async function drive(sessionId: string, run: Run): Promise<void> {
    try {
      const outcome = await runLoop(sessionId, run);
      if (stopping && outcome.type === 'aborted') runs.delete(sessionId);
      else await db.write(tx => finish(tx, sessionId, run, outcome));
    } catch (error) {
      // The log cannot be written, so the turn can neither go on nor end: tell those who listen.
      runs.delete(sessionId);
      log.error(
        { event: 'runtime.turn_lost', err: error, session: sessionId },
        'a turn could not be recorded; the next event sent to it resumes it',
      );
      hub.close(sessionId, errorBody(toApiError(error), newId('req')));
    }
  }

  async function runLoop(sessionId: string, run: Run): Promise<Outcome> {
    const { signal } = run.controller;
    try {
      const session = await findSession(db, sessionId);
      if (session.interrupted) return { type: 'aborted' };
      const input = await loopInput(deps, session, signal);
      if (signal.aborted) return { type: 'aborted' };
      const ended = deps.loop({
        ...input,
        emit: event => db.write(tx => emit(tx, sessionId, signal, event)),
        previewStart: type => (signal.aborted ? newId('sevt') : hub.previewStart(sessionId, type)),
        previewDelta: (eventId, text) => {
          if (!signal.aborted) hub.previewDelta(sessionId, eventId, text);
        },
      });
      return await Promise.race([ended, abandoned(signal, deps.abortGraceMs)]);
    } catch (error) {
      if (signal.aborted) return { type: 'aborted' };
      log.error({ event: 'runtime.loop_failed', err: error, session: sessionId }, 'the agent loop failed');
      return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  async function emit(
    tx: Transaction,
    sessionId: string,
    signal: AbortSignal,
    event: NewEvent,
  ): Promise<SessionEvent> {
    // An interrupt that was recorded first wins: what the loop still had to say never arrives.
    signal.throwIfAborted();
    const [recorded] = await events.append(tx, sessionId, [event]);
    if (!recorded) throw new Error('append returned no event');
    const action = actionOf(recorded);
    if (action) {
      await tx.run('INSERT INTO pending_actions (event_id, session_id, kind) VALUES (?, ?, ?)', [
        recorded.id,
        sessionId,
        action,
      ]);
    }
    if (recorded.type === 'span.model_request_end') {
      const usage = recorded.model_usage;
      await tx.run(
        `UPDATE sessions SET input_tokens = input_tokens + ?, output_tokens = output_tokens + ?,
           cache_read_input_tokens = cache_read_input_tokens + ?,
           cache_creation_input_tokens = cache_creation_input_tokens + ? WHERE id = ?`,
        [
          usage.input_tokens,
          usage.output_tokens,
          usage.cache_read_input_tokens,
          usage.cache_creation_input_tokens,
          sessionId,
        ],
      );
    }
    return recorded;
  }

  async function finish(tx: Transaction, sessionId: string, run: Run, outcome: Outcome): Promise<void> {
    const session = await findSessionState(tx, sessionId);
    tx.afterCommit(() => runs.delete(sessionId));
    if (session.interrupted) {
      await endInterrupted(tx, session);
      return next(tx, session);
    }
    switch (outcome.type) {
      case 'requires_action': {
        const open = await pendingActions(tx, sessionId, outcome.event_ids);
        if (open.length > 0) return end(tx, session, { type: 'requires_action', event_ids: open });
        if (run.answered) {
          tx.afterCommit(() => launch(sessionId));
          return;
        }
        return fail(tx, session, 'The agent waits for an answer that nobody can give.');
      }
      case 'end_turn':
        await end(tx, session, { type: 'end_turn' });
        break;
      case 'refusal':
        await end(
          tx,
          session,
          { type: 'refusal' },
          { type: 'refusal', category: null, explanation: outcome.explanation },
        );
        break;
      case 'retries_exhausted':
        await end(tx, session, { type: 'retries_exhausted' });
        break;
      case 'failed':
        return fail(tx, session, outcome.message);
      case 'aborted':
        return fail(tx, session, 'The agent loop stopped without being asked to.');
      default:
        outcome satisfies never;
    }
    return next(tx, session);
  }

  return {
    receive,
    send: (sessionId, params) => db.write(tx => receive(tx, sessionId, params)),

    async recover() {
      const rows = await db.all<{ id: string }>(
        `SELECT id FROM sessions WHERE status = 'running' ORDER BY seq`,
      );
      for (const { id } of rows) {
        await db.write(async tx => {
          const session = await findSessionState(tx, id);
          // A request may have been quicker: the server already listens.
          if (session.status !== 'running' || runs.has(id)) return;
          await tx.run('UPDATE sessions SET running_since = ? WHERE id = ?', [clock(), id]);
          await events.append(tx, id, [...rescheduled(session), ...running(session)]);
          tx.afterCommit(() => launch(id));
        });
      }
      if (rows.length > 0)
        log.info({ event: 'runtime.resumed', sessions: rows.length }, 'resumed the turns a stop had cut off');
    },

    async stop() {
      stopping = true;
      const open = [...runs.values()];
      for (const run of open) run.controller.abort();
      await Promise.all(open.map(run => run.done));
    },
  };
}

/** Resolves when the loop ignores its signal: nothing it still does is recorded. */
function abandoned(signal: AbortSignal, graceMs: number): Promise<Outcome> {
  return new Promise(resolve => {
    const giveUp = () => setTimeout(() => resolve({ type: 'aborted' }), graceMs).unref();
    signal.addEventListener('abort', giveUp, { once: true });
  });
}

function asSent(param: EventParam): SentEvent {
  return { ...param, id: newId('sevt'), processed_at: null };
}

function isAnswer(event: SentEvent): event is Answer {
  return event.type === 'user.tool_confirmation' || event.type === 'user.custom_tool_result';
}

function isQueued(event: SentEvent): event is QueuedEvent {
  return event.type === 'user.message' || event.type === 'system.message';
}
