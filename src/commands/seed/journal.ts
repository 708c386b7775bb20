import { open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../folders.ts';

/** What seeding one person came to. */
const result = z.object({
  store: z.enum(['created', 'existing']),
  /** Files, by what happened to them. */
  created: z.int(),
  changed: z.int(),
  /** Facts. */
  added: z.int(),
  replaced: z.int(),
  kept: z.int(),
});
export type PersonResult = z.infer<typeof result>;

const line = z.discriminatedUnion('type', [
  z.object({ type: z.literal('seed'), date: z.string(), startedAt: z.string() }),
  z.object({ type: z.literal('begun'), person: z.string(), result }),
  z.object({ type: z.literal('done'), person: z.string(), result }),
]);
type Line = z.infer<typeof line>;

/**
 * What a seeding has done so far, in a file that outlives it: a line before the first write for a person, saying
 * what is going to happen, and one after the last. A later run finishes what was begun, and counts it as planned.
 */
export interface Journal {
  /** The day the facts are dated with: the first run's. */
  date: string;
  /** When the first run began. */
  startedAt: string;
  /** By `personKey`; grows as people are done. */
  done: ReadonlyMap<string, PersonResult>;
  begun: ReadonlyMap<string, PersonResult>;
  begin(person: string, result: PersonResult): Promise<void>;
  finish(person: string, result: PersonResult): Promise<void>;
  close(): Promise<void>;
  /** There is nothing left to resume. */
  remove(): Promise<void>;
}

/** What an earlier run left; null: nothing. */
export async function readJournal(
  path: string,
): Promise<Pick<Journal, 'date' | 'startedAt' | 'done' | 'begun'> | null> {
  const source = await readFile(path, 'utf8').catch(() => '');
  const lines = source.split('\n').flatMap(parseLine);
  const head = lines.find(entry => entry.type === 'seed');
  if (head === undefined) return null;
  const done = new Map<string, PersonResult>();
  const begun = new Map<string, PersonResult>();
  for (const entry of lines) {
    if (entry.type === 'done') done.set(entry.person, entry.result);
    // The first plan counts: a second one was made with half of it done.
    if (entry.type === 'begun' && !begun.has(entry.person)) begun.set(entry.person, entry.result);
  }
  return { date: head.date, startedAt: head.startedAt, done, begun };
}

export async function openJournal(path: string, now: Date): Promise<Journal> {
  await makeFolder(dirname(path), 0o700);
  const earlier = await readJournal(path);
  // Names people, though not what is remembered about them.
  const file = await open(path, 'a', 0o600);
  let tail: Promise<unknown> = Promise.resolve();
  // One line after the other; each in one write, so that a kill can cut off the last one only.
  const append = (entry: Line) => {
    const written = tail.then(() => file.appendFile(`${JSON.stringify(entry)}\n`));
    tail = written.catch(() => {});
    return written;
  };
  // Behind a line that a kill cut off.
  await file.appendFile('\n');
  const date = earlier?.date ?? now.toISOString().slice(0, 10);
  const startedAt = earlier?.startedAt ?? now.toISOString();
  if (earlier === null) await append({ type: 'seed', date, startedAt });
  const done = new Map(earlier?.done);
  const begun = new Map(earlier?.begun);
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await tail;
    await file.close();
  };
  return {
    date,
    startedAt,
    done,
    begun,
    async begin(person, planned) {
      await append({ type: 'begun', person, result: planned });
      begun.set(person, planned);
    },
    async finish(person, reached) {
      await append({ type: 'done', person, result: reached });
      done.set(person, reached);
    },
    close,
    async remove() {
      await close();
      await rm(path, { force: true });
    },
  };
}

function parseLine(text: string): Line[] {
  try {
    return [line.parse(JSON.parse(text))];
  } catch {
    return [];
  }
}
