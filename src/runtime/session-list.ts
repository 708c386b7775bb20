import type { BetaManagedAgentsSession } from '@anthropic-ai/sdk/resources/beta/sessions/sessions';
import * as z from 'zod';
import { Conditions, type CreatedAtRange } from './conditions.ts';
import type { Reader } from './database.ts';
import { decodeCursor, encodeCursor, type Order } from './pages.ts';
import { renderSession, type SessionRow } from './session-rows.ts';

export const SESSION_STATUSES = ['rescheduling', 'running', 'idle', 'terminated'] as const;

export interface SessionListQuery extends CreatedAtRange {
  limit: number;
  page?: string | undefined;
  order: Order;
  include_archived: boolean;
  agent_id?: string | undefined;
  agent_version?: number | undefined;
  deployment_id?: string | undefined;
  memory_store_id?: string | undefined;
  statuses?: string[] | undefined;
}

export interface SessionPage {
  data: BetaManagedAgentsSession[];
  next_page: string | null;
  prev_page: string | null;
}

/** Cursors go both ways: [direction, seq] is "the page after (or before) the session with this seq". */
export async function listSessions(db: Reader, now: number, query: SessionListQuery): Promise<SessionPage> {
  const name = `sessions ${query.order}`;
  const [direction, from] =
    query.page === undefined
      ? ['next' as const, undefined]
      : decodeCursor(name, query.page, z.tuple([z.enum(['next', 'prev']), z.number().int()]));
  const ascending = (query.order === 'asc') === (direction === 'next');
  const conditions = new Conditions()
    .where(ascending ? 's.seq > ?' : 's.seq < ?', from)
    .where('s.agent_id = ?', query.agent_id)
    .where('s.agent_version = ?', query.agent_id === undefined ? undefined : query.agent_version)
    .where('s.id IN (SELECT session_id FROM session_stores WHERE store_id = ?)', query.memory_store_id)
    .where('s.status IN (SELECT value FROM json_each(?))', query.statuses && JSON.stringify(query.statuses))
    .within('s.created_at', query);
  if (!query.include_archived) conditions.whereTrue('s.archived_at IS NULL');
  if (query.deployment_id !== undefined) conditions.whereTrue('false');
  const rows = await db.all<SessionRow>(
    `SELECT s.* FROM sessions s ${conditions.sql} ORDER BY s.seq ${ascending ? 'ASC' : 'DESC'} LIMIT ?`,
    conditions.params(query.limit + 1),
  );
  const more = rows.length > query.limit;
  const shown = rows.slice(0, query.limit);
  if (direction === 'prev') shown.reverse();
  const [first, last] = [shown.at(0), shown.at(-1)];
  const hasNext = direction === 'next' ? more : true;
  const hasPrev = direction === 'next' ? from !== undefined : more;
  return {
    data: shown.map(row => renderSession(row, now)),
    next_page: hasNext && last ? encodeCursor(name, ['next', last.seq]) : null,
    prev_page: hasPrev && first ? encodeCursor(name, ['prev', first.seq]) : null,
  };
}
