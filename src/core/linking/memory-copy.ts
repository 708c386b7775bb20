import type { Memory } from '../memory.ts';
import type { MemoryFile } from '../memory-files.ts';
import { factId, factLines } from '../memory-lines.ts';
import type { Person } from '../message.ts';
import type { OwnChange } from '../preferences/authors.ts';
import type { Origins } from '../preferences/origins.ts';
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
}

/** How often a memory that others write at the same time is looked at again. */
const MAX_ATTEMPTS = 10;

export function createMemoryCopy(deps: { memory: Memory; writes: Writes; origins: Origins }): MemoryCopy {
  const { memory, writes, origins } = deps;

  async function into(
    storeId: string,
    joins: readonly MemoryFile[],
    from: Person,
    to: Person,
    by: OwnChange,
  ): Promise<OpenDispute[]> {
    const disputes = new Map<string, OpenDispute>();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const stays = await memory.files([storeId]);
      const plan = planMerge(stays, joins);
      for (const dispute of plan.disputes) disputes.set(dispute.path, { ...dispute, storeId });
      let all = true;
      for (const { path, content } of plan.changes) {
        const file = stays.find(known => known.path === path);
        const written =
          file === undefined
            ? await writes.create(to, storeId, path, content, by)
            : await writes.update(to, file, { content }, by);
        if (written.type !== 'written') all = false;
        else await carryOrigins(joins, from, to, { ...written, content, before: file?.content ?? '' });
      }
      if (all) return [...disputes.values()];
    }
    throw new Error('the memory that others are to be added to keeps changing');
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

  return {
    async copy(from, to, by) {
      const disputes: OpenDispute[] = [];
      for (const { id, audience } of await memory.knownStores(from)) {
        const files = await memory.files([id]);
        if (files.length === 0) continue;
        disputes.push(...(await into(await memory.storeFor(to, audience), files, from, to, by)));
      }
      return disputes;
    },
  };
}

function idsIn(content: string): string[] {
  return factLines(content).map(fact => factId(fact.text));
}
