import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import { unlessGone } from '../errors.ts';
import type { Holds } from '../holds.ts';
import type { Memory } from '../memory.ts';
import { type Action, type NoticeMode, type Person, personKey } from '../message.ts';
import { eraseMemoryRows } from '../person-rows.ts';
import { sha256Of } from '../preferences/authors.ts';
import type { Conflicts } from '../preferences/conflicts.ts';
import type { Privacy } from '../privacy.ts';
import type { Sessions } from '../sessions.ts';
import type { State } from '../state.ts';
import { type Conflict, outcome, type PreferencesView } from '../views.ts';
import type { ConversationOfSession } from '../whereabouts.ts';
import { type Accounts, type Leaving, MAX_ACCOUNTS } from './accounts.ts';
import type { LinkCodes, Looked } from './codes.ts';
import type { MemoryCopy, OpenDispute } from './memory-copy.ts';

/** Several accounts of one person come to have one memory, and part again. */
export interface Linking {
  link(person: Person, action: Action<'link'>): Promise<PreferencesView>;
  unlink(person: Person, action: Action<'unlink'>): Promise<PreferencesView>;
  /** Finishes what an earlier process had begun. */
  resume(): Promise<void>;
}

/**
 * What is under way, by each account that waits for it: written before anything is copied, removed when all is done.
 * Everything in between can be repeated.
 */
export type LinkJob = { type: 'link'; owner: Person; person: Person } | { type: 'unlink'; leaving: Leaving };

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
  /** Stops what is being answered to an account, and resolves when nothing is. */
  halt(person: string): Promise<void>;
  log: Log;
}

