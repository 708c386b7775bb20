import type Anthropic from '@anthropic-ai/sdk';
import { failureOf } from '../errors.ts';
import type { Memory } from '../memory/memory.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { idsIn } from '../memory/memory-lines.ts';
import type { Person } from '../message.ts';
import type { Authors } from './authors.ts';
import { isSeen, itemOf, type Plan, without } from './forgetting-plan.ts';
import type { Origins } from './origins.ts';
import { isEmptied, memoriesOf, textOf, type Version, versionsIn } from './versions.ts';
import type { Writes } from './writes.ts';

/** A plan that is being carried out: in whose memory, and which sessions still know what is to be forgotten. */
export interface Job extends Plan {
  person: Person;
  storeIds: string[];
  /** Sessions that knew it; none of them begins another turn. */
  sessionIds: string[];
  done: boolean;
}

/** What went. */
export interface Counts {
  facts: number;
  memories: number;
  redacted: number;
  /** Facts that were written again while they were being forgotten. */
  back: number;
}

/** The note is no longer what the person agreed to have forgotten. */
export class ChangedMeanwhile extends Error {}

/** How often a file that changes under our hands is looked at again. */
const MAX_ATTEMPTS = 8;

/**
 * Takes what a job names out of the files first, because a version that a memory shows cannot be emptied, and then
 * empties every version that said it. Safe to repeat: what is gone already is not counted again.
 */
export function createForgettingRun(deps: {
  client: Anthropic;
  memory: Memory;
  writes: Writes;
  authors: Authors;
  origins: Origins;
}): (job: Job) => Promise<Counts> {
  const { client, memory, writes, authors, origins } = deps;

  async function run(job: Job): Promise<Counts> {
    const before = await filesIn(job);
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

  /** True when the file is gone. What somebody else changes meanwhile stays, except for what is to be forgotten. */
  async function takeOut(job: Job, found: MemoryFile): Promise<boolean> {
    const { person } = job;
    let file: MemoryFile | null = found;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && file !== null; attempt += 1) {
      const { id, storeId } = file;
      const isNamed = job.files.some(named => named.memoryId === id);
      if (job.unchanged && isNamed && !isSeen(file, job)) throw new ChangedMeanwhile();
      const { content, gone, stays } = without(file, job);
      if (content === file.content) return false;
      if (content !== null) await origins.keep(person, file, stays);
      const written =
        content === null
          ? await writes.remove(person, file, 'forget')
          : await writes.update(person, file, { content }, 'forget');
      if (written.type === 'written') {
        for (const factId of gone) await origins.drop(person, id, factId);
        return content === null;
      }
      file = await memory.read(storeId, id);
    }
    if (file !== null) throw new Error(`the memory ${file.id} keeps changing`);
    return true;
  }

  /** Empties every version that said it, except the live ones, which no longer do. */
  async function empty(job: Job): Promise<number> {
    const { person, storeIds } = job;
    const heads = new Set<string>();
    const live = new Set<string>();
    for (const storeId of storeIds) {
      for await (const item of memoriesOf(client, storeId)) {
        heads.add(item.memory_version_id);
        live.add(item.id);
      }
    }
    const goneFiles = job.files.map(named => named.memoryId).filter(id => !live.has(id));
    let redacted = 0;
    for await (const version of versionsIn(client, storeIds)) {
      const concerned =
        goneFiles.includes(version.memory_id) ||
        idsIn(textOf(version) ?? '').some(id => job.factIds.includes(id));
      if (!concerned || heads.has(version.id) || isEmptied(version)) continue;
      await authors.settle(person, version);
      if (await redact(version)) redacted += 1;
    }
    for (const memoryId of goneFiles) await origins.drop(person, memoryId);
    return redacted;
  }

  async function countBack(job: Job): Promise<number> {
    const files = await filesIn(job);
    return files.flatMap(file => itemOf(file, job)).flatMap(item => item.lines).length;
  }

  /** False for a version that is gone, or that is what its memory shows: then it came back, and is counted as such. */
  async function redact(version: Version): Promise<boolean> {
    const storeId = version.memory_store_id;
    try {
      await client.beta.memoryStores.memoryVersions.redact(version.id, { memory_store_id: storeId });
      return true;
    } catch (error) {
      if (failureOf(error).type === 'gone') return false;
      if (failureOf(error).type === 'refused' && (await isHead(version))) return false;
      throw error;
    }
  }

  async function isHead(version: Version): Promise<boolean> {
    try {
      const params = { memory_store_id: version.memory_store_id, view: 'basic' as const };
      const head = await client.beta.memoryStores.memories.retrieve(version.memory_id, params);
      return head.memory_version_id === version.id;
    } catch (error) {
      if (failureOf(error).type === 'gone') return false;
      throw error;
    }
  }

  const filesIn = ({ storeIds }: Job) => memory.files(storeIds);

  return run;
}
