import type { ContextBudget } from './context-budget.ts';
import { buildConversation } from './conversation.ts';
import type { RuntimeLog } from './log.ts';
import {
  ERROR_TYPES,
  errorResult,
  type FailureType,
  NO_USAGE,
  refusalText,
  sessionError,
  toolUseEvent,
  withId,
} from './loop-events.ts';
import { type ModelReply, orAborted, streamReply } from './model-reply.ts';
import {
  type LoopInput,
  type LoopOutcome,
  type Model,
  ModelError,
  type ModelUsage,
  type NewEvent,
  type SessionEvent,
} from './ports.ts';
import { systemPrompt } from './system-prompt.ts';
import { openSandbox, type Scratch } from './tools/sandbox.ts';
import { createToolset, type ToolResult } from './tools/toolset.ts';
import { answeredRequests, confirmationOf, modelState, openToolUses, type ToolUse } from './turn-log.ts';

export interface LoopLimits {
  /** Times one model request is made before the turn is given up. */
  tries: number;
  /** The wait before the second try; it doubles from there. */
  firstWaitMs: number;
  maxWaitMs: number;
  /** An endpoint that asks for a longer wait is not waited for. */
  maxRetryAfterMs: number;
  /** Answered model requests in one turn. */
  requestsPerTurn: number;
  context: ContextBudget;
  /** Sessions whose scratch files are kept; the one unused for longest goes first. */
  sessions: number;
}

/** What is kept per session in this process; all of it can be lost without losing anything that was promised. */
export interface SessionState {
  scratch: Scratch;
  /** Smaller than the limit once the model said that a conversation was too long for it. */
  budget: ContextBudget;
}

export interface TurnSettings {
  model: Model;
  log: RuntimeLog;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  limits: LoopLimits;
}

/** A conversation that never fits is not halved forever. */
const MAX_CONTEXT_CUTS = 5;
const DENIED = 'The person did not allow this.';

type Attempt =
  | { type: 'replied'; reply: ModelReply }
  | { type: 'too_long' }
  | { type: 'failed'; error: ModelError };

/**
 * Carries a session on from its log until the turn ends or waits for someone: answer the open tool uses, ask the
 * model, log its reply, and again. Throws the signal's reason when it aborts, and what `emit` throws.
 */
