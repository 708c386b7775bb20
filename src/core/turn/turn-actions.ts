import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsEventParams } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type { Log } from '../../log.ts';
import type { ReplySink } from '../adapter.ts';
import { type Failure, failureOf } from '../errors.ts';
import type { Person } from '../message.ts';
import { backoff, pause } from '../patience.ts';
import type { SetTimer } from '../timer.ts';
import { questionOf } from './activities.ts';
import type { CustomToolRegistry } from './custom-tools.ts';
import type { Pending, TurnState } from './turn-state.ts';

export interface ActionsInput {
  client: Anthropic;
  sessionId: string;
  /** Where the person's memory is mounted; nowhere off the record. */
  mountPaths: readonly string[];
  person: Person;
  sink: ReplySink;
  tools: CustomToolRegistry;
  /** The person wants it to stop. */
  interrupt: AbortSignal;
  log: Log;
}

/** What a turn tells its session besides the message. */
export interface TurnActions {
  /**
   * Sends what answers the session, for as long as the turn lasts: without it the session waits for ever. A failure that
   * may have reached it counts as sent once the log says so. True unless it will not be taken as it is.
   */
  answer(event: BetaManagedAgentsEventParams, isAnswered: () => boolean): Promise<boolean>;
  /** Runs the tool, or asks the person, and answers. */
  resolve(pending: Pending): Promise<void>;
}

const DENIED = { result: 'deny', deny_message: 'The person did not allow this.' } as const;

export function createTurnActions(
  input: ActionsInput,
  turn: { state: TurnState; signal: AbortSignal; questionMs: number; setTimer: SetTimer },
): TurnActions {
  const { client, sessionId, sink, tools, log } = input;
  const { state, signal, questionMs, setTimer } = turn;

  async function answer(event: BetaManagedAgentsEventParams, isAnswered: () => boolean): Promise<boolean> {
    for (let attempt = 0; !isAnswered() && !signal.aborted; attempt += 1) {
      try {
        await client.beta.sessions.events.send(sessionId, { events: [event] }, { maxRetries: 0, signal });
        return true;
      } catch (error) {
        const failure = failureOf(error);
        // Of a conflict the SDK would try again as well.
        const passes =
          failure.type === 'retry' || (failure.type === 'refused' && failure.reason === 'conflict');
        if (!passes) {
          if (failure.type !== 'aborted')
            log.warn({ event: 'turn.answer_refused', session: sessionId, err: error }, 'answer refused');
          return !isOfContent(failure);
        }
        const afterMs = failure.type === 'retry' ? failure.afterMs : null;
        await pause(afterMs ?? backoff(attempt), signal);
      }
    }
    return true;
  }

  async function resolve({ type, use }: Pending): Promise<void> {
    const isAnswered = () => !state.pending.some(other => other.use.id === use.id);
    if (type === 'custom') {
      const { text, isError } = await tools.run(use.name, use.input, { person: input.person, signal });
      // The API takes no text that is blank.
      const result = text.trim() === '' ? '(no output)' : text;
      if (await answer(resultOf(use, result, isError), isAnswered)) return;
      // Without any result the session waits for ever.
      await answer(
        resultOf(use, 'The result could not be handed over. Carry on without it.', true),
        isAnswered,
      );
      return;
    }
    const allowed = await ask(use);
    if (signal.aborted) return;
    const verdict = allowed ? ({ result: 'allow' } as const) : DENIED;
    await answer({ type: 'user.tool_confirmation', tool_use_id: use.id, ...verdict }, isAnswered);
  }

  /** What nobody answers in time is a no. */
  async function ask(use: Pending['use']): Promise<boolean> {
    const late = new AbortController();
    const callOff = setTimer(() => late.abort(), questionMs);
    try {
      const limit = AbortSignal.any([signal, input.interrupt, late.signal]);
      return await sink.ask(questionOf(use, input.mountPaths, tools), limit).catch(() => false);
    } finally {
      callOff();
    }
  }

  return { answer, resolve };
}

function resultOf(use: Pending['use'], text: string, isError: boolean): BetaManagedAgentsEventParams {
  const content = [{ type: 'text' as const, text }];
  return { type: 'user.custom_tool_result', custom_tool_use_id: use.id, content, is_error: isError };
}

/** It is what was sent that is not taken; something else may be. */
function isOfContent(failure: Failure): boolean {
  return failure.type === 'refused' && (failure.reason === 'request' || failure.reason === 'too_large');
}
