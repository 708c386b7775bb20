import type Anthropic from '@anthropic-ai/sdk';
import { isSince, type Version, versionsOf } from '../preferences/versions.ts';

/** What a session wrote in a store since a moment, by the server's clock. */
export interface Writing {
  storeId: string;
  sessionId: string;
  since: string;
  /** From here on what it wrote may not be the person's wish; null: all of it is. */
  doubtedSince: string | null;
}

/** What happened to one memory since a session's turn began, whoever did it. */
export interface Story extends Writing {
  memoryId: string;
  /** What stood there before; null when nothing did, or when that is no longer kept. */
  before: Version | null;
  /** Oldest first. Of what the session wrote in one go only the last has its text: it may be a lot. */
  versions: Version[];
}

/** Most turns write a note once, and each version is a whole text. */
const AT_ONCE = 4;

/** Reads back to the version before the turn and no further. */
export async function storyOf(client: Anthropic, writing: Writing & { memoryId: string }): Promise<Story> {
  const { storeId, memoryId, since } = writing;
  const story: Story = { ...writing, before: null, versions: [] };
  let next: Version | undefined;
  for await (const version of versionsOf(client, storeId, { memoryId, atOnce: AT_ONCE })) {
    if (!isSince(version, since)) {
      story.before = version;
      break;
    }
    story.versions.push(
      next !== undefined && isOneGo(writing, version, next) ? { ...version, content: null } : version,
    );
    next = version;
  }
  story.versions.reverse();
  return story;
}

export function isOwn({ sessionId }: Writing, { created_by }: Version): boolean {
  return created_by?.type === 'session_actor' && created_by.session_id === sessionId;
}

export function isDoubted({ doubtedSince }: Writing, version: Version): boolean {
  return doubtedSince !== null && isSince(version, doubtedSince);
}

/** Of two versions that follow each other: both are the session's, and either both are in doubt or none is. */
export function isOneGo(writing: Writing, version: Version, next: Version): boolean {
  return (
    isOwn(writing, version) &&
    isOwn(writing, next) &&
    isDoubted(writing, version) === isDoubted(writing, next)
  );
}
