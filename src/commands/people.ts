import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemoryStore } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-stores';
import { type Audience, ownerOf } from '../core/memory/store-owner.ts';
import { type Person, personKey } from '../core/message.ts';
import { NotFoundError, UsageError } from './command.ts';
import type { Operator } from './operator.ts';

export type Store = BetaManagedAgentsMemoryStore;

export interface OwnedStore {
  person: Person;
  /** `shared`: what may be used where others read; a person has at most one store of either kind. */
  audience: Audience;
  /** The person's other accounts, which have this memory too. */
  linked: Person[];
  store: Store;
}

export interface PeopleFilter {
  platform?: string | undefined;
  workspace?: string | undefined;
}

/** "slack:T1:U1", as commands take and print people. */
export function nameOf(person: Pick<Person, 'platform' | 'workspace' | 'id'>): string {
  return `${person.platform}:${person.workspace}:${person.id}`;
}

/** The opposite of `nameOf`; the id may itself hold colons. */
export function parsePerson(text: string): Person {
  const [, platform, workspace, id] = /^([^:\s]+):([^:\s]+):(\S+)$/.exec(text) ?? [];
  if (platform === undefined || workspace === undefined || id === undefined) {
    throw new UsageError(
      `"${text}" does not name a person. Write platform:workspace:id, for example slack:T1:U1, discord:discord:123 or terminal:local:ann.`,
    );
  }
  return { platform, workspace, id, name: id };
}

/** Every store of this bot's people, newest first, page by page as the API gives them. */
export async function* ownedStores(
  client: Anthropic,
  app: string,
  filter: PeopleFilter & { archived?: boolean; since?: string; audience?: Audience } = {},
): AsyncGenerator<OwnedStore> {
  const pages = client.beta.memoryStores.list({
    limit: 100,
    include_archived: filter.archived === true,
    ...(filter.since === undefined ? {} : { 'created_at[gte]': filter.since }),
  });
  for await (const store of pages) {
    const owned = ownerOf(store, app);
    if (owned === null) continue;
    const { person, audience, linked } = owned;
    if (filter.audience !== undefined && audience !== filter.audience) continue;
    if (filter.platform !== undefined && person.platform !== filter.platform) continue;
    if (filter.workspace !== undefined && person.workspace !== filter.workspace) continue;
    yield { person, audience, linked, store };
  }
}

/** A person with all accounts that are linked with theirs, which have one memory, and the stores of it. */
export interface Group {
  /** Those that the state knows first, in its order. */
  accounts: Person[];
  /** Oldest first: of either kind the oldest is the one in use, more than one is an accident. */
  stores: OwnedStore[];
}

/**
 * Everything of a person and of who they are linked with. Not every store of a group names its accounts (a shared one
 * may have been made after linking, by an earlier version), so whoever one of them names has all of the owner's.
 * `known`: accounts that the bot's state links with theirs.
 */
export async function groupOf(
  { client, app }: Pick<Operator, 'client' | 'app'>,
  person: Person,
  options: { archived?: boolean; known?: readonly Person[] } = {},
): Promise<Group> {
  const all: OwnedStore[] = [];
  for await (const owned of ownedStores(client, app, options)) all.push(owned);
  const accounts = mapOf([...(options.known ?? []), person]);
  const asked = new Set(accounts.keys());
  const isAsked = (account: Person) => asked.has(personKey(account));
  for (const { person: owner, linked, store } of all) {
    // An archived store is not written to any more when accounts part: it may name somebody who has long left.
    if (store.archived_at !== null || ![owner, ...linked].some(isAsked)) continue;
    for (const [key, account] of mapOf([owner, ...linked]))
      if (!accounts.has(key)) accounts.set(key, account);
  }
  const stores = all.filter(owned => accounts.has(personKey(owned.person)) || owned.linked.some(isAsked));
  return { accounts: [...accounts.values()], stores: stores.reverse() };
}

function mapOf(people: readonly Person[]): Map<string, Person> {
  return new Map(people.map(person => [personKey(person), person]));
}

/** The stores in use, the private one first; rejects with NotFoundError where there is none. */
export async function usedStoresOf(
  operator: Operator,
  person: Person,
): Promise<[OwnedStore, ...OwnedStore[]]> {
  const { stores } = await groupOf(operator, person);
  const key = personKey(person);
  // What an account had of its own is not used while it is linked with another one.
  const owner = stores.find(owned => owned.linked.some(other => personKey(other) === key))?.person ?? person;
  const used = (['private', 'shared'] as const).flatMap(audience => {
    const store = stores.find(
      owned => owned.audience === audience && personKey(owned.person) === personKey(owner),
    );
    return store === undefined ? [] : [store];
  });
  const [first, ...others] = used;
  if (first === undefined) {
    throw new NotFoundError(
      `${operator.app} has no memory of ${nameOf(person)}. "shopper memory list" shows whom it knows.`,
    );
  }
  return [first, ...others];
}
