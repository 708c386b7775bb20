import type { Memory } from '../memory/memory.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { idsIn } from '../memory/memory-lines.ts';
import type { Person } from '../message.ts';
import type { OwnChange } from '../preferences/authors.ts';
import type { Origins } from '../preferences/origins.ts';
import type { TextFile } from '../preferences/usual-facts.ts';
import type { Writes } from '../preferences/writes.ts';
import { type Dispute, planMerge } from './merge-plan.ts';

/** A dispute, and the file that has both answers now. */
export interface OpenDispute extends Dispute {
  storeId: string;
}

/** Puts what one memory says into another one. */
export interface MemoryCopy {
  /**
   * Nothing of either is lost, and repeating it finds nothing to do. Each store goes to the one for the same
   * audience: what is private stays private. Returns what they say differently.
   */
  copy(from: Person, to: Person, by: OwnChange): Promise<OpenDispute[]>;
  /**
   * As `copy`, and each file goes from there once the other memory says all of it: what the person changes here before
   * this is repeated does not come back.
   */
  move(from: Person, to: Person, by: OwnChange): Promise<OpenDispute[]>;
}

/** How often a memory that others write at the same time is looked at again. */
const MAX_ATTEMPTS = 10;

export function createMemoryCopy(deps: { memory: Memory; writes: Writes; origins: Origins }): MemoryCopy {
  const { memory, writes, origins } = deps;

  async function into(
    storeId: string,
    source: string,
    { from, to, by, moves }: { from: Person; to: Person; by: OwnChange; moves: boolean },
  ): Promise<OpenDispute[]> {
    const disputes = new Map<string, OpenDispute>();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const [stays, joins] = await Promise.all([memory.files([storeId]), memory.files([source])]);
      if (joins.length === 0) return [...disputes.values()];
      const plan = planMerge(stays, joins);
      for (const dispute of plan.disputes) disputes.set(dispute.path, { ...dispute, storeId });
      const stands = new Map<string, TextFile>(stays.map(file => [file.path, file]));
      let left = moves ? await withoutTakenUp(from, joins, stands, by) : [];
      let all = true;
      for (const { path, content } of plan.changes) {
        const file = stays.find(known => known.path === path);
        const written =
          file === undefined
            ? await writes.create(to, storeId, path, content, by)
            : await writes.update(to, file, { content }, by);
        if (written.type !== 'written') {
          all = false;
          continue;
        }
        await carryOrigins(joins, from, to, { ...written, content, before: file?.content ?? '' });
        stands.set(path, { path, content });
        if (moves) left = await withoutTakenUp(from, left, stands, by);
      }
      if (all && left.length === 0) return [...disputes.values()];
    }
    throw new Error('the memory that others are to be added to keeps changing');
  }

  /** Removes the files of which everything stands in the other memory, and returns the others. */
  async function withoutTakenUp(
    from: Person,
    files: readonly MemoryFile[],
    stands: ReadonlyMap<string, TextFile>,
    by: OwnChange,
  ): Promise<MemoryFile[]> {
    const left: MemoryFile[] = [];
    for (const file of files) {
      const isTakenUp = planMerge([...stands.values()], [file]).changes.length === 0;
      if (!isTakenUp || (await writes.remove(from, file, by)).type === 'changed') left.push(file);
    }
    return left;
  }

  /** What came in with this write keeps where it was from. */
  async function carryOrigins(
    joins: readonly MemoryFile[],
    from: Person,
    to: Person,
    written: { memoryId: string; content: string; before: string },
  ): Promise<void> {
    const known = new Set(idsIn(written.before));
    const added = new Set(idsIn(written.content).filter(id => !known.has(id)));
    for (const file of joins) {
      if (!idsIn(file.content).some(id => added.has(id))) continue;
      await origins.carry(from, file, { person: to, memoryId: written.memoryId, only: added });
    }
  }

  async function all(from: Person, to: Person, by: OwnChange, moves: boolean): Promise<OpenDispute[]> {
    const disputes: OpenDispute[] = [];
    for (const { id, audience } of await memory.knownStores(from)) {
      if ((await memory.files([id])).length === 0) continue;
      disputes.push(...(await into(await memory.storeFor(to, audience), id, { from, to, by, moves })));
    }
    return disputes;
  }

  return {
    copy: (from, to, by) => all(from, to, by, false),
    move: (from, to, by) => all(from, to, by, true),
  };
}
