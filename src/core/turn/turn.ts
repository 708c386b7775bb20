import type { Reply } from '../adapter.ts';
import type { Failure } from '../errors.ts';
import type { KeptStreams } from '../session/kept-streams.ts';
import { followSession, readLog } from '../session/session-stream.ts';
import type { TokenCounts, TurnTelemetry } from '../telemetry.ts';
import type { SetTimer } from '../timer.ts';
import { labelOf, looksIntoMemory } from './activities.ts';
import { type ActionsInput, createTurnActions } from './turn-actions.ts';
import { createDelivery, type DeliveryInput } from './turn-delivery.ts';
import { isBefore, type TrackedUse, type TurnEnd, TurnState, type TurnUsage } from './turn-state.ts';

export interface TurnLimits {
  /** How long one turn may take from the moment the agent has the message. */
  turnMs: number;
  /** How long an outage of the agent service is waited out. */
  outageMs: number;
  /** How long a yes/no question waits for its answer; then it is a no. */
  questionMs: number;
}

export interface TurnInput extends DeliveryInput, ActionsInput {
  /** The server's time of the last event before this turn. */
  since: string | null;
  /** Sentences of the bot's own, shown above what the agent says. */
  preface: readonly string[];
  limits: TurnLimits;
  /** Streams of sessions between two turns. */
  kept: KeptStreams;
  telemetry: TurnTelemetry;
  /** The process is going down: leave everything as it is, a later process carries on. */
  shutdown: AbortSignal;
  now: () => number;
  setTimer: SetTimer;
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

/** While an outage of the agent service is waited out. */
export const UNREACHED = "Can't reach my agent service, still trying";
const INTERRUPT_GRACE_MS = 10_000;
const OVER = new DOMException('the turn is over', 'AbortError');

/**
 * One turn against one session: stream opened first, message sent once, events read until the session is
 * done with this message. Rejects only on what a retry cannot mend, after an outage that outlasts the limit,
 * and on shutdown.
 */
export async function runTurn(input: TurnInput): Promise<TurnResult> {
  const { client, sessionId, sink, log, limits, telemetry, now, setTimer } = input;
  const over = new AbortController();
  const reading = AbortSignal.any([over.signal, input.shutdown]);
  const delivery = createDelivery(input, reading, () => {
    if (stopReason !== null) over.abort(OVER);
  });
  const state = new TurnState(() => delivery.sentId);
  const { questionMs } = limits;
  const actions = createTurnActions(input, { state, signal: reading, questionMs, setTimer });
  const asked = new Set<string>();
  /** Each calls a timer off. */
  const timers: (() => void)[] = [];
  let stopReason: 'stopped' | 'timed_out' | null = null;
  let troubleSince: number | null = null;
  let troubledAt = Number.NEGATIVE_INFINITY;
  let shown = '';
  let endedLive = false;

  function show(): void {
    // What an interrupt or an error takes back stays on the screen until something replaces it.
    if (state.text !== '') {
      telemetry.mark('token');
      shown = state.text;
    }
    sink.show({
      state: 'working',
      text: joined(input.preface, shown),
      status: statusOf(state, troubleSince !== null, input),
      activities: activitiesOf(state, input),
    });
  }

  function onTrouble(failure: Extract<Failure, { type: 'retry' }> | null, error?: unknown): void {
    if (troubleSince !== null || failure !== null) troubledAt = now();
    if (failure === null) troubleSince = null;
    else {
      troubleSince ??= troubledAt;
      if (troubledAt - troubleSince > limits.outageMs) throw error;
    }
    show();
  }

  /** An outage has a limit of its own; what was said meanwhile is read before a turn is given up. */
  function expire(): void {
    if (troubleSince === null && now() - troubledAt >= INTERRUPT_GRACE_MS) stop('timed_out');
    else timers.push(setTimer(expire, INTERRUPT_GRACE_MS));
  }

  function stop(reason: 'stopped' | 'timed_out'): void {
    if (stopReason !== null) return;
    stopReason = reason;
    if (!delivery.attempted) {
      over.abort();
      return;
    }
    timers.push(setTimer(() => over.abort(), INTERRUPT_GRACE_MS));
    void actions.answer({ type: 'user.interrupt' }, () => state.end !== null);
  }

  const onInterrupt = () => stop('stopped');
  input.interrupt.addEventListener('abort', onInterrupt, { once: true });
  if (input.interrupt.aborted) onInterrupt();
  try {
    for await (const batch of followSession({
      client,
      sessionId,
      opened: async () => {
        await telemetry.step('send', delivery.deliver);
        if (timers.length === 0) timers.push(setTimer(expire, limits.turnMs));
      },
      // A message sent by an earlier process: what happened since then is in the log, not in a new stream.
      resume: input.attempted,
      since: () => input.since,
      onTrouble,
      onReconnect: telemetry.reconnected,
      kept: input.kept,
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
        const begunAt = await delivery.processedAt();
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
        actions.resolve(pending).catch((error: unknown) => {
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
    for (const callOff of timers) callOff();
    over.abort(OVER);
  }
  if (state.end === null && input.shutdown.aborted) throw input.shutdown.reason;
  return {
    end: stopReason === null ? (state.end ?? { type: 'stopped' }) : { type: stopReason },
    text: stopReason === null ? state.text : shown,
    sentId: delivery.sentId,
    begunAt: state.begunAt,
    lastAt: state.lastAt,
    uses: [...state.uses.values()],
    usage: state.usage,
    counts: state.counts,
    leftOpen: state.end === null && delivery.attempted,
    memoryTrouble: [...state.uses.values()].some(
      use => use.state === 'failed' && touches(use.input, input.mountPaths),
    ),
  };
}

function statusOf(state: TurnState, inTrouble: boolean, input: TurnInput): string | null {
  if (inTrouble) return UNREACHED;
  if (state.troubled) return 'The model is busy, still trying';
  const running = [...state.uses.values()].findLast(use => use.state === 'running');
  if (running !== undefined) return labelOf(running, input.mountPaths, input.tools);
  return state.text === '' ? 'Thinking' : null;
}

function touches(input: unknown, mountPaths: readonly string[]): boolean {
  const text = JSON.stringify(input);
  return mountPaths.some(path => text.includes(path));
}

function activitiesOf(state: TurnState, input: TurnInput): Reply['activities'] {
  return [...state.uses.values()].map(use => ({
    id: use.id,
    label: labelOf(use, input.mountPaths, input.tools),
    state: use.state === 'failed' && looksIntoMemory(use, input.mountPaths) ? 'done' : use.state,
  }));
}

export function joined(preface: readonly string[], text: string): string {
  return [...preface, text].filter(part => part.trim() !== '').join('\n\n');
}
