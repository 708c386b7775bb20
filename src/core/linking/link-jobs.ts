import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import { unlessGone } from '../errors.ts';
import type { ChangeSets } from '../memory/change-sets.ts';
import type { Memory } from '../memory/memory.ts';
import { type CommandAction, type NoticeMode, type Person, personKey } from '../message.ts';
import { createPersonClaims } from '../people/person-claims.ts';
import { eraseMemoryRows } from '../people/person-rows.ts';
import type { Privacy } from '../people/privacy.ts';
import type { Holds } from '../queue/holds.ts';
import type { Sessions } from '../session/sessions.ts';
import type { ConversationOfSession } from '../session/whereabouts.ts';
import type { State } from '../state/state.ts';
import { type Accounts, type Leaving, MAX_ACCOUNTS } from './accounts.ts';
import type { MemoryCopy, OpenDispute } from './memory-copy.ts';

/**
 * What is under way, by each account that waits for it: written before anything is done, removed when all is.
 * Everything in between can be repeated.
 */
export type LinkJob =
  /** `copied`: the other memory has everything, and what is left is to clear up. */
  | { type: 'link'; owner: Person; person: Person; copied?: boolean }
  /** `fresh`: whoever gets the copy had no memory before, so what a failed attempt put there is replaced as a whole. */
  | { type: 'unlink'; leaving: Leaving; fresh?: boolean };

/** Links and parts accounts so that a crash at any moment loses nothing: see ARCHITECTURE.md, *Linked accounts*. */
export interface LinkJobs {
  /**
   * Resolves with what the memories say differently; with null when it cannot be done any more, or something else is under
   * way for one of the accounts; with `unfinished` when it has begun and will be finished later.
   */
  begin(job: LinkJob, isStillWanted?: () => Promise<boolean>): Promise<OpenDispute[] | null | 'unfinished'>;
  /**
   * Before a person does this with their memory: finishes what is under way for any account of theirs and would undo
   * it. False when that cannot be finished yet.
   */
  settle(person: Person, before: CommandAction['type']): Promise<boolean>;
  /** Finishes what an earlier process had begun. */
  resume(): Promise<void>;
}

export interface LinkJobsDeps {
  client: Anthropic;
  state: State;
  memory: Memory;
  accounts: Accounts;
  changeSets: ChangeSets;
  copy: MemoryCopy;
  sessions: Sessions;
  privacy: Privacy;
  whereabouts: ConversationOfSession;
  holds: Holds;
  /** What an owner has asked to be forgotten goes before it could be copied. */
  finishForgetting(owner: Person): Promise<void>;
  /** So does what others' words have brought there, and what turns have left is told: see LateNotices. */
  lookAtTurns(owner: Person): Promise<void>;
  /** Stops what is being answered to an account, and resolves when nothing is. */
  halt(person: string): Promise<void>;
  /** What the other accounts are told when one was linked with them. */
  linkedNews(person: Person): string;
  log: Log;
}

export type LinkObstacle = 'already' | 'linked-elsewhere' | 'full';

/** Why an account cannot be linked with those of an owner; null when it can. */
export async function linkObstacle(
  accounts: Accounts,
  person: Person,
  owner: Person,
): Promise<LinkObstacle | null> {
  if (personKey(await accounts.ownerOf(person)) === personKey(owner)) return 'already';
  if ((await accounts.accountsOf(person)).length > 1) return 'linked-elsewhere';
  return (await accounts.accountsOf(owner)).length >= MAX_ACCOUNTS ? 'full' : null;
}

