import { setTimeout as wait } from 'node:timers/promises';
import { type RuntimeLog, silentLog } from './log.ts';
import { type LoopLimits, runTurn, type SessionState, type TurnSettings } from './loop-turn.ts';
import type { AgentLoop, Model } from './ports.ts';
import { createScratch } from './tools/sandbox.ts';

export interface AgentLoopOptions {
  model: Model;
  log?: RuntimeLog;
  /** Waits between tries; rejects when the signal aborts. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  limits?: Partial<LoopLimits>;
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

/**
 * The agent of every session: runs a session on from its log, see `runTurn`. Between turns it keeps each session's
 * scratch files; a rejected promise means that the log could not be written.
 */
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

  const settings: TurnSettings = {
    model: options.model,
    log: options.log ?? silentLog,
    sleep: options.sleep ?? ((ms, signal) => wait(ms, undefined, { signal })),
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
