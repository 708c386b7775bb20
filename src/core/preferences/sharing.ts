import type { Memory } from '../memory.ts';
import type { MemoryFile } from '../memory-files.ts';
import type { Action, Person } from '../message.ts';
import type { Audience } from '../store-owner.ts';
import { outcome, type PreferencesView, titleOfPath } from '../views.ts';
import type { Origins } from './origins.ts';
import type { Writes } from './writes.ts';

/** The person decides which notes may be used where others read: it is the store that a note is in. */
export interface Sharing {
  share(person: Person, action: Action<'share'>): Promise<PreferencesView>;
}

/** How often a note that changes under our hands is looked at again. */
const MAX_ATTEMPTS = 5;
const MOST_NAMESAKES = 50;

export function createSharing(deps: {
  memory: Memory;
  writes: Writes;
  origins: Origins;
  /** Conversations where others read still know what was taken from them. */
  renewSessions(person: Person): Promise<unknown>;
}): Sharing {
  const { memory, writes, origins } = deps;

  /** The note stands in the other store before it goes from this one: a crash leaves it in both, and never in none. */
  async function move(person: Person, file: MemoryFile, to: string): Promise<'moved' | 'changed' | 'gone'> {
    const copy = await copied(person, file, to);
    if (copy === null) return 'changed';
    await origins.carry(person, file, { person, memoryId: copy.id });
    const removed = await writes.remove(person, file, 'share');
    if (removed.type === 'written') {
      await origins.drop(person, file.id);
      return 'moved';
    }
    // Somebody changed or took the original meanwhile: the copy is not what they want.
    await writes.remove(person, copy, 'share');
    await origins.drop(person, copy.id);
    return removed.type === 'gone' ? 'gone' : 'changed';
  }

  async function copied(
    person: Person,
    { path, content }: MemoryFile,
    to: string,
  ): Promise<MemoryFile | null> {
    for (let number = 1; number <= MOST_NAMESAKES; number += 1) {
      const written = await writes.create(person, to, namesake(path, number), content, 'share');
      if (written.type === 'written') return memory.read(to, written.memoryId);
      if (written.type !== 'taken') return null;
      const standing = written.memoryId === null ? null : await memory.read(to, written.memoryId);
      // Left by a process that ended between the two steps.
      if (standing?.path === namesake(path, number) && standing.content === content) return standing;
    }
    return null;
  }

  return {
    async share(person, { memoryId, on }) {
      const audience: Audience = on ? 'shared' : 'private';
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const file = await memory.find(person, memoryId);
        if (file === null) return outcome(false, 'That is no longer in your memory.');
        const title = titleOfPath(file.path);
        const to = await memory.storeFor(person, audience);
        if (to === file.storeId) {
          return outcome(true, `${title} is ${on ? 'used where others read' : 'kept between us'} already.`);
        }
        const moved = await move(person, file, to);
        if (moved === 'gone') return outcome(false, 'That is no longer in your memory.');
        if (moved === 'changed') continue;
        if (!on) await deps.renewSessions(person);
        return outcome(
          true,
          on
            ? `From now on I may use “${title}” where others read what I say to you.`
            : `“${title}” stays between us. From your next message on I do not know it where others read.`,
        );
      }
      return outcome(false, 'That note keeps changing right now. Please try again in a moment.');
    },
  };
}

/** "/sizes.md", "/sizes-2.md", … */
function namesake(path: string, number: number): string {
  if (number === 1) return path;
  const dot = path.lastIndexOf('.');
  const end = dot > path.lastIndexOf('/') ? dot : path.length;
  return `${path.slice(0, end)}-${number}${path.slice(end)}`;
}
