import type Anthropic from '@anthropic-ai/sdk';
import type { Memory } from '../memory.ts';
import { versionBefore } from '../memory-changes.ts';
import { factId, factLines, withLineAfter, withoutLines } from '../memory-lines.ts';
import type { Person } from '../message.ts';
import { isListed, labelIn } from './labels.ts';
import { isEmptied, textOf, type Version, versionsOf } from './versions.ts';
import type { Writes } from './writes.ts';

/** A turn that wrote to memory. */
export interface WritingTurn {
  person: Person;
  sessionId: string;
  /** When it began (the server's time). */
  since: string;
}

/** Facts, by their ids, that stand again as others had left them. */
export interface PutBack {
  /** They had been overwritten. */
  back: ReadonlySet<string>;
  /** They had come back. */
  out: ReadonlySet<string>;
}

/**
 * The agent's file tools know no precondition: it may write back a text that it read before somebody else changed
 * it. What others changed in a file during the turn, and the turn then wrote over, is put back line by line. Where
 * the agent gave another value to the same thing, its word stays: it is the later one, and its notice shows both.
 */
export interface Merging {
  mend(turn: WritingTurn, written: readonly Written[]): Promise<PutBack>;
}

/** A memory that a turn wrote. */
interface Written {
  storeId: string;
  memoryId: string;
}

const MAX_ATTEMPTS = 5;

export function createMerging(deps: { client: Anthropic; memory: Memory; writes: Writes }): Merging {
  const { client, memory, writes } = deps;

  async function mendOne(turn: WritingTurn, { storeId, memoryId }: Written): Promise<PutBack> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const wishes = await wishesIn(turn, storeId, memoryId);
      const file = wishes === null ? null : await memory.read(storeId, memoryId);
      if (wishes === null || file === null) break;
      const { content, back, out } = granted(file.content, wishes);
      if (content === file.content) break;
      const written = await writes.update(turn.person, file, { content }, 'merge');
      if (written.type === 'written') return { back, out };
      if (written.type === 'gone') break;
    }
    return NOTHING;
  }

  /** What others changed in the file before the turn last wrote it; null when nobody did. */
  async function wishesIn(
    { sessionId, since }: WritingTurn,
    storeId: string,
    memoryId: string,
  ): Promise<Wishes | null> {
    const versions: Version[] = [];
    for await (const version of versionsOf(client, storeId, { memoryId, since })) versions.unshift(version);
    const isOwn = ({ created_by }: Version) =>
      created_by?.type === 'session_actor' && created_by.session_id === sessionId;
    const lastOwn = versions.findLastIndex(isOwn);
    if (!versions.slice(0, lastOwn).some(version => !isOwn(version))) return null;
    const first = versions[0];
    let before = first === undefined ? null : await versionBefore(client, storeId, memoryId, first);
    const wishes: Wishes = { present: new Map(), absent: new Set(), known: new Set() };
    for (const fact of factLines(before === null ? '' : (textOf(before) ?? '')))
      wishes.known.add(factId(fact.text));
    for (const version of versions) {
      if (!isOwn(version)) note(wishes, before, version);
      before = version;
    }
    return wishes;
  }

  return {
    async mend(turn, written) {
      const back = new Set<string>();
      const out = new Set<string>();
      for (const one of new Map(written.map(memory => [memory.memoryId, memory])).values()) {
        const putBack = await mendOne(turn, one);
        for (const id of putBack.back) back.add(id);
        for (const id of putBack.out) out.add(id);
      }
      return { back, out };
    },
  };
}

const NOTHING: PutBack = { back: new Set(), out: new Set() };

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
function granted(
  content: string,
  wishes: Wishes,
): { content: string; back: ReadonlySet<string>; out: ReadonlySet<string> } {
  const back = new Set<string>();
  const out = new Set<string>();
  const stale = factLines(content).filter(fact => wishes.absent.has(factId(fact.text)));
  for (const fact of stale) out.add(factId(fact.text));
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
    back.add(id);
  }
  return { content: result, back, out };
}
