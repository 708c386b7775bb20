import { setTimeout as wait } from 'node:timers/promises';
import type { ContextBudget } from './context-budget.ts';
import { buildConversation } from './conversation.ts';
import { type RuntimeLog, silentLog } from './log.ts';
import { type ModelReply, orAborted, streamReply } from './model-reply.ts';
import {
  type AgentLoop,
  type LoopInput,
  type LoopOutcome,
  type Model,
  ModelError,
  type ModelErrorKind,
  type NewEvent,
  type SessionEvent,
} from './ports.ts';
import { systemPrompt } from './system-prompt.ts';
import { createScratch, openSandbox, type Scratch } from './tools/sandbox.ts';
import { createToolset, type ToolResult, type Toolset, unavailable } from './tools/toolset.ts';
import { answeredRequests, confirmationOf, modelState, openToolUses, type ToolUse } from './turn-log.ts';

export interface AgentLoopOptions {
  model: Model;
  log?: RuntimeLog;
  /** Waits between tries; rejects when the signal aborts. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  limits?: Partial<LoopLimits>;
}

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

const DEFAULT_LIMITS: LoopLimits = {
  tries: 4,
  firstWaitMs: 1_000,
  maxWaitMs: 30_000,
  maxRetryAfterMs: 120_000,
  requestsPerTurn: 50,
  context: { textBytes: 400_000, requestBytes: 20_000_000 },
  sessions: 64,
};

/** A conversation that never fits is not halved forever. */
const MAX_CONTEXT_CUTS = 5;

/** What is kept per session in this process; all of it can be lost without losing anything that was promised. */
interface SessionState {
  scratch: Scratch;
  /** Smaller than the limit once the model said that a conversation was too long for it. */
  budget: ContextBudget;
}

export function createAgentLoop(options: AgentLoopOptions): AgentLoop {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const sessions = new Map<string, SessionState>();

  function sessionState(sessionId: string): SessionState {
    const state = sessions.get(sessionId) ?? { scratch: createScratch(), budget: limits.context };
    // A Map iterates in order of insertion: the session just used goes to the end.
    sessions.delete(sessionId);
    sessions.set(sessionId, state);
    for (const oldest of sessions.keys()) {
      if (sessions.size <= limits.sessions) break;
      sessions.delete(oldest);
    }
    return state;
  }

  const settings = {
    model: options.model,
    log: options.log ?? silentLog,
    sleep: options.sleep ?? ((ms: number, signal: AbortSignal) => wait(ms, undefined, { signal })),
    limits,
  };
  return async input => {
    try {
      return await runTurn(settings, sessionState(input.sessionId), input);
    } catch (error) {
      if (input.signal.aborted) return { type: 'aborted' };
      throw error;
    }
  };
}

interface Settings {
  model: Model;
  log: RuntimeLog;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  limits: LoopLimits;
}

async function runTurn(settings: Settings, state: SessionState, input: LoopInput): Promise<LoopOutcome> {
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

  // The process ended after the last reply was logged and before the turn's end was.
  if (openToolUses(events).length === 0 && modelState(events) === 'done') return { type: 'end_turn' };

  for (;;) {
    const waiting = await answerToolUses();
    if (waiting.length > 0) return { type: 'requires_action', event_ids: waiting };
    if (answeredRequests(events) >= limits.requestsPerTurn) {
      await fail(
        'tool_use_limit_reached_error',
        `The turn was stopped after ${limits.requestsPerTurn} model requests.`,
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
      if (answer.result === 'deny')
        return errorResult(answer.deny_message || 'The person did not allow this.');
    }
    // Allowed tools run right after they are logged: one that is open in the history may have run before a crash.
    const repeated = permission === 'allow' && logged.has(use.id);
    log.info({ session: sessionId, tool: use.name, repeated }, 'tool run');
    return orAborted(toolset.run(use.name, use.input, { signal, repeated }), signal);
  }

  /** Undefined: the turn is given up, and the log says why. */
  async function askModel(): Promise<ModelReply | undefined> {
    let cuts = 0;
    for (let tries = 1; ; ) {
      const conversation = await orAborted(
        buildConversation(events, {
          readFile,
          budget: state.budget,
          replyWasCut: modelState(events) === 'cut',
        }),
        signal,
      );
      const system = systemPrompt(input, conversation.systemAdditions, conversation.shortened);
      const { messages } = conversation;
      const request = { model: agent.model.id, system, messages, tools: toolset.definitions };
      const start = await emit({ type: 'span.model_request_start' });
      const started = performance.now();
      const reply = await streamReply(model, request, input).catch((error: unknown) => {
        signal.throwIfAborted();
        return error instanceof ModelError ? error : unexpected(error);
      });
      const ms = Math.round(performance.now() - started);
      const about = { session: sessionId, model: model.label, messages: messages.length, ms };

      if (!(reply instanceof ModelError)) {
        const tooLong = reply.stopReason === 'model_context_window_exceeded';
        if (!tooLong || reply.content.length > 0) {
          log.info({ ...about, stop_reason: reply.stopReason, ...reply.usage }, 'model request');
          if (tooLong) shrinkContext(conversation.textBytes);
          await logReply(reply, start.id);
          return reply;
        }
        log.warn(
          { ...about, text_bytes: conversation.textBytes },
          'the conversation is too long for the model',
        );
        await endRequest(start.id, true, reply.usage);
        cuts += 1;
        if (cuts <= MAX_CONTEXT_CUTS) {
          shrinkContext(conversation.textBytes);
          continue;
        }
        await fail('model_request_failed_error', 'This conversation is too long for the model.');
        return undefined;
      }

      log.warn(
        { ...about, kind: reply.kind, retryable: reply.retryable, error: reply.message },
        'model request failed',
      );
      await endRequest(start.id, true);
      const type = ERROR_TYPES[reply.kind];
      const delay = Math.min(limits.firstWaitMs * 2 ** (tries - 1), limits.maxWaitMs);
      const waitMs = Math.max(delay, reply.retryAfterMs ?? 0);
      if (!reply.retryable || tries >= limits.tries || waitMs > limits.maxRetryAfterMs) {
        await fail(type, reply.message);
        return undefined;
      }
      tries += 1;
      await emit({
        type: 'session.error',
        error: { type, message: reply.message, retry_status: { type: 'retrying' } },
      });
      await orAborted(sleep(waitMs, signal), signal);
    }
  }

  /** Only complete replies get here; a refused one is not said, only ended. */
  async function logReply(reply: ModelReply, startId: string): Promise<void> {
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
    await endRequest(startId, false, reply.usage);
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

  async function endRequest(
    startId: string,
    isError: boolean,
    usage: ModelReply['usage'] = NO_USAGE,
  ): Promise<void> {
    await emit({
      type: 'span.model_request_end',
      model_request_start_id: startId,
      is_error: isError,
      model_usage: { ...usage },
    });
  }

  /** `exhausted`: this turn is over and the next message may work. The loop never ends a session (`terminal`). */
  async function fail(type: FailureType, message: string): Promise<void> {
    await emit({ type: 'session.error', error: { type, message, retry_status: { type: 'exhausted' } } });
  }

  function shrinkContext(textBytes: number): void {
    const half = Math.ceil(Math.min(textBytes, state.budget.textBytes) / 2);
    state.budget = { ...state.budget, textBytes: half };
  }

  function unexpected(error: unknown): ModelError {
    log.error({ session: sessionId, err: error }, 'the model threw an unexpected error');
    return new ModelError('request_failed', 'The model failed in an unexpected way.', { retryable: false });
  }
}

type FailureType =
  | 'model_overloaded_error'
  | 'model_rate_limited_error'
  | 'model_request_failed_error'
  | 'billing_error'
  | 'tool_use_limit_reached_error';

const ERROR_TYPES: Record<ModelErrorKind, FailureType> = {
  overloaded: 'model_overloaded_error',
  rate_limited: 'model_rate_limited_error',
  request_failed: 'model_request_failed_error',
  unreachable: 'model_request_failed_error',
  billing: 'billing_error',
};

const NO_USAGE: ModelReply['usage'] = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

/**
 * A call that cannot run (no such tool, unreadable input) is logged as the API logs calls it refuses before any
 * policy applies: permission deny, no evaluation. Even a custom tool's, so that no client is asked about it.
 */
function toolUseEvent(
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
function refusalText(name: string, toolset: Toolset): string {
  if (toolset.kind(name).type === 'unavailable') return unavailable(name);
  return `${name} was not run: its input was not a complete JSON object. If it was cut off, send less at once.`;
}

function errorResult(text: string): ToolResult {
  return { content: [{ type: 'text', text }], isError: true };
}

function withId(id: string | undefined): { id?: string } {
  return id === undefined ? {} : { id };
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
