import type Anthropic from '@anthropic-ai/sdk';
import type { Memory } from '../memory/memory.ts';
import { versionBefore } from '../memory/memory-changes.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { factId, factLines, idsIn, isEmptyNote, withoutLines } from '../memory/memory-lines.ts';
import { type Forgettable, titleOfPath } from '../views.ts';
import { textOf, type Version, versionsIn } from './versions.ts';

/** What is to be forgotten. It contains no text itself: facts are named, not quoted. */
export interface Plan {
  /** Facts that go wherever they stand, by their ids. */
  factIds: string[];
  /** Files that go with all they ever held, as long as they are what the person saw. */
  files: { memoryId: string; sha256: string }[];
  /** When such a file has changed, nothing goes at all. */
  unchanged: boolean;
}

/**
 * What was learned from `since` on, up to `until` (by default: now). A fact that stood somewhere in memory before
 * was not learned then, even if it was moved or redated. Nothing older comes back.
 */
export async function planSince(
  client: Anthropic,
  memory: Memory,
  storeIds: readonly string[],
  since: number,
  until: string | undefined,
): Promise<(Plan & { until: string }) | null> {
  const changed = new Map<string, Version[]>();
  const from = new Date(since).toISOString();
  let newest: string | undefined;
  for await (const version of versionsIn(client, storeIds, {
    since: from,
    ...(until === undefined ? {} : { until }),
  })) {
    newest ??= version.created_at;
    changed.set(version.memory_id, [version, ...(changed.get(version.memory_id) ?? [])]);
  }
  if (newest === undefined) return null;
  const files = await memory.files(storeIds);
  const known = new Set(files.filter(file => !changed.has(file.id)).flatMap(file => idsIn(file.content)));
  const unsure = new Set<string>();
  for (const [memoryId, versions] of changed) {
    const first = versions[0];
    if (first === undefined || first.operation === 'created') continue;
    const before = await versionBefore(client, first.memory_store_id, memoryId, first);
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

/** A file without what is to be forgotten; null when nothing is left. */
export function without(
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
export function isSeen(file: MemoryFile, plan: Plan): boolean {
  return plan.files.some(({ memoryId, sha256 }) => memoryId === file.id && sha256 === file.sha256);
}

export function itemOf(file: MemoryFile, plan: Plan): Forgettable[] {
  const { content, gone } = without(file, plan);
  if (content === file.content) return [];
  const lines = factLines(file.content)
    .filter(fact => gone.has(factId(fact.text)))
    .map(fact => fact.text);
  return [{ title: titleOfPath(file.path), path: file.path, lines, wholeFile: content === null }];
}
