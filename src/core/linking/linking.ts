import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import { unlessGone } from '../errors.ts';
import type { Memory } from '../memory/memory.ts';
import {
  type Action,
  type CommandAction,
  type NoticeMode,
  type Person,
  personKey,
  platformName,
} from '../message.ts';
import { createPersonClaims } from '../people/person-claims.ts';
import { eraseMemoryRows } from '../people/person-rows.ts';
import type { Privacy } from '../people/privacy.ts';
import type { Conflicts } from '../preferences/conflicts.ts';
import type { Holds } from '../queue/holds.ts';
import type { Sessions } from '../session/sessions.ts';
import type { ConversationOfSession } from '../session/whereabouts.ts';
import type { State } from '../state/state.ts';
import { type Conflict, outcome, type PreferencesView } from '../views.ts';
import { type Accounts, type Leaving, MAX_ACCOUNTS } from './accounts.ts';
import type { LinkCodes, Looked } from './codes.ts';
import type { MemoryCopy, OpenDispute } from './memory-copy.ts';

/** Several accounts of one person come to have one memory, and part again. */
export interface Linking {
  link(person: Person, action: Action<'link'>): Promise<PreferencesView>;
  unlink(person: Person, action: Action<'unlink'>): Promise<PreferencesView>;
  /**
   * Before a person does this with their memory: finishes what is under way for any account of theirs and would undo
   * it. False when that cannot be finished yet.
   */
  settle(person: Person, before: CommandAction['type']): Promise<boolean>;
  /** Finishes what an earlier process had begun. */
  resume(): Promise<void>;
}

/**
 * What is under way, by each account that waits for it: written before anything is done, removed when all is.
 * Everything in between can be repeated.
 */
export type LinkJob =
  /** `copied`: the other memory has everything, and what is left is to clear up. */
  | { type: 'link'; owner: Person; person: Person; copied?: boolean }
  /** `fresh`: whoever gets the copy had no memory before, so what a failed attempt put there is replaced as a whole. */
  | { type: 'unlink'; leaving: Leaving; fresh?: boolean };

export interface LinkingDeps {
  client: Anthropic;
  state: State;
  memory: Memory;
  accounts: Accounts;
  codes: LinkCodes;
  copy: MemoryCopy;
  conflicts: Conflicts;
  sessions: Sessions;
  privacy: Privacy;
  whereabouts: ConversationOfSession;
  holds: Holds;
  /** What an owner has asked to be forgotten goes before it could be copied. */
  finishForgetting(owner: Person): Promise<void>;
  /** Stops what is being answered to an account, and resolves when nothing is. */
  halt(person: string): Promise<void>;
  log: Log;
}

