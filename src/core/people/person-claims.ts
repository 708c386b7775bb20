import type { Accounts } from '../linking/accounts.ts';
import { type Person, personKey } from '../message.ts';
import { type ClaimTimes, underClaim } from '../queue/claim.ts';
import type { State } from '../state/state.ts';

/** Linking, parting, forgetting, getting a session ready and looking at what a turn left take several steps; of one person's, one thing is done at a time. Not to be nested. */
export interface PersonClaims {
  /** Does the work while nobody else does any for one of these, in whichever process. Waits its turn. */
  alone<T>(people: readonly Person[], work: () => Promise<T>): Promise<T>;
  /** As `alone`, for a person with all accounts that are theirs by then, the owner first. */
  withAll<T>(person: Person, work: (people: readonly Person[]) => Promise<T>): Promise<T>;
}

const TIMES: ClaimTimes = { ttlMs: 10_000, pollMs: 100 };

export function createPersonClaims(state: State, accounts: Accounts): PersonClaims {
  const claims = state.table<string>('person-claim');

  function within<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const [key, ...others] = keys;
    return key === undefined ? work() : underClaim(claims, key, TIMES, () => within(others, work));
  }

  // In one order, so that two who want the same people never wait for each other.
  function alone<T>(people: readonly Person[], work: () => Promise<T>): Promise<T> {
    return within([...new Set(people.map(personKey))].sort(), work);
  }

  return {
    alone,
    async withAll(person, work) {
      const all = async () => accounts.accountsOf(await accounts.ownerOf(person));
      for (;;) {
        const people = await all();
        // Some may have been linked or parted while this waited; from here on nobody is.
        const done = await alone(people, async () =>
          isSame(people, await all()) ? { result: await work(people) } : null,
        );
        if (done !== null) return done.result;
      }
    },
  };
}

function isSame(some: readonly Person[], others: readonly Person[]): boolean {
  return some.map(personKey).join(' ') === others.map(personKey).join(' ');
}
