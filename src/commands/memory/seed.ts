import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { SetupError } from '../../core/errors.ts';
import { LOOK_AGAIN_MS } from '../../core/memory/memory-discovery.ts';
import { personKey } from '../../core/message.ts';
import { pause } from '../../core/patience.ts';
import { type FieldRule, fieldsOf } from '../../core/preferences/field-rules.ts';
import { defineCommand, EXIT, type Io, NotFoundError, UsageError, wholeNumber } from '../command.ts';
import { type Operator, withOperator } from '../operator.ts';
import { nameOf } from '../people.ts';
import { createProgress } from '../progress.ts';
import { type Customer, parseCustomers } from '../seed/customers.ts';
import { openJournal, type PersonResult, readJournal } from '../seed/journal.ts';
import { lockSeeding } from '../seed/lock.ts';
import { previewOf, type Settled, seed, settle, storesByPerson } from '../seed/seed.ts';
import { count, printableLine } from '../text.ts';

/** What a seeding came to, over all its runs; also what a dry run says it would come to. */
interface Summary {
  people: number;
  stores: { created: number; existing: number };
  files: { created: number; changed: number };
  facts: { added: number; replaced: number; kept: number };
  /** People whose memory said it all already. */
  unchanged: number;
}

/** Somebody the service would not take, and why in its own words. */
interface Refused {
  person: string;
  reason: string;
}

interface Job {
  file: string;
  customers: Customer[];
  /** Names this list and how it is applied; an interrupted run is found again by it. */
  id: string;
  overwrite: boolean;
  /** Fields that the persona has made. */
  own: readonly FieldRule[];
  json: boolean;
}

const AT_ONCE = 6;
const MAX_AT_ONCE = 64;
const PREVIEWS_SHOWN = 40;

export const memorySeed = defineCommand({
  name: 'memory seed',
  args: 'FILE.csv | FILE.json',
  takes: [1, 1],
  summary: 'give customers their memory from a list',
  options: {
    'dry-run': { type: 'boolean', short: 'n', help: 'only say what would happen' },
    platform: { type: 'string', value: 'NAME', help: 'for rows that name none: slack, discord, terminal' },
    workspace: { type: 'string', value: 'ID', help: 'for rows that name none' },
    overwrite: {
      type: 'boolean',
      help: 'for sizes, budget and the like, the list wins over what a person has',
    },
    'at-once': { type: 'string', value: 'N', help: `people at the same time (default ${AT_ONCE})` },
  },
  details: [
    'Columns: person, platform, workspace, name; shoe_size, clothing_sizes, budget, brands_liked, brands_avoided,',
    'materials_avoided, colours_liked, style; occasions, purchases, notes; or your own file, such as /loyalty.md.',
    'Fields of your own in agent.yml (memory.form) go by their labels.',
    'What people already have stays; the list adds to it. If interrupted, even by a crash, run the same command again.',
  ].join('\n'),
  async run({ values, args: [file = ''], json }, io) {
    const atOnce = Math.min(wholeNumber('at-once', values['at-once'], AT_ONCE), MAX_AT_ONCE);
    const source = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw new NotFoundError(`There is no file ${file}. Is the path right?`);
      throw new SetupError(`Cannot read ${file}. Is it a file that you may read?`, { cause });
    });
    const { platform, workspace } = values;
    const format = formatOf(file);
    const overwrite = values.overwrite === true;
    return withOperator(io, async operator => {
      const { app, config } = operator;
      const own = fieldsOf(operator.file.memory.form).filter(field => field.own === true);
      const customers = parseCustomers(source, format, { platform, workspace }, own);
      const service = config.api.type === 'remote' ? config.api.baseUrl : 'local';
      const identity = [app, service, overwrite, platform, workspace, source, ...own];
      const id = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
      const job = { file, customers, id, overwrite, own, json };
      return values['dry-run'] === true ? preview(operator, job, io) : run(operator, job, atOnce, io);
    });
  },
});

