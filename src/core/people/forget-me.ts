import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import { allUnlessGone } from '../errors.ts';
import type { Accounts } from '../linking/accounts.ts';
import type { LinkJob } from '../linking/link-jobs.ts';
import type { Memory } from '../memory/memory.ts';
import { type Person, personKey } from '../message.ts';
import type { Holds } from '../queue/holds.ts';
import { removeSession } from '../session/session-removal.ts';
import type { State } from '../state/state.ts';
import { countStore, deleted, removeFiles } from './erasing.ts';
import { createPersonClaims } from './person-claims.ts';
import { eraseRows } from './person-rows.ts';

/** What was there of a person and is gone. */
export interface Forgotten {
  sessions: number;
  /** Files that belonged to their sessions. */
  files: number;
  memories: number;
  versions: number;
  rows: number;
}

export interface ForgetMe {
  /**
   * Everything there is of a person with all their accounts, here and at the API. The next message starts from
   * nothing. Safe to repeat.
   */
  run(person: Person): Promise<Forgotten>;
  /** Finishes what an earlier process had begun. */
  resume(): Promise<void>;
}

export function createForgetMe(deps: {
  client: Anthropic;
  state: State;
  memory: Memory;
  accounts: Accounts;
  holds: Holds;
  /** Stops what is being answered to the person, and resolves when nothing is. */
  halt(person: string): Promise<void>;
  log: Log;
}): ForgetMe {
  const { client, state, memory, accounts, log } = deps;
  const begun = state.table<Person>('forget-me');
  const linking = state.table<LinkJob>('linking');
  const claims = createPersonClaims(state, accounts);

  async function sessionsOf(people: readonly Person[], storeIds: readonly string[]): Promise<Set<string>> {
    const ids = new Set<string>();
    for (const storeId of storeIds) {
      const list = client.beta.sessions.list({
        memory_store_id: storeId,
        include_archived: true,
        limit: 100,
      });
      for await (const session of allUnlessGone(list)) ids.add(session.id);
    }
    for (const key of people.map(personKey)) await addFromRows(key, ids);
    return ids;
  }

  /** Sessions off the record name no store, and those of an earlier store name another one. */
  async function addFromRows(key: string, ids: Set<string>): Promise<void> {
    for (const name of ['session', 'session-spare', 'session-ending'] as const) {
      for await (const [row, { sessionId }] of state.table<{ sessionId: string }>(name).entries(key)) {
        if (row === key || row.startsWith(`${key}/`)) ids.add(sessionId);
      }
    }
    for await (const [row] of state.table<unknown>('session-conversation').entries(`${key}/`)) {
      ids.add(row.slice(key.length + 1));
    }
  }

  async function erase(person: Person, people: readonly Person[]): Promise<Forgotten> {
    const releases = people.map(each => deps.holds.hold(each));
    try {
      for (const each of people) await begun.set(personKey(each), each);
      for (const each of people) await deps.halt(personKey(each));
      // Of each of them: linking or parting that failed half way leaves one that is not the owner's.
      const known = await Promise.all(people.map(each => memory.knownStores(each)));
      const lost = await Promise.all(people.map(each => memory.lostStores(each)));
      const storeIds = [...new Set([...known.flat().map(store => store.id), ...lost.flat()])];
      const forgotten: Forgotten = { sessions: 0, files: 0, memories: 0, versions: 0, rows: 0 };
      for (const sessionId of await sessionsOf(people, storeIds)) {
        forgotten.files += await removeFiles(client, sessionId);
        if ((await removeSession(client, sessionId, { interrupt: true })) === 'removed')
          forgotten.sessions += 1;
      }
      for (const storeId of storeIds) {
        const counts = await countStore(client, storeId);
        if (!(await deleted(client.beta.memoryStores.delete(storeId)))) continue;
        forgotten.memories += counts.memories;
        forgotten.versions += counts.versions;
      }
      await callOffLinking(people);
      // The owner last: by its rows the others are found again after a crash.
      for (const each of [...people].reverse()) forgotten.rows += await eraseRows(state, each);
      await state.scrub();
      log.info(
        { event: 'person.forgotten', platform: person.platform, ...forgotten },
        'a person was forgotten',
      );
      return forgotten;
    } finally {
      for (const release of releases) release();
    }
  }

  /** Somebody who was about to have the memory of one of these: linked later, they would make them a new one. */
  async function callOffLinking(people: readonly Person[]): Promise<void> {
    const keys = people.map(personKey);
    for await (const [key, job] of linking.entries()) {
      if (job.type === 'link' && keys.includes(personKey(job.owner))) await linking.delete(key);
    }
  }

  return {
    run: person => claims.withAll(person, people => erase(person, people)),

    async resume() {
      for await (const [key, person] of begun.entries()) {
        try {
          await claims.withAll(person, async people => {
            // Whoever has asked again meanwhile is forgotten by now, and what they have said since then is new.
            if ((await begun.get(key)) !== undefined) await erase(person, people);
          });
        } catch (error) {
          log.error({ event: 'forget_me.unfinished', err: error }, 'a person could not be forgotten yet');
        }
      }
    },
  };
}
