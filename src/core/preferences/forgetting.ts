import { randomBytes } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import { failureOf } from '../errors.ts';
import type { Memory, MemoryFile } from '../memory.ts';
import { versionBefore } from '../memory-changes.ts';
import { factId, factLines, isEmptyNote, withoutLines } from '../memory-lines.ts';
import { type CommandAction, type Person, personKey } from '../message.ts';
import type { State } from '../state.ts';
import { type Counted, type Forgettable, type PreferencesView, titleOfPath } from '../views.ts';
import type { Authors } from './authors.ts';
import { revisionOf } from './history.ts';
import type { Origins } from './origins.ts';
import { isEmptied, textOf, type Version, versionsOf } from './versions.ts';
import type { Writes } from './writes.ts';

type Action<T extends CommandAction['type']> = Extract<CommandAction, { type: T }>;

/** Takes things out of memory for good: out of the files, and out of every earlier version. */
export interface Forgetting {
  forget(person: Person, action: Action<'forget'>): Promise<PreferencesView>;
  forgetSince(person: Person, action: Action<'forget-since'>): Promise<PreferencesView>;
  /**
   * Called when a turn of a session is over. One that ran while something was forgotten still knew it, and may have
   * written it again: then it goes once more.
   */
  afterTurn(person: Person, sessionId: string): Promise<void>;
  /** Finishes what an earlier process had begun. */
  resume(): Promise<void>;
}

/** What is to go. It says nothing itself: facts are named, not quoted. */
interface Plan {
  /** Facts that go wherever they stand, by their ids. */
  factIds: string[];
  /** Files that go with all they ever held, as long as they are what the person saw. */
  files: { memoryId: string; sha256: string }[];
  /** When such a file has changed, nothing goes at all. */
  unchanged: boolean;
}

/** Written before anything goes, so that a crash cannot leave in the history what is gone from the files. */
interface Job extends Plan {
  person: Person;
  storeId: string;
  /** Sessions that knew it; none of them begins another turn. */
  sessionIds: string[];
  done: boolean;
}

interface Counts {
  facts: number;
  memories: number;
  redacted: number;
  /** Facts that were written again while they were being forgotten. */
  back: number;
}

/** What the person was to forget is not what stands there. */
class ChangedMeanwhile extends Error {}

/** Longer than any turn. */
const TURN_MS = 24 * 3600_000;
/** How often a file that changes under our hands is looked at again. */
const MAX_ATTEMPTS = 8;

