import type Anthropic from '@anthropic-ai/sdk';
import type { Memory } from '../memory/memory.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { factId, factLines, idsIn } from '../memory/memory-lines.ts';
import type { Forgettable } from '../views.ts';
import { isCalled, titleOfPath } from '../views.ts';
import type { Plan } from './forgetting-plan.ts';
import { textOf, versionsIn } from './versions.ts';

/** What a note once said and no note says now: the agent takes lines out, and their versions stay. */
export interface PastNote {
  memoryId: string;
  path: string;
  /** What is there now; null when it is gone. */
  file: MemoryFile | null;
  /** By their ids, as they were written last. */
  facts: ReadonlyMap<string, string>;
}

/** Newest first. */
export async function pastNotes(
  client: Anthropic,
  memory: Memory,
  storeIds: readonly string[],
): Promise<PastNote[]> {
  const files = await memory.files(storeIds);
  const standing = new Set(files.flatMap(file => idsIn(file.content)));
  const notes = new Map<string, PastNote & { facts: Map<string, string> }>();
  for await (const version of versionsIn(client, storeIds)) {
    for (const { text } of factLines(textOf(version) ?? '')) {
      const id = factId(text);
      if (standing.has(id)) continue;
      const { memory_id: memoryId, path } = version;
      const file = files.find(it => it.id === memoryId) ?? null;
      const note = notes.get(memoryId) ?? {
        memoryId,
        path: file?.path ?? path ?? '',
        file,
        facts: new Map(),
      };
      notes.set(memoryId, note);
      if (!note.facts.has(id)) note.facts.set(id, text);
    }
  }
  return [...notes.values()];
}

/** A note that no longer says anything, or else the facts that say these words. */
export function pastNamed(
  notes: readonly PastNote[],
  words: string,
): { memoryId: string } | { facts: { id: string; text: string }[] } {
  const note = notes.find(it => isSilent(it) && isCalled(it.path, words));
  if (note !== undefined) return { memoryId: note.memoryId };
  const wanted = words.toLowerCase();
  const facts = [...new Map(notes.flatMap(it => [...it.facts]))].map(([id, text]) => ({ id, text }));
  const exact = facts.filter(({ text }) => text.toLowerCase() === wanted);
  return {
    facts: exact.length > 0 ? exact : facts.filter(({ text }) => text.toLowerCase().includes(wanted)),
  };
}

/** What to forget: one fact, or a note with all its namesakes that no longer say anything. */
export function pastPlan(
  notes: readonly PastNote[],
  { memoryId, factId: id }: { memoryId?: string; factId?: string },
): { plan: Plan; items: Forgettable[] } {
  if (id !== undefined) {
    const items = notes.flatMap(({ path, facts }) => {
      const text = facts.get(id);
      return text === undefined ? [] : [{ title: titleOfPath(path), path, lines: [text], wholeFile: false }];
    });
    return { plan: { factIds: [id], files: [], unchanged: false }, items };
  }
  const named = notes.find(note => note.memoryId === memoryId);
  const going = notes.filter(note => isSilent(note) && note.path === named?.path);
  return {
    plan: {
      factIds: going.flatMap(({ facts }) => [...facts.keys()]),
      files: going.map(note => ({ memoryId: note.memoryId, sha256: note.file?.sha256 ?? '' })),
      unchanged: false,
    },
    items: going.map(({ path, facts }) => ({
      title: titleOfPath(path),
      path,
      lines: [...facts.values()],
      wholeFile: true,
    })),
  };
}

function isSilent({ file }: PastNote): boolean {
  return file === null || factLines(file.content).length === 0;
}
