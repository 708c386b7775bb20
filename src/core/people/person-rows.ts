import { type Person, personKey } from '../message.ts';
import type { State, Table } from '../state/state.ts';

/** How the rows of a table belong to people. */
type Tie =
  /** By key: the person's own, or one of their conversations', or anything below. */
  | { by: 'key' }
  /** By key, somewhere in it. */
  | { by: 'part' }
  /** By what the row holds: a person, a conversation, or a person's key. */
  | { by: 'value' }
  /** Rows say nothing about a person, or are kept when one is forgotten; the reason why. */
  | { by: 'nobody'; why: string };

/**
 * Every table there is. What a person has us forget goes from here, in this order: first what could begin
 * something, last what finds the rest again after a crash. A table that is not listed fails a test.
 */
export const TABLES: Readonly<Record<string, Tie>> = {
  inbox: { by: 'key' },
  'inbox-done': { by: 'key' },
  turn: { by: 'key' },
  'turn-lease': {
    by: 'nobody',
    why: 'held by a process while it answers; ends with the turn or the process',
  },
  'discord-taken': { by: 'value' },
  'discord-spoke': { by: 'key' },
  'discord-hinted': { by: 'key' },
  'discord-answer': { by: 'key' },
  'discord-notice': { by: 'key' },
  'discord-about': { by: 'nobody', why: 'what a form is about, under the id of an interaction, for an hour' },
  'slack-heard': { by: 'part' },
  'slack-latest': { by: 'key' },
  'slack-edit': { by: 'nobody', why: 'ids of edited messages, by channel, for as long as Slack redelivers' },
  session: { by: 'key' },
  'session-spare': { by: 'key' },
  'session-conversation': { by: 'key' },
  'session-ending': { by: 'key' },
  'change-set': { by: 'key' },
  'notice-due': { by: 'key' },
  'notice-mode': { by: 'key' },
  'memory-lost': { by: 'key' },
  'memory-edited': { by: 'key' },
  news: { by: 'key' },
  paused: { by: 'key' },
  private: { by: 'key' },
  edit: { by: 'key' },
  'edit-intent': { by: 'key' },
  'fact-origin': { by: 'key' },
  form: { by: 'key' },
  unsaved: { by: 'key' },
  'reply-source': { by: 'key' },
  'link-code': { by: 'value' },
  'link-code-current': { by: 'key' },
  forgetting: { by: 'key' },
  'store-claim': { by: 'key' },
  'store-lost': { by: 'key' },
  store: { by: 'key' },
  linked: { by: 'key' },
  linking: { by: 'key' },
  'forget-me': { by: 'key' },

  spent: { by: 'nobody', why: "being forgotten must not start the day's limit again; gone after three days" },
  'link-try': { by: 'nobody', why: 'being forgotten must not give more guesses; gone after an hour' },
  'link-claim': { by: 'nobody', why: 'held by a process while it changes who is linked' },
  'person-claim': {
    by: 'nobody',
    why: 'held by a process while it links, parts or forgets somebody, gets a session ready or looks at what a turn left; ends with that or the process',
  },
  'session-cost': { by: 'nobody', why: 'what a session cost, under its id' },
  provision: { by: 'nobody', why: 'about the agent' },
  'provision-claim': { by: 'nobody', why: 'about the agent' },
  rescue: { by: 'nobody', why: 'about processes' },
  process: { by: 'nobody', why: 'about processes' },
  readiness: { by: 'nobody', why: 'one row, written to see whether the state takes it' },
  'stores-seen': { by: 'nobody', why: 'a moment' },
  'discord-channel': { by: 'nobody', why: 'where a channel was read up to' },
  'slack-installation': { by: 'nobody', why: 'about a workspace' },
  'slack-rotation': { by: 'nobody', why: 'about a workspace' },
};

/** Of these, what is about an account's own memory: worth nothing once another account's has taken its place. */
const ABOUT_MEMORY: ReadonlySet<string> = new Set([
  'change-set',
  'notice-mode',
  'memory-lost',
  'memory-edited',
  'paused',
  'edit',
  'edit-intent',
  'fact-origin',
  'form',
  'unsaved',
  'forgetting',
  'store',
]);

/** Removes every row of a person; returns how many. Safe to repeat. */
export function eraseRows(state: State, person: Person): Promise<number> {
  return erase(state, person, Object.entries(TABLES));
}

/** How many rows `eraseRows` would remove. */
export async function countRows(state: State, person: Person): Promise<number> {
  let rows = 0;
  for await (const _ of rowsOf(state, person, Object.entries(TABLES))) rows += 1;
  return rows;
}

/** Removes the rows about an account's own memory. Safe to repeat. */
export async function eraseMemoryRows(state: State, person: Person): Promise<void> {
  await erase(
    state,
    person,
    Object.entries(TABLES).filter(([name]) => ABOUT_MEMORY.has(name)),
  );
}

async function erase(state: State, person: Person, tables: readonly [string, Tie][]): Promise<number> {
  let erased = 0;
  for await (const [table, key] of rowsOf(state, person, tables)) if (await table.delete(key)) erased += 1;
  return erased;
}

async function* rowsOf(
  state: State,
  person: Person,
  tables: readonly [string, Tie][],
): AsyncGenerator<[table: Table<unknown>, key: string]> {
  const owner = personKey(person);
  for (const [name, tie] of tables) {
    if (tie.by === 'nobody') continue;
    const table = state.table<unknown>(name);
    for await (const [key, value] of table.entries(tie.by === 'key' ? owner : '')) {
      if (belongs(tie, key, value, owner)) yield [table, key];
    }
  }
}

function belongs(tie: Tie, key: string, value: unknown, owner: string): boolean {
  switch (tie.by) {
    case 'key':
      return key === owner || key.startsWith(`${owner}/`);
    case 'part':
      return `/${key}/`.includes(`/${owner}/`);
    case 'value':
      return ownersIn(value).includes(owner);
    case 'nobody':
      return false;
  }
}

/** The keys of the people that a row names: `person`, as a key or in full, here or in `conversation`. */
function ownersIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { person, conversation } = value as { person?: unknown; conversation?: unknown };
  if (typeof person === 'string') return [person];
  return [...(isPerson(person) ? [personKey(person)] : []), ...ownersIn(conversation)];
}

function isPerson(value: unknown): value is Person {
  return (
    typeof value === 'object' &&
    value !== null &&
    'platform' in value &&
    'workspace' in value &&
    'id' in value
  );
}