function formatOf(file: string): 'csv' | 'json' {
  switch (extname(file).toLowerCase()) {
    case '.csv':
    case '.tsv':
      return 'csv';
    case '.json':
      return 'json';
    default:
      throw new UsageError('The list must be a .csv (or .tsv) or a .json file.');
  }
}

/** For the bot's own making of a store. */
const REQUEST_MS = 1_000;

const folderOf = ({ config }: Operator) => join(config.dataDir, 'seeds');
const journalOf = (operator: Operator, { id }: Job) => join(folderOf(operator), `${id}.jsonl`);

async function run(operator: Operator, job: Job, atOnce: number, io: Io): Promise<number> {
  const { customers, id, overwrite, own } = job;
  const lock = await lockSeeding(folderOf(operator));
  const journal = await openJournal(journalOf(operator, job), new Date());
  const doneBefore = journal.done.size;
  const progress = createProgress(io.stderr, 'Seeding', customers.length, doneBefore);
  const refused: Refused[] = [];
  const onRefused = (person: string, error: unknown) => refused.push({ person, reason: reasonOf(error) });
  const options = { id, overwrite, own, atOnce, signal: io.signal, onPerson: progress.tick, onRefused };
  try {
    await seed(operator, customers, journal, await storesByPerson(operator), options);
    progress.end();
    // A bot that looked for stores just before ours were made may make one of its own until then.
    const madeStores = [...journal.done.values()].some(({ store }) => store === 'created');
    if (madeStores) await (io.pause ?? pause)(LOOK_AGAIN_MS + REQUEST_MS, io.signal);
    if (io.signal.aborted) return interrupted(job, journal.done.size, io);
    const settled = await settle(operator, customers, journal, options);
    const results = customers.flatMap(({ person }) => journal.done.get(personKey(person)) ?? []);
    const summary = summaryOf(results);
    // Kept while somebody is left, so that the next run need not look at everybody again.
    if (refused.length === 0) await journal.remove();
    report(job, summary, settled, refused, doneBefore, io);
    return settled.left.length + refused.length > 0 ? EXIT.incomplete : EXIT.ok;
  } catch (error) {
    progress.end();
    if (io.signal.aborted) return interrupted(job, journal.done.size, io);
    const { size } = journal.done;
    io.stderr.write(`${doneSoFar(job, size)} Run the same command again to carry on.\n`);
    throw error;
  } finally {
    await journal.close();
    await lock.release();
  }
}

function interrupted(job: Job, done: number, io: Io): number {
  if (job.json) io.stdout.write(`${JSON.stringify({ interrupted: true, done, of: job.customers.length })}\n`);
  io.stderr.write(`Stopped. ${doneSoFar(job, done)} Run the same command again to carry on.\n`);
  return EXIT.interrupted;
}

function doneSoFar({ customers }: Job, done: number): string {
  return `${done.toLocaleString('en-US')} of ${count(customers.length, 'person is', 'people are')} done.`;
}

