/** What a store's metadata says: whose it is, and for where. Enough to find it all again from the API alone. */

import * as z from 'zod';
import { MAX_ACCOUNTS } from '../linking/accounts.ts';
import type { Conversation, Person } from '../message.ts';
import { APP_KEY } from '../session/provision-wanted.ts';

/** Where what a store holds may be used: with the person alone, or also where others read. */
export type Audience = Conversation['audience'];

/** What a person's store is created with. The metadata is enough to find its owner again from the API alone. */
export function newStoreOf(
  app: string,
  description: string | undefined,
  person: Person,
  audience: Audience = 'private',
  linked: readonly Person[] = [],
): { name: string; description?: string; metadata: Record<string, string> } {
  return {
    name: storeName(person, audience),
    ...(description === undefined ? {} : { description }),
    metadata: { ...metadataOf(app, person, audience), ...pairsOf(linked) },
  };
}

/** Plain ASCII, because the mount's folder name is made from it: "Memory of slack T1 U1". */
function storeName(person: Person, audience: Audience): string {
  const words = [person.platform, person.workspace, person.id].map(part =>
    part.replace(/[^A-Za-z0-9]+/g, '-'),
  );
  return `${audience === 'private' ? 'Memory' : 'Shared memory'} of ${words.join(' ')}`.slice(0, 255);
}

/** Enough to rebuild the mapping from the API alone (values are limited to 512 characters). */
function metadataOf(app: string, person: Person, audience: Audience): Record<string, string> {
  return {
    [APP_KEY]: app,
    platform: person.platform,
    workspace: person.workspace,
    person: person.id,
    person_name: person.name.slice(0, 512),
    ...(audience === 'private' ? {} : { audience }),
  };
}

/** What a store's metadata says of it. */
export interface Owned {
  person: Person;
  audience: Audience;
  /** Accounts that have it too. */
  linked: Person[];
}

/** Whose store this is, and for where; null when it is not one of this bot's. */
export function ownerOf(store: { metadata: Record<string, string> }, app: string): Owned | null {
  const { platform, workspace, person, person_name, audience } = store.metadata;
  if (
    store.metadata[APP_KEY] !== app ||
    platform === undefined ||
    workspace === undefined ||
    person === undefined
  ) {
    return null;
  }
  return {
    person: { platform, workspace, id: person, name: person_name ?? person },
    audience: audience === 'shared' ? 'shared' : 'private',
    linked: LINKED_KEYS.flatMap(key => accountIn(store.metadata[key])),
  };
}

const LINKED_KEYS = Array.from({ length: MAX_ACCOUNTS - 1 }, (_, n) => `linked_${n + 1}`);

const accountShape = z.object({
  platform: z.string(),
  workspace: z.string(),
  id: z.string(),
  name: z.string(),
});

/** A pair for each account, and null for those that are no longer there. */
export function linkedMetadata(others: readonly Person[]): Record<string, string | null> {
  return { ...Object.fromEntries(LINKED_KEYS.map(key => [key, null])), ...pairsOf(others) };
}

/** Values are limited to 512 characters. */
function pairsOf(others: readonly Person[]): Record<string, string> {
  return Object.fromEntries(
    others
      .slice(0, LINKED_KEYS.length)
      .map(({ platform, workspace, id, name }, index) => [
        `linked_${index + 1}`,
        JSON.stringify({ platform, workspace, id, name: name.slice(0, 100) }),
      ]),
  );
}

function accountIn(value: string | undefined): Person[] {
  if (value === undefined) return [];
  try {
    const parsed = accountShape.safeParse(JSON.parse(value));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}
