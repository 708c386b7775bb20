import type Anthropic from '@anthropic-ai/sdk';
import { isEmptied, isSince, textOf, type Version, versionsOf } from '../preferences/versions.ts';
import type { LineChange, MemoryChange } from '../views.ts';
import { factId, factLines } from './memory-lines.ts';
import { isDoubted, isOneGo, isOwn, type Story, storyOf, type Writing } from './memory-story.ts';
import { changedLines } from './memory-text.ts';

/** Enough to undo a change without keeping its text: the texts stay with the API. */
export interface ChangeRef {
  storeId: string;
  memoryId: string;
  path: string;
  /** The version to go back to; null when there was no memory before, or with `beforeIsLost`. */
  beforeVersionId: string | null;
  /** What it said before is no longer kept: then there is no way back. */
  beforeIsLost?: true;
  beforePath: string | null;
  beforeSha256: string | null;
  /** What the change left; null when it deleted the memory. */
  afterVersionId: string | null;
  /** What the memory must still be for undoing to be safe; null when the change deleted it. */
  afterSha256: string | null;
}

/** What a session did to a memory in one go: from what stood there when it began to what it left. */
export interface Step {
  ref: ChangeRef;
  before: Text;
  after: string | null;
}

/** Null: there was no memory. Undefined: what it said is no longer kept. */
type Text = string | null | undefined;

export interface SessionChanges {
  trusted: Step[];
  /** It may not be the person's wish. */
  doubted: Step[];
  /** Of every memory that it wrote, also where that changed nothing in the end. */
  stories: Story[];
}

/** A service that dates its versions to the second may date one this much before a finer moment. */
const COARSE_MS = 999;

/**
 * What one session changed in a store since a moment, taken from the store's versions: never from what the agent says it
 * did. Versions of a memory count as one change as long as nobody else wrote in between: what others did is no part of it.
 * `isTidied`: true for a version with which the bot tidied up what the one before it had left: it belongs to the same change.
 */
export async function changesSince(
  client: Anthropic,
  writing: Writing,
  isTidied: (version: Version) => Promise<boolean>,
): Promise<SessionChanges> {
  const { storeId, sessionId, since } = writing;
  const written = client.beta.memoryStores.memoryVersions.list(storeId, {
    session_id: sessionId,
    'created_at[gte]': new Date(Date.parse(since) - COARSE_MS).toISOString(),
    view: 'basic',
    limit: 100,
  });
  const memoryIds = new Set<string>();
  for await (const version of written)
    if (isOwn(writing, version) && isSince(version, since)) memoryIds.add(version.memory_id);
  const changes: SessionChanges = { trusted: [], doubted: [], stories: [] };
  for (const memoryId of memoryIds) {
    const story = await storyOf(client, { ...writing, memoryId });
    changes.stories.push(story);
    for (const run of runsOf(story)) {
      const step = await stepOf(story, run, isTidied);
      if (step !== null) changes[run.isDoubted ? 'doubted' : 'trusted'].push(step);
    }
  }
  return changes;
}

/** What was written in one go, by places in the story. */
interface Run {
  first: number;
  last: number;
  isDoubted: boolean;
}

function runsOf(story: Story): Run[] {
  const runs: Run[] = [];
  let before: Version | undefined;
  for (const [index, version] of story.versions.entries()) {
    const run = runs.at(-1);
    if (run !== undefined && before !== undefined && isOneGo(story, before, version)) run.last = index;
    else if (isOwn(story, version))
      runs.push({ first: index, last: index, isDoubted: isDoubted(story, version) });
    before = version;
  }
  return runs;
}

/** Null when nothing changed on balance, or when what it left is no longer kept. */
async function stepOf(
  { storeId, memoryId, before: earlier, versions }: Story,
  run: Run,
  isTidied: (version: Version) => Promise<boolean>,
): Promise<Step | null> {
  const first = versions[run.first];
  let last = versions[run.last];
  if (first === undefined || last === undefined) return null;
  for (const version of versions.slice(run.last + 1)) {
    if (!(await isTidied(version))) break;
    last = version;
  }
  const isNew = first.operation === 'created';
  const previous = isNew ? null : (versions[run.first - 1] ?? earlier);
  const before = isNew ? null : previous === null || isEmptied(previous) ? undefined : textOf(previous);
  const after = textOf(last);
  const isGone = last.operation === 'deleted';
  if (after === null && (!isGone || before === null)) return null;
  const path = last.path ?? first.path ?? previous?.path;
  if (path === undefined || path === null) return null;
  if (before === after && previous?.path === path) return null;
  const ref: ChangeRef = {
    storeId,
    memoryId,
    path,
    beforeVersionId: previous?.id ?? null,
    beforePath: previous?.path ?? null,
    beforeSha256: previous?.content_sha256 ?? null,
    afterVersionId: isGone ? null : last.id,
    afterSha256: isGone ? null : (last.content_sha256 ?? null),
    ...(before === undefined ? { beforeIsLost: true } : {}),
  };
  return { ref, before, after };
}

