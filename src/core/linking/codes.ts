import { createHash } from 'node:crypto';
import { type Person, personKey } from '../message.ts';
import { newOneTimeCode, plainCode } from '../people/one-time-codes.ts';
import type { State } from '../state/state.ts';

/** One-time codes with which a person shows from one account that another one is theirs too. */
export interface LinkCodes {
  /** "K7QM-3XWP", and until when it is valid (ISO 8601). The person's earlier code is no longer valid. */
  issue(person: Person): Promise<{ code: string; expiresAt: string }>;
  /** Whose code it is; it stays good. */
  look(person: Person, code: string): Promise<Looked>;
  /** As `look`, and uses it up: of many at the same moment one finds it. */
  redeem(person: Person, code: string): Promise<Looked>;
}

export type Looked =
  | { type: 'found'; issuer: Person }
  /** There is no such code: mistyped, too old, used or replaced; which of these is not said. */
  | { type: 'wrong'; triesLeft: number }
  /** `until`: ISO 8601 */
  | { type: 'locked'; until: string }
  /** Right, but issued to this very account. */
  | { type: 'own' };

const VALID_MS = 10 * 60_000;

/**
 * There are some 8.5 * 10^11 codes. An account has five wrong tries an hour, so it has at most five while any
 * one code is good: with 10,000 accounts guessing at 1,000 codes that are good at the same time, one in 17,000 such
 * attempts finds one. That is why there is no limit across accounts, with which a few could keep everybody out.
 */
const MAX_WRONG = 5;
const LOCKED_MS = 3600_000;

interface Issued {
  person: Person;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** A wrong try. Tries are taken as numbered seats, each free again an hour later, so that counting is one insert. */
interface Try {
  until: number;
}

export function createLinkCodes(deps: { state: State; now: () => number }): LinkCodes {
  const { now } = deps;
  // By its hash: whoever reads the state has no code in hand.
  const codes = deps.state.table<Issued>('link-code');
  /** The hash of the one code of a person that is good. */
  const current = deps.state.table<string>('link-code-current');
  const tries = deps.state.table<Try>('link-try');
  const seats = (person: Person) =>
    Array.from({ length: MAX_WRONG }, (_, n) => `${personKey(person)}/${n + 1}`);

  /** Counts a try before it is known whether it is wrong, so that even many at once are at most five. */
  async function begin(person: Person): Promise<{ type: 'begun'; seat: string } | LockedOut> {
    const begun: Try = { until: now() + LOCKED_MS };
    let freeAt = begun.until;
    for (const seat of seats(person)) {
      const taken = await tries.get(seat);
      if (taken === undefined) {
        if (await tries.insert(seat, begun, LOCKED_MS)) return { type: 'begun', seat };
      } else if (taken.until <= now()) {
        if (await tries.replace(seat, taken, begun, LOCKED_MS)) return { type: 'begun', seat };
      } else freeAt = Math.min(freeAt, taken.until);
    }
    return { type: 'locked', until: new Date(freeAt).toISOString() };
  }

  async function triesLeft(person: Person): Promise<number> {
    const taken = await Promise.all(seats(person).map(seat => tries.get(seat)));
    return taken.filter(one => one === undefined || one.until <= now()).length;
  }

  async function issuerOf(hash: string): Promise<Person | null> {
    const issued = await codes.get(hash);
    if (issued === undefined || issued.expiresAt <= now()) return null;
    return (await current.get(personKey(issued.person))) === hash ? issued.person : null;
  }

  /** True for one of many: the write that ends the code is the one that a newer code would have made fail. */
  async function take(issuer: Person, hash: string): Promise<boolean> {
    if (!(await current.replace(personKey(issuer), hash, hash, -1))) return false;
    await codes.delete(hash);
    return true;
  }

  async function attempt(
    person: Person,
    code: string,
    settle: (issuer: Person, hash: string) => Promise<boolean>,
  ): Promise<Looked> {
    const attempt = await begin(person);
    if (attempt.type === 'locked') return attempt;
    const hash = hashOf(code);
    const issuer = await issuerOf(hash);
    const isOwn = issuer !== null && personKey(issuer) === personKey(person);
    if (issuer === null || !(isOwn || (await settle(issuer, hash))))
      return { type: 'wrong', triesLeft: await triesLeft(person) };
    // A crash before this leaves a right try counted as a wrong one, for an hour.
    await tries.delete(attempt.seat);
    return isOwn ? { type: 'own' } : { type: 'found', issuer };
  }

  return {
    async issue(person) {
      const expiresAt = now() + VALID_MS;
      for (;;) {
        const code = newOneTimeCode();
        const hash = hashOf(code);
        if (!(await codes.insert(hash, { person, expiresAt }, VALID_MS))) continue;
        const before = await current.get(personKey(person));
        // From here on the one before is worth nothing; until here the new one is not worth anything yet.
        await current.set(personKey(person), hash, VALID_MS);
        if (before !== undefined) await codes.delete(before);
        return { code, expiresAt: new Date(expiresAt).toISOString() };
      }
    },

    look: (person, code) => attempt(person, code, async () => true),
    redeem: (person, code) => attempt(person, code, take),
  };
}

type LockedOut = Extract<Looked, { type: 'locked' }>;

function hashOf(code: string): string {
  return createHash('sha256').update(plainCode(code), 'utf8').digest('hex');
}
