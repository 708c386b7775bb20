import type { Clock } from './clock.ts';
import type { Database, Transaction } from './database.ts';
import { errorBody, invalid, notFound, toApiError } from './errors.ts';
import type { EventHub } from './event-hub.ts';
import type { EventLog, QueuedEvent } from './event-log.ts';
import { type EventParam, referredFiles } from './event-params.ts';
import type { Files } from './files.ts';
import { newId } from './ids.ts';
import type { RuntimeLog } from './log.ts';
import type { Memories } from './memory/memories.ts';
import type { AgentLoop, LoopOutcome, NewEvent, SessionEvent } from './ports.ts';
import { loopInput } from './session-input.ts';
import { budgetOf, findSession, findSessionState, type SessionState, usageOf } from './session-rows.ts';

export type SentEvent = Extract<
  SessionEvent,
  {
    type:
      | 'user.message'
      | 'user.interrupt'
      | 'user.tool_confirmation'
      | 'user.custom_tool_result'
      | 'system.message';
  }
>;
type Answer = Extract<SentEvent, { type: 'user.tool_confirmation' | 'user.custom_tool_result' }>;
type StopReason = Extract<SessionEvent, { type: 'session.status_idle' }>['stop_reason'];
type StopDetails = Extract<SessionEvent, { type: 'session.status_idle' }>['stop_details'];

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
}

interface Run {
  readonly controller: AbortController;
  /** An answer arrived while the loop was running, which it may not have seen. */
  answered: boolean;
  done: Promise<void>;
}

/** How long an aborted loop may take to return before the session goes on without it. */
const ABORT_GRACE_MS = 5_000;

type Outcome = LoopOutcome | { type: 'failed'; message: string };

export function createSessionEngine(deps: EngineDeps): SessionEngine {
  const { db, events, hub, clock, log } = deps;
  const runs = new Map<string, Run>();
  let stopping = false;

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

  /** Starts a turn with what it answers to; its loop runs once the transaction is durable. */
  async function begin(tx: Transaction, session: SessionState, inputs: readonly SentEvent[]): Promise<void> {
    const now = clock();
    await tx.run(
      `UPDATE sessions SET status = 'running', interrupted = 0, running_since = ?, updated_at = ? WHERE id = ?`,
      [now, now, session.id],
    );
    await events.append(tx, session.id, [...running(session), ...inputs]);
    tx.afterCommit(() => launch(session.id));
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
        { err: error, sessionId },
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
      return await Promise.race([ended, abandoned(signal)]);
    } catch (error) {
      if (signal.aborted) return { type: 'aborted' };
      log.error({ err: error, sessionId }, 'the agent loop failed');
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

  /** Messages that arrived during the turn are the next turn. */
  async function next(tx: Transaction, session: SessionState): Promise<void> {
    const waiting = await events.takeQueued(tx, session.id);
    if (waiting.length > 0) await begin(tx, session, waiting);
  }

  /** Tool uses that were cut off get a result, so that the next turn neither repeats them nor waits for them. */
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
      if (rows.length > 0) log.info({ sessions: rows.length }, 'resumed the turns a stop had cut off');
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
function abandoned(signal: AbortSignal): Promise<Outcome> {
  return new Promise(resolve => {
    const giveUp = () => setTimeout(() => resolve({ type: 'aborted' }), ABORT_GRACE_MS).unref();
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

type Action = 'confirmation' | 'custom_result';

/** What the client has to send before the agent can go on from this event. */
function actionOf(event: SessionEvent): Action | undefined {
  if (event.type === 'agent.custom_tool_use') return 'custom_result';
  if (event.type === 'agent.tool_use' && event.evaluated_permission === 'ask') return 'confirmation';
  return undefined;
}

async function settle(tx: Transaction, sessionId: string, answer: Answer): Promise<void> {
  const [field, id, kind]: [string, string, Action] =
    answer.type === 'user.tool_confirmation'
      ? ['tool_use_id', answer.tool_use_id, 'confirmation']
      : ['custom_tool_use_id', answer.custom_tool_use_id, 'custom_result'];
  if (answer.type === 'user.tool_confirmation' && answer.result === 'allow' && answer.deny_message) {
    throw invalid('deny_message: only allowed when result is "deny".');
  }
  const { changes } = await tx.run(
    'DELETE FROM pending_actions WHERE event_id = ? AND session_id = ? AND kind = ?',
    [id, sessionId, kind],
  );
  if (changes === 0)
    throw invalid(`${field}: ${id} is not an event of this session that waits for a ${answer.type}.`);
}

/** The ids in the order they were asked; `among` limits them to some. */
async function pendingActions(
  tx: Transaction,
  sessionId: string,
  among?: readonly string[],
): Promise<string[]> {
  const rows = await tx.all<{ event_id: string }>(
    'SELECT event_id FROM pending_actions WHERE session_id = ? ORDER BY seq',
    [sessionId],
  );
  const open = rows.map(row => row.event_id);
  return among ? among.filter(id => open.includes(id)) : open;
}

type ToolUse = Extract<SessionEvent, { type: 'agent.tool_use' | 'agent.custom_tool_use' }>;

function unanswered(history: readonly SessionEvent[]): ToolUse[] {
  const open = new Map<string, ToolUse>();
  for (const event of history) {
    if (event.type === 'agent.tool_use' || event.type === 'agent.custom_tool_use') open.set(event.id, event);
    else if (event.type === 'agent.tool_result') open.delete(event.tool_use_id);
    else if (event.type === 'user.custom_tool_result') open.delete(event.custom_tool_use_id);
  }
  return [...open.values()];
}

function interruptedResult(use: ToolUse): NewEvent {
  const result = { content: [{ type: 'text' as const, text: 'Interrupted by the user.' }], is_error: true };
  return use.type === 'agent.tool_use'
    ? { type: 'agent.tool_result', tool_use_id: use.id, ...result }
    : { type: 'user.custom_tool_result', custom_tool_use_id: use.id, ...result };
}

function running(session: SessionState): NewEvent[] {
  return [{ type: 'session.status_running' }, { type: 'session.thread_status_running', ...thread(session) }];
}

function rescheduled(session: SessionState): NewEvent[] {
  return [
    { type: 'session.status_rescheduled' },
    { type: 'session.thread_status_rescheduled', ...thread(session) },
  ];
}

function idle(session: SessionState, reason: StopReason, details: StopDetails = null): [NewEvent, NewEvent] {
  const stop = { stop_reason: reason, stop_details: details };
  return [
    { type: 'session.thread_status_idle', ...thread(session), ...stop },
    { type: 'session.status_idle', ...stop },
  ];
}

export function thread(session: SessionState): { session_thread_id: string; agent_name: string } {
  return { session_thread_id: session.thread_id, agent_name: session.agent_name };
}
