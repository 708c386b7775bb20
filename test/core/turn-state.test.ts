import { describe, expect, it } from 'vitest';
import { type StreamEvent, TurnState } from '../../src/core/turn-state.ts';

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
