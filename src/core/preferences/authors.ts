import { createHash } from 'node:crypto';
import type Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsMemoryVersion } from '@anthropic-ai/sdk/resources/beta/memory-stores/memory-versions';
import { type Person, personKey } from '../message.ts';
import type { ConversationOfSession } from '../session/whereabouts.ts';
import type { State } from '../state/state.ts';
import type { Author, BotChange, PersonalChange } from '../views.ts';

/** What a change leaves behind: enough to recognise the version it makes. `sha256` null: it deletes. */
export interface Intent {
  path: string;
  sha256: string | null;
}

export type OwnChange = PersonalChange | BotChange;

/** What became of an intent. */
export interface Intended {
  /** It made this version. */
  made(versionId: string): Promise<void>;
  /** It made a version of this store just now; which one, the store says. */
  madeIn(storeId: string): Promise<void>;
  /** It will make none. */
  dropped(): Promise<void>;
}

/**
 * Tells a person's own changes from an operator's. To the API both are calls with the bot's key, so what the person
 * is about to do is written down first: then neither a crash nor a lost answer makes it look like somebody else's.
 */
export interface Authors {
  intend(person: Person, change: Intent, by: OwnChange): Promise<Intended>;
  of(person: Person, version: Version): Promise<Author>;
  /** Ties an open intent to its version, which is about to be emptied and could not be recognised afterwards. */
  settle(person: Person, version: Version): Promise<void>;
}

type Version = BetaManagedAgentsMemoryVersion;

/** How long a version may take to be looked at after its answer was lost. */
const INTENT_TTL_MS = 90 * 24 * 3600_000;

export function createAuthors(deps: {
  client: Anthropic;
  state: State;
  whereabouts: ConversationOfSession;
}): Authors {
  const { client, state, whereabouts } = deps;
  const intents = state.table<OwnChange>('edit-intent');
  const edits = state.table<OwnChange>('edit');

  async function changeBehind(person: Person, version: Version): Promise<OwnChange | undefined> {
    const known = await edits.get(editKey(person, version.id));
    if (known !== undefined || version.path === null || version.path === undefined) return known;
    const key = intentKey(person, version.path, sha256In(version));
    const intended = await intents.get(key);
    if (intended === undefined) return undefined;
    // From now on it stands for this version and for no other.
    await edits.set(editKey(person, version.id), intended);
    await intents.delete(key);
    return intended;
  }

  return {
    async intend(person, { path, sha256 }, by) {
      const key = intentKey(person, path, sha256);
      await intents.set(key, by, INTENT_TTL_MS);
      async function made(versionId: string): Promise<void> {
        await edits.set(editKey(person, versionId), by);
        await intents.delete(key);
      }
      return {
        made,
        async madeIn(storeId) {
          const list = await client.beta.memoryStores.memoryVersions.list(storeId, { limit: 20 });
          const version = list.data.find(
            candidate =>
              candidate.created_by?.type !== 'session_actor' &&
              candidate.path === path &&
              sha256In(candidate) === sha256,
          );
          // Not among the newest: then the intent stays until somebody looks at that version.
          if (version !== undefined) await made(version.id);
        },
        async dropped() {
          await intents.delete(key);
        },
      };
    },

    async of(person, version) {
      const actor = version.created_by;
      if (actor?.type === 'session_actor') {
        return { type: 'agent', conversation: await whereabouts.find(person, actor.session_id) };
      }
      const by = await changeBehind(person, version);
      if (by === undefined) return { type: 'operator' };
      return by === 'hold' || by === 'merge' ? { type: 'bot', by } : { type: 'person', by };
    },

    async settle(person, version) {
      if (version.created_by?.type === 'session_actor') return;
      await changeBehind(person, version);
    },
  };
}

/** Null for a version that deleted its memory. */
function sha256In(version: Version): string | null {
  return version.operation === 'deleted' ? null : (version.content_sha256 ?? null);
}

export function sha256Of(content: string): string {
  return createHash('sha256').update(content, 'utf8').digest('hex');
}

function editKey(person: Person, versionId: string): string {
  return `${personKey(person)}/${versionId}`;
}

function intentKey(person: Person, path: string, sha256: string | null): string {
  return `${personKey(person)}/${encodeURIComponent(path)}/${sha256 ?? 'deleted'}`;
}
