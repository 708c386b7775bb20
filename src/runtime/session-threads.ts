import type { BetaManagedAgentsSessionThread } from '@anthropic-ai/sdk/resources/beta/sessions/threads/threads';
import { type Clock, timestamp, timestampOrNull } from './clock.ts';
import type { Database } from './database.ts';
import { invalid, notFound } from './errors.ts';
import { findSession, type SessionAgent, type SessionRow, statsOf, usageOf } from './session-rows.ts';

/** A session of this runtime has its primary thread and no other. */
export interface SessionThreads {
  list(sessionId: string): Promise<BetaManagedAgentsSessionThread[]>;
  get(sessionId: string, threadId: string): Promise<BetaManagedAgentsSessionThread>;
  /** Always refused: the primary thread ends with its session. */
  archive(sessionId: string, threadId: string): Promise<never>;
}

export function createSessionThreads(db: Database, clock: Clock): SessionThreads {
  async function get(sessionId: string, threadId: string): Promise<BetaManagedAgentsSessionThread> {
    const row = await findSession(db, sessionId);
    if (row.thread_id !== threadId) throw notFound('session thread', threadId);
    return render(row, clock());
  }

  return {
    get,
    async list(sessionId) {
      return [render(await findSession(db, sessionId), clock())];
    },
    async archive(sessionId, threadId) {
      await get(sessionId, threadId);
      throw invalid('The primary thread cannot be archived; archive the session instead.');
    },
  };
}

function render(row: SessionRow, now: number): BetaManagedAgentsSessionThread {
  const { multiagent: _m, ...agent }: SessionAgent = JSON.parse(row.agent);
  const started = row.running_since !== null || row.active_ms > 0;
  return {
    id: row.thread_id,
    type: 'session_thread',
    session_id: row.id,
    parent_thread_id: null,
    workflow_run_id: null,
    status: row.status,
    agent,
    stats: started ? { ...statsOf(row, now), startup_seconds: 0 } : null,
    usage: started ? usageOf(row, now) : null,
    created_at: timestamp(row.created_at),
    updated_at: timestamp(row.updated_at),
    archived_at: timestampOrNull(row.archived_at),
  };
}
