import KeyvPostgres from '@keyv/postgres';
import pg from 'pg';
import { SetupError } from '../errors.ts';
import type { State } from './state.ts';
import { sweepInBatches } from './sweep.ts';
import { createTables, type Row, type Rows } from './table.ts';

const TABLE = 'shopper_state';
const SEQUENCE = 'shopper_ticket';
/** Any number will do, as long as all processes lock the same one while they create the table. */
const SETUP_LOCK = 7_460_725;
const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 15_000;
const CONNECTIONS = 10;

type Query = (sql: string, parameters?: unknown[]) => Promise<Record<string, unknown>[]>;

/** The server's time, in milliseconds: it decides what has expired, so that the processes' clocks may differ. */
const NOW = `(extract(epoch FROM clock_timestamp()) * 1000)`;
/** Keyv writes the end of a row last, so nothing inside a value can be taken for it. */
const EXPIRES = `"expires":([-+.e0-9]+)\\}$`;

/** State in one table of a PostgreSQL database (12 or later), made on first use. Any number of processes may share it. */
export async function openPostgresState(url: string, options: { schema?: string } = {}): Promise<State> {
  const schema = options.schema ?? 'public';
  const table = `"${schema}".${TABLE}`;
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS + 1_000,
    // By a statement and not as a startup parameter, which PgBouncer refuses. Where it fails, so does what the
    // connection was for.
    async onConnect(client) {
      await client.query(`SET statement_timeout = ${QUERY_TIMEOUT_MS}`);
    },
    keepAlive: true,
    // A pool that has nothing to do should not keep a process alive that has nothing else to do.
    allowExitOnIdle: true,
  });
  // An idle connection that the server drops is replaced; without a listener it would end the process.
  pool.on('error', () => {});
  const query: Query = async (sql, parameters) => (await pool.query(sql, parameters)).rows;
  try {
    await query(setupOf(schema, table));
  } catch (cause) {
    await pool.end();
    throw new SetupError(unreachable(url, cause), { cause });
  }

  const store = new PooledPostgres(query, schema);
  // Failures reach callers as rejections; an unhandled 'error' event would end the process instead.
  store.on('error', () => {});
  // Every table listens on the one store.
  store.setMaxListeners(0);
  const rows = rowsOf(store, query, table);
  let closed = false;
  return {
    multiProcess: true,
    table: createTables(rows),
    async ticket() {
      const [row] = await query(`SELECT nextval('"${schema}".${SEQUENCE}')::text AS ticket`);
      return Number(row?.ticket);
    },
    sweep: signal =>
      sweepInBatches(async limit => {
        const [row] = await query(sweepOf(table), [limit]);
        return Number(row?.gone ?? 0);
      }, signal),
    async scrub() {},
    async close() {
      if (closed) return;
      closed = true;
      await pool.end();
    },
  };
}

/**
 * Removes at most $1 rows. By the time the statement began: an index is not searched for what may change while it is
 * read, and a table of millions of people would be read to its end each time. What another process is just sweeping or
 * writing is left to the next one.
 */
export function sweepOf(table: string): string {
  return `
    WITH gone AS (
      DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${table} WHERE expires < (extract(epoch FROM statement_timestamp()) * 1000)
        ORDER BY expires LIMIT $1 FOR UPDATE SKIP LOCKED
      )) RETURNING 1
    )
    SELECT count(*) AS gone FROM gone`;
}

/**
 * One statement after the other in one transaction, one process at a time. Keys compare byte by byte whatever
 * the database's language is; `expires` is read out of what Keyv wrote, so that a sweep finds it by an index.
 */
function setupOf(schema: string, table: string): string {
  return `
    SELECT pg_advisory_xact_lock(${SETUP_LOCK});
    ${schema === 'public' ? '' : `CREATE SCHEMA IF NOT EXISTS "${schema}";`}
    CREATE TABLE IF NOT EXISTS ${table} (
      key text COLLATE "C" PRIMARY KEY,
      value text NOT NULL,
      expires double precision GENERATED ALWAYS AS (substring(value FROM '${EXPIRES}')::double precision) STORED
    );
    CREATE INDEX IF NOT EXISTS ${TABLE}_expires ON ${table} (expires) WHERE expires IS NOT NULL;
    CREATE SEQUENCE IF NOT EXISTS "${schema}".${SEQUENCE};`;
}

/** Keyv's adapter on our pool: its own is one for the whole process, so closing one store would close them all. */
class PooledPostgres extends KeyvPostgres {
  readonly #query: Query;

  constructor(query: Query, schema: string) {
    super({ schema: `"${schema}"`, table: TABLE });
    this.#query = query;
    this.query = query;
  }

  /** Called by the constructor above, which would create a table of its own making. */
  override async connect(): Promise<Query> {
    return async () => [];
  }

  override async delete(key: string): Promise<boolean> {
    return (
      (await this.#query(`DELETE FROM ${this.opts.schema}.${TABLE} WHERE key = $1 RETURNING 1`, [key]))
        .length > 0
    );
  }

  override async disconnect(): Promise<void> {}
}

function rowsOf(store: KeyvPostgres, query: Query, table: string): Rows {
  const written = `CASE WHEN $3::double precision IS NULL THEN $2::text
    ELSE left($2::text, -1) || ',"expires":' || floor(${NOW} + $3::double precision)::bigint || '}' END`;
  return {
    store,
    async insert(key, row, ttlMs) {
      const inserted = await query(
        `INSERT INTO ${table} AS it (key, value) VALUES ($1, ${written})
         ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE it.expires < ${NOW}
         RETURNING 1`,
        [key, row, ttlMs ?? null],
      );
      return inserted.length === 1;
    },
    async replace(key, expected, row, ttlMs) {
      const replaced = await query(
        `UPDATE ${table} SET value = ${written}
         WHERE key = $1 AND regexp_replace(value, ',${EXPIRES}', '}') = $4 AND coalesce(expires >= ${NOW}, true)
         RETURNING 1`,
        [key, row, ttlMs ?? null, expected],
      );
      return replaced.length === 1;
    },
    async page(start, end, limit) {
      const found = await query(
        `SELECT key, value FROM ${table} WHERE key ${start.inclusive ? '>=' : '>'} $1 AND key < $2 ORDER BY key LIMIT $3`,
        [start.key, end, limit],
      );
      return found.map((row): Row => ({ key: String(row.key), value: String(row.value) }));
    },
    async count(from, end) {
      const [row] = await query(`SELECT count(*) AS n FROM ${table} WHERE key >= $1 AND key < $2`, [
        from,
        end,
      ]);
      return Number(row?.n ?? 0);
    },
  };
}

/** Never the URL itself: it carries a password. */
function unreachable(url: string, cause: unknown): string {
  const { host, pathname } = new URL(url);
  const said = cause instanceof Error && cause.message !== '' ? cause.message : codeOf(cause);
  const database = pathname.length > 1 ? `database ${pathname.slice(1)}` : 'database';
  return `Cannot use the PostgreSQL ${database} at ${host}: ${said}. Check DATABASE_URL, and that the server is running.`;
}

function codeOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'code' in cause
    ? String(cause.code)
    : 'no connection';
}