export function createLinking(deps: LinkingDeps): Linking {
  const { client, state, memory, accounts, codes, sessions, privacy, log } = deps;
  const jobs = state.table<LinkJob>('linking');
  const modes = state.table<NoticeMode>('notice-mode');

  async function code(person: Person): Promise<PreferencesView> {
    const { code, expiresAt } = await codes.issue(person);
    return {
      type: 'link-code',
      sentence: `Within ten minutes, tell me this from your other account: /preferences link ${code}. It works once, and whoever has it can have your memory: show it to nobody.`,
      code,
      expiresAt,
    };
  }

  /** Why these two cannot be linked; null when they can. */
  async function obstacle(person: Person, owner: Person): Promise<string | null> {
    if (personKey(await accounts.ownerOf(person)) === personKey(owner))
      return 'These accounts are linked already.';
    if ((await accounts.accountsOf(person)).length > 1)
      return 'This account is linked with another one already. Say /preferences unlink first.';
    return (await accounts.accountsOf(owner)).length >= MAX_ACCOUNTS
      ? `That account is linked with as many others as I can keep together (${MAX_ACCOUNTS}).`
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
        question: `Link this account with ${wordsOf(looked.issuer)}? Do that only if that account is yours. What I remember of either becomes one memory, which both see and change.`,
        items: [],
        action: { type: 'link', code: given, confirmed: true },
        button: 'Link them',
      };
    }
    const redeemed = await codes.redeem(person, given);
    if (redeemed.type !== 'found') return outcome(false, refusalOf(redeemed));
    const disputes = await carryOut({ type: 'link', owner, person });
    const linked = `Linked with ${wordsOf(redeemed.issuer)}. I remember the same on both from now on.`;
    if (disputes === null)
      return outcome(
        false,
        'That did not work: something has changed in between. Please ask for a new code.',
      );
    if (disputes.length === 0) return outcome(true, linked);
    const conflicts: (Conflict | null)[] = [];
    for (const dispute of disputes) conflicts.push(await conflictOf(owner, redeemed.issuer, dispute));
    return {
      type: 'conflict',
      sentence: `${linked} Here your accounts say different things, and until you choose I keep both. What shall I keep?`,
      conflicts: conflicts.flatMap(conflict => (conflict === null ? [] : [conflict])),
    };
  }

  async function conflictOf(
    owner: Person,
    other: Person,
    { storeId, path, ours, theirs }: OpenDispute,
  ): Promise<Conflict | null> {
    const file = (await memory.files([storeId])).find(known => known.path === path);
    if (file === undefined) return null;
    // Seen from the account that joins: its own answers, and those that stand there.
    const draft = {
      storeId,
      memoryId: file.id,
      path,
      mine: theirs,
      theirs: ours,
      nowSha256: sha256Of(file.content),
    };
    const conflict = await deps.conflicts.open(owner, draft);
    return { ...conflict, labels: { now: `as ${wordsOf(other)} has it`, mine: 'as this account has it' } };
  }

  async function unlink(person: Person, { confirmed }: Action<'unlink'>): Promise<PreferencesView> {
    const leaving = await accounts.leaving(person);
    if (leaving === null) return outcome(false, 'This account is not linked with another one.');
    if (confirmed !== true) {
      const others = (await accounts.accountsOf(person)).filter(it => personKey(it) !== personKey(person));
      return {
        type: 'confirm',
        question: `Unlink this account from ${others.map(wordsOf).join(' and ')}? Each keeps a copy of everything I remember now, and what changes later is its own.`,
        items: [],
        action: { type: 'unlink', confirmed: true },
        button: 'Unlink',
      };
    }
    const done = await carryOut({ type: 'unlink', leaving });
    return done === null
      ? outcome(false, 'Your linked accounts have changed just now. Please try again.')
      : outcome(true, 'Unlinked. Each account has its own copy of the memory from now on.');
  }

  /** Null when accounts have changed so that it cannot be done; then nothing is. */
  async function carryOut(job: LinkJob): Promise<OpenDispute[] | null> {
    const waiting = job.type === 'link' ? [job.person] : job.leaving.accounts;
    const releases = waiting.map(account => deps.holds.hold(account));
    try {
      for (const account of waiting) await jobs.set(personKey(account), job);
      for (const account of waiting) await deps.halt(personKey(account));
      const disputes = job.type === 'link' ? await join(job) : await part(job.leaving);
      for (const account of waiting) await jobs.delete(personKey(account));
      const done = disputes !== null;
      if (job.type === 'link') log.info({ event: 'accounts.linked', done }, 'accounts linked');
      else log.info({ event: 'accounts.unlinked', done }, 'accounts parted');
      return disputes;
    } finally {
      for (const release of releases) release();
    }
  }

  async function join({ owner, person }: Extract<LinkJob, { type: 'link' }>): Promise<OpenDispute[] | null> {
    // After a crash it may have joined already, and what is left is to clear up.
    const isIn = personKey(await accounts.ownerOf(person)) === personKey(owner);
    if (!isIn && (await obstacle(person, owner)) !== null) return null;
    // What was forgotten since then must not be copied once more.
    const disputes = isIn ? [] : await deps.copy.copy(person, owner, 'link');
    if (!isIn) await carrySettings(person, owner);
    await sessions.renew(person);
    const joined = await accounts.join(owner, person);
    if (joined.type !== 'joined' && joined.type !== 'already') return null;
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

  async function part(leaving: Leaving): Promise<OpenDispute[] | null> {
    const { from, to, accounts: leavers } = leaving;
    // After a crash it may have left already: what either has learned since is its own.
    if (personKey(await accounts.ownerOf(to)) !== personKey(to)) {
      await sessions.renew(from);
      await deps.copy.copy(from, to, 'unlink');
      await carrySettings(from, to);
      if (!(await accounts.leave(leaving))) return null;
    }
    await memory.name(await accounts.accountsOf(from));
    await memory.name(leavers);
    return [];
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
    async resume() {
      await accounts.resume();
      for await (const [, job] of jobs.entries()) await carryOut(job);
    },
  };
}

function refusalOf(looked: Exclude<Looked, { type: 'found' }>): string {
  switch (looked.type) {
    case 'own':
      return 'That code is for your other account: give it to me there.';
    case 'locked':
      return `That were too many wrong codes. Try again after ${looked.until.slice(11, 16)} UTC.`;
    case 'wrong': {
      const left =
        looked.triesLeft === 0
          ? 'That was the last try for an hour.'
          : `You can try ${looked.triesLeft} more time${looked.triesLeft === 1 ? '' : 's'} this hour.`;
      return `I do not know that code. It may be mistyped, used, or older than ten minutes; /preferences link on the other account gives a new one. ${left}`;
    }
  }
}

function linkedNews(person: Person): string {
  return `Since we last spoke, ${wordsOf(person)} was linked with this account with a code you gave: we have one memory now. If that was not you, say /preferences unlink.`;
}

/** “Ann” on Slack */
function wordsOf({ platform, name }: Person): string {
  return `“${name}” on ${platform.charAt(0).toUpperCase()}${platform.slice(1)}`;
}
