import { describe, expect, it } from 'vitest';
import { type StreamEvent, TurnState } from '../../src/core/turn/turn-state.ts';

const at = (second: number) => `2026-11-29T10:00:${String(second).padStart(2, '0')}.000Z`;
const running = (second: number) =>
  ({ type: 'session.status_running', id: `run${second}`, processed_at: at(second) }) as StreamEvent;
const said = (text: string, second: number) =>
  ({
    type: 'agent.message',
    id: `said${second}`,
    content: [{ type: 'text', text }],
    processed_at: at(second),
  }) as StreamEvent;
const ours = (second: number) =>
  ({ type: 'user.message', id: 'ours', content: [], processed_at: at(second) }) as StreamEvent;

describe('a turn of which the stream does not say when it began', () => {
  it('keeps what the agent said before the log told of our message', () => {
    const state = new TurnState(() => 'ours');
    state.apply(running(1), true);
    state.apply(said('One moment.', 3), true);
    state.apply(ours(2), false);
    state.apply(said('Here it is.', 5), false);
    expect(state.text).toBe('One moment.\n\nHere it is.');
  });

  it('does not keep what belonged to the turn before', () => {
    const state = new TurnState(() => 'ours');
    state.apply(running(1), true);
    state.apply(said('Of the turn before.', 2), true);
    state.apply(ours(4), true);
    state.apply(said('Ours.', 5), true);
    expect(state.text).toBe('Ours.');
  });
});

describe('a model that was too busy and has answered again', () => {
  const busy = {
    type: 'session.error',
    id: 'busy',
    error: {
      type: 'model_overloaded_error',
      message: 'overloaded',
      retry_status: { type: 'retrying' },
    },
    processed_at: at(2),
  } as StreamEvent;
  const use = { type: 'agent.tool_use', id: 'use', name: 'read', input: {}, processed_at: at(3) };
  const start = { type: 'event_start', event: { type: 'agent.message', id: 'said' } };

  it.each([
    ['uses a tool', use as StreamEvent],
    ['begins to speak', start as StreamEvent],
  ])('is no longer said to be busy once it %s', (_, event) => {
    const state = new TurnState(() => 'ours');
    state.apply(ours(1), true);
    state.apply(busy, true);
    expect(state.troubled).toBe(true);
    state.apply(event, true);
    expect(state.troubled).toBe(false);
  });
});

describe('a request to the model that is given up', () => {
  const failed = (retry: 'retrying' | 'exhausted', second: number, type = 'model_request_failed_error') =>
    ({
      type: 'session.error',
      id: `failed${second}`,
      processed_at: at(second),
      error: { type, message: 'no', retry_status: { type: retry } },
    }) as StreamEvent;
  const givenUp = (second: number) =>
    ({
      type: 'session.status_idle',
      id: 'idle',
      processed_at: at(second),
      stop_reason: { type: 'retries_exhausted' },
    }) as StreamEvent;
  const reasonAfter = (...events: StreamEvent[]) => {
    const state = new TurnState(() => 'ours');
    for (const event of [ours(1), ...events, givenUp(9)]) state.apply(event, true);
    return state.end?.type === 'retries_exhausted' ? state.end.reason : state.end;
  };

  it('was failing where it was tried again, and cannot be taken where it was not', () => {
    expect(reasonAfter(failed('retrying', 2), failed('exhausted', 3))).toBe('failing');
    expect(reasonAfter(failed('exhausted', 2))).toBe('unable');
    expect(reasonAfter(failed('retrying', 2), said('Well.', 3), failed('exhausted', 4))).toBe('unable');
    expect(reasonAfter(failed('exhausted', 2, 'model_overloaded_error'))).toBe('failing');
    expect(reasonAfter(failed('exhausted', 2, 'tool_use_limit_reached_error'))).toBe('too_many_steps');
    expect(reasonAfter()).toBe('failing');
  });
});

it('the result of a tool of ours was read when the agent took it up, not when it was sent', () => {
  const state = new TurnState(() => 'ours');
  const use = { type: 'agent.custom_tool_use', id: 'use', name: 'catalogue', input: {}, processed_at: at(2) };
  const result = { type: 'user.custom_tool_result', id: 'result', custom_tool_use_id: 'use', content: [] };
  state.apply(ours(1), true);
  state.apply(use as unknown as StreamEvent, true);
  state.apply({ ...result, processed_at: null } as unknown as StreamEvent, true);
  state.apply({ ...result, processed_at: at(4) } as unknown as StreamEvent, true);
  expect(state.uses.get('use')?.resultAt).toBe(at(4));
});

it('is over, and says what was said, where a service leaves out what a turn can do without', () => {
  const state = new TurnState(() => 'ours');
  const bare = (type: string, more: object = {}) => ({ type, id: type, ...more }) as StreamEvent;
  const busy = { error: { type: 'model_overloaded_error', message: 'overloaded' } };
  const events = [
    ours(1),
    bare('session.error', busy),
    bare('agent.tool_use', { name: 'read' }),
    bare('agent.tool_result', { tool_use_id: 'agent.tool_use' }),
    said('Here it is.', 5),
    bare('span.model_request_end'),
    bare('session.usage'),
    bare('session.status_idle'),
  ];
  for (const event of events) state.apply(event, true);
  expect(state.end).toEqual({ type: 'answered' });
  expect(state.text).toBe('Here it is.');
  expect(state.usage.tokens).toBe(0);
  expect(state.uses.get('agent.tool_use')?.input).toEqual({});
});
