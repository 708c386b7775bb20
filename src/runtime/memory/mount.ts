import type { BetaManagedAgentsMemoryStoreResource } from '@anthropic-ai/sdk/resources/beta/sessions/resources';
import { type MemoryMount, MountError } from '../ports.ts';
import { MemoryError } from './error.ts';
import type { Memories } from './memories.ts';
import { pathProblem } from './path.ts';

/**
 * "Ann's  Shoes" is mounted at /mnt/memory/ann-s-shoes (SDK MemoryStoreCreateParams.name). Null for a name
 * without any ASCII letter or digit, which would leave nothing to call the directory by.
 */
export function mountPath(storeName: string): string | null {
  const slug = storeName.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return slug.replace('-', '') === '' ? null : `/mnt/memory/${slug}`;
}

/**
 * A store as one session's tools see it; what it writes is versioned in the session's name. Once the turn is
 * aborted it takes no more writes: a tool that is slow to notice must not change memory behind an idle session.
 */
export function createMemoryMount(
  memories: Memories,
  resource: BetaManagedAgentsMemoryStoreResource,
  sessionId: string,
  signal: AbortSignal,
): MemoryMount {
  const storeId = resource.memory_store_id;
  const access = resource.access ?? 'read_write';

  async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof MemoryError ? toMountError(error, path) : error;
    }
  }

  async function change<T>(path: string, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (access === 'read_only') throw new MountError('EROFS', `read-only file system, '${path}'`);
    return attempt(path, work);
  }

  return {
    mountPath: resource.mount_path ?? '',
    access,
    name: resource.name ?? '',
    description: resource.description ?? '',
    instructions: resource.instructions ?? null,

    list: () =>
      attempt('/', async () =>
        (await memories.paths(storeId)).map(row => ({
          path: row.path,
          sizeBytes: row.content_size_bytes,
          updatedAt: new Date(row.updated_at),
        })),
      ),
    read: path => attempt(path, () => memories.readPath(storeId, path)),
    write: (path, content) => change(path, () => memories.writePath(storeId, path, content, sessionId)),
    remove: path => change(path, () => memories.removePath(storeId, path, sessionId)),
    rename: (from, to) => change(to, () => memories.renamePath(storeId, from, to, sessionId)),
  };
}

function toMountError(error: MemoryError, path: string): MountError {
  switch (error.problem) {
    case 'not_found':
      return new MountError('ENOENT', `no such file or directory, '${path}'`);
    case 'archived':
      return new MountError('EROFS', `the store is archived and read-only, '${path}'`);
    case 'bad_path':
      return new MountError('EINVAL', `'${path}' ${pathProblem(path) ?? 'is not a valid path'}`);
    case 'bad_content':
      return new MountError('EINVAL', `memory holds valid UTF-8 text only, '${path}'`);
    case 'too_large':
      return new MountError('EFBIG', `${error.message} '${path}'`);
    case 'too_many':
      return new MountError('ENOSPC', `${error.message} '${path}'`);
    case 'path_taken': {
      const other = error.fields.conflicting_path ?? '';
      return other.startsWith(`${path}/`)
        ? new MountError('EISDIR', `is a directory, '${path}'`)
        : new MountError('ENOTDIR', `'${other}' is a file, not a directory, '${path}'`);
    }
    case 'changed':
    case 'live_head':
      return new MountError('EINVAL', error.message);
    default:
      return error.problem satisfies never;
  }
}
