import { AsyncLocalStorage } from 'node:async_hooks';
import { posix } from 'node:path';
import type { FsStat, IFileSystem } from 'just-bash';
import { MAX_MEMORY_BYTES } from '../memory/limits.ts';
import { ancestors, pathProblem } from '../memory/path.ts';
import type { MemoryMount } from '../ports.ts';
import { type FsErrorCode, fsError } from './fs-error.ts';
import { createMemoryTree } from './memory-tree.ts';
import { createWaitingWrites } from './waiting-writes.ts';

/** Fewer than a store holds: the shell takes time that grows with their square, and nobody else is answered then. */
const MAX_FILES = 2_000;

type WriteOptions = Parameters<IFileSystem['writeFile']>[2];
type Content = Parameters<IFileSystem['writeFile']>[1];

export interface MemoryFs extends IFileSystem {
  /** Forgets the listing and what was never saved; call before each tool call. */
  begin(): void;
  /** Writes each file that changed, once; call after each tool call. Returns what the store refused. */
  save(): Promise<Error[]>;
}

/**
 * One memory store as a folder for the shell and the file tools. Paths are relative to the mount ("/sizes.md").
 * `directories` are its folders without files, which no store can hold; the caller keeps them for the session.
 *
 * Writes wait for `save`: see `waiting-writes`. What removes or renames a stored file goes to the store at once, after
 * all that was written before it, so that a command that is cut off there has lost nothing.
 */
export function createMemoryFs(mount: MemoryMount, directories: Set<string>): MemoryFs {
  // The shell runs commands in an async context where timers, process.env and the like are blocked. The store is
  // our own code and needs them: every call to it leaves that context.
  const outside = AsyncLocalStorage.snapshot();
  const waiting = createWaitingWrites(mount);
  const tree = createMemoryTree(async () => {
    const stored = await outside(() => mount.list());
    const written = [...waiting.paths()].map(([path, { text, mtime }]) => ({
      path,
      sizeBytes: Buffer.byteLength(text),
      updatedAt: mtime,
    }));
    return [...stored.filter(file => waiting.get(file.path) === undefined), ...written];
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
    if (entries.has(path)) return;
    // What the store would refuse later is refused here, to the command that wrote it.
    const problem = pathProblem(path);
    if (problem !== undefined) throw fail('EINVAL', 'open', path, `a memory's path ${problem}`);
    if (entries.size >= MAX_FILES) {
      throw fail('ENOSPC', 'open', path, `at most ${MAX_FILES} files here: put more into each`);
    }
  }

  async function readText(path: string): Promise<string> {
    const normal = normalize(path);
    const written = waiting.get(normal);
    if (written !== undefined) return written.text;
    if ((await tree.files()).has(normal)) return outside(() => mount.read(normal));
    throw fail((await tree.isDirectory(normal)) ? 'EISDIR' : 'ENOENT', 'open', normal);
  }

  /**
   * The shell truncates before it writes (`>` is a write of nothing, then of the text). A write that fails gives back
   * what its own truncation took: nothing is lost to text that does not fit.
   */
  async function restoringOnFailure(path: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const emptied = waiting.get(path);
      if (emptied?.text === '') {
        if (emptied.before === undefined) waiting.delete(path);
        else waiting.set(path, emptied.before);
        tree.forget();
      }
      throw error;
    }
  }

  async function writeText(path: string, text: string, appendedTo?: string): Promise<void> {
    assertWritable('open', path);
    await assertPlaceForFile(path);
    const size = Buffer.byteLength(text);
    if (size > MAX_MEMORY_BYTES) {
      throw fail('EFBIG', 'write', path, `${size} bytes, a memory file holds at most ${MAX_MEMORY_BYTES}`);
    }
    const entries = await tree.files();
    const last = waiting.get(path);
    const before = text === '' ? (last?.text === '' ? last.before : last) : undefined;
    const mtime = new Date();
    waiting.set(path, { text, mtime, stored: last?.stored ?? entries.has(path), appendedTo, before });
    await tree.setFile(path, { size, mtime });
  }

  async function appendText(path: string, added: string): Promise<void> {
    assertWritable('open', path);
    const exists = (await tree.files()).has(path);
    if (!exists) return writeText(path, added);
    if (added === '') return;
    const last = waiting.get(path);
    const text = await readText(path);
    await writeText(path, text + added, last === undefined ? text : last.appendedTo);
  }

  /** Before the store is changed in another way: the order of changes stays the one in which they were made. */
  async function saveFirst(): Promise<void> {
    const [refused] = await outside(() => waiting.save());
    if (refused === undefined) return;
    tree.forget();
    throw refused;
  }

  async function removeFile(path: string): Promise<void> {
    const { stored } = waiting.get(path) ?? { stored: true };
    waiting.delete(path);
    if (stored) {
      await saveFirst();
      await outside(() => mount.remove(path));
    }
    await tree.removeFile(path);
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
    const written = waiting.get(from);
    if (written?.stored === false) {
      waiting.delete(from);
      waiting.set(to, written);
    } else {
      await saveFirst();
      await outside(() => mount.rename(from, to));
    }
    const entry = entries.get(from);
    await tree.removeFile(from);
    if (entry !== undefined) await tree.setFile(to, entry);
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
    if (!(await tree.addDirectory(path))) throw fail('ENOSPC', 'mkdir', path, 'too many empty folders');
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
    await tree.removeDirectory(path);
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
    await tree.moveDirectory(from, to);
  }

  return {
    begin() {
      tree.forget();
      waiting.clear();
    },
    save: () => outside(() => waiting.save()),

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
        await appendText(normal, added);
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
