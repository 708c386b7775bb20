import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsEventParams } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type { Log } from '../log.ts';
import { activityOf, looksIntoMemory, questionOf } from './activities.ts';
import type { Reply, ReplySink } from './adapter.ts';
import type { CustomToolRegistry } from './custom-tools.ts';
import { type Failure, failureOf, isRefusal } from './errors.ts';
import type { KeptStreams } from './kept-streams.ts';
import type { Person } from './message.ts';
import { backoff, pause } from './patience.ts';
import { followSession, readLog } from './session-stream.ts';
import { silentTurn, type TokenCounts, type TurnTelemetry } from './telemetry.ts';
import {
  isBefore,
  type Pending,
  type TrackedUse,
  type TurnEnd,
  TurnState,
  type TurnUsage,
} from './turn-state.ts';

export interface TurnLimits {
  /** How long one turn may take from the moment the agent has the message. */
  turnMs: number;
  /** How long an outage of the agent service is waited out. */
  outageMs: number;
  /** How long a yes/no question waits for its answer; then it is a no. */
  questionMs: number;
}

export interface TurnInput {
  client: Anthropic;
  sessionId: string;
  /** Where the person's memory is mounted; nowhere in a private conversation. */
  mountPaths: readonly string[];
  person: Person;
  /** What to say to the agent; asked for only when the session does not have it yet. */
  content: (signal: AbortSignal) => Promise<BetaManagedAgentsEventParams>;
  /** The event id under which the session has our message; null while that is unknown. */
  sentId: string | null;
  /** True when an earlier attempt may have sent it. */
  attempted: boolean;
  /** The last user.message of ours before this one, as the session knows it. */
  previousSentId: string | null;
  /** The server's time of the last event before this turn. */
  since: string | null;
  /** Sentences of the bot's own, shown above what the agent says. */
  preface: readonly string[];
  sink: ReplySink;
  tools: CustomToolRegistry;
  limits: TurnLimits;
  /** Streams of sessions between two turns. */
  kept?: KeptStreams;
  telemetry?: TurnTelemetry;
  log: Log;
  onSent(eventId: string): void;
  /** From now on the session may have our message although nobody knows its id; false: it surely does not. */
  onDoubt(isInDoubt: boolean): void;
  /** The process is going down: leave everything as it is, a later process carries on. */
  shutdown: AbortSignal;
  /** The person wants it to stop. */
  interrupt: AbortSignal;
}

export interface TurnResult {
  end: TurnEnd | { type: 'stopped' } | { type: 'timed_out' };
  /** What the agent said, without the preface. */
  text: string;
  /** Null when it was stopped before anything was sent. */
  sentId: string | null;
  /** The server's times of our message being taken up and of the turn's last event. */
  begunAt: string | null;
  lastAt: string | null;
  uses: TrackedUse[];
  usage: TurnUsage;
  counts: TokenCounts;
  /** A tool use on the person's memory failed: the store may be gone. */
  memoryTrouble: boolean;
  /** It was given up while the session, as far as is known, still works or waits for an answer. */
  leftOpen: boolean;
}

const INTERRUPT_GRACE_MS = 10_000;
const OVER = new DOMException('the turn is over', 'AbortError');

/**
 * One turn against one session: stream opened first, message sent once, events read until the session is
 * done with this message. Rejects only on what a retry cannot mend, after an outage that outlasts the limit,
 * and on shutdown.
 */
