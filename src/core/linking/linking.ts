import { type Action, type Person, personKey, platformName } from '../message.ts';
import type { Conflicts } from '../preferences/conflicts.ts';
import { openQuestion } from '../preferences/open-questions.ts';
import { type Conflict, outcome, type PreferencesView } from '../views.ts';
import { MAX_ACCOUNTS } from './accounts.ts';
import type { LinkCodes, Looked } from './codes.ts';
import {
  createLinkJobs,
  type LinkJobs,
  type LinkJobsDeps,
  type LinkObstacle,
  linkObstacle,
} from './link-jobs.ts';

/** Several accounts of one person come to have one memory, and part again. */
export interface Linking extends Pick<LinkJobs, 'settle' | 'resume'> {
  link(person: Person, action: Action<'link'>): Promise<PreferencesView>;
  unlink(person: Person, action: Action<'unlink'>): Promise<PreferencesView>;
}

export interface LinkingDeps extends Omit<LinkJobsDeps, 'linkedNews'> {
  codes: LinkCodes;
  conflicts: Conflicts;
}

export function createLinking(deps: LinkingDeps): Linking {
  const { client, memory, accounts, changeSets, codes, log } = deps;
  const jobs = createLinkJobs({ ...deps, linkedNews });

  async function code(person: Person): Promise<PreferencesView> {
    const { code, expiresAt } = await codes.issue(person);
    return {
      type: 'link-code',
      sentence: `Send me this from your other account within ten minutes: /preferences link ${code}. It works once. Anyone who has it can see your memory, so show it to nobody.`,
      code,
      expiresAt,
    };
  }

  async function link(person: Person, { code: given, confirmed }: Action<'link'>): Promise<PreferencesView> {
    if (given === undefined) return code(person);
    const looked = await codes.look(person, given);
    if (looked.type !== 'found') return outcome(false, refusalOf(looked));
    const owner = await accounts.ownerOf(looked.issuer);
    const obstacle = await linkObstacle(accounts, person, owner);
    if (obstacle !== null) return outcome(false, OBSTACLES[obstacle]);
    // What waits for an answer has its text in the memory that goes.
    await deps.lookAtTurns(person);
    if ((await openQuestion(client, changeSets, person)) !== null) return outcome(false, DECIDE_FIRST);
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
    const disputes = await jobs.begin({ type: 'link', owner, person }, isTheirs);
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
    const done = await jobs.begin({ type: 'unlink', leaving, fresh });
    if (done === 'unfinished') return outcome(false, unfinished('unlinking'));
    return done === null
      ? outcome(false, 'Your linked accounts have just changed. Please try again.')
      : outcome(true, 'Unlinked. From now on, each account has its own copy of the memory.');
  }

  return {
    link,
    unlink,
    settle: jobs.settle,
    resume: jobs.resume,
  };
}

const OBSTACLES: Record<LinkObstacle, string> = {
  already: 'These accounts are already linked.',
  'linked-elsewhere': 'This account is already linked with another one. Use /preferences unlink first.',
  full: `I can link at most ${MAX_ACCOUNTS} accounts, and that one is already at the limit.`,
};

const DECIDE_FIRST =
  'Before I link this account, please decide about the changes that I held back: /preferences shows them. Then give me the code again.';

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
