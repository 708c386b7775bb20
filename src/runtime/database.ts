import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { makeFolder } from '../folders.ts';
import { SCHEMA, SCHEMA_VERSION } from './schema.ts';

export type SqlValue = string | number | null | Uint8Array;

export interface Reader {
  /** Row types are ours to state: only this runtime writes the file. */
  all<Row>(sql: string, params?: readonly SqlValue[]): Promise<Row[]>;
  first<Row>(sql: string, params?: readonly SqlValue[]): Promise<Row | undefined>;
}

export interface Transaction extends Reader {
  run(sql: string, params?: readonly SqlValue[]): Promise<{ changes: number; lastId: number }>;
  /** Runs in the tick of the commit and in the order of commits, not when the transaction fails. Must not throw. */
  afterCommit(effect: () => void): void;
  /** What this transaction removes can be read in no file of the database once it is over. */
  scrub(): void;
}

export interface Database extends Reader {
  /** One transaction at a time, in the order asked for. Resolves once it survives a kill of the process. */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The data directory cannot be used; the message is for the operator. */
export class DataDirError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DataDirError';
  }
}

/**
 * Opens (or makes) the database of a data directory and locks the directory for this process.
 * Throws DataDirError when it is in use, unwritable or from a newer version.
 */
export async function openDatabase(dataDir: string): Promise<Database> {
  const unlock = await lock(dataDir);
  const file = join(dataDir, 'runtime.sqlite');
  let writer: Connection | undefined;
  try {
    writer = await connect(file);
    // WAL with NORMAL keeps every commit through a kill of the process; only a power cut may lose the last ones.
    // What is deleted is overwritten: it is what somebody wanted forgotten.
    await writer.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;',
    );
    await migrate(writer, dataDir);
    const reader = await connect(file);
    await reader.exec('PRAGMA query_only = ON;');
    return createDatabase(writer, reader, unlock);
  } catch (error) {
    await writer?.close();
    await unlock();
    throw error instanceof DataDirError
      ? error
      : new DataDirError(`Cannot open the database in ${dataDir}: ${sentence(error)}`, error);
  }
}

function createDatabase(writer: Connection, reader: Connection, unlock: () => Promise<void>): Database {
  let tail: Promise<unknown> = Promise.resolve();
  let closed: Promise<void> | undefined;

  async function transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const effects: (() => void)[] = [];
    let scrubbing = false;
    await writer.run('BEGIN IMMEDIATE');
    let result: T;
    try {
      result = await work({
        all: writer.all,
        first: writer.first,
        run: writer.run,
        afterCommit: effect => effects.push(effect),
        scrub: () => {
          scrubbing = true;
        },
      });
      await writer.run('COMMIT');
    } catch (error) {
      // SQLite may have rolled back by itself (disk full); then there is nothing left to undo.
      await writer.run('ROLLBACK').catch(() => undefined);
      throw error;
    }
    for (const effect of effects) effect();
    // The write-ahead log still has the pages as they were. A reader may hold it; then the next time does it.
    if (scrubbing) await writer.all('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => undefined);
    return result;
  }

  return {
    all: reader.all,
    first: reader.first,
    write(work) {
      const result = tail.then(() => transact(work));
      tail = result.catch(() => undefined);
      return result;
    },
    close() {
      closed ??= tail.then(async () => {
        await reader.close();
        await writer.close();
        await unlock();
      });
      return closed;
    },
  };
}

async function migrate(writer: Connection, dataDir: string): Promise<void> {
  const row = await writer.first<{ user_version: number }>('PRAGMA user_version');
  const version = row?.user_version ?? 0;
  if (version === SCHEMA_VERSION) return;
  if (version > SCHEMA_VERSION) {
    throw new DataDirError(`The data in ${dataDir} was made by a newer version of this program.`);
  }
  await writer.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
}

/** An open exclusive SQLite transaction: the operating system drops it with the process, however it ends. */
async function lock(dataDir: string): Promise<() => Promise<void>> {
  let held: Connection | undefined;
  try {
    // For its owner alone: memories are in there. A folder that was there before stays as its owner has it.
    await makeFolder(dataDir, 0o700);
    held = await connect(join(dataDir, 'lock'));
    await held.run('BEGIN EXCLUSIVE');
  } catch (error) {
    await held?.close();
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') {
      throw new DataDirError(
        `Another process is using the data directory ${dataDir}: stop it or choose another directory.`,
        error,
      );
    }
    throw new DataDirError(
      `Cannot use the data directory ${dataDir}: ${sentence(error)}. Give the user that runs this the right to write there, or choose another directory.`,
      error,
    );
  }
  return held.close;
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

interface Connection {
  all: Transaction['all'];
  first: Transaction['first'];
  run: Transaction['run'];
  exec(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** Promises over one sqlite3 handle; every statement is prepared once. */
async function connect(file: string): Promise<Connection> {
  const handle = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(file, error =>
      error ? reject(error) : resolve(opened),
    );
  });
  const statements = new Map<string, sqlite3.Statement>();

  function prepared(sql: string): sqlite3.Statement {
    let statement = statements.get(sql);
    if (!statement) {
      // The first use reports a failed prepare; a later one tries again.
      statement = handle.prepare(sql, error => {
        if (error) statements.delete(sql);
      });
      statements.set(sql, statement);
    }
    return statement;
  }

  function all<Row>(sql: string, params: readonly SqlValue[] = []): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      prepared(sql).all<Row>(params, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  }

  return {
    all,
    // `all`, not sqlite3's `get`: a `get` leaves the statement open, and an open read blocks checkpoints.
    first: async <Row>(sql: string, params?: readonly SqlValue[]) => (await all<Row>(sql, params))[0],
    run: (sql, params = []) =>
      new Promise((resolve, reject) => {
        prepared(sql).run(params, function (this: sqlite3.RunResult, error: Error | null) {
          if (error) reject(error);
          else resolve({ changes: this.changes, lastId: this.lastID });
        });
      }),
    exec: sql =>
      new Promise((resolve, reject) => handle.exec(sql, error => (error ? reject(error) : resolve()))),
    async close() {
      for (const statement of statements.values()) {
        await new Promise<void>(done => statement.finalize(() => done()));
      }
      statements.clear();
      await new Promise<void>((resolve, reject) =>
        handle.close(error => (error ? reject(error) : resolve())),
      );
    },
  };
}
