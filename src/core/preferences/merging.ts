import type Anthropic from '@anthropic-ai/sdk';
import type { Memory } from '../memory/memory.ts';
import { factId, factLines, withLineAfter, withoutLines } from '../memory/memory-lines.ts';
import { isOwn, type Story, storyOf } from '../memory/memory-story.ts';
import type { Person } from '../message.ts';
import { isListed, labelIn } from './labels.ts';
import { isEmptied, textOf, type Version } from './versions.ts';
import type { Writes } from './writes.ts';

/**
 * The agent's file tools know no precondition: it may write back a text that it read before somebody else changed
 * it. What others changed in a file during the turn, and the turn then wrote over, is put back line by line. Where
 * the agent gave another value to the same thing, its word stays: it is the later one, and its notice shows both.
 */
export interface Merging {
  /** Of the memories that the turn wrote. True when something had to be put back. */
  mend(person: Person, stories: readonly Story[]): Promise<boolean>;
}

const MAX_ATTEMPTS = 5;

export function createMerging(deps: { client: Anthropic; memory: Memory; writes: Writes }): Merging {
  const { client, memory, writes } = deps;

  async function mendOne(person: Person, known: Story): Promise<boolean> {
    let story = known;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const wishes = wishesIn(story);
      const file = wishes === null ? null : await memory.read(story.storeId, story.memoryId);
      if (wishes === null || file === null) return false;
      const content = granted(file.content, wishes);
      if (content === file.content) return false;
      const written = await writes.update(person, file, { content }, 'merge');
      if (written.type !== 'changed') return written.type === 'written';
      story = await storyOf(client, story);
    }
    return false;
  }

  return {
    async mend(person, stories) {
      let mended = false;
      for (const story of stories) if (await mendOne(person, story)) mended = true;
      return mended;
    },
  };
}

/** What others changed before the turn last wrote; null when nobody did. */
function wishesIn(story: Story): Wishes | null {
  const { before: earlier, versions } = story;
  const isOthers = (version: Version) => !isOwn(story, version);
  const lastOwn = versions.findLastIndex(version => isOwn(story, version));
  if (!versions.slice(0, lastOwn).some(isOthers)) return null;
  let before = versions[0]?.operation === 'created' ? null : earlier;
  const wishes: Wishes = { present: new Map(), absent: new Set(), known: new Set() };
  for (const fact of factLines(before === null ? '' : (textOf(before) ?? '')))
    wishes.known.add(factId(fact.text));
  for (const version of versions) {
    if (isOthers(version)) note(wishes, before, version);
    before = version;
  }
  return wishes;
}

/** Facts as others wanted them. */
interface Wishes {
  /** With the line as they wrote it, and the fact it stood behind. */
  present: Map<string, { raw: string; text: string; behind: string | null }>;
  absent: Set<string>;
  /** What stood there when the turn began: a value among these is not the agent's own. */
  known: Set<string>;
}

function note(wishes: Wishes, before: Version | null, after: Version): void {
  const text = textOf(after);
  if (text === null || (before !== null && isEmptied(before))) return;
  const was = new Set(
    factLines(before === null ? '' : (textOf(before) ?? '')).map(fact => factId(fact.text)),
  );
  let behind: string | null = null;
  const is = new Set<string>();
  for (const fact of factLines(text)) {
    const id = factId(fact.text);
    is.add(id);
    if (!was.has(id)) {
      wishes.present.set(id, { raw: fact.raw, text: fact.text, behind });
      wishes.absent.delete(id);
    }
    behind = id;
  }
  for (const id of was) {
    if (is.has(id)) continue;
    wishes.absent.add(id);
    wishes.present.delete(id);
  }
}

/** The content with what others wanted, unless the agent has said something else about the same thing since. */
function granted(content: string, wishes: Wishes): string {
  const stale = factLines(content).filter(fact => wishes.absent.has(factId(fact.text)));
  let result = withoutLines(
    content,
    stale.map(fact => fact.index),
  );
  for (const [id, { raw, text, behind }] of wishes.present) {
    const facts = factLines(result).map(fact => ({ ...fact, id: factId(fact.text) }));
    if (facts.some(fact => fact.id === id)) continue;
    const label = labelIn(text);
    const answered = facts.some(
      fact => label !== null && labelIn(fact.text) === label && !wishes.known.has(fact.id),
    );
    if (answered && !(label !== null && isListed(label))) continue;
    const first = facts[0]?.index;
    // What stood first comes first again, and what stood behind something gone comes last.
    const above =
      behind === null && first !== undefined ? first - 1 : facts.find(fact => fact.id === behind)?.index;
    result = withLineAfter(result, above ?? null, raw);
  }
  return result;
}
