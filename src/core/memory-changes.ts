import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemoryVersion } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-versions';
import { changedLines } from './memory-text.ts';
import type { MemoryChange } from './views.ts';

/** Enough to undo a change without keeping its text: the texts stay with the API. */
export interface ChangeRef {
  storeId: string;
  memoryId: string;
  path: string;
  /** The version to go back to; null when there was no memory before. */
  beforeVersionId: string | null;
  beforePath: string | null;
  beforeSha256: string | null;
  /** What the change left; null when it deleted the memory. */
  afterVersionId: string | null;
  /** What the memory must still be for undoing to be safe; null when the change deleted it. */
  afterSha256: string | null;
}

export interface TurnChanges {
  changes: MemoryChange[];
  refs: ChangeRef[];
}

export interface SessionChanges {
  trusted: TurnChanges;
  doubted: TurnChanges;
  /** It wrote something, also where that changed nothing in the end. */
  wrote: boolean;
}

/** All that counts of a memory's versions; the text of those in between, which may be many, is let go. */
interface History {
  /** Without its content. */
  first: BetaManagedAgentsMemoryVersion;
  last: BetaManagedAgentsMemoryVersion;
}
type Histories = Map<string, History>;

interface Step {
  ref: ChangeRef;
  before: string | null;
  after: string | null;
}

/**
 * What one session changed in a store since a moment (the server's time), taken from the store's versions:
 * never from what the agent says it did. Several versions of a memory count as one change.
 */
export async function changesSince(
  client: Anthropic,
  storeId: string,
  sessionId: string,
  since: string,
  /** From here on what was written is `doubted`: it may not be the person's wish. */
  doubtedSince: string | null = null,
): Promise<SessionChanges> {
  const trusted: Histories = new Map();
  const doubted: Histories = new Map();
  const versions = client.beta.memoryStores.memoryVersions.list(storeId, {
    session_id: sessionId,
    'created_at[gte]': since,
    view: 'full',
    limit: 20,
  });
  // The API lists newest first.
  for await (const version of versions) {
    const isDoubted = doubtedSince !== null && Date.parse(version.created_at) >= Date.parse(doubtedSince);
    const histories = isDoubted ? doubted : trusted;
    const last = histories.get(version.memory_id)?.last ?? version;
    histories.set(version.memory_id, { first: { ...version, content: null }, last });
  }
  return {
    trusted: await turnChanges(client, storeId, trusted),
    doubted: await turnChanges(client, storeId, doubted),
    wrote: trusted.size + doubted.size > 0,
  };
}

async function turnChanges(client: Anthropic, storeId: string, histories: Histories): Promise<TurnChanges> {
  const steps: Step[] = [];
  for (const [memoryId, history] of [...histories].reverse()) {
    const step = await stepOf(client, storeId, memoryId, history);
    if (step !== null) steps.push(step);
  }
  steps.sort((a, b) => (a.ref.path < b.ref.path ? -1 : 1));
  return { changes: describe(steps), refs: steps.map(step => step.ref) };
}

async function stepOf(
  client: Anthropic,
  storeId: string,
  memoryId: string,
  { first, last }: History,
): Promise<Step | null> {
  const previous =
    first.operation === 'created' ? null : await versionBefore(client, storeId, memoryId, first);
  const before = previous?.content ?? null;
  const after = last.operation === 'deleted' ? null : (last.content ?? '');
  if (previous === null && after === null) return null;
  const path = last.path ?? first.path ?? previous?.path;
  if (path === undefined || path === null) return null;
  if (before === after && previous?.path === path) return null;
  return {
    ref: {
      storeId,
      memoryId,
      path,
      beforeVersionId: previous?.id ?? null,
      beforePath: previous?.path ?? null,
      beforeSha256: previous?.content_sha256 ?? null,
      afterVersionId: after === null ? null : last.id,
      afterSha256: after === null ? null : (last.content_sha256 ?? null),
    },
    before,
    after,
  };
}

/** The version of a memory that stood before `version`, or null when none is kept any more. */
export async function versionBefore(
  client: Anthropic,
  storeId: string,
  memoryId: string,
  version: { id: string; created_at: string },
): Promise<BetaManagedAgentsMemoryVersion | null> {
  const list = client.beta.memoryStores.memoryVersions.list(storeId, {
    memory_id: memoryId,
    'created_at[lte]': version.created_at,
    view: 'full',
    limit: 20,
  });
  let passed = false;
  for await (const candidate of list) {
    if (passed) return candidate;
    passed = candidate.id === version.id;
  }
  return null;
}

function describe(steps: readonly Step[]): MemoryChange[] {
  const changes: MemoryChange[] = [];
  const merged = new Set<Step>();
  for (const step of steps) {
    if (merged.has(step)) continue;
    // A file deleted and written anew is, to the person, one file that changed.
    const twin = steps.find(
      other => other !== step && other.ref.path === step.ref.path && !merged.has(other),
    );
    if (twin !== undefined) merged.add(twin);
    const before = step.before ?? twin?.before ?? null;
    const after = step.after ?? twin?.after ?? null;
    const lines = changedLines(before ?? '', after ?? '');
    if (lines.length === 0) continue;
    const operation = before === null ? 'created' : after === null ? 'deleted' : 'modified';
    changes.push({ memoryId: step.ref.memoryId, path: step.ref.path, operation, lines });
  }
  return changes;
}
