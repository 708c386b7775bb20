import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { SetupError } from '../../core/errors.ts';
import { makeFolder } from '../../folders.ts';

/**
 * Keeps a second seeding on the same folder out: two would both find that a customer has no store yet. An open
 * exclusive transaction is the lock, because the operating system drops it with the process, however it ends.
 */
export async function lockSeeding(folder: string): Promise<{ release(): Promise<void> }> {
  await makeFolder(folder, 0o700);
  const handle = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(join(folder, 'lock'), error =>
      error ? reject(error) : resolve(opened),
    );
  });
  const close = () => new Promise<void>(done => handle.close(() => done()));
  const failure = await new Promise<Error | null>(done => handle.exec('BEGIN EXCLUSIVE', done));
  if (failure === null) return { release: close };
  await close();
  throw new SetupError('Another "memory seed" is running on this data directory. Wait for it to end.', {
    cause: failure,
  });
}