export function createForgetting(deps: {
  client: Anthropic;
  state: State;
  memory: Memory;
  writes: Writes;
  authors: Authors;
  origins: Origins;
  /** Conversations that go on would still know it: the next message begins a new session. Names the old ones. */
  renewSessions(person: Person): Promise<string[]>;
}): Forgetting {
  const { client, memory, writes, authors, origins } = deps;
  const jobs = deps.state.table<Job>('forgetting');

  async function forget(person: Person, action: Action<'forget'>): Promise<PreferencesView> {
    const { memoryId, factId: id, revision, confirmed } = action;
    const storeId = await memory.knownStore(person);
    const file = storeId === null ? null : await memory.read(storeId, memoryId);
    if (storeId === null || file === null) return outcome(true, 'That was already gone from your memory.');
    const title = titleOfPath(file.path);
    if (id !== undefined) {
      if (!factLines(file.content).some(fact => factId(fact.text) === id)) {
        return outcome(
          false,
          `${title} changed just now. Have another look before you forget something in it.`,
        );
      }
      const plan: Plan = { factIds: [id], files: [], unchanged: false };
      return carryOut(person, storeId, plan, confirmed, action);
    }
    if (revision !== undefined && revisionOf(file.sha256) !== revision) {
      return outcome(false, changedSentence(title));
    }
    const others = (await memory.list(storeId, Number.POSITIVE_INFINITY)).files
      .filter(other => other.id !== file.id)
      .flatMap(other => idsIn(other.content));
    const plan: Plan = {
      // Where the file's facts stood before they were moved into it; what others say as well stays.
      factIds: idsIn(file.content).filter(id => !others.includes(id)),
      files: [{ memoryId, sha256: file.sha256 }],
      unchanged: true,
    };
    const confirming = { ...action, revision: revisionOf(file.sha256) };
    return carryOut(person, storeId, plan, confirmed, confirming);
  }

  async function forgetSince(person: Person, action: Action<'forget-since'>): Promise<PreferencesView> {
    const since = Date.parse(action.since);
    if (Number.isNaN(since)) return outcome(false, 'I did not understand that date. Write it as 2026-03-14.');
    const storeId = await memory.knownStore(person);
    const plan = storeId === null ? null : await planSince(storeId, since, action.until);
    if (storeId === null || plan === null) return outcome(true, 'I have learned nothing since then.');
    const confirming = { ...action, since: new Date(since).toISOString(), until: plan.until };
    return carryOut(person, storeId, plan, action.confirmed ?? false, confirming);
  }

  /** Asks first, or does it. `confirmed` absent: the platform has asked, and expects a plain outcome. */
  async function carryOut(
    person: Person,
    storeId: string,
    plan: Plan,
    confirmed: boolean | undefined,
    action: Action<'forget'> | Action<'forget-since'>,
  ): Promise<PreferencesView> {
    const files = (await memory.list(storeId, Number.POSITIVE_INFINITY)).files;
    const items = files.flatMap(file => itemOf(file, plan));
    if (confirmed === false) {
      return {
        type: 'confirm',
        question: items.length === 0 ? HISTORY_ONLY : `Forget this for good? ${STAYS}`,
        items,
        action: { ...action, confirmed: true },
        button: 'Forget it',
      };
    }
    const key = `${personKey(person)}/${randomBytes(6).toString('base64url')}`;
    const sessionIds = await deps.renewSessions(person);
    const job: Job = { ...plan, person, storeId, sessionIds, done: false };
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
    await jobs.set(key, { ...job, done: true }, TURN_MS);
    const sentence = sentenceOf(items, counts);
    if (confirmed === undefined) return outcome(counts.back === 0, sentence);
    return { type: 'receipt', ok: counts.back === 0, sentence, counts: countsOf(counts) };
  }

  /** Safe to repeat: what is gone already is not counted again. */
  async function run(job: Job): Promise<Counts> {
    const { storeId } = job;
    const before = (await memory.list(storeId, Number.POSITIVE_INFINITY)).files;
    const facts = new Set<string>();
    let memories = 0;
    for (const file of before) {
      const { gone } = without(file, job);
      for (const id of gone) facts.add(`${file.id}/${id}`);
      if (await takeOut(job, file)) memories += 1;
    }
    const redacted = await empty(job);
    return { facts: facts.size, memories, redacted, back: await countBack(job) };
  }

  /** True when the file is gone. What somebody else changes in between stays, but for what is to go. */
  async function takeOut(job: Job, found: MemoryFile): Promise<boolean> {
    const { person, storeId } = job;
    let file: MemoryFile | null = found;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && file !== null; attempt += 1) {
      const { id } = file;
      const isNamed = job.files.some(named => named.memoryId === id);
      if (job.unchanged && isNamed && !isSeen(file, job)) throw new ChangedMeanwhile();
      const { content, gone, stays } = without(file, job);
      if (content === file.content) return false;
      if (content !== null) await origins.keep(person, storeId, file, stays);
      const written =
        content === null
          ? await writes.remove(person, storeId, file, 'forget')
          : await writes.update(person, storeId, file, { content }, 'forget');
      if (written.type === 'written') {
        for (const factId of gone) await origins.drop(person, id, factId);
        return content === null;
      }
      file = await memory.read(storeId, id);
    }
    if (file !== null) throw new Error(`the memory ${file.id} keeps changing`);
    return true;
  }

  /** Empties every version that said it, the live ones excepted: those say it no more. */
  async function empty(job: Job): Promise<number> {
    const { person, storeId } = job;
    const heads = new Set<string>();
    const live = new Set<string>();
    for await (const item of client.beta.memoryStores.memories.list(storeId, { limit: 100 })) {
      if (item.type !== 'memory') continue;
      heads.add(item.memory_version_id);
      live.add(item.id);
    }
    const goneFiles = job.files.map(named => named.memoryId).filter(id => !live.has(id));
    let redacted = 0;
    for await (const version of versionsOf(client, storeId)) {
      const concerned =
        goneFiles.includes(version.memory_id) ||
        idsIn(textOf(version) ?? '').some(id => job.factIds.includes(id));
      if (!concerned || heads.has(version.id) || isEmptied(version)) continue;
      await authors.settle(person, version);
      try {
        await client.beta.memoryStores.memoryVersions.redact(version.id, { memory_store_id: storeId });
        redacted += 1;
      } catch (error) {
        const failure = failureOf(error);
        // It became a head again just now: then it counts among what came back.
        if (failure.type !== 'gone' && failure.type !== 'refused') throw error;
      }
    }
    for (const memoryId of goneFiles) await origins.drop(person, memoryId);
    return redacted;
  }

  async function countBack(job: Job): Promise<number> {
    const { files } = await memory.list(job.storeId, Number.POSITIVE_INFINITY);
    return files.flatMap(file => itemOf(file, job)).flatMap(item => item.lines).length;
  }

  /**
   * What was learned from `since` on, up to `until` (by default: now). A fact that stood somewhere in memory before
   * was not learned then, even if it was moved or redated. Nothing older comes back.
   */
  async function planSince(
    storeId: string,
    since: number,
    until: string | undefined,
  ): Promise<(Plan & { until: string }) | null> {
    const changed = new Map<string, Version[]>();
    const from = new Date(since).toISOString();
    let newest: string | undefined;
    for await (const version of versionsOf(client, storeId, {
      since: from,
      ...(until === undefined ? {} : { until }),
    })) {
      newest ??= version.created_at;
      changed.set(version.memory_id, [version, ...(changed.get(version.memory_id) ?? [])]);
    }
    if (newest === undefined) return null;
    const { files } = await memory.list(storeId, Number.POSITIVE_INFINITY);
    const known = new Set(files.filter(file => !changed.has(file.id)).flatMap(file => idsIn(file.content)));
    const unsure = new Set<string>();
    for (const [memoryId, versions] of changed) {
      const first = versions[0];
      if (first === undefined || first.operation === 'created') continue;
      const before = await versionBefore(client, storeId, memoryId, first);
      const text = before === null ? null : textOf(before);
      if (text === null) unsure.add(memoryId);
      else for (const id of idsIn(text)) known.add(id);
    }
    const learned = new Set<string>();
    for (const [memoryId, versions] of changed) {
      for (const version of versions) {
        for (const { text, date } of factLines(textOf(version) ?? '')) {
          const id = factId(text);
          // Where what stood before is no longer kept, the day in the line has to say.
          const older = unsure.has(memoryId) && date !== null && date < from.slice(0, 10);
          if (!known.has(id) && !older) learned.add(id);
        }
      }
    }
    const whole = files.filter(file => {
      const isNew = changed.get(file.id)?.[0]?.operation === 'created';
      return isNew && idsIn(file.content).every(id => learned.has(id));
    });
    return {
      factIds: [...learned],
      files: whole.map(file => ({ memoryId: file.id, sha256: file.sha256 })),
      unchanged: false,
      until: until ?? newest,
    };
  }

  async function runAgain(job: Job): Promise<void> {
    try {
      await run(job);
    } catch (error) {
      // A store that is gone has nothing left to forget.
      if (!(error instanceof ChangedMeanwhile) && failureOf(error).type !== 'gone') throw error;
    }
  }

  return {
    forget,
    forgetSince,
    async afterTurn(person, sessionId) {
      for await (const [, job] of jobs.entries(`${personKey(person)}/`)) {
        if (job.sessionIds.includes(sessionId)) await runAgain(job);
      }
    },
    async resume() {
      for await (const [key, job] of jobs.entries()) {
        if (job.done) continue;
        await runAgain(job);
        await jobs.set(key, { ...job, done: true }, TURN_MS);
      }
    },
  };
}

