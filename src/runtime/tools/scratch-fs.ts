import { posix } from 'node:path';
import { type IFileSystem, InMemoryFs } from 'just-bash';
import { fsError } from './fs-error.ts';

/** Scratch space is kept in this process's memory, so it is bounded per session. */
const MAX_SCRATCH_BYTES = 16 * 1024 * 1024;
/** Files and folders, made by the shell itself included: its commands take time that grows with their square. */
const MAX_ENTRIES = 2_000;
const MAX_PATH_CHARS = 1_024;

/**
 * An in-memory file system in which `readOnlyRoot` and everything below it cannot be changed (mounts above it
 * are), and which has no links: a link is resolved here, below the mounts, and would show a different tree.
 */
export class ScratchFs extends InMemoryFs {
  readonly #readOnlyRoot: string | undefined;

  constructor(readOnlyRoot?: string, maxTotalBytes = MAX_SCRATCH_BYTES) {
    super({}, { maxTotalBytes });
    this.#readOnlyRoot = readOnlyRoot;
  }

  #assertWritable(operation: string, path: string): void {
    const root = this.#readOnlyRoot;
    if (root === undefined) return;
    const normal = posix.resolve('/', path);
    if (root === '/' || normal === root || normal.startsWith(`${root}/`))
      throw fsError('EROFS', operation, path);
  }

  /** Room for what `from` holds, or for one file or folder, at a path where nothing is yet. */
  async #assertRoom(operation: string, path: string, from?: string): Promise<void> {
    if (path.length > MAX_PATH_CHARS) {
      throw fsError(
        'EINVAL',
        operation,
        `${path.slice(0, 40)}…`,
        `a path has at most ${MAX_PATH_CHARS} characters`,
      );
    }
    if (from === undefined && (await this.exists(path))) return;
    const all = this.getAllPaths();
    const source = from === undefined ? undefined : posix.resolve('/', from);
    const added =
      source === undefined
        ? 1
        : all.filter(other => other === source || other.startsWith(`${source}/`)).length;
    if (all.length + added > MAX_ENTRIES) {
      throw fsError('ENOSPC', operation, path, `at most ${MAX_ENTRIES} files and folders`);
    }
  }

  override async writeFile(...[path, ...rest]: Parameters<InMemoryFs['writeFile']>): Promise<void> {
    if (path === '/dev/null') return;
    this.#assertWritable('open', path);
    await this.#assertRoom('open', path);
    await super.writeFile(path, ...rest);
  }

  override async appendFile(...[path, ...rest]: Parameters<InMemoryFs['appendFile']>): Promise<void> {
    if (path === '/dev/null') return;
    this.#assertWritable('open', path);
    await this.#assertRoom('open', path);
    await super.appendFile(path, ...rest);
  }

  override async mkdir(...[path, options]: Parameters<InMemoryFs['mkdir']>): Promise<void> {
    if (options?.recursive === true && (await isFolder(this, path))) return;
    this.#assertWritable('mkdir', path);
    await this.#assertRoom('mkdir', path);
    await super.mkdir(path, options);
  }

  override async rm(...[path, options]: Parameters<InMemoryFs['rm']>): Promise<void> {
    this.#assertWritable('rm', path);
    await super.rm(path, options);
  }

  override async cp(...[from, to, options]: Parameters<InMemoryFs['cp']>): Promise<void> {
    this.#assertWritable('cp', to);
    await this.#assertRoom('cp', to, from);
    await super.cp(from, to, options);
  }

  override async mv(...[from, to]: Parameters<InMemoryFs['mv']>): Promise<void> {
    this.#assertWritable('rename', from);
    this.#assertWritable('rename', to);
    if (to.length > from.length) await this.#assertRoom('rename', to);
    await super.mv(from, to);
  }

  override async chmod(...[path, mode]: Parameters<InMemoryFs['chmod']>): Promise<void> {
    this.#assertWritable('chmod', path);
    await super.chmod(path, mode);
  }

  override async utimes(...[path, atime, mtime]: Parameters<InMemoryFs['utimes']>): Promise<void> {
    this.#assertWritable('utime', path);
    await super.utimes(path, atime, mtime);
  }

  override async symlink(_target: string, path: string): Promise<void> {
    throw fsError('EPERM', 'symlink', path, 'there are no links here');
  }

  override async link(_existing: string, path: string): Promise<void> {
    throw fsError('EPERM', 'link', path, 'there are no links here');
  }
}

export async function isFolder(fs: IFileSystem, path: string): Promise<boolean> {
  try {
    return (await fs.stat(path)).isDirectory;
  } catch {
    return false;
  }
}
