import type { Reply } from '../adapter.ts';
import type { Message } from '../message.ts';
import { joined, type TurnResult } from './turn.ts';
import type { TurnEnd } from './turn-state.ts';

/** What a person reads of how a turn ended, where the agent's own words do not say it. */

export const MEMORY_LOST =
  '(What I remembered about you was removed from outside since we last talked, so I am starting afresh.)';

/**
 * True when the session can take no further message, or would have to finish with this one first; or when it holds a file
 * that the model may have failed over: it would be given it again with every message.
 */
export function endsSession({ leftOpen, end }: TurnResult, messages: readonly Message[]): boolean {
  if (leftOpen || ['terminated', 'deleted', 'budget_reached'].includes(end.type)) return true;
  return end.type === 'retries_exhausted' && hasFile(messages);
}

function hasFile(messages: readonly Message[]): boolean {
  return messages.some(({ attachments }) => attachments.length > 0);
}

export function stateOf(result: TurnResult): Exclude<Reply['state'], 'working'> {
  switch (result.end.type) {
    case 'answered':
    case 'refused':
      return 'done';
    case 'stopped':
      return 'stopped';
    default:
      return 'failed';
  }
}

/** What the agent said, and where it did not end by itself, a sentence that says why. */
export function finalText(
  preface: readonly string[],
  result: TurnResult,
  messages: readonly Message[],
): string {
  return joined([...preface, result.text], endSentence(result, messages));
}

function endSentence({ end, text }: TurnResult, messages: readonly Message[]): string {
  switch (end.type) {
    case 'answered':
      return text.trim() === '' ? 'Done.' : '';
    case 'refused':
      return text.trim() === '' ? "I can't help with that. Ask me something else and I'm happy to." : '';
    case 'stopped':
      return 'Stopped.';
    case 'timed_out':
      return 'This took too long, so I stopped here. Ask me to go on, or try a smaller question.';
    case 'budget_reached':
      return 'This conversation has used up its budget, so I stopped here. Your next message starts a new one; I keep what I know about you.';
    case 'retries_exhausted':
      return givenUpSentence(end.reason, hasFile(messages));
    case 'terminated':
    case 'deleted':
      return 'This conversation was ended on the server before I could finish. Please send that again; I keep what I know about you.';
  }
}

function givenUpSentence(
  reason: Extract<TurnEnd, { type: 'retries_exhausted' }>['reason'],
  withFile: boolean,
): string {
  switch (reason) {
    case 'too_many_steps':
      return 'This took more steps than I may take at once, so I stopped here. Ask me to go on, or try a smaller question.';
    case 'unable':
      return withFile
        ? 'The model behind me could not handle that. It may be the file: please send that again without it. If that does not help, the people who run me need to look at it; I keep what I know about you.'
        : 'The model behind me could not handle my request, and trying again will not help: the people who run me need to look at it. I keep what I know about you.';
    case 'failing':
      return withFile
        ? 'The model behind me kept failing, so I could not finish. It may be the file: please send that again without it, or in a few minutes; I keep what I know about you.'
        : 'The model behind me kept failing, so I could not finish. Please send that again in a few minutes.';
  }
}