export async function runTurn(input: TurnInput): Promise<TurnResult> {
  const { client, sessionId, sink, log, limits } = input;
  const telemetry = input.telemetry ?? silentTurn;
  let sentId = input.sentId;
  let attempted = input.attempted;
  let troubleSince: number | null = null;
  let stopReason: 'stopped' | 'timed_out' | null = null;
  let shown = '';
  let endedLive = false;
  let message: BetaManagedAgentsEventParams | undefined;
  let troubledAt = Number.NEGATIVE_INFINITY;
  const state = new TurnState(() => sentId);
  const asked = new Set<string>();
  const over = new AbortController();
  const reading = AbortSignal.any([over.signal, input.shutdown]);
  const timers: NodeJS.Timeout[] = [];

  const show = () => {
    // What an interrupt or an error takes back stays on the screen until something replaces it.
    if (state.text !== '') {
      telemetry.mark('token');
      shown = state.text;
    }
    sink.show(snapshot());
  };
  const snapshot = (): Reply => ({
    state: 'working',
    text: joined(input.preface, shown),
    status: statusOf(state, troubleSince !== null, input),
    activities: activitiesOf(state, input),
  });

  // What it takes, a list or a file, is fetched while the stream is being opened.
  let preparing = attempted ? undefined : input.content(reading);
  preparing?.catch(() => {});

  async function deliver(): Promise<void> {
    if (sentId === null && attempted) sentId = await findSent(input);
    if (sentId === null) {
      const content = message ?? preparing ?? input.content(reading);
      preparing = undefined;
      message = await content;
      if (stopReason !== null) over.abort(OVER);
      reading.throwIfAborted();
      sentId = await send(message);
    }
    if (sentId === null) throw new Error('the session did not take our message');
    input.onSent(sentId);
  }

  async function send(event: BetaManagedAgentsEventParams): Promise<string | null> {
    attempted = true;
    input.onDoubt(true);
    // An SDK retry could send it twice; after a failure the log is asked first instead.
    const options = { maxRetries: 0, signal: reading };
    const sent = await client.beta.sessions.events
      .send(sessionId, { events: [event] }, options)
      .catch((error: unknown) => {
        if (isRefusal(error)) {
          attempted = false;
          input.onDoubt(false);
        }
        throw error;
      });
    return sent.data?.[0]?.id ?? (await findSent(input));
  }

  function onTrouble(failure: Extract<Failure, { type: 'retry' }> | null, error?: unknown): void {
    if (troubleSince !== null || failure !== null) troubledAt = Date.now();
    if (failure === null) troubleSince = null;
    else {
      troubleSince ??= troubledAt;
      if (troubledAt - troubleSince > limits.outageMs) throw error;
    }
    show();
  }

  /** An outage has a limit of its own; what was said meanwhile is read before a turn is given up. */
  function expire(): void {
    if (troubleSince === null && Date.now() - troubledAt >= INTERRUPT_GRACE_MS) stop('timed_out');
    else timers.push(setTimeout(expire, INTERRUPT_GRACE_MS));
  }

  /**
   * Sends what answers the session, for as long as the turn lasts: without it the session waits for ever. A failure that
   * may have reached it counts as sent once the log says so.
   */
  async function answer(event: BetaManagedAgentsEventParams, isAnswered: () => boolean): Promise<void> {
    for (let attempt = 0; !isAnswered() && !reading.aborted; attempt += 1) {
      try {
        await client.beta.sessions.events.send(
          sessionId,
          { events: [event] },
          { maxRetries: 0, signal: reading },
        );
        return;
      } catch (error) {
        const failure = failureOf(error);
        // Of a conflict the SDK would try again as well.
        const passes =
          failure.type === 'retry' || (failure.type === 'refused' && failure.reason === 'conflict');
        if (!passes) {
          if (failure.type !== 'aborted')
            log.warn({ event: 'turn.answer_refused', session: sessionId, err: error }, 'answer refused');
          return;
        }
        const afterMs = failure.type === 'retry' ? failure.afterMs : null;
        await pause(afterMs ?? backoff(attempt), reading);
      }
    }
  }

  function stop(reason: 'stopped' | 'timed_out'): void {
    if (stopReason !== null) return;
    stopReason = reason;
    if (!attempted) {
      over.abort();
      return;
    }
    timers.push(setTimeout(() => over.abort(), INTERRUPT_GRACE_MS));
    void answer({ type: 'user.interrupt' }, () => state.end !== null);
  }

  async function resolvePending(pending: Pending): Promise<void> {
    const { use } = pending;
    const isAnswered = () => !state.pending.some(other => other.use.id === use.id);
    if (pending.type === 'custom') {
      const { text, isError } = await input.tools.run(use.name, use.input, {
        person: input.person,
        signal: reading,
      });
      const content = [{ type: 'text' as const, text: text === '' ? '(no output)' : text }];
      await answer(
        { type: 'user.custom_tool_result', custom_tool_use_id: use.id, content, is_error: isError },
        isAnswered,
      );
      return;
    }
    const limit = AbortSignal.any([reading, input.interrupt, AbortSignal.timeout(limits.questionMs)]);
    const allowed = await sink.ask(questionOf(use, input.mountPaths, input.tools), limit).catch(() => false);
    if (reading.aborted) return;
    await answer(
      allowed
        ? { type: 'user.tool_confirmation', tool_use_id: use.id, result: 'allow' }
        : {
            type: 'user.tool_confirmation',
            tool_use_id: use.id,
            result: 'deny',
            deny_message: 'The person did not allow this.',
          },
      isAnswered,
    );
  }

  const onInterrupt = () => stop('stopped');
  input.interrupt.addEventListener('abort', onInterrupt, { once: true });
  if (input.interrupt.aborted) onInterrupt();
  try {
    for await (const batch of followSession({
      client,
      sessionId,
      opened: async () => {
        await telemetry.step('send', deliver);
        if (timers.length === 0) timers.push(setTimeout(expire, limits.turnMs));
      },
      // A message sent by an earlier process: what happened since then is in the log, not in a new stream.
      resume: input.attempted,
      since: () => input.since,
      onTrouble,
      onReconnect: telemetry.reconnected,
      ...(input.kept === undefined ? {} : { kept: input.kept }),
      isOver: () => endedLive && stopReason === null,
      signal: reading,
      log,
    })) {
      for (const event of batch.events) {
        if (!isBefore(event, input.since)) state.apply(event, batch.live);
        // What comes after the end of a turn is not its own.
        if (batch.live && state.end !== null) break;
      }
      // Read in the log, the end and what led to it may still be on its way in the stream.
      endedLive = batch.live && state.end?.type === 'answered';
      if (state.doubtful) {
        const begunAt = await processedAt(input, sentId);
        state.doubtful = false;
        if (begunAt !== null) {
          state.begin(begunAt);
          for (const event of await readLog(client, sessionId, begunAt, reading)) state.apply(event, false);
        }
      }
      // First, because what is asked stands below what was said.
      show();
      for (const pending of state.end === null ? state.pending : []) {
        if (asked.has(pending.use.id)) continue;
        asked.add(pending.use.id);
        resolvePending(pending).catch((error: unknown) => {
          log.error(
            { event: 'turn.answer_failed', session: sessionId, err: error },
            'answering the session failed',
          );
        });
      }
      if (state.end !== null) break;
    }
  } finally {
    input.interrupt.removeEventListener('abort', onInterrupt);
    for (const timer of timers) clearTimeout(timer);
    over.abort(OVER);
  }
  if (state.end === null && input.shutdown.aborted) throw input.shutdown.reason;
  return {
    end: stopReason === null ? (state.end ?? { type: 'stopped' }) : { type: stopReason },
    text: stopReason === null ? state.text : shown,
    sentId,
    begunAt: state.begunAt,
    lastAt: state.lastAt,
    uses: [...state.uses.values()],
    usage: state.usage,
    counts: state.counts,
    leftOpen: state.end === null && attempted,
    memoryTrouble: [...state.uses.values()].some(
      use => use.state === 'failed' && touches(use.input, input.mountPaths),
    ),
  };
}