export async function runTurn(
  settings: TurnSettings,
  state: SessionState,
  input: LoopInput,
): Promise<LoopOutcome> {
  const { model, log, sleep, limits } = settings;
  const { signal, agent, sessionId } = input;
  const events: SessionEvent[] = [...input.history];
  const logged = new Set(events.map(event => event.id));
  const toolset = createToolset(agent.tools, openSandbox(state.scratch, input.mounts, input.uploads));
  const readFile = memoized(input.readFile);

  async function emit(event: NewEvent): Promise<SessionEvent> {
    signal.throwIfAborted();
    const stored = await input.emit(event);
    events.push(stored);
    return stored;
  }

  // Nothing was said yet, or the process ended after the last reply was logged and before the turn's end was.
  const silent = !events.some(event => event.type === 'user.message');
  const over = modelState(events) === 'done' && openToolUses(events).length === 0;
  if (silent || over) return { type: 'end_turn' };

  for (;;) {
    const waiting = await answerToolUses();
    if (waiting.length > 0) return { type: 'requires_action', event_ids: waiting };
    if (answeredRequests(events) >= limits.requestsPerTurn) {
      const { requestsPerTurn } = limits;
      await fail(
        'tool_use_limit_reached_error',
        `The turn was stopped after ${requestsPerTurn} model requests.`,
      );
      return { type: 'retries_exhausted' };
    }
    const reply = await askModel();
    if (reply === undefined) return { type: 'retries_exhausted' };
    const outcome = await outcomeOf(reply);
    if (outcome !== undefined) return outcome;
  }

  /** Runs what may run, in order. Returns the ids of those that wait for the person or the client. */
  async function answerToolUses(): Promise<string[]> {
    const waiting: string[] = [];
    for (const use of openToolUses(events)) {
      const result = await resultOf(use);
      if (result === undefined) waiting.push(use.id);
      else {
        const { content, isError } = result;
        await emit({ type: 'agent.tool_result', tool_use_id: use.id, content, is_error: isError });
      }
    }
    return waiting;
  }

  async function resultOf(use: ToolUse): Promise<ToolResult | undefined> {
    if (use.type === 'agent.custom_tool_use') return undefined;
    const permission = use.evaluated_permission ?? 'allow';
    if (permission === 'deny') return errorResult(refusalText(use.name, toolset));
    if (permission === 'ask') {
      const answer = confirmationOf(events, use.id);
      if (answer === undefined) return undefined;
      if (answer.result === 'deny') return errorResult(answer.deny_message || DENIED);
    }
    // Allowed tools run right after they are logged: one that is open in the history may have run before a crash.
    // Of a confirmed one the log cannot tell, and it runs.
    const repeated = permission === 'allow' && logged.has(use.id);
    log.info({ event: 'runtime.tool_run', session: sessionId, tool: use.name, repeated }, 'tool run');
    return orAborted(toolset.run(use.name, use.input, { signal, repeated }), signal);
  }

  /** Undefined: the turn is given up, and the log says why. */
  async function askModel(): Promise<ModelReply | undefined> {
    const { budget } = state;
    let tries = 1;
    let cuts = 0;
    for (;;) {
      const attempt = await requestModel();
      switch (attempt.type) {
        case 'replied':
          return attempt.reply;
        case 'too_long':
          cuts += 1;
          if (cuts <= MAX_CONTEXT_CUTS) break;
          state.budget = budget;
          await fail('model_request_failed_error', 'This conversation is too long for the model.');
          return undefined;
        case 'failed': {
          const { error } = attempt;
          const type = ERROR_TYPES[error.kind];
          const delay = Math.min(limits.firstWaitMs * 2 ** (tries - 1), limits.maxWaitMs);
          const waitMs = Math.max(delay, error.retryAfterMs ?? 0);
          if (!error.retryable || tries >= limits.tries || waitMs > limits.maxRetryAfterMs) {
            await fail(type, error.message);
            return undefined;
          }
          tries += 1;
          await emit(sessionError(type, error.message, 'retrying'));
          await orAborted(sleep(waitMs, signal), signal);
          break;
        }
      }
    }
  }

  /** One request, with its span and, if it is answered, the events of the reply. */
  async function requestModel(): Promise<Attempt> {
    const replyWasCut = modelState(events) === 'cut';
    const conversation = await orAborted(
      buildConversation(events, { readFile, budget: state.budget, replyWasCut }),
      signal,
    );
    const { messages, systemAdditions, shortened, textBytes } = conversation;
    const system = systemPrompt(input, systemAdditions, shortened);
    const request = { model: agent.model.id, system, messages, tools: toolset.definitions };
    const start = await emit({ type: 'span.model_request_start' });
    const started = performance.now();
    const reply = await streamReply(model, request, input).catch((error: unknown) => {
      signal.throwIfAborted();
      return error instanceof ModelError ? error : unexpected(error);
    });
    const ms = Math.round(performance.now() - started);
    const about = {
      session: sessionId,
      model: model.label,
      messages: messages.length,
      text_bytes: textBytes,
      ms,
    };

    if (reply instanceof ModelError) {
      const { kind, retryable, message } = reply;
      log.warn(
        { event: 'runtime.model_failed', ...about, kind, retryable, error: withoutQuote(message) },
        'model request failed',
      );
      log.debug?.({ event: 'runtime.model_said', session: sessionId, error: message }, 'the endpoint said');
      await endRequest(start.id, true);
      return { type: 'failed', error: reply };
    }
    log.info(
      { event: 'runtime.model_request', ...about, stop_reason: reply.stopReason, ...reply.usage },
      'model request',
    );
    const tooLong = reply.stopReason === 'model_context_window_exceeded';
    if (tooLong) shrinkContext(textBytes);
    if (tooLong && reply.content.length === 0) {
      await endRequest(start.id, true, reply.usage);
      return { type: 'too_long' };
    }
    await logReply(reply);
    await endRequest(start.id, false, reply.usage);
    return { type: 'replied', reply };
  }

  /** Only complete replies get here; a refused one is not said, only ended. */
  async function logReply(reply: ModelReply): Promise<void> {
    const { thinkingId } = reply;
    const thought = reply.content.some(
      block => block.type === 'thinking' || block.type === 'redacted_thinking',
    );
    if (thought || thinkingId !== undefined) await emit({ type: 'agent.thinking', ...withId(thinkingId) });
    let texts = 0;
    for (const block of reply.stopReason === 'refusal' ? [] : reply.content) {
      if (block.type === 'text') {
        const id = reply.textIds[texts];
        texts += 1;
        if (block.text.trim() === '') continue;
        await emit({ type: 'agent.message', content: [{ type: 'text', text: block.text }], ...withId(id) });
      } else if (block.type === 'tool_use') {
        await emit(toolUseEvent(block.name, block.input, block.inputError !== undefined, toolset));
      }
    }
  }

  /** Undefined: the model goes on, with tool results or after a pause. */
  async function outcomeOf(reply: ModelReply): Promise<LoopOutcome | undefined> {
    if (reply.stopReason === 'refusal') {
      return { type: 'refusal', explanation: reply.refusalExplanation ?? null };
    }
    if (reply.content.some(block => block.type === 'tool_use')) return undefined;
    switch (reply.stopReason) {
      case 'pause_turn':
        return undefined;
      case 'max_tokens':
      case 'model_context_window_exceeded':
        if (reply.content.some(block => block.type === 'text' && block.text.trim() !== '')) {
          return { type: 'end_turn' };
        }
        await fail(
          'model_request_failed_error',
          'The model reached its output limit before it said anything.',
        );
        return { type: 'retries_exhausted' };
      default:
        return { type: 'end_turn' };
    }
  }

  async function endRequest(startId: string, isError: boolean, usage: ModelUsage = NO_USAGE): Promise<void> {
    await emit({
      type: 'span.model_request_end',
      model_request_start_id: startId,
      is_error: isError,
      model_usage: { ...usage },
    });
  }

  /** `exhausted`: this turn is over and the next message may work. The loop never ends a session (`terminal`). */
  async function fail(type: FailureType, message: string): Promise<void> {
    await emit(sessionError(type, message, 'exhausted'));
  }

  function shrinkContext(textBytes: number): void {
    const { budget } = state;
    state.budget = {
      textBytes: Math.ceil(Math.min(textBytes, budget.textBytes) / 2),
      requestBytes: Math.ceil(budget.requestBytes / 2),
    };
  }

  function unexpected(error: unknown): ModelError {
    log.error(
      { event: 'runtime.model_threw', session: sessionId, err: error },
      'the model threw an unexpected error',
    );
    return new ModelError('request_failed', 'The model failed in an unexpected way.', { retryable: false });
  }
}

/** An endpoint's own words may quote what was said to it. */
function withoutQuote(message: string): string {
  return message.replace(/(\((?:\d{3}|mid-answer)\)): .*$/s, '$1');
}

/** A turn builds the conversation once per request; the files in it are read once. */
function memoized(readFile: LoopInput['readFile']): LoopInput['readFile'] {
  const files = new Map<string, ReturnType<LoopInput['readFile']>>();
  return fileId => {
    const file = files.get(fileId) ?? readFile(fileId);
    files.set(fileId, file);
    return file;
  };
}
