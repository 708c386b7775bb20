/**
 * The seams inside the local runtime. The session engine owns the event log and the status of a session;
 * the agent loop owns what happens between a user's message and the next idle; a model only completes.
 * Event shapes are the SDK's own types, so that what we emit is what the official client expects.
 */

import type { BetaManagedAgentsSessionEvent } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type { MessageParam, Tool } from '@anthropic-ai/sdk/resources/messages';

export type SessionEvent = BetaManagedAgentsSessionEvent;

type WithoutStamp<E> = E extends unknown ? Omit<E, 'id' | 'processed_at'> & { id?: string } : never;
/** An event before the log has given it a time and, unless a preview already announced one, an id. */
export type NewEvent = WithoutStamp<SessionEvent>;

export interface MountedFile {
  /** Path inside the store, e.g. "/sizes.md". */
  path: string;
  sizeBytes: number;
  updatedAt: Date;
}

/**
 * A memory store as the tools see it. Every successful write is a memory version made by this session.
 * Failures are `MountError`s.
 */
export interface MemoryMount {
  /** e.g. "/mnt/memory/shopper-memory" */
  readonly mountPath: string;
  readonly access: 'read_write' | 'read_only';
  readonly name: string;
  readonly description: string;
  readonly instructions: string | null;
  list(): Promise<MountedFile[]>;
  read(path: string): Promise<string>;
  /** Creates or replaces. */
  write(path: string, content: string): Promise<void>;
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

export type MountErrorCode =
  | 'ENOENT'
  | 'EROFS'
  | 'EEXIST'
  | 'ENOTDIR'
  | 'EISDIR'
  | 'EINVAL'
  | 'EFBIG'
  | 'ENOSPC';

/** A write or read the store refused, as a file system would say it. */
export class MountError extends Error {
  readonly code: MountErrorCode;
  constructor(code: MountErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.name = 'MountError';
    this.code = code;
  }
}

/** A file uploaded for the session, read-only under /mnt/session/uploads. */
export interface UploadedFile {
  path: string;
  mediaType: string;
  read(): Promise<Uint8Array>;
}

/** The agent as a session pinned it. `tools` are the resolved tools of the API, configs included. */
export interface LoopAgent {
  name: string;
  model: { id: string };
  system: string | null;
  tools: readonly AgentTool[];
}

export type AgentTool =
  | { type: 'agent_toolset_20260401'; default_config: ToolConfig; configs: (ToolConfig & { name: string })[] }
  | { type: 'custom'; name: string; description: string; input_schema: Record<string, unknown> };

export interface ToolConfig {
  enabled: boolean;
  permission_policy: { type: 'always_allow' | 'always_ask' | 'auto' };
}

export interface LoopInput {
  sessionId: string;
  agent: LoopAgent;
  /** The processed log so far, oldest first; messages still queued are not in it. */
  history: readonly SessionEvent[];
  mounts: readonly MemoryMount[];
  uploads: readonly UploadedFile[];
  /** Bytes of a file a message refers to by id (image or document source of type "file"). */
  readFile(fileId: string): Promise<{ mediaType: string; data: Uint8Array }>;
  /** Aborted by user.interrupt and by shutdown. The loop then stops at once and emits nothing more. */
  signal: AbortSignal;
  /** Appends to the log; durable and broadcast when it resolves. */
  emit(event: NewEvent): Promise<SessionEvent>;
  /** Announces an event that will follow (`event_start`); returns the id to emit it under. */
  previewStart(type: 'agent.message' | 'agent.thinking'): string;
  /** A piece of that event's text (`event_delta`); not logged. */
  previewDelta(eventId: string, text: string): void;
}

/** Why the loop gave control back; the engine turns it into session.status_idle (or, if aborted, ignores it). */
export type LoopOutcome =
  | { type: 'end_turn' }
  | { type: 'requires_action'; event_ids: string[] }
  | { type: 'refusal'; explanation: string | null }
  | { type: 'retries_exhausted' }
  | { type: 'aborted' };

/**
 * Runs from the log as it stands: answers tool uses that have no result yet (confirmed ones run, denied ones
 * get an error result), asks the model, runs its tools, and so on. Because it starts from the log alone it
 * also carries on after a crash.
 */
export type AgentLoop = (input: LoopInput) => Promise<LoopOutcome>;

export interface ModelRequest {
  /** The model id of agent.yml; a configured MODEL replaces it. */
  model: string;
  system: string;
  messages: MessageParam[];
  tools: Tool[];
}

export type ModelBlock =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | {
      type: 'tool_use';
      id: string;
      name: string;
      input: Record<string, unknown>;
      /** Why `input` is empty: what the model wrote could not be read. The loop answers instead of running it. */
      inputError?: string;
    };

export interface ModelUsage {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
}

export type ModelEvent =
  | { type: 'thinking_started' }
  | { type: 'text_started' }
  | { type: 'text_delta'; text: string }
  | {
      type: 'finished';
      /** Stop reasons of the Messages API: end_turn, max_tokens, stop_sequence, tool_use, pause_turn, refusal, ... */
      stopReason: string;
      content: ModelBlock[];
      usage: ModelUsage;
      /** With stop reason "refusal": the API's `stop_details.explanation`. */
      refusalExplanation?: string | null;
    };

/** One streamed completion. Errors are `ModelError`s. */
export interface Model {
  /** For the log, e.g. "offline" or "claude-sonnet-5-5 at api.anthropic.com". */
  readonly label: string;
  complete(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

export type ModelErrorKind = 'overloaded' | 'rate_limited' | 'request_failed' | 'billing' | 'unreachable';

/** `retryable`: trying the same request again may succeed; `retryAfterMs` is the endpoint's own wish. */
export class ModelError extends Error {
  readonly kind: ModelErrorKind;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  constructor(
    kind: ModelErrorKind,
    message: string,
    options: { retryable: boolean; retryAfterMs?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.name = 'ModelError';
    this.kind = kind;
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
  }
}
