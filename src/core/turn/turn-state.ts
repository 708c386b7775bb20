import { accumulateManagedAgentsEvent } from '@anthropic-ai/sdk/lib/sessions/accumulate';
import type {
  BetaManagedAgentsAgentMessageEvent,
  BetaManagedAgentsStreamSessionEvents,
} from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type { TokenCounts } from '../telemetry.ts';
import type { ToolUse } from './activities.ts';

export type StreamEvent = BetaManagedAgentsStreamSessionEvents;

/** What a turn used, as the session's events report it. */
export interface TurnUsage {
  /** Input, output and newly cached; reading the cache is not counted. */
  tokens: number;
  /** What the session has cost at list price since it began, in cents; null where the service does not say. */
  sessionCents: number | null;
}

/** Why a turn is over. */
export type TurnEnd =
  | { type: 'answered' }
  | { type: 'refused' }
  | { type: 'budget_reached' }
  /** `reason`: `failing` may pass; `unable` will not, whoever runs the bot has to look at it; `too_many_steps` was ours. */
  | { type: 'retries_exhausted'; reason: 'failing' | 'unable' | 'too_many_steps'; error: string | null }
  | { type: 'terminated'; error: string | null }
  | { type: 'deleted' };

export type Pending = { type: 'confirm'; use: ToolUse } | { type: 'custom'; use: ToolUse };

/** A tool use and how far it has come; `usedAt` and `resultAt`: when it began, and the agent got its result, by the server's clock. */
export interface TrackedUse extends ToolUse {
  state: 'running' | 'done' | 'failed';
  usedAt: string | null;
  resultAt: string | null;
}

interface Segment {
  id: string;
  message: BetaManagedAgentsAgentMessageEvent;
  final: boolean;
}

/**
 * What the events of a session say about one turn: feed every event once, in order. It knows nothing of
 * networks or platforms, so that a turn read live, after a cut or after a crash comes out the same.
 */
export class TurnState {
  /** When the agent took our message up, by the server's clock; null until then. */
  begunAt: string | null = null;
  /** The last logged event seen, by the server's clock. */
  lastAt: string | null = null;
  end: TurnEnd | null = null;
  /** An idle came, but our message was never seen to be taken up: the log has to say whether it was ours. */
  doubtful = false;
  /** The model service is in trouble, and the API is trying again. */
  troubled = false;
  usage: TurnUsage = { tokens: 0, sessionCents: null };
  counts: TokenCounts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  readonly uses = new Map<string, TrackedUse>();
  private segments: Segment[] = [];
  private waitingFor: string[] = [];
  private custom = new Set<string>();
  private answered = new Set<string>();
  /** When the agent first said or did something in this turn, by the server's clock. */
  private actedAt: string | null = null;
  private lastError: string | null = null;
  private givenUp: Extract<TurnEnd, { type: 'retries_exhausted' }>['reason'] = 'failing';
  private readonly sentId: () => string | null;

  /** `sentId` is the event id of our user.message, null while it is not known. */
  constructor(sentId: () => string | null) {
    this.sentId = sentId;
  }

  /** Everything the agent has said in this turn so far. */
  get text(): string {
    return this.segments
      .map(segment => segment.message.content.map(block => ('text' in block ? block.text : '')).join(''))
      .filter(text => text.trim() !== '')
      .join('\n\n');
  }

  /** Tool uses the session waits for and nobody has answered. */
  get pending(): Pending[] {
    return this.waitingFor
      .filter(id => !this.answered.has(id))
      .map(id => {
        const use = this.uses.get(id) ?? { id, name: 'unknown', input: {} };
        return { type: this.custom.has(id) ? 'custom' : 'confirm', use };
      });
  }

