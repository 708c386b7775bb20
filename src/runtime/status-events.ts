import type { NewEvent, SessionEvent } from './ports.ts';
import type { SessionState } from './session-rows.ts';

/** Every status of the session is told twice: for the session and for its one thread. */

type Idle = Extract<SessionEvent, { type: 'session.status_idle' }>;
export type StopReason = Idle['stop_reason'];
export type StopDetails = Idle['stop_details'];

export function running(session: SessionState): NewEvent[] {
  return [{ type: 'session.status_running' }, { type: 'session.thread_status_running', ...thread(session) }];
}

export function rescheduled(session: SessionState): NewEvent[] {
  return [
    { type: 'session.status_rescheduled' },
    { type: 'session.thread_status_rescheduled', ...thread(session) },
  ];
}

export function idle(
  session: SessionState,
  reason: StopReason,
  details: StopDetails = null,
): [NewEvent, NewEvent] {
  const stop = { stop_reason: reason, stop_details: details };
  return [
    { type: 'session.thread_status_idle', ...thread(session), ...stop },
    { type: 'session.status_idle', ...stop },
  ];
}

export function thread(session: SessionState): { session_thread_id: string; agent_name: string } {
  return { session_thread_id: session.thread_id, agent_name: session.agent_name };
}
