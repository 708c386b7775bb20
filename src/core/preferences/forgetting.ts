import { randomBytes } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import { failureOf } from '../errors.ts';
import type { Accounts } from '../linking/accounts.ts';
import { dueNotices } from '../memory/late-notices.ts';
import type { Memory } from '../memory/memory.ts';
import { factId, factLines, idsIn } from '../memory/memory-lines.ts';
import { type Action, type Person, personKey } from '../message.ts';
import { createPersonClaims } from '../people/person-claims.ts';
import type { State } from '../state/state.ts';
import { type Counted, type Forgettable, outcome, type PreferencesView, titleOfPath } from '../views.ts';
import type { Authors } from './authors.ts';
import { itemOf, type Plan, planSince } from './forgetting-plan.ts';
import { ChangedMeanwhile, type Counts, createForgettingRun, type Job } from './forgetting-run.ts';
import { revisionOf } from './history.ts';
import type { Origins } from './origins.ts';
import { pastNamed, pastNotes, pastPlan } from './past-notes.ts';
import type { Writes } from './writes.ts';

/** Takes things out of memory for good: out of the files, and out of every earlier version. */
export interface Forgetting {
  forget(person: Person, action: Action<'forget'>): Promise<PreferencesView>;
  forgetSince(person: Person, action: Action<'forget-since'>): Promise<PreferencesView>;
  forgetPast(person: Person, action: Action<'forget-past'>): Promise<PreferencesView>;
  /**
   * Called when a turn of a session is over. One that ran while something was forgotten still knew it, and may have
   * written it again: then it goes once more.
   */
  afterTurn(person: Person, sessionId: string): Promise<void>;
  /** Finishes what was begun for this owner and failed: before it is copied to where nobody would look for it. */
  finish(owner: Person): Promise<void>;
  /** Finishes what an earlier process had begun. */
  resume(): Promise<void>;
}

type Forgets = Action<'forget'> | Action<'forget-since'> | Action<'forget-past'>;