/** The version of a memory before `version`, or null when none is kept (any longer). */
export async function versionBefore(
  client: Anthropic,
  storeId: string,
  memoryId: string,
  version: { id: string; created_at: string },
): Promise<Version | null> {
  let passed = false;
  for await (const candidate of versionsOf(client, storeId, { memoryId, until: version.created_at })) {
    if (passed) return candidate;
    passed = candidate.id === version.id;
  }
  return null;
}

/**
 * What taking these changes back, in this order, has changed: from what they had left to what stood there before them.
 * `textOf`: what a version says; null when that is no longer kept.
 */
export async function changesBack(
  refs: readonly ChangeRef[],
  textOf: (storeId: string, versionId: string) => Promise<string | null>,
): Promise<MemoryChange[]> {
  const steps = refs.map(async (ref): Promise<Step> => {
    const { storeId, beforeVersionId, afterVersionId } = ref;
    const [left, stood] = await Promise.all(
      [afterVersionId, beforeVersionId].map(id => (id === null ? null : textOf(storeId, id))),
    );
    return { ref, before: afterVersionId === null ? null : (left ?? undefined), after: stood ?? null };
  });
  return describe(await Promise.all(steps));
}

/** What these changes made of what stood there before; left out is one of which what it left is no longer kept. */
export async function changesOf(
  refs: readonly ChangeRef[],
  textOf: (storeId: string, versionId: string) => Promise<string | null>,
): Promise<MemoryChange[]> {
  const steps: Step[] = [];
  for (const ref of refs) {
    const { storeId, beforeVersionId, beforeIsLost, afterVersionId } = ref;
    const before = beforeVersionId === null ? null : ((await textOf(storeId, beforeVersionId)) ?? undefined);
    const after = afterVersionId === null ? null : await textOf(storeId, afterVersionId);
    if (after !== null || afterVersionId === null)
      steps.push({ ref, before: beforeIsLost === true ? undefined : before, after });
  }
  return describe(steps);
}

/** What a person reads of it, by path. Where what stood before is no longer kept, there are no lines. */
export function describe(steps: readonly Step[]): MemoryChange[] {
  const byMemory = new Map<string, Step[]>();
  for (const step of withTwinsJoined(steps)) {
    const { memoryId } = step.ref;
    byMemory.set(memoryId, [...(byMemory.get(memoryId) ?? []), step]);
  }
  const changes = [...byMemory.values()].flatMap(changeOf);
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A file deleted and written anew is, to the person, one file that changed. */
function withTwinsJoined(steps: readonly Step[]): Step[] {
  const joined: Step[] = [];
  const gone = new Set(steps.filter(step => step.after === null));
  for (const step of steps) {
    const twin = step.before === null ? [...gone].find(({ ref }) => ref.path === step.ref.path) : undefined;
    if (twin !== undefined) gone.delete(twin);
    if (step.after !== null) joined.push(twin === undefined ? step : { ...step, before: twin.before });
  }
  return [...joined, ...gone];
}

/** Of steps of one memory, oldest first. */
function changeOf(steps: readonly Step[]): MemoryChange[] {
  const first = steps[0];
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return [];
  const { memoryId, path } = last.ref;
  const operation = first.before === null ? 'created' : last.after === null ? 'deleted' : 'modified';
  const all = steps.flatMap(({ before, after }) =>
    before === undefined ? [] : changedLines(before ?? '', after ?? ''),
  );
  const isLost = steps.some(({ before }) => before === undefined);
  // What somebody else has changed between two of them is not as the first of them left it.
  const lines = steps.length === 1 ? all : all.filter(standsIn(last.after ?? ''));
  return lines.length === 0 && !isLost ? [] : [{ memoryId, path, operation, lines }];
}

function standsIn(content: string): (line: LineChange) => boolean {
  const ids = new Set(factLines(content).map(fact => factId(fact.text)));
  return line => {
    switch (line.type) {
      case 'added':
        return ids.has(factId(line.text));
      case 'removed':
        return !ids.has(factId(line.text));
      case 'changed':
        return ids.has(factId(`${line.label}: ${line.to}`));
    }
  };
}
