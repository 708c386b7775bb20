import type Anthropic from '@anthropic-ai/sdk';
import { createAccounts } from '../../core/linking/accounts.ts';
import { type Person, personKey } from '../../core/message.ts';
import { countStore, deleted, removeFiles } from '../../core/people/erasing.ts';
import { countRows, eraseRows } from '../../core/people/person-rows.ts';
import { APP_KEY } from '../../core/session/provision-wanted.ts';
import { removeSession } from '../../core/session/session-removal.ts';
import type { State, Table } from '../../core/state/state.ts';
import { defineCommand, EXIT, NotFoundError } from '../command.ts';
import { openFreeState, withOperator } from '../operator.ts';
import { groupOf, nameOf, type OwnedStore, parsePerson } from '../people.ts';
import { count } from '../text.ts';

/** What was there of a person and is gone. */
interface Receipt {
  stores: number;
  memories: number;
  versions: number;
  sessions: number;
  files: number;
  /** Rows of the bot's state; null: a running bot has it to itself. */
  rows: number | null;
}

export const memoryForget = defineCommand({
  name: 'memory forget',
  args: 'PERSON --yes',
  takes: [1, 1],
  summary: 'remove everything about one person, for good',
  options: {
    yes: { type: 'boolean', help: 'do it; without this, the command only says what would go' },
  },
  details: [
    'Their store with all versions, their sessions with all messages and files, and what the bot itself keeps about',
    'them. Best with the bot stopped: a running one on SQLite keeps its own rows, and the command says so (exit',
    'code 4); on PostgreSQL or Redis it starts nothing for them meanwhile, but an answer under way may start again.',
    'What an operator decided stays: approvals (see "access revoke") and the day\'s count of messages.',
  ].join('\n'),
  run: ({ values, args: [name = ''], json }, io) => {
    const person = parsePerson(name);
    return withOperator(io, async operator => {
      const { client, app } = operator;
      const state = await openFreeState(operator);
      try {
        // The state's word for it as well: once the stores are gone, nothing else names the owner.
        const known = state === null ? [] : await createAccounts(state).accountsOf(person);
        const { accounts, stores } = await groupOf(operator, person, { archived: true, known });
        if (values.yes !== true) {
          const sessions = await sessionsOf(client, app, accounts, stores);
          const rows = state === null ? null : await rowsOf(state, accounts);
          if (stores.length === 0 && sessions.length === 0 && rows === 0) throw nothingOf(person);
          const found = { stores: stores.length, sessions: sessions.length, rows };
          if (json) io.stdout.write(`${JSON.stringify({ person: nameOf(person), wouldRemove: found })}\n`);
          else {
            const what = `${count(found.stores, 'store')}, ${count(found.sessions, 'session')} and ${countedRows(rows)}`;
            const who = accounts.map(nameOf).join(' and ');
            io.stdout.write(`This would remove ${what} of ${who}, for good. Use --yes to do it.\n`);
          }
          return EXIT.usage;
        }
        // Processes on this state begin nothing for them while these rows stand, and finish this should it end half way.
        if (state?.multiProcess === true)
          for (const account of accounts) await markOf(state).set(personKey(account), account);
        const receipt: Receipt = { stores: 0, memories: 0, versions: 0, sessions: 0, files: 0, rows: null };
        // Sessions first: while one runs it could still write to the store, and the store is how they are found.
        for (const id of await sessionsOf(client, app, accounts, stores)) {
          receipt.files += await removeFiles(client, id);
          if ((await removeSession(client, id, { interrupt: true })) === 'removed') receipt.sessions += 1;
        }
        for (const { store } of stores) {
          const { memories, versions } = await countStore(client, store.id);
          if (!(await deleted(client.beta.memoryStores.delete(store.id)))) continue;
          receipt.stores += 1;
          receipt.memories += memories;
          receipt.versions += versions;
        }
        if (state !== null) receipt.rows = await erase(state, accounts);
        if (Object.values(receipt).every(n => n === 0)) throw nothingOf(person);
        if (json) io.stdout.write(`${JSON.stringify({ person: nameOf(person), ...receipt })}\n`);
        else io.stdout.write(`Removed about ${nameOf(person)}:\n${linesOf(receipt)}`);
        if (receipt.rows !== null) return EXIT.ok;
        io.stderr.write(
          'The bot is running and keeps its own rows about this person. Stop it and run this command again to remove those too.\n',
        );
        return EXIT.incomplete;
      } finally {
        await state?.close();
      }
    });
  },
});

function nothingOf(person: Person): NotFoundError {
  return new NotFoundError(
    `There is nothing about ${nameOf(person)}. "shopper memory list" shows whom the bot knows.`,
  );
}

async function rowsOf(state: State, accounts: readonly Person[]): Promise<number> {
  let rows = 0;
  for (const account of accounts) rows += await countRows(state, account);
  return rows;
}

/** As the bot marks who is being forgotten (core/people/forget-me). */
function markOf(state: State): Table<Person> {
  return state.table<Person>('forget-me');
}

/** Of all accounts, the mark of each last; returns how many were there before. */
async function erase(state: State, accounts: readonly Person[]): Promise<number> {
  let rows = 0;
  // The owner last: by its rows the others are found again after a crash.
  for (const account of [...accounts].reverse()) {
    rows += await eraseRows(state, account);
    if (state.multiProcess) rows -= 1;
  }
  return Math.max(rows, 0);
}

/** Their own sessions by what they carry: one of the stores, or an account's name from when they were made. */
async function sessionsOf(
  client: Anthropic,
  app: string,
  accounts: readonly Person[],
  stores: readonly OwnedStore[],
): Promise<string[]> {
  const ids = new Set(stores.map(({ store }) => store.id));
  const found: string[] = [];
  for await (const session of client.beta.sessions.list({ include_archived: true, limit: 100 })) {
    const { platform, workspace, person: id, [APP_KEY]: by = app } = session.metadata;
    // Another bot may know the same person. Sessions of before the name was kept there are taken for this one's.
    const isTheirs =
      by === app &&
      accounts.some(
        account => platform === account.platform && workspace === account.workspace && id === account.id,
      );
    const mounts = session.resources.some(
      resource => resource.type === 'memory_store' && ids.has(resource.memory_store_id),
    );
    if (isTheirs || mounts) found.push(session.id);
  }
  return found;
}

function linesOf({ stores, memories, versions, sessions, files, rows }: Receipt): string {
  return [
    count(stores, 'memory store'),
    count(memories, 'memory', 'memories'),
    count(versions, 'version'),
    count(sessions, 'session'),
    count(files, 'file'),
    rows === null ? 'rows of the bot: not removed' : countedRows(rows),
  ]
    .map(line => `  ${line}\n`)
    .join('');
}

/** `null`: a running bot has them to itself. */
function countedRows(rows: number | null): string {
  return rows === null ? 'what the bot keeps itself' : count(rows, 'row of the bot', 'rows of the bot');
}
