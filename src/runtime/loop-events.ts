import type { ModelErrorKind, ModelUsage, NewEvent } from './ports.ts';
import { type ToolResult, type Toolset, unavailable } from './tools/toolset.ts';

export type FailureType =
  | 'model_overloaded_error'
  | 'model_rate_limited_error'
  | 'model_request_failed_error'
  | 'billing_error'
  | 'tool_use_limit_reached_error';

export const ERROR_TYPES: Record<ModelErrorKind, FailureType> = {
  overloaded: 'model_overloaded_error',
  rate_limited: 'model_rate_limited_error',
  request_failed: 'model_request_failed_error',
  unreachable: 'model_request_failed_error',
  billing: 'billing_error',
};

export const NO_USAGE: ModelUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

/**
 * A call that cannot run (no such tool, unreadable input) is logged as the API logs calls it refuses before any
 * policy applies: permission deny, no evaluation. Even a custom tool's, so that no client is asked about it.
 */
export function toolUseEvent(
  name: string,
  toolInput: Record<string, unknown>,
  unreadable: boolean,
  toolset: Toolset,
): NewEvent {
  const kind = toolset.kind(name);
  const use = { type: 'agent.tool_use', name, input: toolInput } as const;
  if (unreadable || kind.type === 'unavailable') return { ...use, evaluated_permission: 'deny' };
  if (kind.type === 'custom') return { type: 'agent.custom_tool_use', name, input: toolInput };
  switch (kind.policy) {
    case 'always_allow':
      return { ...use, evaluated_permission: 'allow', evaluation: { type: 'always_allow' } };
    case 'always_ask':
      return { ...use, evaluated_permission: 'ask', evaluation: { type: 'always_ask' } };
    case 'auto':
      // Without a judge here, every tool is what this runtime made it: unable to leave the sandbox.
      return {
        ...use,
        evaluated_permission: 'allow',
        evaluation: { type: 'auto', evaluated_permission: { type: 'allow' } },
      };
  }
}

/** From the name alone, so that it can be said after a crash too. */
export function refusalText(name: string, toolset: Toolset): string {
  if (toolset.kind(name).type === 'unavailable') return unavailable(name);
  return `${name} was not run: its input was not a complete JSON object. If it was cut off, send less at once.`;
}

export function sessionError(type: FailureType, message: string, retry: 'retrying' | 'exhausted'): NewEvent {
  return { type: 'session.error', error: { type, message, retry_status: { type: retry } } };
}

export function errorResult(text: string): ToolResult {
  return { content: [{ type: 'text', text }], isError: true };
}

export function withId(id: string | undefined): { id?: string } {
  return id === undefined ? {} : { id };
}
