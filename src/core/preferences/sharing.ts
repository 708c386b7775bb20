import { type Dispute, planMerge } from '../linking/merge-plan.ts';
import type { Memory } from '../memory/memory.ts';
import type { MemoryFile } from '../memory/memory-files.ts';
import { factId, factLines, idsIn, withoutLines } from '../memory/memory-lines.ts';
import { readableLines } from '../memory/memory-text.ts';
import type { Audience } from '../memory/store-owner.ts';
import type { Action, Person } from '../message.ts';
import { outcome, type PreferencesView, titleOfPath } from '../views.ts';
import type { Conflicts } from './conflicts.ts';
import type { Origins } from './origins.ts';
import type { Writes } from './writes.ts';

/** The person decides which notes may be used where others read: it is the store that a note is in. */
export interface Sharing {
  share(person: Person, action: Action<'share'>): Promise<PreferencesView>;
}

/** How often a note that changes under our hands is looked at again. */
const MAX_ATTEMPTS = 5;

/** Where a note ended up, and what was there before; null: nothing was. */
interface Moved {
  type: 'moved';
  path: string;
  joined: MemoryFile | null;
  dispute: Dispute | null;
}

export function createSharing(deps: {
  memory: Memory;
  writes: Writes;
  origins: Origins;
  conflicts: Conflicts;
  /** Conversations where others read still know what was taken from them. */
  renewSessions(person: Person): Promise<unknown>;
}): Sharing {
  const { memory, writes, origins } = deps;

  /**
   * All that the note says stands in the other store before it goes from this one: a crash leaves it in both, and never
   * in none. A note of its name takes it up, line by line.
   */
  async function move(
    person: Person,
    file: MemoryFile,
    to: string,
  ): Promise<Moved | { type: 'changed' } | { type: 'gone' }> {
    const stand = await memory.files([to]);
    const { changes, disputes } = planMerge(stand, [file]);
    const [change] = changes;
    const path = change?.path ?? file.path;
    const joined = stand.find(other => other.path === path) ?? null;
    const taken = change === undefined ? null : await takeUp(person, file, { to, joined, ...change });
    if (taken === 'changed') return { type: 'changed' };
    const removed = await writes.remove(person, file, 'share');
    if (removed.type === 'written') {
      await origins.drop(person, file.id);
      return { type: 'moved', path, joined, dispute: disputes[0] ?? null };
    }
    // Somebody changed or took the original meanwhile: what came of it is not what they want.
    if (taken !== null) await giveBack(person, taken, joined);
    return { type: removed.type === 'gone' ? 'gone' : 'changed' };
  }

  async function takeUp(
    person: Person,
    from: MemoryFile,
    { to, path, content, joined }: { to: string; path: string; content: string; joined: MemoryFile | null },
  ): Promise<MemoryFile | 'changed'> {
    const written =
      joined === null
        ? await writes.create(person, to, path, content, 'share')
        : await writes.update(person, joined, { content }, 'share');
    const file = written.type === 'written' ? await memory.read(to, written.memoryId) : null;
    if (file === null) return 'changed';
    const before = idsIn(joined?.content ?? '');
    const only = new Set(idsIn(content).filter(id => !before.includes(id)));
    await origins.carry(person, from, { person, memoryId: file.id, only });
    return file;
  }

  async function giveBack(person: Person, taken: MemoryFile, joined: MemoryFile | null): Promise<void> {
    if (joined === null) {
      await writes.remove(person, taken, 'share');
      await origins.drop(person, taken.id);
      return;
    }
    const added = idsIn(taken.content).filter(id => !idsIn(joined.content).includes(id));
    let file: MemoryFile | null = taken;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && file !== null; attempt += 1) {
      const content = file === taken ? joined.content : withoutFacts(file.content, added);
      if ((await writes.update(person, file, { content }, 'share')).type !== 'changed') break;
      file = await memory.read(taken.storeId, taken.id);
    }
    for (const id of added) await origins.drop(person, taken.id, id);
  }

  /** What the note says otherwise than the one it has joined: both stand, and the person chooses. */
  async function answered(
    person: Person,
    storeId: string,
    sentence: string,
    { dispute }: Moved,
  ): Promise<PreferencesView> {
    const labels = { now: 'as it was there', mine: 'as you moved it' };
    const conflict =
      dispute === null ? null : await deps.conflicts.openDispute(person, { ...dispute, storeId }, labels);
    if (conflict === null) return outcome(true, sentence);
    return { type: 'conflict', sentence: `${sentence} ${DIFFERENT}`, conflicts: [conflict] };
  }

  return {
    async share(person, action) {
      const { memoryId, on } = action;
      const audience: Audience = on ? 'shared' : 'private';
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const file = await memory.find(person, memoryId);
        if (file === null) return outcome(false, 'That is no longer in your memory.');
        const title = titleOfPath(file.path);
        const to = await memory.storeFor(person, audience);
        if (to === file.storeId) {
          // It may have been moved by an attempt that came no further.
          if (!on) await deps.renewSessions(person);
          return outcome(
            true,
            `${title} is already ${on ? 'used where others can read' : 'kept between us'}.`,
          );
        }
        if (on && action.confirmed === false) return asking(file, { ...action, confirmed: true });
        const moved = await move(person, file, to);
        if (moved.type === 'gone') return outcome(false, 'That is no longer in your memory.');
        if (moved.type === 'changed') continue;
        if (!on) await deps.renewSessions(person);
        return answered(person, to, sentenceOf(title, on, moved), moved);
      }
      return outcome(false, 'That note keeps changing right now. Please try again in a moment.');
    },
  };
}

/** Before others may hear of it. */
function asking({ path, content }: MemoryFile, action: Action<'share'>): PreferencesView {
  const note = { title: titleOfPath(path), path, lines: readableLines(content), wholeFile: false };
  return { type: 'confirm', question: MAY_BE_HEARD, items: [note], action, button: 'Use it there too' };
}

const MAY_BE_HEARD =
  'May I use this note where others can read what I say to you? My answers there may then include what it says.';

const DIFFERENT = 'The two disagree, and I keep both until you choose. What should I keep?';

function sentenceOf(title: string, on: boolean, { path, joined }: Moved): string {
  const there = titleOfPath(path);
  const beside = there === title ? '' : `, called “${there}” there`;
  const where = joined === null ? beside : `, together with what “${there}” already said there`;
  return on
    ? `From now on, I may use “${title}” where others can read what I say to you${where}.`
    : `“${title}” now stays between us${where}. From your next message on, I no longer know it where others can read.`;
}

function withoutFacts(content: string, ids: readonly string[]): string {
  const going = factLines(content).filter(fact => ids.includes(factId(fact.text)));
  return withoutLines(
    content,
    going.map(fact => fact.index),
  );
}