export function createLinking(deps: LinkingDeps): Linking {
  const { client, state, memory, accounts, codes, sessions, privacy, log } = deps;
  const jobs = state.table<LinkJob>('linking');
  const modes = state.table<NoticeMode>('notice-mode');
  const claims = createPersonClaims(state, accounts);

  async function code(person: Person): Promise<PreferencesView> {
    const { code, expiresAt } = await codes.issue(person);
    return {
      type: 'link-code',
      sentence: `Send me this from your other account within ten minutes: /preferences link ${code}. It works once. Anyone who has it can see your memory, so show it to nobody.`,
      code,
      expiresAt,
    };
  }

  /** Why these two cannot be linked; null when they can. */
  async function obstacle(person: Person, owner: Person): Promise<string | null> {
    if (personKey(await accounts.ownerOf(person)) === personKey(owner))
      return 'These accounts are already linked.';
    if ((await accounts.accountsOf(person)).length > 1)
      return 'This account is already linked with another one. Use /preferences unlink first.';
    return (await accounts.accountsOf(owner)).length >= MAX_ACCOUNTS
      ? `I can link at most ${MAX_ACCOUNTS} accounts, and that one is already at the limit.`
      : null;
  }

  async function link(person: Person, { code: given, confirmed }: Action<'link'>): Promise<PreferencesView> {
    if (given === undefined) return code(person);
    const looked = await codes.look(person, given);
    if (looked.type !== 'found') return outcome(false, refusalOf(looked));
    const owner = await accounts.ownerOf(looked.issuer);
    const stop = await obstacle(person, owner);
    if (stop !== null) return outcome(false, stop);
    if (confirmed !== true) {
      return {
        type: 'confirm',
        question: `Link this account with ${wordsOf(looked.issuer)}? Only do this if that account is yours. What I remember for each becomes one memory, which both can see and change.`,
        items: [],
        action: { type: 'link', code: given, confirmed: true },
        button: 'Link them',
      };
    }
    const redeemed = await codes.redeem(person, given);
    if (redeemed.type !== 'found') return outcome(false, refusalOf(redeemed));
    // Who gave the code may have left them by the time it is this one's turn.
    const isTheirs = async () => personKey(await accounts.ownerOf(looked.issuer)) === personKey(owner);
    const disputes = await begin({ type: 'link', owner, person }, isTheirs);
    const linked = `Linked with ${wordsOf(redeemed.issuer)}. From now on, both share one memory.`;
    if (disputes === 'unfinished') return outcome(false, unfinished('linking'));
    if (disputes === null)
      return outcome(
        false,
        'That did not work because something changed in the meantime. Please ask for a new code.',
      );
    if (disputes.length === 0) return outcome(true, linked);
    try {
      const conflicts: Conflict[] = [];
      for (const dispute of disputes) {
        const labels = { now: `as ${wordsOf(redeemed.issuer)} has it`, mine: 'as this account has it' };
        const conflict = await deps.conflicts.openDispute(owner, dispute, labels);
        if (conflict !== null) conflicts.push(conflict);
      }
      return {
        type: 'conflict',
        sentence: `${linked} Your accounts disagree here, and I keep both until you choose. What should I keep?`,
        conflicts,
      };
    } catch (error) {
      log.warn(
        { event: 'accounts.unasked', err: error },
        'what linked accounts say differently was not asked',
      );
      return outcome(true, `${linked} Where your accounts disagree, I kept both. Please have a look.`);
    }
  }

  async function unlink(person: Person, { confirmed }: Action<'unlink'>): Promise<PreferencesView> {
    const leaving = await accounts.leaving(person);
    if (leaving === null) return outcome(false, 'This account is not linked with another one.');
    if (confirmed !== true) {
      const others = (await accounts.accountsOf(person)).filter(it => personKey(it) !== personKey(person));
      return {
        type: 'confirm',
        question: `Unlink this account from ${others.map(wordsOf).join(' and ')}? Each keeps a copy of everything I remember now; later changes are not shared.`,
        items: [],
        action: { type: 'unlink', confirmed: true },
        button: 'Unlink',
      };
    }
    const fresh = (await memory.knownStores(leaving.to)).length === 0;
    const done = await begin({ type: 'unlink', leaving, fresh });
    if (done === 'unfinished') return outcome(false, unfinished('unlinking'));
    return done === null
      ? outcome(false, 'Your linked accounts have just changed. Please try again.')
      : outcome(true, 'Unlinked. From now on, each account has its own copy of the memory.');
  }

  /** Null as for `carryOut`, also where something else is under way; what fails once it has begun is finished later. */
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
      if ((await obstacle(person, owner)) !== null) return null;
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
      // One that was archived takes nothing up any more.
      for (const { id } of await memory.knownStores(owner))
        if (!(await memory.isLive(id))) await sessions.memoryLost(owner, id);
      disputes = await deps.copy.move(person, owner, 'link');
      await jobs.set(personKey(person), { ...job, copied: true });
    }
    const left = await memory.knownStores(person);
    const all = await accounts.accountsOf(owner);
    await memory.name(all);
    // Whoever gave the code away without meaning to has to hear of it.
    for (const other of all) {
      if (personKey(other) !== personKey(person)) await sessions.tell(other, linkedNews(person));
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
    link,
    unlink,
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

function unfinished(what: 'linking' | 'unlinking'): string {
  return `I could not finish ${what} your accounts because I cannot reach something I need. I will carry on by myself within the hour.`;
}

function refusalOf(looked: Exclude<Looked, { type: 'found' }>): string {
  switch (looked.type) {
    case 'own':
      return 'That code is for your other account. Give it to me there.';
    case 'locked':
      return `Too many wrong codes. Try again after ${looked.until.slice(11, 16)} UTC.`;
    case 'wrong': {
      const left =
        looked.triesLeft === 0
          ? 'That was your last try for an hour.'
          : `You can try ${looked.triesLeft} more time${looked.triesLeft === 1 ? '' : 's'} this hour.`;
      return `I don't know that code. It may be mistyped, already used, or more than ten minutes old; /preferences link on the other account gives you a new one. ${left}`;
    }
  }
}

function linkedNews(person: Person): string {
  return `Since we last spoke, ${wordsOf(person)} was linked with this account using a code of yours, and both now share one memory. If that was not you, use /preferences unlink.`;
}

/** “Ann” on Slack */
function wordsOf({ platform, name }: Person): string {
  return `“${name}” on ${platformName(platform)}`;
}
