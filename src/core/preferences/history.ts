import type Anthropic from '@anthropic-ai/sdk';
import { versionBefore } from '../memory/memory-changes.ts';
import { changedLines } from '../memory/memory-text.ts';
import type { Person } from '../message.ts';
import { type HistoryEntry, titleOfPath } from '../views.ts';
import type { Authors } from './authors.ts';
import { isEmptied, memoriesOf, textOf, type Version, versionsIn } from './versions.ts';

export interface History {
  /** Changes of stores, or of one memory, newest first. `page` counts from 0. */
  page(
    person: Person,
    storeIds: readonly string[],
    query: { page: number; memoryId?: string },
  ): Promise<{ entries: HistoryEntry[]; more: boolean }>;
  /** All of them, oldest first, with what stood there after each. */
  all(
    person: Person,
    storeIds: readonly string[],
  ): Promise<{ entry: HistoryEntry; content: string | null }[]>;
}

const PAGE = 10;

/** What stands in a memory now. */
interface Head {
  versionId: string;
  revision: string;
}

export function createHistory(deps: { client: Anthropic; authors: Authors }): History {
  const { client, authors } = deps;

  async function headsOf(storeIds: readonly string[]): Promise<Map<string, Head>> {
    const heads = new Map<string, Head>();
    for (const storeId of storeIds) {
      for await (const item of memoriesOf(client, storeId)) {
        heads.set(item.id, { versionId: item.memory_version_id, revision: revisionOf(item.content_sha256) });
      }
    }
    return heads;
  }

  async function entryOf(
    person: Person,
    version: Version,
    before: Version | null,
    head: Head | undefined,
  ): Promise<HistoryEntry> {
    const path = version.path ?? null;
    const beforePath = before?.path ?? null;
    const moved = version.operation === 'modified' && path !== null && beforePath !== null;
    const current = head?.versionId === version.id;
    const from = version.operation === 'deleted' ? before : version;
    return {
      versionId: version.id,
      memoryId: version.memory_id,
      path,
      title: path === null ? '(forgotten)' : titleOfPath(path),
      operation: version.operation,
      at: version.created_at,
      by: await authors.of(person, version),
      lines: linesOf(version, before),
      movedFrom: moved && beforePath !== path ? beforePath : null,
      restorable: !current && from !== null && textOf(from) !== null,
      current: current || (version.operation === 'deleted' && head === undefined),
      revision: head?.revision ?? null,
    };
  }

  return {
    async page(person, storeIds, { page, memoryId }) {
      const read: Version[] = [];
      const end = (page + 1) * PAGE;
      for await (const version of versionsIn(client, storeIds, memoryId === undefined ? {} : { memoryId })) {
        read.push(version);
        if (read.length > end) break;
      }
      const heads = await headsOf(storeIds);
      const entries = await Promise.all(
        read.slice(end - PAGE, end).map(async (version, index) => {
          const known = read
            .slice(end - PAGE + index + 1)
            .find(older => older.memory_id === version.memory_id);
          const before =
            version.operation === 'created'
              ? null
              : (known ?? (await versionBefore(client, version.memory_store_id, version.memory_id, version)));
          return entryOf(person, version, before, heads.get(version.memory_id));
        }),
      );
      return { entries, more: read.length > end };
    },

    async all(person, storeIds) {
      const versions: Version[] = [];
      for await (const version of versionsIn(client, storeIds)) versions.push(version);
      versions.reverse();
      const heads = await headsOf(storeIds);
      const last = new Map<string, Version>();
      const all: { entry: HistoryEntry; content: string | null }[] = [];
      for (const version of versions) {
        const before = last.get(version.memory_id) ?? null;
        last.set(version.memory_id, version);
        const entry = await entryOf(person, version, before, heads.get(version.memory_id));
        all.push({ entry, content: textOf(version) });
      }
      return all;
    },
  };
}

/** Names a content in views: long enough to tell two texts of one file apart, short enough for a button. */
export function revisionOf(sha256: string): string {
  return sha256.slice(0, 12);
}

/** Where a text on either side was emptied, the difference cannot be told. */
function linesOf(version: Version, before: Version | null): HistoryEntry['lines'] {
  const hidden = isEmptied(version) || (before !== null && isEmptied(before));
  if (hidden || (version.operation !== 'created' && before === null)) return [];
  return changedLines(before === null ? '' : (textOf(before) ?? ''), textOf(version) ?? '');
}
