import type { BetaManagedAgentsSession } from '@anthropic-ai/sdk/resources/beta/sessions/sessions';
import type * as z from 'zod';
import { refuseUnoffered, resolveModel, resolveTools } from './agent-definition.ts';
import type { Agents } from './agents.ts';
import type { Clock } from './clock.ts';
import type { Database, Transaction } from './database.ts';
import type { Environments } from './environments.ts';
import { invalid } from './errors.ts';
import type { EventHub } from './event-hub.ts';
import type { EventLog } from './event-log.ts';
import { acceptEvents } from './event-params.ts';
import { checkMetadata, patchMetadata } from './fields.ts';
import { newId } from './ids.ts';
import type { NewEvent } from './ports.ts';
import type { SessionEngine } from './session-engine.ts';
import { listSessions, type SessionListQuery, type SessionPage } from './session-list.ts';
import type { sessionAgentParam, sessionCreateParams, sessionUpdateParams } from './session-params.ts';
import type { SessionResources } from './session-resources.ts';
import {
  budgetOf,
  findSession,
  findSessionState,
  renderSession,
  type SessionAgent,
  type SessionRow,
} from './session-rows.ts';
import { thread } from './status-events.ts';

type Session = BetaManagedAgentsSession;

export interface Sessions {
  create(params: z.infer<typeof sessionCreateParams>): Promise<Session>;
  get(id: string): Promise<Session>;
  /** 404 unless the session exists. */
  require(id: string): Promise<void>;
  list(query: SessionListQuery): Promise<SessionPage>;
  /** A change is told to the streams as session.updated; no change is not. */
  update(id: string, params: z.infer<typeof sessionUpdateParams>): Promise<Session>;
  /** Final. Refused while a turn runs, as is deleting. */
  archive(id: string): Promise<Session>;
  remove(id: string): Promise<void>;
}

export interface SessionsDeps {
  db: Database;
  agents: Agents;
  environments: Environments;
  resources: SessionResources;
  engine: SessionEngine;
  events: EventLog;
  hub: EventHub;
  clock: Clock;
}