  /** `live`: read from the stream after our message was sent, not from the log. */
  apply(event: StreamEvent, live: boolean): void {
    // Read again after a cut, the log may begin with the end of the turn before ours, which is not our end.
    if (!live && isBefore(event, this.begunAt)) return;
    if ('processed_at' in event && event.processed_at) this.lastAt = event.processed_at;
    if (event.type === 'user.message') {
      // Heard of late, perhaps from the log alone, it takes back nothing that the agent has done since.
      const isNews = this.actedAt === null || isAfter(event, this.actedAt);
      if (event.id === this.sentId() && event.processed_at && isNews) this.begin(event.processed_at);
      return;
    }
    // Running again after our message was sent: the sign of its start on a server that echoes no messages.
    // In the log it may be an earlier turn's start, and there our message stands itself.
    if (live && event.type === 'session.status_running' && this.begunAt === null && this.sentId() !== null) {
      this.begin(event.processed_at);
    }
    if (event.type === 'session.deleted') {
      this.end = { type: 'deleted' };
      return;
    }
    if (event.type === 'session.status_terminated') {
      this.end = { type: 'terminated', error: this.lastError };
      return;
    }
    if (this.begunAt === null) {
      // Another turn's events; but an idle may be the first we see of a server that echoes nothing.
      if (event.type === 'session.status_idle' && this.sentId() !== null) this.doubtful = true;
      return;
    }
    this.applyOwn(event);
  }

  /** Called with our message's time, from its echo or from the log. What came before is not this turn's. */
  begin(at: string): void {
    this.begunAt = at;
    this.actedAt = null;
    this.doubtful = false;
    this.segments = [];
    this.usage = { tokens: 0, sessionCents: null };
    this.counts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  }

  private applyOwn(event: StreamEvent): void {
    if (event.type.startsWith('agent.') || event.type === 'event_start') {
      this.actedAt ??= this.lastAt;
      // Whatever the agent does, the model has answered again.
      this.troubled = false;
    }
    switch (event.type) {
      case 'event_start':
        if (event.event.type !== 'agent.message') return;
        // A new message begins: what was announced before it and never arrived, never will.
        this.dropPreviews();
        this.preview(event.event.id, event);
        return;
      case 'event_delta':
        this.preview(event.event_id, event);
        return;
      case 'agent.message':
        this.finalise(event);
        return;
      case 'agent.tool_use':
        this.use({ id: event.id, name: event.name, input: event.input ?? {} });
        return;
      case 'agent.mcp_tool_use':
        this.use({ id: event.id, name: event.name, input: event.input ?? {}, server: event.mcp_server_name });
        return;
      case 'agent.custom_tool_use':
        this.custom.add(event.id);
        this.use({ id: event.id, name: event.name, input: event.input ?? {} });
        return;
      case 'agent.tool_result':
        this.result(event.tool_use_id, event);
        return;
      case 'agent.mcp_tool_result':
        this.result(event.mcp_tool_use_id, event);
        return;
      case 'user.tool_confirmation':
        this.answered.add(event.tool_use_id);
        return;
      case 'user.custom_tool_result':
        this.answered.add(event.custom_tool_use_id);
        this.result(event.custom_tool_use_id, event);
        return;
      case 'session.error':
        this.lastError = `${event.error.type}: ${event.error.message}`;
        this.givenUp = reasonOf(event.error, this.troubled);
        this.troubled = event.error.retry_status?.type === 'retrying';
        this.dropPreviews();
        return;
      case 'session.status_running':
        this.waitingFor = [];
        return;
      case 'session.status_idle':
        this.idle(event.stop_reason);
        return;
      case 'span.model_request_end': {
        // A compatible service may not count, or not all of it.
        const counted: Partial<typeof event.model_usage> = event.model_usage ?? {};
        const { input_tokens = 0, output_tokens = 0 } = counted;
        const { cache_creation_input_tokens = 0, cache_read_input_tokens = 0 } = counted;
        this.usage.tokens += input_tokens + output_tokens + cache_creation_input_tokens;
        this.counts.input += input_tokens;
        this.counts.output += output_tokens;
        this.counts.cacheRead += cache_read_input_tokens;
        this.counts.cacheWrite += cache_creation_input_tokens;
        return;
      }
      case 'session.usage':
        // Minor units, as a string.
        if (event.usage?.list_cost) this.usage.sessionCents = Number(event.usage.list_cost.amount);
        return;
      default:
        // Other spans, threads, and types newer than this SDK say nothing about the reply.
        return;
    }
  }

