import type Anthropic from '@anthropic-ai/sdk';
import type { MemoryFile } from '../memory/memory-files.ts';
import { factId, factLines } from '../memory/memory-lines.ts';
import { type Person, personKey } from '../message.ts';
import type { ConversationOfSession } from '../session/whereabouts.ts';
import type { State } from '../state/state.ts';
import type { Author, Fact } from '../views.ts';
import type { Authors } from './authors.ts';
import { textOf, type Version, versionsOf } from './versions.ts';

/** Where a fact came from, kept when the version that said so is emptied for another fact's sake. */
interface Origin {
  /** YYYY-MM-DD */
  on: string;
  by: { type: 'session'; sessionId: string } | Exclude<Author, { type: 'agent' }>;
}

export interface Origins {
  /** The facts of a file, each with when and by whom it was brought. */
  factsOf(person: Person, file: MemoryFile): Promise<Fact[]>;
  /** Remembers where these facts of a file come from, because its versions are about to be emptied. */
  keep(person: Person, file: MemoryFile, factIds: ReadonlySet<string>): Promise<void>;
  /** The facts of a file (or `only` these) come to stand in another one: where they came from goes with them. */
  carry(
    person: Person,
    file: MemoryFile,
    to: { person: Person; memoryId: string; only?: ReadonlySet<string> },
  ): Promise<void>;
  /** Forgets where a fact came from, or all facts of a file. */
  drop(person: Person, memoryId: string, factId?: string): Promise<void>;
}

/** How far back a file is followed: beyond that, only the dates in its lines say when something was learned. */
const MOST_VERSIONS = 100;

export function createOrigins(deps: {
  client: Anthropic;
  state: State;
  authors: Authors;
  whereabouts: ConversationOfSession;
}): Origins {
  const { client, authors, whereabouts } = deps;
  const kept = deps.state.table<Origin>('fact-origin');
  const keyOf = (person: Person, memoryId: string, id: string) => `${personKey(person)}/${memoryId}/${id}`;

  /** For each fact the oldest version of an unbroken row, up to now, that says it. */
  async function bringersOf(file: MemoryFile): Promise<Map<string, Version>> {
    const bringers = new Map<string, Version>();
    const open = new Set(factLines(file.content).map(fact => factId(fact.text)));
    let seen = 0;
    let oldest: Version | undefined;
    for await (const version of versionsOf(client, file.storeId, { memoryId: file.id })) {
      seen += 1;
      if (open.size === 0 || seen > MOST_VERSIONS) break;
      oldest = version;
      const text = textOf(version);
      if (text === null) continue;
      const said = new Set(factLines(text).map(fact => factId(fact.text)));
      for (const id of open) {
        if (said.has(id)) bringers.set(id, version);
        else open.delete(id);
      }
    }
    // The row is cut where versions are no longer kept: who began it cannot be said.
    if (oldest?.operation !== 'created') for (const id of open) bringers.delete(id);
    return bringers;
  }

  async function originOf(person: Person, version: Version): Promise<Origin> {
    const actor = version.created_by;
    const author = await authors.of(person, version);
    const sessionId = actor?.type === 'session_actor' ? actor.session_id : '';
    const by: Origin['by'] = author.type === 'agent' ? { type: 'session', sessionId } : author;
    return { on: version.created_at.slice(0, 10), by };
  }

  async function authorOf(person: Person, { by }: Origin): Promise<Author> {
    if (by.type !== 'session') return by;
    return { type: 'agent', conversation: await whereabouts.find(person, by.sessionId) };
  }

  return {
    async factsOf(person, file) {
      const bringers = await bringersOf(file);
      return Promise.all(
        factLines(file.content).map(async ({ text, date }) => {
          const id = factId(text);
          const bringer = bringers.get(id);
          const origin = await kept.get(keyOf(person, file.id, id));
          const byVersion = bringer === undefined ? null : await authors.of(person, bringer);
          return {
            id,
            text,
            learnedOn: date ?? origin?.on ?? bringer?.created_at.slice(0, 10) ?? null,
            learnedBy: origin === undefined ? byVersion : await authorOf(person, origin),
          };
        }),
      );
    },

    async keep(person, file, factIds) {
      for (const [id, version] of await bringersOf(file)) {
        // The first to be kept is the oldest known.
        if (factIds.has(id)) await kept.insert(keyOf(person, file.id, id), await originOf(person, version));
      }
    },

    async carry(person, file, to) {
      const bringers = await bringersOf(file);
      for (const { text } of factLines(file.content)) {
        const id = factId(text);
        if (to.only?.has(id) === false) continue;
        const bringer = bringers.get(id);
        const origin =
          (await kept.get(keyOf(person, file.id, id))) ??
          (bringer === undefined ? undefined : await originOf(person, bringer));
        if (origin !== undefined) await kept.insert(keyOf(to.person, to.memoryId, id), origin);
      }
    },

    async drop(person, memoryId, id) {
      if (id !== undefined) {
        await kept.delete(keyOf(person, memoryId, id));
        return;
      }
      for await (const [key] of kept.entries(`${personKey(person)}/${memoryId}/`)) await kept.delete(key);
    },
  };
}
