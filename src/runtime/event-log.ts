import * as z from 'zod';
import { type Clock, timestamp } from './clock.ts';
import { Conditions, type CreatedAtRange } from './conditions.ts';
import type { Database, Reader, Transaction } from './database.ts';
import type { EventHub } from './event-hub.ts';
import { newId } from './ids.ts';
import { decodeCursor, encodeCursor, type Order } from './pages.ts';
import type { NewEvent, SessionEvent } from './ports.ts';

/** What a client sends; `processed_at` is null until the agent takes it up. */
export type SentEvent = Extract<
  SessionEvent,
  {
    type:
      | 'user.message'
      | 'user.interrupt'
      | 'user.tool_confirmation'
      | 'user.custom_tool_result'
      | 'system.message';
  }
>;
/** What waits while a turn runs. */
export type QueuedEvent = Extract<SessionEvent, { type: 'user.message' | 'system.message' }>;

/**
 * The durable history of sessions: `append` records and, with the commit, broadcasts. What waits for its turn
 * is in the queue and not yet history.
 */
export interface EventLog {
  /** Gives the events their time (and id, unless they have one) and returns them as they are now known. */
  append(tx: Transaction, sessionId: string, events: readonly NewEvent[]): Promise<SessionEvent[]>;
  /** Shows an event to the streams without recording it: what was sent, before it is processed. */
  announce(tx: Transaction, sessionId: string, events: readonly SessionEvent[]): void;
  enqueue(tx: Transaction, sessionId: string, events: readonly QueuedEvent[]): Promise<void>;
  /** Empties the queue. */
  takeQueued(tx: Transaction, sessionId: string): Promise<QueuedEvent[]>;
  /** What has been processed, oldest first. */
  history(reader: Reader, sessionId: string): Promise<SessionEvent[]>;
  /** A page as JSON text, because events are stored as the text they are sent as. */
  list(sessionId: string, query: ListQuery): Promise<string>;
}

interface ListQuery extends CreatedAtRange {
  limit: number;
  page?: string | undefined;
  order: Order;
  types?: string[] | undefined;
}

interface EventRow {
  seq: number;
  json: string;
}

/** Most appends are one statement; far below SQLite's limit of parameters. */
const ROWS_PER_INSERT = 50;

export function createEventLog(db: Database, hub: EventHub, clock: Clock): EventLog {
  return {
    async append(tx, sessionId, events) {
      const at = clock();
      const recorded = events.map(given => {
        const event = stamp(given, at);
        return { event, json: JSON.stringify(event) };
      });
      for (let start = 0; start < recorded.length; start += ROWS_PER_INSERT) {
        const rows = recorded.slice(start, start + ROWS_PER_INSERT);
        await tx.run(
          `INSERT INTO events (session_id, type, processed_at, json)
           VALUES ${rows.map(() => '(?, ?, ?, ?)').join(', ')}`,
          rows.flatMap(({ event, json }) => [sessionId, event.type, at, json]),
        );
      }
      tx.afterCommit(() => {
        for (const { event, json } of recorded) hub.publish(sessionId, event, json);
      });
      return recorded.map(({ event }) => event);
    },

    announce(tx, sessionId, events) {
      for (const event of events) {
        const json = JSON.stringify(event);
        tx.afterCommit(() => hub.publish(sessionId, event, json));
      }
    },

    async enqueue(tx, sessionId, events) {
      for (const event of events) {
        await tx.run('INSERT INTO queued_events (session_id, type, json) VALUES (?, ?, ?)', [
          sessionId,
          event.type,
          JSON.stringify(event),
        ]);
      }
    },

    async takeQueued(tx, sessionId) {
      const rows = await tx.all<EventRow>(
        'SELECT seq, json FROM queued_events WHERE session_id = ? ORDER BY seq',
        [sessionId],
      );
      if (rows.length > 0) await tx.run('DELETE FROM queued_events WHERE session_id = ?', [sessionId]);
      return rows.map(row => JSON.parse(row.json) as QueuedEvent);
    },

    async history(reader, sessionId) {
      const rows = await reader.all<EventRow>(
        'SELECT seq, json FROM events WHERE session_id = ? ORDER BY seq',
        [sessionId],
      );
      return rows.map(row => JSON.parse(row.json) as SessionEvent);
    },

    list: (sessionId, query) => list(db, sessionId, query),
  };
}

function stamp(event: NewEvent, at: number): SessionEvent {
  // NewEvent is SessionEvent without these two fields, for each member of the union.
  return { ...event, id: event.id ?? newId('sevt'), processed_at: timestamp(at) } as SessionEvent;
}

/**
 * Processed events by time, then queued ones as they came (the other way round for desc). A cursor remembers
 * how far both lists were read: an event that is processed between two pages is seen again, never missed.
 */
async function list(db: Database, sessionId: string, query: ListQuery): Promise<string> {
  const name = `sessions/${sessionId}/events ${query.order}`;
  const start: [number, number] =
    query.order === 'asc' ? [0, 0] : [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  let [processed, queued] = query.page === undefined ? start : decodeCursor(name, query.page, position);
  const wanted = query.limit + 1;
  const types = query.types ? JSON.stringify(query.types) : undefined;
  const [compare, direction] = query.order === 'asc' ? ['>', 'ASC'] : ['<', 'DESC'];

  const readProcessed = (limit: number) => {
    const conditions = new Conditions()
      .where('session_id = ?', sessionId)
      .where(`seq ${compare} ?`, processed)
      .where('type IN (SELECT value FROM json_each(?))', types)
      .within('processed_at', query);
    return db.all<EventRow>(
      `SELECT seq, json FROM events ${conditions.sql} ORDER BY seq ${direction} LIMIT ?`,
      conditions.params(limit),
    );
  };
  const readQueued = (limit: number): Promise<EventRow[]> => {
    // The time filters compare processed_at, which a queued event has not.
    const bounded = Object.entries(query).some(
      ([key, value]) => key.startsWith('created_at') && value !== undefined,
    );
    if (bounded) return Promise.resolve([]);
    const conditions = new Conditions()
      .where('session_id = ?', sessionId)
      .where(`seq ${compare} ?`, queued)
      .where('type IN (SELECT value FROM json_each(?))', types);
    return db.all<EventRow>(
      `SELECT seq, json FROM queued_events ${conditions.sql} ORDER BY seq ${direction} LIMIT ?`,
      conditions.params(limit),
    );
  };

  let first: EventRow[];
  let second: EventRow[] = [];
  if (query.order === 'asc') {
    first = await readProcessed(wanted);
    if (first.length < wanted) second = await readQueued(wanted - first.length);
  } else {
    first = await readQueued(wanted);
    if (first.length < wanted) second = await readProcessed(wanted - first.length);
  }
  const shown = [...first, ...second].slice(0, query.limit);
  const fromFirst = shown.slice(0, first.length).at(-1)?.seq;
  const fromSecond = shown.slice(first.length).at(-1)?.seq;
  if (query.order === 'asc') {
    processed = fromFirst ?? processed;
    queued = fromSecond ?? queued;
  } else {
    queued = fromFirst ?? queued;
    processed = fromSecond ?? processed;
  }
  const more = first.length + second.length > query.limit;
  const next = more ? JSON.stringify(encodeCursor(name, [processed, queued])) : 'null';
  return `{"data":[${shown.map(row => row.json).join(',')}],"next_page":${next}}`;
}

const position = z.tuple([z.number().int(), z.number().int()]);
