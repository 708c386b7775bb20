/**
 * What the core tells those who run the bot about its work: times, counts and outcomes, never a word of what
 * anybody said, and nobody's id except in the names of sessions.
 */

import type { Receipt } from './adapter.ts';

/** Parts of a turn that take time. `stream` spans everything between the bot and the session. */
export type TurnStep = 'session.open' | 'stream' | 'send' | 'reply.finish' | 'notice';

/**
 * Moments of a turn; of each the first counts. `sign`: the platform was told to show that work has begun. `sent`:
 * the session has the message. `token`: the agent's first words arrived. `text`: a platform shows text of the reply.
 */
export type TurnMark = 'sign' | 'sent' | 'token' | 'text';

/**
 * How a turn ended. Besides what the session says: `turned_away` (never sent: limits, access, an empty message),
 * `failed` (the person read a sentence about it) and `left` (for a later process, or for another attempt).
 */
export type TurnEnding =
  | 'answered'
  | 'refused'
  | 'budget_reached'
  | 'retries_exhausted'
  | 'terminated'
  | 'deleted'
  | 'stopped'
  | 'timed_out'
  | 'turned_away'
  | 'failed'
  | 'left';

/** Why a stream had to be opened again. */
export type Reconnect = 'ended' | 'stalled' | 'unreachable' | 'busy' | 'broken';

/** Tokens of one turn, as the service counts them. */
export interface TokenCounts {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

/** A message that a turn answers: when it was accepted (our clock) and what its trace is called. */
export interface Origin {
  receivedAt: number;
  trace?: string | undefined;
}

export interface TurnTelemetry {
  /** Runs `work` as a named part of the turn; its result and errors pass through. */
  step<T>(name: TurnStep, work: () => Promise<T>): Promise<T>;
  mark(mark: TurnMark): void;
  session(id: string, isNew: boolean): void;
  reconnected(reason: Reconnect): void;
  /** Once per turn; `cents` is what the turn has cost at list price, null where the service does not say. */
  used(tokens: TokenCounts, cents: number | null): void;
  /** A notice about memory was shown; `held`: it asks about changes that were taken back. */
  noticed(kind: 'told' | 'held'): void;
  ended(ending: TurnEnding): void;
}

export interface Telemetry {
  /** Around taking a delivery in. `accept` is given what the message's trace is called, to be kept beside it. */
  receive(platform: string, accept: (trace: string | undefined) => Promise<Receipt>): Promise<Receipt>;
  /** Around one turn. `resumed`: an earlier attempt had begun it. One that throws without an ending was `left`. */
  turn<T>(
    about: { platform: string; origins: readonly Origin[]; resumed: boolean },
    work: (turn: TurnTelemetry) => Promise<T>,
  ): Promise<T>;
}

/** How much there is to do right now. */
export interface Load {
  /** Conversations that this process answers. */
  running: number;
  /** Conversations that wait for their turn; of all processes together where they share turns. */
  waiting: number;
  /** Messages accepted and not yet answered, of all processes that share the state. */
  messages: number;
}

/** For adapters: something had to wait, because the platform said so or to stay within what it allows. */
export type RateLimited = (by: 'platform' | 'budget', waitMs: number) => void;

export const silentTurn: TurnTelemetry = {
  step: (_name, work) => work(),
  mark() {},
  session() {},
  reconnected() {},
  used() {},
  noticed() {},
  ended() {},
};

export const noTelemetry: Telemetry = {
  receive: (_platform, accept) => accept(undefined),
  turn: (_about, work) => work(silentTurn),
};
