import type { SessionEvent } from './ports.ts';

/** Questions asked of a session's log. The log is the only state the agent loop needs to carry on. */

export type ToolUse = Extract<SessionEvent, { type: 'agent.tool_use' | 'agent.custom_tool_use' }>;
export type ToolResultEvent = Extract<
  SessionEvent,
  { type: 'agent.tool_result' | 'user.tool_result' | 'user.custom_tool_result' }
>;
export type Confirmation = Extract<SessionEvent, { type: 'user.tool_confirmation' }>;

export function isToolResult(event: SessionEvent): event is ToolResultEvent {
  return (
    event.type === 'agent.tool_result' ||
    event.type === 'user.tool_result' ||
    event.type === 'user.custom_tool_result'
  );
}

export function resultFor(event: ToolResultEvent): string {
  return event.type === 'user.custom_tool_result' ? event.custom_tool_use_id : event.tool_use_id;
}

/** Tool uses that nobody has answered, oldest first. */
export function unanswered(log: readonly SessionEvent[]): ToolUse[] {
  const answered = new Set(log.filter(isToolResult).map(resultFor));
  return log.filter(
    (event): event is ToolUse =>
      (event.type === 'agent.tool_use' || event.type === 'agent.custom_tool_use') && !answered.has(event.id),
  );
}

/** Those of the current turn; what an interrupt left behind is not among them. */
export function openToolUses(log: readonly SessionEvent[]): ToolUse[] {
  return unanswered(currentTurn(log));
}

/** The latest answer counts: a person may change their mind before the tool runs. */
export function confirmationOf(log: readonly SessionEvent[], toolUseId: string): Confirmation | undefined {
  return log.findLast(
    (event): event is Confirmation =>
      event.type === 'user.tool_confirmation' && event.tool_use_id === toolUseId,
  );
}

/** Model requests of the current turn that were answered. */
export function answeredRequests(log: readonly SessionEvent[]): number {
  return currentTurn(log).filter(event => event.type === 'span.model_request_end' && event.is_error !== true)
    .length;
}

/**
 * Where the model's part stands:
 * - `due`: the model has something to answer;
 * - `done`: its last reply is complete and used no tool, so only the turn's end is missing from the log;
 * - `cut`: a message of its reply was logged, but the process ended before the rest of that reply was.
 */
export function modelState(log: readonly SessionEvent[]): 'due' | 'done' | 'cut' {
  const lastInput = log.findLastIndex(event => event.type === 'user.message' || isToolResult(event));
  const since = log.slice(lastInput + 1);
  if (since.some(event => event.type === 'span.model_request_end' && event.is_error !== true)) return 'done';
  return since.some(event => event.type === 'agent.message') ? 'cut' : 'due';
}

function currentTurn(log: readonly SessionEvent[]): readonly SessionEvent[] {
  return log.slice(log.findLastIndex(isTurnBoundary) + 1);
}

function isTurnBoundary(event: SessionEvent): boolean {
  switch (event.type) {
    case 'user.message':
    case 'user.interrupt':
      return true;
    case 'session.status_idle':
      return event.stop_reason.type !== 'requires_action';
    default:
      return false;
  }
}