export function createSessions(deps: SessionsDeps): Sessions {
  const { db, engine, events, hub, clock } = deps;

  return {
    create(params) {
      const given = checkMetadata(params.metadata ?? {});
      const initial = acceptEvents(params.initial_events ?? []);
      return db.write(async tx => {
        const agent = await resolveAgent(deps.agents, tx, params.agent);
        const environment = await deps.environments.get(params.environment_id, tx);
        if (environment.archived_at !== null) {
          throw invalid(`The environment ${environment.id} is archived; choose another.`);
        }
        const resources = await deps.resources.resolve(tx, params.resources ?? []);
        const id = newId('sesn');
        const now = clock();
        await tx.run(
          `INSERT INTO sessions (id, thread_id, status, agent_id, agent_version, agent_name, agent, environment_id,
             title, metadata, resources, budget, had_budget, created_at, updated_at)
           VALUES (?, ?, 'idle', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          [
            id,
            newId('sthr'),
            agent.id,
            agent.version,
            agent.name,
            JSON.stringify(agent),
            environment.id,
            params.title ?? null,
            JSON.stringify(given),
            JSON.stringify(resources),
            params.budget ? JSON.stringify(params.budget) : null,
            params.budget ? 1 : 0,
            now,
            now,
          ],
        );
        for (const resource of resources) {
          if (resource.type !== 'memory_store') continue;
          await tx.run('INSERT INTO session_stores VALUES (?, ?)', [resource.memory_store_id, id]);
        }
        if (initial.length > 0) await engine.receive(tx, id, initial);
        return renderSession(await findSession(tx, id), clock());
      });
    },

    async get(id) {
      return renderSession(await findSession(db, id), clock());
    },

    async require(id) {
      await findSessionState(db, id);
    },

    list: query => listSessions(db, clock(), query),

    update(id, params) {
      return db.write(async tx => {
        const row = await findSession(tx, id);
        if (row.archived_at !== null) throw invalid(`The session ${id} is archived; archiving is final.`);
        const next = updated(row, params);
        const changes = changedFields(row, next);
        if (Object.keys(changes).length === 0) return renderSession(row, clock());
        await tx.run(
          'UPDATE sessions SET title = ?, metadata = ?, budget = ?, agent = ?, updated_at = ? WHERE id = ?',
          [next.title, next.metadata, next.budget, next.agent, clock(), id],
        );
        await events.append(tx, id, [{ type: 'session.updated', ...changes }]);
        return renderSession(await findSession(tx, id), clock());
      });
    },

    archive(id) {
      return db.write(async tx => {
        const row = await findSession(tx, id);
        if (row.archived_at !== null) return renderSession(row, clock());
        refuseRunning(row, 'archived');
        const now = clock();
        await tx.run(
          `UPDATE sessions SET status = 'terminated', archived_at = ?, updated_at = ? WHERE id = ?`,
          [now, now, id],
        );
        await tx.run('DELETE FROM pending_actions WHERE session_id = ?', [id]);
        await events.append(tx, id, [
          { type: 'session.thread_status_terminated', ...thread(row) },
          { type: 'session.status_terminated' },
        ]);
        return renderSession(await findSession(tx, id), clock());
      });
    },

    remove(id) {
      return db.write(async tx => {
        refuseRunning(await findSession(tx, id), 'deleted');
        await events.append(tx, id, [{ type: 'session.deleted' }]);
        await tx.run('DELETE FROM sessions WHERE id = ?', [id]);
        tx.scrub();
        tx.afterCommit(() => hub.close(id));
      });
    },
  };
}

/** The agent as the session keeps it, with the parts replaced that the session overrides. */
async function resolveAgent(
  agents: Agents,
  tx: Transaction,
  param: z.infer<typeof sessionAgentParam>,
): Promise<SessionAgent> {
  const reference = typeof param === 'string' ? { type: 'agent' as const, id: param } : param;
  const agent = await agents.get(reference.id, reference.version, tx);
  if (agent.archived_at !== null) throw invalid(`The agent ${agent.id} is archived; choose another.`);
  const { metadata: _m, created_at: _c, updated_at: _u, archived_at: _a, multiagent: _n, ...rest } = agent;
  const snapshot: SessionAgent = { ...rest, multiagent: null };
  if (reference.type === 'agent') return snapshot;
  refuseUnoffered(reference);
  return {
    ...snapshot,
    ...(reference.model === undefined ? {} : { model: resolveModel(reference.model) }),
    ...(reference.system === undefined ? {} : { system: reference.system || null }),
    ...(reference.tools === undefined ? {} : { tools: resolveTools(reference.tools) }),
  };
}

type Editable = Pick<SessionRow, 'title' | 'metadata' | 'budget' | 'agent'>;

function updated(row: SessionRow, params: z.infer<typeof sessionUpdateParams>): Editable {
  if (params.budget && !row.had_budget) {
    throw invalid('budget: only a session created with a budget can have one.', 'budget_create_only');
  }
  if (params.budget && row.budget === null) {
    throw invalid('budget: it was removed and cannot be added again.', 'budget_create_only');
  }
  let agent = row.agent;
  if (params.agent) {
    if (row.status === 'running') throw invalid('agent: it can only be updated while the session is idle.');
    refuseUnoffered(params.agent);
    const current: SessionAgent = JSON.parse(row.agent);
    if (params.agent.tools) agent = JSON.stringify({ ...current, tools: resolveTools(params.agent.tools) });
  }
  return {
    title: params.title === undefined ? row.title : params.title,
    metadata: JSON.stringify(checkMetadata(patchMetadata(JSON.parse(row.metadata), params.metadata))),
    budget: params.budget === undefined ? row.budget : params.budget && JSON.stringify(params.budget),
    agent,
  };
}

/** The fields of session.updated: only those that changed. */
function changedFields(
  row: Editable,
  next: Editable,
): Omit<Extract<NewEvent, { type: 'session.updated' }>, 'type'> {
  return {
    ...(next.title === row.title ? {} : { title: next.title }),
    ...(next.metadata === row.metadata ? {} : { metadata: JSON.parse(next.metadata) }),
    ...(next.budget === row.budget ? {} : { budget: budgetOf(next) }),
    ...(next.agent === row.agent ? {} : { agent: JSON.parse(next.agent) }),
  };
}

function refuseRunning(row: SessionRow, what: string): void {
  if (row.status === 'running') {
    throw invalid(
      `The session ${row.id} is running and cannot be ${what}; interrupt it or wait until it is idle.`,
    );
  }
}
