import type { BetaManagedAgentsAgent } from '@anthropic-ai/sdk/resources/beta/agents/agents';
import type * as z from 'zod';
import {
  type AgentDefinition,
  type agentCreateParams,
  type agentUpdateParams,
  newDefinition,
  updatedDefinition,
} from './agent-definition.ts';
import { type Clock, timestamp, timestampOrNull } from './clock.ts';
import { Conditions, type CreatedAtRange } from './conditions.ts';
import type { Database, Reader } from './database.ts';
import { ApiError, invalid, notFound } from './errors.ts';
import { newId } from './ids.ts';
import { decodeCursor, type Page, pageOf, seqPosition } from './pages.ts';

type Agent = BetaManagedAgentsAgent;

export interface Agents {
  create(params: z.infer<typeof agentCreateParams>): Promise<Agent>;
  /** The latest version unless one is named. Also usable inside a transaction. */
  get(id: string, version?: number, reader?: Reader): Promise<Agent>;
  list(query: ListQuery): Promise<Page<Agent>>;
  versions(id: string, query: { limit: number; page?: string | undefined }): Promise<Page<Agent>>;
  /** A change makes the next version; no change makes none. A stale `version` is a conflict. */
  update(id: string, params: z.infer<typeof agentUpdateParams>): Promise<Agent>;
  archive(id: string): Promise<Agent>;
}

interface ListQuery extends CreatedAtRange {
  limit: number;
  page?: string | undefined;
  include_archived: boolean;
}

interface AgentRow {
  seq: number;
  id: string;
  version: number;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
  definition: string;
}

const COLUMNS = 'v.version, a.id, a.created_at, v.created_at AS updated_at, a.archived_at, v.definition';
const LATEST = `SELECT a.seq, ${COLUMNS} FROM agents a
  JOIN agent_versions v ON v.agent_id = a.id AND v.version = a.version`;

export function createAgents(db: Database, clock: Clock): Agents {
  async function get(id: string, version?: number, reader: Reader = db): Promise<Agent> {
    if (version === undefined) {
      const latest = await reader.first<AgentRow>(`${LATEST} WHERE a.id = ?`, [id]);
      if (!latest) throw notFound('agent', id);
      return render(latest);
    }
    const row = await reader.first<AgentRow>(
      `SELECT a.seq, ${COLUMNS} FROM agents a JOIN agent_versions v ON v.agent_id = a.id
       WHERE a.id = ? AND v.version = ?`,
      [id, version],
    );
    if (!row) throw notFound(`version ${version} of agent`, id);
    return render(row);
  }

  return {
    get,

    create(params) {
      const definition = newDefinition(params);
      return db.write(async tx => {
        const id = newId('agent');
        const now = clock();
        await tx.run('INSERT INTO agents (id, version, created_at) VALUES (?, 1, ?)', [id, now]);
        await tx.run('INSERT INTO agent_versions VALUES (?, 1, ?, ?)', [id, JSON.stringify(definition), now]);
        return get(id, undefined, tx);
      });
    },

    async list(query) {
      const list = 'agents desc';
      const conditions = new Conditions().within('a.created_at', query);
      if (!query.include_archived) conditions.whereTrue('a.archived_at IS NULL');
      if (query.page !== undefined) {
        conditions.where('a.seq < ?', decodeCursor(list, query.page, seqPosition)[0]);
      }
      const rows = await db.all<AgentRow>(
        `${LATEST} ${conditions.sql} ORDER BY a.seq DESC LIMIT ?`,
        conditions.params(query.limit + 1),
      );
      return pageOf(list, rows, query.limit, render);
    },

    async versions(id, query) {
      await get(id);
      const list = `agents/${id}/versions desc`;
      const conditions = new Conditions().where('a.id = ?', id);
      if (query.page !== undefined) {
        conditions.where('v.version < ?', decodeCursor(list, query.page, seqPosition)[0]);
      }
      const rows = await db.all<AgentRow>(
        `SELECT v.version AS seq, ${COLUMNS} FROM agents a JOIN agent_versions v ON v.agent_id = a.id
         ${conditions.sql} ORDER BY v.version DESC LIMIT ?`,
        conditions.params(query.limit + 1),
      );
      return pageOf(list, rows, query.limit, render);
    },

    update(id, params) {
      return db.write(async tx => {
        const current = await get(id, undefined, tx);
        if (current.archived_at !== null) throw invalid(`The agent ${id} is archived; archiving is final.`);
        if (params.version !== undefined && params.version !== current.version) {
          throw new ApiError(
            'conflict_error',
            `The agent ${id} is at version ${current.version}, not ${params.version}; read it and try again.`,
          );
        }
        const before = JSON.stringify(definitionOf(current));
        const after = JSON.stringify(updatedDefinition(definitionOf(current), params));
        if (after === before) return current;
        const version = current.version + 1;
        await tx.run('INSERT INTO agent_versions VALUES (?, ?, ?, ?)', [id, version, after, clock()]);
        await tx.run('UPDATE agents SET version = ? WHERE id = ?', [version, id]);
        return get(id, undefined, tx);
      });
    },

    archive(id) {
      return db.write(async tx => {
        const current = await get(id, undefined, tx);
        if (current.archived_at !== null) return current;
        await tx.run('UPDATE agents SET archived_at = ? WHERE id = ?', [clock(), id]);
        return get(id, undefined, tx);
      });
    },
  };
}

function render(row: AgentRow): Agent {
  return {
    id: row.id,
    type: 'agent',
    version: row.version,
    ...(JSON.parse(row.definition) as AgentDefinition),
    created_at: timestamp(row.created_at),
    updated_at: timestamp(Math.max(row.updated_at, row.archived_at ?? 0)),
    archived_at: timestampOrNull(row.archived_at),
  };
}

/** Key order is that of newDefinition, so equal definitions are equal text. */
function definitionOf(agent: Agent): AgentDefinition {
  const {
    id: _i,
    type: _t,
    version: _v,
    created_at: _c,
    updated_at: _u,
    archived_at: _a,
    ...definition
  } = agent;
  return definition;
}
