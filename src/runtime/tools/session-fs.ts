import { MountableFs } from 'just-bash';
import { fsErrorCode } from './fs-error.ts';

const REFUSALS = new Set(['EROFS', 'EFBIG', 'EINVAL', 'EPERM', 'ENOSPC', 'EBUSY']);

/** The file system of a session, which remembers why writes were refused. */
export class SessionFs extends MountableFs {
  readonly refusals = new Set<string>();

  async #noting(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (error instanceof Error && REFUSALS.has(fsErrorCode(error) ?? '')) this.refusals.add(error.message);
      throw error;
    }
  }

  override writeFile(...args: Parameters<MountableFs['writeFile']>): Promise<void> {
    return this.#noting(super.writeFile(...args));
  }

  override appendFile(...args: Parameters<MountableFs['appendFile']>): Promise<void> {
    return this.#noting(super.appendFile(...args));
  }

  override mkdir(...args: Parameters<MountableFs['mkdir']>): Promise<void> {
    return this.#noting(super.mkdir(...args));
  }

  override rm(...args: Parameters<MountableFs['rm']>): Promise<void> {
    return this.#noting(super.rm(...args));
  }

  override cp(...args: Parameters<MountableFs['cp']>): Promise<void> {
    return this.#noting(super.cp(...args));
  }

  override mv(...args: Parameters<MountableFs['mv']>): Promise<void> {
    return this.#noting(super.mv(...args));
  }

  override chmod(...args: Parameters<MountableFs['chmod']>): Promise<void> {
    return this.#noting(super.chmod(...args));
  }

  override utimes(...args: Parameters<MountableFs['utimes']>): Promise<void> {
    return this.#noting(super.utimes(...args));
  }

  override symlink(...args: Parameters<MountableFs['symlink']>): Promise<void> {
    return this.#noting(super.symlink(...args));
  }
}