function summaryOf(results: readonly PersonResult[]): Summary {
  const sum = (value: (result: PersonResult) => number) =>
    results.reduce((n, result) => n + value(result), 0);
  return {
    people: results.length,
    stores: {
      created: sum(result => Number(result.store === 'created')),
      existing: sum(result => Number(result.store === 'existing')),
    },
    files: { created: sum(result => result.created), changed: sum(result => result.changed) },
    facts: {
      added: sum(result => result.added),
      replaced: sum(result => result.replaced),
      kept: sum(result => result.kept),
    },
    unchanged: sum(({ store, created, changed }) => Number(store === 'existing' && created + changed === 0)),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function report(
  job: Job,
  summary: Summary,
  settled: Settled,
  refused: readonly Refused[],
  doneBefore: number,
  io: Io,
): void {
  if (job.json) {
    const { removed, left } = settled;
    io.stdout.write(
      `${JSON.stringify({ ...summary, resumedAfter: doneBefore, duplicates: { removed, left }, refused })}\n`,
    );
    return;
  }
  io.stdout.write(`Seeded ${count(summary.people, 'person', 'people')} from ${basename(job.file)}.\n`);
  io.stdout.write(linesOf(summary));
  if (settled.removed > 0) {
    io.stdout.write(`  ${count(settled.removed, 'store')} created twice by an interruption: removed again\n`);
  }
  for (const { person, reason } of refused) io.stdout.write(`  ${person} could not be seeded: ${reason}\n`);
  for (const person of settled.left) {
    io.stdout.write(`  ${person} has more than one store: "shopper memory rebuild" says which is used\n`);
  }
}

function linesOf({ stores, files, facts, unchanged }: Summary): string {
  const n = (value: number) => value.toLocaleString('en-US');
  return [
    `  stores  ${n(stores.created)} new, ${n(stores.existing)} existing`,
    `  files   ${n(files.created)} new, ${n(files.changed)} changed`,
    `  facts   ${n(facts.added)} added, ${n(facts.replaced)} replaced, ${n(facts.kept)} left as the person has them`,
    ...(unchanged > 0 ? [`  ${count(unchanged, 'person', 'people')} already had it all`] : []),
    '',
  ].join('\n');
}

/** What a run would do from where things stand, an interrupted run included. */
async function preview(operator: Operator, job: Job, io: Io): Promise<number> {
  const earlier = await readJournal(journalOf(operator, job));
  const stores = await storesByPerson(operator);
  const how = {
    overwrite: job.overwrite,
    own: job.own,
    date: earlier?.date ?? new Date().toISOString().slice(0, 10),
  };
  const results: PersonResult[] = [];
  let hidden = 0;
  for (const customer of job.customers) {
    if (io.signal.aborted) return EXIT.interrupted;
    const key = personKey(customer.person);
    if (earlier?.done.has(key) === true) continue;
    const { plan, result, files } = await previewOf(operator.client, stores.get(key), customer, how);
    results.push(result);
    const person = nameOf(customer.person);
    const { added, replaced, kept } = plan;
    const written = [...plan.writes.keys()].map(path => ({
      path,
      operation: files.some(file => file.path === path) ? 'change' : 'create',
    }));
    if (job.json) {
      const store = result.store === 'created' ? 'create' : 'existing';
      io.stdout.write(`${JSON.stringify({ person, store, files: written, added, replaced, kept })}\n`);
    } else if (results.length <= PREVIEWS_SHOWN) {
      const paths = written.map(({ path, operation }) => `${operation === 'create' ? '+' : '~'}${path}`);
      const what = [result.store === 'created' ? 'new store' : 'has a store', ...paths];
      io.stdout.write(`${person}  ${printableLine(what.join('  '))}\n`);
      const facts = [
        ...added.map(f => `+ ${f}`),
        ...replaced.map(f => `~ ${f}`),
        ...kept.map(f => `= not: ${f}`),
      ];
      for (const fact of facts) io.stdout.write(`    ${printableLine(fact)}\n`);
    } else hidden += 1;
  }
  const summary = summaryOf(results);
  if (job.json) {
    io.stdout.write(`${JSON.stringify({ dryRun: true, doneBefore: earlier?.done.size ?? 0, ...summary })}\n`);
    return EXIT.ok;
  }
  if (hidden > 0) io.stdout.write(`… and ${count(hidden, 'person', 'people')} more; --json lists everyone\n`);
  const before = earlier === null ? '' : ` ${doneSoFar(job, earlier.done.size)}`;
  io.stdout.write(
    `\nThis would seed ${count(summary.people, 'person', 'people')}.${before} Nothing was changed.\n`,
  );
  io.stdout.write(linesOf(summary));
  return EXIT.ok;
}
