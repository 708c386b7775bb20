import { type MemoryMount, MountError } from '../../src/runtime/ports.ts';

export interface FakeMount extends MemoryMount {
  /** What the store holds now. */
  readonly files: Map<string, string>;
  /** Every change, oldest first, e.g. "write /sizes.md shoe: 9". A write that changes nothing is none. */
  readonly versions: string[];
}

/**
 * What code of the host does while it answers the sandbox: a timer, a look at the environment. Fails when it is run
 * under the restrictions that the shell puts on its own commands.
 */
export async function hostWork(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 0));
  if (process.env.PATH === undefined) throw new Error('no environment');
}

/** A memory store in memory, with the rules of a real one: no overlapping paths, no rename onto a file. */
export function createFakeMount(
  options: Partial<Omit<MemoryMount, 'list' | 'read' | 'write' | 'remove' | 'rename'>> & {
    files?: Record<string, string>;
  } = {},
): FakeMount {
  const files = new Map(Object.entries(options.files ?? {}));
  const versions: string[] = [];
  const access = options.access ?? 'read_write';

  async function enter(writing: boolean, path: string): Promise<void> {
    await hostWork();
    if (writing && access === 'read_only') throw new MountError('EROFS', `read-only store, ${path}`);
  }
  function assertExists(path: string): string {
    const content = files.get(path);
    if (content === undefined) throw new MountError('ENOENT', `no memory at ${path}`);
    return content;
  }
  function assertFree(path: string, except?: string): void {
    for (const other of files.keys()) {
      if (other === except) continue;
      if (other.startsWith(`${path}/`)) throw new MountError('EISDIR', `${path} is a folder`);
      if (path.startsWith(`${other}/`)) throw new MountError('ENOTDIR', `${other} is a file`);
    }
  }

  return {
    files,
    versions,
    mountPath: options.mountPath ?? '/mnt/memory/notes',
    access,
    name: options.name ?? 'Notes',
    description: options.description ?? 'What the person told us.',
    instructions: options.instructions ?? null,
    async list() {
      await enter(false, '/');
      return [...files].map(([path, content]) => ({
        path,
        sizeBytes: Buffer.byteLength(content),
        updatedAt: new Date(0),
      }));
    },
    async read(path) {
      await enter(false, path);
      return assertExists(path);
    },
    async write(path, content) {
      await enter(true, path);
      if (Buffer.byteLength(content) > 102_400) throw new MountError('EFBIG', `${path} is too large`);
      assertFree(path);
      if (files.get(path) === content) return;
      files.set(path, content);
      versions.push(`write ${path} ${content}`);
    },
    async remove(path) {
      await enter(true, path);
      assertExists(path);
      files.delete(path);
      versions.push(`remove ${path}`);
    },
    async rename(from, to) {
      await enter(true, from);
      const content = assertExists(from);
      if (files.has(to)) throw new MountError('EEXIST', `${to} exists`);
      assertFree(to, from);
      files.delete(from);
      files.set(to, content);
      versions.push(`rename ${from} ${to}`);
    },
  };
}