export function createLinkJobs(deps: LinkJobsDeps): LinkJobs {
  const { client, state, memory, accounts, sessions, privacy, log } = deps;
  const jobs = state.table<LinkJob>('linking');
  const modes = state.table<NoticeMode>('notice-mode');
  const claims = createPersonClaims(state, accounts);

  function begin(
    job: LinkJob,
    isStillWanted = async () => true,
  ): Promise<OpenDispute[] | null | 'unfinished'> {
    return claims.alone(partiesOf(job), async () => {
      if (!(await isStillWanted())) return null;
      const keys = waitingFor(job).map(personKey);
      for (const key of keys) if ((await jobs.get(key)) !== undefined) return null;
      for (const key of keys) await jobs.set(key, job);
      try {
        return await carryOut(job);
      } catch (error) {
        logUnfinished(error);
        return 'unfinished';
      }
    });
  }

  /** Does what is left of a job, if an account still waits for it. */
  async function finish(key: string, job: LinkJob): Promise<void> {
    await claims.alone(partiesOf(job), async () => {
      const now = await jobs.get(key);
      if (now !== undefined && isSame(now, job)) await carryOut(now);
    });
  }

  /** Null when accounts have changed so that it cannot be done; then nothing is. */
  async function carryOut(job: LinkJob): Promise<OpenDispute[] | null> {
    const waiting = waitingFor(job);
    const releases = waiting.map(account => deps.holds.hold(account));
    try {
      for (const account of waiting) await deps.halt(personKey(account));
      const disputes = job.type === 'link' ? await join(job) : await part(job);
      for (const account of waiting) await jobs.delete(personKey(account));
      const done = disputes !== null;
      if (job.type === 'link') log.info({ event: 'accounts.linked', done }, 'accounts linked');
      else log.info({ event: 'accounts.unlinked', done }, 'accounts parted');
      return disputes;
    } finally {
      for (const release of releases) release();
    }
  }

  function logUnfinished(error: unknown): void {
    log.error({ event: 'accounts.unfinished', err: error }, 'accounts could not be linked or parted yet');
  }

  /** Joining decides whether the two may be linked at all, so nothing is copied before. */
  async function join(job: Extract<LinkJob, { type: 'link' }>): Promise<OpenDispute[] | null> {
    const { owner, person } = job;
    const isIn = personKey(await accounts.ownerOf(person)) === personKey(owner);
    if (!isIn) {
      if ((await linkObstacle(accounts, person, owner)) !== null) return null;
      await sessions.renew(person);
      const joined = await accounts.join(owner, person);
      if (joined.type !== 'joined' && joined.type !== 'already') return null;
    }
    let disputes: OpenDispute[] = [];
    if (job.copied !== true) {
      await carrySettings(person, owner);
      // Once: whoever goes on with it before this is repeated must not find it paused again.
      await privacy.setPaused(person, false);
      await deps.finishForgetting(person);
      await deps.lookAtTurns(person);
      // Asked about so late, nobody has decided on it; it goes with the memory that has its text.
      for (const { change } of await deps.changeSets.list(person))
        if (change.state === 'held') await sessions.tell(person, leftOut(change.because));
      // One that was archived takes nothing up any more.
      for (const { id } of await memory.knownStores(owner)) await sessions.checkStore(owner, id);
      disputes = await deps.copy.move(person, owner, 'link');
      await jobs.set(personKey(person), { ...job, copied: true });
    }
    const left = await memory.knownStores(person);
    const all = await accounts.accountsOf(owner);
    await memory.name(all);
    // Whoever gave the code away without meaning to has to hear of it.
    for (const other of all) {
      if (personKey(other) !== personKey(person)) await sessions.tell(other, deps.linkedNews(person));
    }
    for (const { id } of left) await unlessGone(client.beta.memoryStores.delete(id));
    await eraseMemoryRows(state, person);
    return disputes;
  }

  async function part({
    leaving,
    fresh,
  }: Extract<LinkJob, { type: 'unlink' }>): Promise<OpenDispute[] | null> {
    const { from, to, accounts: leavers } = leaving;
    // After a crash it may have left already: what either has learned since is its own.
    if (personKey(await accounts.ownerOf(to)) !== personKey(to)) {
      if (fresh === true) await discard(to);
      await deps.finishForgetting(from);
      await deps.lookAtTurns(from);
      await sessions.renew(from);
      await deps.copy.copy(from, to, 'unlink');
      await carrySettings(from, to);
      if (!(await accounts.leave(leaving))) {
        if (fresh === true) await discard(to);
        return null;
      }
    }
    await memory.name(await accounts.accountsOf(from));
    await memory.name(leavers);
    return [];
  }

  /** The copy that an attempt made which failed: what has been forgotten, changed or un-shared since stands in it. */
  async function discard(account: Person): Promise<void> {
    for (const { id } of await memory.knownStores(account))
      await unlessGone(client.beta.memoryStores.delete(id));
    await eraseMemoryRows(state, account);
  }

  async function carrySettings(from: Person, to: Person): Promise<void> {
    await deps.whereabouts.carry(from, to);
    const mode = await modes.get(personKey(from));
    if (mode !== undefined) await modes.insert(personKey(to), mode);
    // Who asked for nothing new to be written, on whichever account, must not find it written.
    if (await privacy.isPaused(from)) await privacy.setPaused(to, true);
  }

  return {
    begin,

    async settle(person, before) {
      const isAboutAccounts = before === 'link' || before === 'unlink';
      try {
        for (const account of await accounts.accountsOf(person)) {
          const key = personKey(account);
          const job = await jobs.get(key);
          // A copy that is made anew has what is changed until then.
          const isMadeAnew = job?.type === 'unlink' && job.fresh === true;
          if (job !== undefined && (isAboutAccounts || !isMadeAnew)) await finish(key, job);
        }
        return true;
      } catch (error) {
        logUnfinished(error);
        return false;
      }
    },

    async resume() {
      await accounts.resume();
      // One that cannot be finished does not keep the others waiting.
      for await (const [key, job] of jobs.entries()) await finish(key, job).catch(logUnfinished);
    },
  };
}

function leftOut(because: readonly string[]): string {
  return `While your accounts were being linked, I left out something I had noted, because it may come from ${because.join(' and ')}. If it is right, please tell me again.`;
}

function waitingFor(job: LinkJob): readonly Person[] {
  return job.type === 'link' ? [job.person] : job.leaving.accounts;
}

/** Whose memory it is about. */
function partiesOf(job: LinkJob): Person[] {
  return job.type === 'link' ? [job.owner, job.person] : [job.leaving.from, ...job.leaving.accounts];
}

function isSame(one: LinkJob, other: LinkJob): boolean {
  const named = (job: LinkJob) => [job.type, ...partiesOf(job).map(personKey)].join(' ');
  return named(one) === named(other);
}
