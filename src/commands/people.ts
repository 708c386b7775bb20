import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemoryStore } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-stores';
import { type Person, personKey } from '../core/message.ts';
import { type Audience, ownerOf } from '../core/store-owner.ts';
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

/**
 * A person's stores, oldest first: of either kind the oldest is the one in use, more than one is an accident. An
 * account that is linked with another one has that one's.
 */
export async function storesOf(
  { client, app }: Operator,
  person: Person,
  options: { archived?: boolean } = {},
): Promise<OwnedStore[]> {
  const found: OwnedStore[] = [];
  const key = personKey(person);
  for await (const owned of ownedStores(client, app, options)) {
    if ([owned.person, ...owned.linked].some(account => personKey(account) === key)) found.unshift(owned);
  }
  return found;
}

/** The stores in use, the private one first; rejects with NotFoundError where there is none. */
export async function usedStoresOf(
  operator: Operator,
  person: Person,
): Promise<[OwnedStore, ...OwnedStore[]]> {
  const all = await storesOf(operator, person);
  const used = (['private', 'shared'] as const).flatMap(audience => {
    const store = all.find(owned => owned.audience === audience);
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
