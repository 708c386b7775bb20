import { join } from 'node:path';
import KeyvSqlite from '@keyv/sqlite';
import { makeFolder } from '../../folders.ts';
import { SetupError } from '../errors.ts';
import { inBatches, oneByOne } from './in-batches.ts';
import { createRowCache } from './row-cache.ts';
import { createCounts, createPages } from './sqlite-pages.ts';
import { EXPIRES, PREPARE_WRITES, SWEEP, type Write } from './sqlite-statements.ts';
import { createWrites, type Query, type Writes } from './sqlite-writes.ts';
import type { State, Table } from './state.ts';
import { sweepInBatches } from './sweep.ts';
import { createTables, expiring, type Rows } from './table.ts';

const BUSY_TIMEOUT_MS = 5_000;
const TICKET_BLOCK = 1_000;

/**
 * State in one SQLite file under `dataDir`. The file is held exclusively: a second process on the same folder
 * is told so at once, because two bots taking turns on one inbox would answer twice.
 */
export async function openSqliteState(dataDir: string): Promise<State> {
  // For its owner alone, since everything is in there. A folder that was there before stays as its owner has it.
  await makeFolder(dataDir, 0o700).catch((cause: unknown) => {
    throw new SetupError(
      `Cannot create the data directory ${dataDir}: ${reason(cause)}. Create it for the user that runs the bot, or set SHOPPER_DATA_DIR to another folder.`,
      { cause },
    );
  });
  const lock = await lockDirectory(dataDir);
  const connections: KeyvSqlite[] = [];
  const connected = <C extends KeyvSqlite>(connection: C): C => {
    // Failures reach callers as rejections; an unhandled 'error' event would end the process instead.
    connection.on('error', () => {});
    connections.push(connection);
    return connection;
  };
  const disconnect = async () => {
    for (const { close } of connections) await close().catch(() => {});
    await lock.release();
  };
  const options = { uri: `sqlite://${join(dataDir, 'state.sqlite')}`, busyTimeout: BUSY_TIMEOUT_MS };
  // Reading has another connection: it does not wait for the disk and sees nothing that is not yet on it.
  const writing = queryOf(connected(new KeyvSqlite(options)));
  const writes = createWrites(writing);
  let store: Store;
  try {
    // WAL with full sync: what insert() has promised survives kill -9 and a power cut.
    await writing('PRAGMA journal_mode=WAL');
    await writing('PRAGMA synchronous=FULL');
    // Deleted rows are overwritten; measured, that costs nothing here.
    await writing('PRAGMA secure_delete=ON');
    await writing(`CREATE INDEX IF NOT EXISTS keyv_expires ON keyv(${EXPIRES}) WHERE ${EXPIRES} IS NOT NULL`);
    // Preparing writes nothing where everything is there already; files of another user can be read and no more.
    await writing(`DELETE FROM keyv WHERE key = ''`);
    for (const sql of PREPARE_WRITES) await writing(sql);
    store = connected(new Store(options, writes));
    await queryOf(store)('PRAGMA query_only=ON');
  } catch (cause) {
    await disconnect();
    throw new SetupError(
      `Cannot open the state database in ${dataDir}: ${reason(cause)}.${remedy(dataDir, cause)}`,
      {
        cause,
      },
    );
  }

  const table = createTables(rowsOf(store));
  let closed = false;
  return {
    multiProcess: false,
    table,
    ticket: ticketsOf(table<number>('ticket')),
    sweep: signal =>
      sweepInBatches(async limit => (await writes.query(SWEEP, Date.now(), limit)).length, signal),
    async scrub() {
      // The write-ahead log still has them as they were.
      await writes.query('PRAGMA wal_checkpoint(TRUNCATE)');
    },
    async close() {
      if (closed) return;
      closed = true;
      await disconnect();
    },
  };
}