/**
 * Our message in the session's log, when we cannot know whether sending succeeded. The bot is the only one who
 * speaks to its sessions and speaks once a turn, so the first message after our previous one is this one.
 */
async function findSent(input: TurnInput): Promise<string | null> {
  let passed = input.previousSentId === null;
  const messages = input.client.beta.sessions.events.list(input.sessionId, {
    types: ['user.message'],
    limit: 1_000,
  });
  for await (const event of messages) {
    if (passed) return event.id;
    passed = event.id === input.previousSentId;
  }
  return null;
}

/** When the agent took our message up, according to the log; null while it is still queued. */
async function processedAt(input: TurnInput, sentId: string | null): Promise<string | null> {
  const messages = input.client.beta.sessions.events.list(input.sessionId, {
    types: ['user.message'],
    limit: 1_000,
  });
  for await (const event of messages) {
    if (event.id === sentId && 'processed_at' in event) return event.processed_at ?? null;
  }
  return null;
}

function statusOf(state: TurnState, inTrouble: boolean, input: TurnInput): string | null {
  if (inTrouble) return "Can't reach my agent service, still trying";
  if (state.troubled) return 'The model is busy, still trying';
  const running = [...state.uses.values()].findLast(use => use.state === 'running');
  if (running !== undefined) return activityOf(running, input.mountPaths, input.tools).label;
  return state.text === '' ? 'Thinking' : null;
}

function touches(input: unknown, mountPaths: readonly string[]): boolean {
  const text = JSON.stringify(input);
  return mountPaths.some(path => text.includes(path));
}

function activitiesOf(state: TurnState, input: TurnInput): Reply['activities'] {
  return [...state.uses.values()].map(use => ({
    ...activityOf(use, input.mountPaths, input.tools),
    state: use.state === 'failed' && looksIntoMemory(use, input.mountPaths) ? 'done' : use.state,
  }));
}

export function joined(preface: readonly string[], text: string): string {
  return [...preface, text].filter(part => part.trim() !== '').join('\n\n');
}
