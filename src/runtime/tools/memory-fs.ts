import { AsyncLocalStorage } from 'node:async_hooks';
import { posix } from 'node:path';
import type { FsStat, IFileSystem } from 'just-bash';
import { MAX_MEMORY_BYTES } from '../memory/limits.ts';
import { ancestors } from '../memory/path.ts';
import type { MemoryMount } from '../ports.ts';
import { type FsErrorCode, fsError } from './fs-error.ts';
import { createMemoryTree } from './memory-tree.ts';

type WriteOptions = Parameters<IFileSystem['writeFile']>[2];
type Content = Parameters<IFileSystem['writeFile']>[1];

export interface MemoryFs extends IFileSystem {
  /** Forgets the listing and any truncation left over; call before each tool call. */
  begin(): void;
  /** Writes files that were emptied and not written since; call after each tool call. */
  flush(): Promise<void>;
}

/**
 * One memory store as a folder for the shell and the file tools. Paths are relative to the mount ("/sizes.md").
 * `directories` are its folders without files, which no store can hold; the caller keeps them for the session.
 *
 * The shell truncates before it writes (`>` is a write of nothing, then of the text). Written through, that would
 * leave an empty version in the history of every file, so writes of nothing wait until `flush`.
 */
export function createMemoryFs(mount: MemoryMount, directories: Set<string>): MemoryFs {
  // The shell runs commands in an async context where timers, process.env and the like are blocked. The store is
  // our own code and needs them: every call to it leaves that context.
  const outside = AsyncLocalStorage.snapshot();
  const emptied = new Map<string, Date>();
  const tree = createMemoryTree(async () => {
    const stored = await outside(() => mount.list());
    const waiting = [...emptied].map(([path, updatedAt]) => ({ path, sizeBytes: 0, updatedAt }));
    return [...stored.filter(file => !emptied.has(file.path)), ...waiting];
  }, directories);

  const fail = (code: FsErrorCode, operation: string, path: string, detail?: string) =>
    fsError(code, operation, posix.join(mount.mountPath, path), detail);

  async function statOf(path: string, operation: string): Promise<FsStat> {
    const normal = normalize(path);
    // Without an identity the shell cannot rule out that two paths are one file, and refuses to move onto another.
    const identity = `memory:${mount.mountPath}${normal}`;
    const entry = (await tree.files()).get(normal);
    if (entry !== undefined) {
      const mode = mount.access === 'read_only' ? 0o444 : 0o644;
      return { isFile: true, isDirectory: false, isSymbolicLink: false, mode, identity, ...entry };
    }
    if (!(await tree.isDirectory(normal))) throw fail('ENOENT', operation, normal);
    const mode = mount.access === 'read_only' ? 0o555 : 0o755;
    return {
      isFile: false,
      isDirectory: true,
      isSymbolicLink: false,
      mode,
      identity,
      size: 0,
      mtime: new Date(),
    };
  }

  async function children(path: string): Promise<Map<string, 'file' | 'directory'>> {
    const normal = normalize(path);
    if ((await tree.files()).has(normal)) throw fail('ENOTDIR', 'scandir', normal);
    if (!(await tree.isDirectory(normal))) throw fail('ENOENT', 'scandir', normal);
    return tree.children(normal);
  }

  function assertWritable(operation: string, path: string): void {
    if (mount.access === 'read_only') throw fail('EROFS', operation, path);
  }

  async function assertPlaceForFile(path: string): Promise<void> {
    if (await tree.isDirectory(path)) throw fail('EISDIR', 'open', path);
    const entries = await tree.files();
    for (const parent of ancestors(path)) if (entries.has(parent)) throw fail('ENOTDIR', 'open', path);
  }

  async function readText(path: string): Promise<string> {
    const normal = normalize(path);
    if (emptied.has(normal)) return '';
    if ((await tree.files()).has(normal)) return outside(() => mount.read(normal));
    throw fail((await tree.isDirectory(normal)) ? 'EISDIR' : 'ENOENT', 'open', normal);
  }

  /** A write that fails gives back what its own truncation took: nothing is lost to text that does not fit. */
  async function restoringOnFailure(path: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (emptied.delete(path)) tree.forget();
      throw error;
    }
  }

  async function writeText(path: string, text: string): Promise<void> {
    assertWritable('open', path);
    await assertPlaceForFile(path);
    const size = Buffer.byteLength(text);
    if (size > MAX_MEMORY_BYTES) {
      throw fail('EFBIG', 'write', path, `${size} bytes, a memory file holds at most ${MAX_MEMORY_BYTES}`);
    }
    const mtime = new Date();
    if (text === '') emptied.set(path, mtime);
    else {
      await outside(() => mount.write(path, text));
      emptied.delete(path);
    }
    (await tree.files()).set(path, { size, mtime });
  }

  async function removeFile(path: string): Promise<void> {
    const neverWritten =
      emptied.delete(path) && !(await outside(() => mount.list())).some(f => f.path === path);
    if (!neverWritten) await outside(() => mount.remove(path));
    (await tree.files()).delete(path);
    tree.keepParents(path);
  }

  async function renameFile(from: string, to: string): Promise<void> {
    if (from === to) return;
    await assertPlaceForFile(to);
    const entries = await tree.files();
    if (entries.has(to)) {
      // A store never renames onto an existing memory; a file system does.
      await writeText(to, await readText(from));
      await removeFile(from);
      return;
    }
    if (emptied.delete(from)) await outside(() => mount.write(from, ''));
    await outside(() => mount.rename(from, to));
    const entry = entries.get(from);
    entries.delete(from);
    if (entry !== undefined) entries.set(to, entry);
    tree.keepParents(from);
  }

  async function makeDirectory(path: string, recursive: boolean): Promise<void> {
    const entries = await tree.files();
    if (entries.has(path)) throw fail('EEXIST', 'mkdir', path);
    if (await tree.isDirectory(path)) {
      if (recursive) return;
      throw fail('EEXIST', 'mkdir', path);
    }
    assertWritable('mkdir', path);
    for (const parent of ancestors(path)) {
      if (entries.has(parent)) throw fail('ENOTDIR', 'mkdir', path);
      if (!recursive && !(await tree.isDirectory(parent))) throw fail('ENOENT', 'mkdir', path);
    }
    tree.addDirectory(path);
  }

  async function remove(path: string, recursive: boolean, force: boolean): Promise<void> {
    if ((await tree.files()).has(path)) {
      assertWritable('rm', path);
      return removeFile(path);
    }
    if (!(await tree.isDirectory(path))) {
      if (force) return;
      throw fail('ENOENT', 'rm', path);
    }
    assertWritable('rm', path);
    if (!recursive && (await children(path)).size > 0) throw fail('ENOTEMPTY', 'rm', path);
    for (const file of await tree.filesBelow(path)) await removeFile(file);
    tree.removeDirectory(path);
    tree.keepParents(path);
  }

  async function copy(from: string, to: string, recursive: boolean): Promise<void> {
    assertWritable('cp', to);
    if (!(await tree.isDirectory(from))) return writeText(to, await readText(from));
    if (!recursive) throw fail('EISDIR', 'cp', from);
    if (to === from || to.startsWith(`${from}/`)) throw fail('EINVAL', 'cp', to);
    await makeDirectory(to, true);
    for (const file of await tree.filesBelow(from)) {
      await writeText(to + file.slice(from.length), await readText(file));
    }
  }

  async function move(from: string, to: string): Promise<void> {
    assertWritable('rename', from);
    if ((await tree.files()).has(from)) return renameFile(from, to);
    if (!(await tree.isDirectory(from))) throw fail('ENOENT', 'rename', from);
    if (to === from) return;
    if (to.startsWith(`${from}/`)) throw fail('EINVAL', 'rename', to);
    if ((await tree.isDirectory(to)) && (await children(to)).size > 0) throw fail('ENOTEMPTY', 'rename', to);
    await makeDirectory(to, true);
    for (const file of await tree.filesBelow(from)) await renameFile(file, to + file.slice(from.length));
    tree.moveDirectory(from, to);
    tree.keepParents(from);
  }

  return {
    begin() {
      tree.forget();
      emptied.clear();
    },
    async flush() {
      for (const path of [...emptied.keys()].sort()) {
        emptied.delete(path);
        await outside(() => mount.write(path, ''));
      }
    },

    readFile: async path => readText(path),
    readFileBuffer: async path => Buffer.from(await readText(path)),
    writeFile: async (path, content, options) => {
      const normal = normalize(path);
      await restoringOnFailure(normal, async () => {
        const text = decode(content, options, () => notText(normal));
        await writeText(normal, text);
      });
    },
    appendFile: async (path, content, options) => {
      const normal = normalize(path);
      await restoringOnFailure(normal, async () => {
        const added = decode(content, options, () => notText(normal));
        assertWritable('open', normal);
        const exists = (await tree.files()).has(normal);
        if (exists && added === '') return;
        await writeText(normal, exists ? (await readText(normal)) + added : added);
      });
    },
    exists: async path => {
      const normal = normalize(path);
      return (await tree.files()).has(normal) || (await tree.isDirectory(normal));
    },
    stat: async path => statOf(path, 'stat'),
    lstat: async path => statOf(path, 'lstat'),
    realpath: async path => {
      await statOf(path, 'realpath');
      return normalize(path);
    },
    readdir: async path => [...(await children(path)).keys()],
    readdirWithFileTypes: async path =>
      [...(await children(path))].map(([name, kind]) => ({
        name,
        isFile: kind === 'file',
        isDirectory: kind === 'directory',
        isSymbolicLink: false,
      })),
    mkdir: async (path, options) => makeDirectory(normalize(path), options?.recursive === true),
    rm: async (path, options) =>
      remove(normalize(path), options?.recursive === true, options?.force === true),
    cp: async (from, to, options) => copy(normalize(from), normalize(to), options?.recursive === true),
    mv: async (from, to) => move(normalize(from), normalize(to)),
    resolvePath: (base, path) => posix.resolve(base, path),
    getAllPaths: () => tree.known(),

    // A memory is text under a path: it has no mode and no times of its own, and no links lead out of the store.
    chmod: async path => void (await touchAttributes(path, 'chmod')),
    utimes: async path => void (await touchAttributes(path, 'utime')),
    symlink: async (_target, path) => {
      throw fail('EPERM', 'symlink', path, 'memory folders hold plain files');
    },
    link: async (_existing, path) => {
      throw fail('EPERM', 'link', path, 'memory folders hold plain files');
    },
    readlink: async path => {
      await statOf(path, 'readlink');
      throw fail('EINVAL', 'readlink', path);
    },
  };

  async function touchAttributes(path: string, operation: string): Promise<void> {
    await statOf(path, operation);
    assertWritable(operation, path);
  }

  function notText(path: string): Error {
    return fail('EINVAL', 'write', path, 'memory files hold UTF-8 text');
  }
}

function normalize(path: string): string {
  return posix.resolve('/', path);
}

/** The shell hands over text, or bytes as an array or as a string with one character per byte. */
function decode(content: Content, options: WriteOptions, invalid: () => Error): string {
  const encoding = (typeof options === 'string' ? options : options?.encoding) ?? 'utf8';
  if (typeof content === 'string' && (encoding === 'utf8' || encoding === 'utf-8')) return content;
  const bytes = typeof content === 'string' ? Buffer.from(content, encoding) : content;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid();
  }
}