/** Of facts that words may mean, as many as a sentence can hold. */
const MOST_NAMED = 20;
/** Longer than any turn. */
const TURN_MS = 24 * 3600_000;
export function createForgetting(deps: {
  client: Anthropic;
  state: State;
  memory: Memory;
  writes: Writes;
  authors: Authors;
  origins: Origins;
  accounts: Accounts;
  /** Conversations that go on would still know it: the next message begins a new session. Names the old ones. */
  renewSessions(person: Person): Promise<string[]>;
  log: Log;
}): Forgetting {
  const { client, memory, accounts } = deps;
  // Written before anything goes, so that a crash cannot leave in the history what is gone from the files.
  const jobs = deps.state.table<Job>('forgetting');
  const dues = dueNotices(deps.state);
  const run = createForgettingRun(deps);
  const claims = createPersonClaims(deps.state, accounts);

  async function storesOf(person: Person): Promise<string[]> {
    return (await memory.knownStores(person)).map(store => store.id);
  }

  /** Of all accounts: linking or parting that failed half way leaves one that is not the owner's, and is taken up later. */
  async function allStoresOf(owner: Person): Promise<string[]> {
    return (await Promise.all((await accounts.accountsOf(owner)).map(storesOf))).flat();
  }

  /** With those that were left while they still worked: their conversations may have others by now. */
  async function endSessions(owner: Person): Promise<string[]> {
    const ended = await deps.renewSessions(owner);
    for await (const [, { sessionId }] of dues.entries(`${personKey(owner)}/`)) ended.push(sessionId);
    return ended;
  }

  async function forget(person: Person, action: Action<'forget'>): Promise<PreferencesView> {
    const { memoryId, factId: id, revision, confirmed } = action;
    const file = await memory.find(person, memoryId);
    if (file === null) return outcome(true, 'That was already gone from your memory.');
    const title = titleOfPath(file.path);
    if (id !== undefined) {
      if (!factLines(file.content).some(fact => factId(fact.text) === id)) {
        return outcome(
          false,
          `${title} has just changed. Please look again before you forget something in it.`,
        );
      }
      const plan: Plan = { factIds: [id], files: [], unchanged: false };
      return carryOut(person, plan, confirmed, action);
    }
    if (revision !== undefined && revisionOf(file.sha256) !== revision) {
      return outcome(false, changedSentence(title));
    }
    const others = (await memory.files(await storesOf(person)))
      .filter(other => other.id !== file.id)
      .flatMap(other => idsIn(other.content));
    const plan: Plan = {
      // Where the file's facts stood before they were moved into it; what others say as well stays.
      factIds: idsIn(file.content).filter(id => !others.includes(id)),
      files: [{ memoryId, sha256: file.sha256 }],
      unchanged: true,
    };
    const confirming = { ...action, revision: revisionOf(file.sha256) };
    return carryOut(person, plan, confirmed, confirming);
  }

  async function forgetSince(person: Person, action: Action<'forget-since'>): Promise<PreferencesView> {
    const since = Date.parse(action.since);
    if (Number.isNaN(since))
      return outcome(false, 'I did not understand that date. Write it like 2026-03-14.');
    const plan = await planSince(client, memory, await allStoresOf(person), since, action.until);
    if (plan === null) return outcome(true, 'I have learned nothing since then.');
    const confirming = { ...action, since: new Date(since).toISOString(), until: plan.until };
    return carryOut(person, plan, action.confirmed ?? false, confirming);
  }

  async function forgetPast(person: Person, action: Action<'forget-past'>): Promise<PreferencesView> {
    const { words, confirmed = false } = action;
    const notes = await pastNotes(client, memory, await allStoresOf(person));
    if (words === undefined) {
      const { plan, items } = pastPlan(notes, action);
      return confirmed ? carryOut(person, plan, true, action) : ask(items, PAST_ONLY, action);
    }
    const found = pastNamed(notes, words);
    const [one, ...more] = 'facts' in found ? found.facts : [];
    if ('facts' in found && one === undefined) {
      return outcome(
        false,
        `I have no note or fact called “${words}”, and no earlier version says it either.`,
      );
    }
    if (more.length > 0 && 'facts' in found) {
      const texts = found.facts.slice(0, MOST_NAMED).map(({ text }) => text);
      return outcome(
        false,
        `Earlier versions say several things like that. Which one? Write it in full: ${texts.join('; ')}`,
      );
    }
    const about = 'facts' in found ? { factId: one?.id ?? '' } : { memoryId: found.memoryId };
    return ask(pastPlan(notes, about).items, PAST_ONLY, { type: 'forget-past', ...about });
  }

  function ask(items: Forgettable[], question: string, action: Forgets): PreferencesView {
    return { type: 'confirm', question, items, action: { ...action, confirmed: true }, button: 'Forget it' };
  }

  /** Asks first, or does it. `confirmed` absent: the platform has asked, and expects a plain outcome. */
  async function carryOut(
    person: Person,
    plan: Plan,
    confirmed: boolean | undefined,
    action: Forgets,
  ): Promise<PreferencesView> {
    const files = await memory.files(await storesOf(person));
    const items = files.flatMap(file => itemOf(file, plan));
    if (confirmed === false) {
      const question = items.length === 0 ? HISTORY_ONLY : `Forget this for good? ${GOES} ${STAYS}`;
      return ask(items, question, action);
    }
    const key = `${personKey(person)}/${randomBytes(6).toString('base64url')}`;
    const sessionIds = await endSessions(person);
    const job: Job = { ...plan, person, storeIds: await allStoresOf(person), sessionIds, done: false };
    await jobs.set(key, job);
    let counts: Counts;
    try {
      counts = await run(job);
    } catch (error) {
      // Anything else leaves the job for later: what was said to go has to go.
      if (!(error instanceof ChangedMeanwhile)) throw error;
      await jobs.delete(key);
      return outcome(false, changedSentence(items[0]?.title ?? 'That'));
    }
    await settle(key, job);
    const sentence = sentenceOf(items, counts);
    if (confirmed === undefined) return outcome(counts.back === 0, sentence);
    return { type: 'receipt', ok: counts.back === 0, sentence, counts: countsOf(counts) };
  }

  /** A session that was being made when it began had no row then, and may have read what has gone since. */
  async function settle(key: string, job: Job): Promise<void> {
    const sessionIds = [...new Set([...job.sessionIds, ...(await endSessions(job.person))])];
    await jobs.set(key, { ...job, sessionIds, done: true }, TURN_MS);
  }

  async function runAgain(job: Job): Promise<void> {
    try {
      await run(job);
    } catch (error) {
      // Nobody can be asked any more: what the person saw goes, and what has come to the note since then stays.
      if (error instanceof ChangedMeanwhile) return runAgain({ ...job, files: [], unchanged: false });
      // A store that is gone has nothing left to forget.
      if (failureOf(error).type !== 'gone') throw error;
    }
  }

  async function finishOne(key: string): Promise<void> {
    const job = await jobs.get(key);
    if (job === undefined || job.done) return;
    await runAgain(job);
    await settle(key, job);
  }

  return {
    forget: (person, action) => claims.withAll(person, ([owner = person]) => forget(owner, action)),
    forgetPast: (person, action) => claims.withAll(person, ([owner = person]) => forgetPast(owner, action)),
    forgetSince: (person, action) => claims.withAll(person, ([owner = person]) => forgetSince(owner, action)),

    async afterTurn(person, sessionId) {
      for await (const [, job] of jobs.entries(`${personKey(person)}/`)) {
        if (job.sessionIds.includes(sessionId)) await runAgain(job);
      }
    },

    async finish(owner) {
      for await (const [key] of jobs.entries(`${personKey(owner)}/`)) await finishOne(key);
    },

    async resume() {
      for await (const [key, job] of jobs.entries()) {
        if (job.done) continue;
        // One that cannot be finished does not keep the others waiting.
        await claims
          .withAll(job.person, () => finishOne(key))
          .catch((error: unknown) => {
            deps.log.error(
              { event: 'forgetting.unfinished', err: error },
              'could not finish forgetting; trying again later',
            );
          });
      }
    },
  };
}