/** A file without what is to go; null when nothing is left to say. */
function without(
  file: MemoryFile,
  plan: Plan,
): { content: string | null; gone: ReadonlySet<string>; stays: ReadonlySet<string> } {
  const whole = isSeen(file, plan);
  const facts = factLines(file.content).map(fact => ({ ...fact, id: factId(fact.text) }));
  const leaves = (id: string) => whole || plan.factIds.includes(id);
  const left = withoutLines(
    file.content,
    facts.filter(fact => leaves(fact.id)).map(fact => fact.index),
  );
  const gone = new Set(facts.map(fact => fact.id).filter(leaves));
  const stays = new Set(facts.map(fact => fact.id).filter(id => !leaves(id)));
  return { content: whole || (gone.size > 0 && isEmptyNote(left)) ? null : left, gone, stays };
}

/** A file that goes altogether, and is as the person saw it. */
function isSeen(file: MemoryFile, plan: Plan): boolean {
  return plan.files.some(({ memoryId, sha256 }) => memoryId === file.id && sha256 === file.sha256);
}

function itemOf(file: MemoryFile, plan: Plan): Forgettable[] {
  const { content, gone } = without(file, plan);
  if (content === file.content) return [];
  const lines = factLines(file.content)
    .filter(fact => gone.has(factId(fact.text)))
    .map(fact => fact.text);
  return [{ title: titleOfPath(file.path), path: file.path, lines, wholeFile: content === null }];
}

function idsIn(content: string): string[] {
  return factLines(content).map(fact => factId(fact.text));
}

const STAYS =
  'It goes from your notes and from their history. What you said in our conversations stays there, unless you have me forget everything.';

const HISTORY_ONLY =
  'What I learned since then is gone from your notes already. Shall it go from their history as well?';

function changedSentence(title: string): string {
  return `${title} changed just now. Have another look before you forget it.`;
}

function sentenceOf(items: readonly Forgettable[], { back }: Counts): string {
  const names = items.map(item => (item.wholeFile ? item.title : `${item.lines.length} in ${item.title}`));
  const said =
    items.length === 1 && items[0]?.wholeFile === false && items[0].lines.length === 1
      ? `Forgotten: ${items[0].lines[0]}.`
      : `Forgotten: ${names.length === 0 ? 'it was gone already' : names.join(', ')}.`;
  return back === 0 ? said : `${said} But some of it was written again meanwhile. Please have another look.`;
}

function countsOf(counts: Counts): { what: Counted; count: number }[] {
  return (['facts', 'memories', 'redacted'] as const)
    .map(what => ({ what, count: counts[what] }))
    .filter(({ count }) => count > 0);
}

function outcome(ok: boolean, sentence: string): PreferencesView {
  return { type: 'outcome', ok, sentence };
}
