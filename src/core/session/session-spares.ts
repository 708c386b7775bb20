import type { Accounts } from '../linking/accounts.ts';
import type { PersonStore } from '../memory/memory.ts';
import { type Person, personKey } from '../message.ts';
import { createPersonClaims } from '../people/person-claims.ts';
import type { MemoryAccess, Privacy } from '../people/privacy.ts';
import type { Holds } from '../queue/holds.ts';
import type { State } from '../state/state.ts';
import type { SessionMaking, SessionPurpose } from './session-making.ts';
import type { SessionEndings } from './session-removal.ts';
import type { SessionRecord } from './sessions.ts';

/** A session that is ready for a person's next new conversation, in private. */
export interface Spares {
  prepare(person: Person): Promise<void>;
  /** The one that is ready, if it is still what a new one would be. Only one takes it. */
  take(person: Person, stores: readonly PersonStore[], access: MemoryAccess): Promise<SessionRecord | null>;
}

/** So much later than anybody could still take it. */
const SWEEP_LATER_MS = 3600_000;

export function createSpares(deps: {
  state: State;
  accounts: Accounts;
  privacy: Privacy;
  holds: Holds;
  endings: SessionEndings;
  making: Pick<SessionMaking, 'storesFor'>;
  make(purpose: SessionPurpose): Promise<SessionRecord>;
  isCurrent(record: SessionRecord, stores: readonly PersonStore[], access: MemoryAccess): boolean;
  keepMs: number;
  now: () => number;
}): Spares {
  const { endings, isCurrent, keepMs } = deps;
  const spares = deps.state.table<SessionRecord>('session-spare');
  const claims = createPersonClaims(deps.state, deps.accounts);

  async function makeSpare(person: Person, owner: Person): Promise<void> {
    const key = personKey(person);
    const [spare, paused] = await Promise.all([spares.get(key), deps.privacy.isPaused(owner)]);
    const access = paused ? 'read_only' : 'read_write';
    const purpose: SessionPurpose = { person, owner, audience: 'private', access };
    const { stores, complete } = await deps.making.storesFor(purpose);
    if (spare !== undefined && complete && isCurrent(spare, stores, access)) return;
    const made = await deps.make(purpose);
    // First, so that one which nobody takes is found, whatever becomes of this process.
    await endings.schedule(key, made.sessionId, deps.now() + keepMs + SWEEP_LATER_MS);
    const kept =
      spare === undefined
        ? await spares.insert(key, made, keepMs)
        : await spares.replace(key, spare, made, keepMs);
    // The one before was taken, or has expired, meanwhile: then another is made with the next reason to.
    const unwanted = kept ? spare : made;
    if (unwanted !== undefined) await endings.end(key, unwanted.sessionId);
  }

  return {
    async prepare(person) {
      if (await deps.holds.isHeld(personKey(person))) return;
      // Never while they are linked, parted or forgotten: what that does not find would be left behind.
      await claims.withAll(person, ([owner = person]) => makeSpare(person, owner));
    },

    async take(person, stores, access) {
      const key = personKey(person);
      const spare = await spares.get(key);
      if (spare === undefined || !isCurrent(spare, stores, access)) return null;
      if (!(await spares.replace(key, spare, spare, -1))) return null;
      await endings.cancel(key, spare.sessionId);
      return spare;
    },
  };
}