const GOES = 'It will be removed from your notes and their history.';
const STAYS = 'What you said in our conversations stays there, unless you have me forget everything.';

const HISTORY_ONLY =
  'What I learned since then is already gone from your notes. Remove it from their history as well?';

const PAST_ONLY = `Your notes no longer say this, but earlier versions do. Forget those for good? ${STAYS}`;

function changedSentence(title: string): string {
  return `${title} has just changed. Please look again before you forget it.`;
}

function sentenceOf(items: readonly Forgettable[], { back, redacted }: Counts): string {
  const names = items.map(nameOf);
  const [only] = items;
  let said = `Forgotten: ${names.join(', ')}.`;
  if (only === undefined)
    said = `Forgotten. ${redacted === 0 ? 'It was already gone.' : 'Earlier versions no longer say it either.'}`;
  else if (items.length === 1 && !only.wholeFile && only.lines.length === 1)
    said = `Forgotten: ${only.lines[0]}.`;
  return back === 0 ? said : `${said} But some of it has been written again since. Please look again.`;
}

function nameOf({ wholeFile, lines, title }: Forgettable): string {
  if (wholeFile) return title;
  return `${lines.length} fact${lines.length === 1 ? '' : 's'} in ${title}`;
}

function countsOf(counts: Counts): { what: Counted; count: number }[] {
  return (['facts', 'memories', 'redacted'] as const)
    .map(what => ({ what, count: counts[what] }))
    .filter(({ count }) => count > 0);
}