  /** `reason`: a compatible service may not say. */
  private idle(
    reason: Extract<StreamEvent, { type: 'session.status_idle' }>['stop_reason'] | undefined,
  ): void {
    switch (reason?.type) {
      case 'requires_action':
        this.waitingFor = reason.event_ids;
        return;
      case 'refusal':
        this.end = { type: 'refused' };
        break;
      case 'budget_reached':
        this.end = { type: 'budget_reached' };
        break;
      case 'retries_exhausted':
        this.end = { type: 'retries_exhausted', reason: this.givenUp, error: this.lastError };
        break;
      default:
        this.end = { type: 'answered' };
    }
    this.dropPreviews();
  }

  private use(use: ToolUse): void {
    if (!this.uses.has(use.id))
      this.uses.set(use.id, { ...use, state: 'running', usedAt: this.lastAt, resultAt: null });
  }

  private result(id: string, event: { is_error?: boolean | null; processed_at?: string | null }): void {
    const use = this.uses.get(id);
    if (use === undefined) return;
    use.state = event.is_error === true ? 'failed' : 'done';
    // What we send comes twice: queued, and once more when the agent takes it up.
    use.resultAt = event.processed_at ?? use.resultAt ?? this.lastAt;
  }

  private preview(id: string, event: StreamEvent): void {
    const segment = this.segments.find(candidate => candidate.id === id);
    if (segment?.final === true) return;
    // A delta whose beginning was lost with a cut stream: the finished message will bring the whole text.
    if (segment === undefined && event.type !== 'event_start') return;
    try {
      const message = accumulateManagedAgentsEvent(segment?.message, event);
      if (message === undefined) return;
      if (segment === undefined) this.segments.push({ id, message, final: false });
      else segment.message = message;
    } catch {
      // A gap in the deltas. Keep what is shown until the finished message replaces it.
    }
  }

  private finalise(message: BetaManagedAgentsAgentMessageEvent): void {
    const segment = this.segments.find(candidate => candidate.id === message.id);
    if (segment !== undefined) {
      segment.message = message;
      segment.final = true;
      return;
    }
    this.dropPreviews();
    this.segments.push({ id: message.id, message, final: true });
  }

  private dropPreviews(): void {
    this.segments = this.segments.filter(segment => segment.final);
  }
}

/** A request that was given up without having been tried again: the service does not expect it to work later. */
function reasonOf(
  error: Extract<StreamEvent, { type: 'session.error' }>['error'],
  wasRetried: boolean,
): Extract<TurnEnd, { type: 'retries_exhausted' }>['reason'] {
  switch (error.type) {
    case 'tool_use_limit_reached_error':
      return 'too_many_steps';
    case 'billing_error':
      return 'unable';
    case 'model_request_failed_error':
      return wasRetried ? 'failing' : 'unable';
    default:
      return 'failing';
  }
}

/** Both by the server's clock; false while the event has no time, or there is none to compare it with. */
export function isBefore(event: StreamEvent, at: string | null): boolean {
  const time = timeOf(event);
  return time !== null && at !== null && time < Date.parse(at);
}

/** Likewise, but true for an event that has no time yet, and for all where there is none to compare with. */
export function isAfter(event: StreamEvent, at: string | null): boolean {
  const time = timeOf(event);
  return time === null || at === null || time > Date.parse(at);
}

function timeOf(event: StreamEvent): number | null {
  return 'processed_at' in event && event.processed_at ? Date.parse(event.processed_at) : null;
}
