import type { Transaction } from './database.ts';
import { invalid } from './errors.ts';
import type { NewEvent, SessionEvent } from './ports.ts';
import type { ToolUse } from './turn-log.ts';

type Answer = Extract<SessionEvent, { type: 'user.tool_confirmation' | 'user.custom_tool_result' }>;
type Action = 'confirmation' | 'custom_result';

/** What the client has to send before the agent can go on from this event. */
export function actionOf(event: SessionEvent): Action | undefined {
  if (event.type === 'agent.custom_tool_use') return 'custom_result';
  if (event.type === 'agent.tool_use' && event.evaluated_permission === 'ask') return 'confirmation';
  return undefined;
}

/** Takes the answer off the list; 400 when nothing of this session waits for it. */
export async function settle(tx: Transaction, sessionId: string, answer: Answer): Promise<void> {
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
  if (changes === 0) {
    throw invalid(`${field}: ${id} is not an event of this session that waits for a ${answer.type}.`);
  }
}

/** The ids in the order they were asked; `among` limits them to some. */
export async function pendingActions(
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

/** In place of the answer that will not come: of the tool, or of the client. */
export function interruptedResult(use: ToolUse): NewEvent {
  const result = { content: [{ type: 'text' as const, text: 'Interrupted by the user.' }], is_error: true };
  return use.type === 'agent.tool_use'
    ? { type: 'agent.tool_result', tool_use_id: use.id, ...result }
    : { type: 'user.custom_tool_result', custom_tool_use_id: use.id, ...result };
}