/** Reads by itself, and leaves writing to `writes`. */
class Store extends KeyvSqlite {
  /** The file is held exclusively, so nobody else changes what is in it. */
  readonly #cache = createRowCache();
  readonly #writes: Writes;
  /** Whatever is read: the connection does one thing at a time. */
  readonly reading = oneByOne();
  readonly #read = inBatches<string, string | null>(this.reading, async batch => {
    const rows: unknown[] = await this.getMany(batch.map(({ work }) => work));
    for (const [index, { resolve }] of batch.entries()) {
      const row = rows[index];
      resolve(typeof row === 'string' ? row : null);
    }
  });

  constructor(options: ConstructorParameters<typeof KeyvSqlite>[0], writes: Writes) {
    super(options);
    this.#writes = writes;
    // Every table listens on the one store.
    this.setMaxListeners(0);
  }

  override async get<Value>(key: string): Promise<Value | undefined> {
    const row = await this.#cache.get(key, () => this.#read(key));
    return (row ?? undefined) as Value | undefined;
  }

  override set(key: string, row: string): Promise<unknown> {
    return this.write({ op: 'set', key, row });
  }

  /** Keyv's own looks first and deletes then. */
  override delete(key: string): Promise<boolean> {
    return this.write({ op: 'delete', key });
  }

  /** True when it took effect. */
  write(write: Write): Promise<boolean> {
    return this.#cache.write(
      write.key,
      () => this.#writes.write(write),
      took => {
        if (write.op === 'delete') return null;
        return took ? write.row : undefined;
      },
    );
  }
}

/** As the connection has it now. */
function queryOf<R = Record<string, unknown>>(connection: KeyvSqlite): Query<R> {
  const { query } = connection;
  return (sql, ...parameters) => query(sql, ...parameters) as Promise<R[]>;
}

function rowsOf(store: Store): Rows {
  const written = (row: string, ttlMs: number | undefined) =>
    ttlMs === undefined ? row : expiring(row, Date.now() + ttlMs);
  return {
    store,
    insert: (key, row, ttlMs) => store.write({ op: 'insert', key, row: written(row, ttlMs) }),
    replace: (key, expected, row, ttlMs) =>
      store.write({ op: 'replace', key, expected, row: written(row, ttlMs) }),
    page: createPages(queryOf(store), store.reading),
    count: createCounts(queryOf(store), store.reading),
  };
}

/** Reserves tickets by the block, so that a write to the disk serves many; what a crash leaves of a block is skipped. */
function ticketsOf(table: Table<number>): () => Promise<number> {
  let last = 0;
  let reserved = 0;
  let reserving: Promise<void> | undefined;
  async function reserve(): Promise<void> {
    const from = (await table.get('reserved')) ?? 0;
    await table.set('reserved', from + TICKET_BLOCK);
    last = from;
    reserved = from + TICKET_BLOCK;
  }
  return async () => {
    while (last >= reserved) {
      reserving ??= reserve().finally(() => {
        reserving = undefined;
      });
      await reserving;
    }
    last += 1;
    return last;
  };
}

/** Holds an exclusive transaction on a file of its own; the operating system drops it with the process. */
async function lockDirectory(dataDir: string): Promise<{ release(): Promise<void> }> {
  const holder = new KeyvSqlite({ uri: `sqlite://${join(dataDir, 'state.lock')}` });
  holder.on('error', () => {});
  try {
    await holder.query('BEGIN EXCLUSIVE');
  } catch (cause) {
    await holder.disconnect().catch(() => {});
    if (reason(cause).includes('SQLITE_BUSY')) {
      throw new SetupError(
        `Another shopper is already running on ${dataDir}. Stop it first, or give this one a folder of its own with SHOPPER_DATA_DIR.`,
        { cause },
      );
    }
    throw new SetupError(
      `Cannot write to the data directory ${dataDir}: ${reason(cause)}.${remedy(dataDir, cause)}`,
      {
        cause,
      },
    );
  }
  return { release: () => holder.disconnect() };
}

function remedy(dataDir: string, cause: unknown): string {
  if (!/SQLITE_(READONLY|CANTOPEN|PERM|AUTH)/.test(reason(cause))) return '';
  return ` The folder or files in it are another user's: give them to the one that runs the bot (chown -R USER ${dataDir}), or set SHOPPER_DATA_DIR to another folder.`;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
