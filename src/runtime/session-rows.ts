import type { BetaManagedAgentsSessionUsageSnapshot } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type {
  BetaManagedAgentsSession,
  BetaManagedAgentsSessionAgent,
} from '@anthropic-ai/sdk/resources/beta/sessions/sessions';
import { timestamp, timestampOrNull } from './clock.ts';
import type { Reader } from './database.ts';
import { notFound } from './errors.ts';

export type SessionAgent = BetaManagedAgentsSessionAgent;
export type SessionResource = BetaManagedAgentsSession['resources'][number];
export type Budget = NonNullable<BetaManagedAgentsSession['budget']>;

/** What the engine needs at every event: small, unlike the agent and its system prompt. */
export interface SessionState {
  id: string;
  thread_id: string;
  status: BetaManagedAgentsSession['status'];
  /** 1 from a user.interrupt until its turn has ended, also across a crash. */
  interrupted: 0 | 1;
  agent_name: string;
  budget: string | null;
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
  active_ms: number;
  running_since: number | null;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
}

export interface SessionRow extends SessionState {
  seq: number;
  agent: string;
  environment_id: string;
  title: string | null;
  metadata: string;
  resources: string;
  had_budget: 0 | 1;
}

const STATE = `id, thread_id, status, interrupted, agent_name, budget, input_tokens, output_tokens,
  cache_read_input_tokens, cache_creation_input_tokens, active_ms, running_since, created_at, updated_at, archived_at`;

export async function findSessionState(reader: Reader, id: string): Promise<SessionState> {
  const row = await reader.first<SessionState>(`SELECT ${STATE} FROM sessions WHERE id = ?`, [id]);
  if (!row) throw notFound('session', id);
  return row;
}

export async function findSession(reader: Reader, id: string): Promise<SessionRow> {
  const row = await reader.first<SessionRow>('SELECT * FROM sessions WHERE id = ?', [id]);
  if (!row) throw notFound('session', id);
  return row;
}

export function renderSession(row: SessionRow, now: number): BetaManagedAgentsSession {
  const usage = usageOf(row, now);
  return {
    id: row.id,
    type: 'session',
    status: row.status,
    title: row.title,
    metadata: JSON.parse(row.metadata),
    environment_id: row.environment_id,
    vault_ids: [],
    budget: budgetOf(row),
    agent: JSON.parse(row.agent),
    resources: resourcesOf(row),
    outcome_evaluations: [],
    stats: statsOf(row, now),
    usage,
    deployment_id: null,
    created_at: timestamp(row.created_at),
    updated_at: timestamp(row.updated_at),
    archived_at: timestampOrNull(row.archived_at),
  };
}

export function statsOf(
  row: SessionState,
  now: number,
): { active_seconds: number; duration_seconds: number } {
  return {
    active_seconds: activeSeconds(row, now),
    duration_seconds: ((row.status === 'terminated' ? row.updated_at : now) - row.created_at) / 1000,
  };
}

/** No list_cost: nothing that runs here has a list price. */
export function usageOf(row: SessionState, now: number): BetaManagedAgentsSessionUsageSnapshot {
  return {
    active_seconds: activeSeconds(row, now),
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    cache_read_input_tokens: row.cache_read_input_tokens,
    cache_creation: {
      ephemeral_5m_input_tokens: row.cache_creation_input_tokens,
      ephemeral_1h_input_tokens: 0,
    },
  };
}

function activeSeconds(row: SessionState, now: number): number {
  return (row.active_ms + (row.running_since === null ? 0 : now - row.running_since)) / 1000;
}

export function budgetOf(row: { budget: string | null }): Budget | null {
  return row.budget === null ? null : JSON.parse(row.budget);
}

export function resourcesOf(row: { resources: string }): SessionResource[] {
  return JSON.parse(row.resources);
}
