import type Anthropic from '@anthropic-ai/sdk';
import { unlessGone } from '../errors.ts';

/** What one memory can hold at most, in bytes (docs on memory, Sep 2026). */
export const MAX_CONTENT_BYTES = 102_400;

/** A memory file as it stands. */
export interface MemoryFile {
  id: string;
  storeId: string;
  path: string;
  content: string;
  sha256: string;
  /** The version that it shows. */
  versionId: string;
  updatedAt: string;
}

export interface Listing {
  files: MemoryFile[];
  /** False when the bound on bytes left some out. */
  complete: boolean;
}

/** What stands in memory stores. */
export interface MemoryFiles {
  /** False once the store was deleted or archived. */
  isLive(storeId: string): Promise<boolean>;
  /** Files in path order, up to `maxBytes` of content. */
  list(storeId: string, maxBytes: number): Promise<Listing>;
  /** Every file of some stores; one that was deleted from outside holds nothing. */
  files(storeIds: readonly string[]): Promise<MemoryFile[]>;
  /** One file, or null when it is gone. */
  read(storeId: string, memoryId: string): Promise<MemoryFile | null>;
}

export function createMemoryFiles(client: Anthropic): MemoryFiles {
  const { memoryStores } = client.beta;

  async function list(storeId: string, maxBytes: number): Promise<Listing> {
    const files: MemoryFile[] = [];
    let bytes = 0;
    let skipped = 0;
    for await (const item of memoryStores.memories.list(storeId, { view: 'full', limit: 20 })) {
      if (item.type !== 'memory') continue;
      if (bytes + item.content_size_bytes > maxBytes) {
        // A few large files should not keep the small ones out; a large store should not be read to its end.
        skipped += 1;
        if (skipped === 5) break;
        continue;
      }
      bytes += item.content_size_bytes;
      files.push(fileOf(storeId, item));
    }
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { files, complete: skipped === 0 };
  }

  return {
    async isLive(storeId) {
      const store = await unlessGone(memoryStores.retrieve(storeId));
      return store !== null && store.archived_at === null;
    },

    list,

    async files(storeIds) {
      const found = await Promise.all(storeIds.map(id => unlessGone(list(id, Number.POSITIVE_INFINITY))));
      return found.flatMap(listing => listing?.files ?? []);
    },

    async read(storeId, memoryId) {
      const memory = await unlessGone(memoryStores.memories.retrieve(memoryId, { memory_store_id: storeId }));
      return memory === null ? null : fileOf(storeId, memory);
    },
  };
}

function fileOf(
  storeId: string,
  memory: {
    id: string;
    path: string;
    content?: string | null;
    content_sha256: string;
    memory_version_id: string;
    updated_at: string;
  },
): MemoryFile {
  return {
    id: memory.id,
    storeId,
    path: memory.path,
    content: memory.content ?? '',
    sha256: memory.content_sha256,
    versionId: memory.memory_version_id,
    updatedAt: memory.updated_at,
  };
}
