import { MountableFs } from 'just-bash';
import { CommandGate } from './command-gate.ts';
import { fsErrorCode } from './fs-error.ts';

const REFUSALS = new Set(['EROFS', 'EFBIG', 'EINVAL', 'EPERM', 'ENOSPC', 'EBUSY']);

/** The file system of a session, which remembers why writes were refused and lets other work go between. */
export class SessionFs extends MountableFs {
  readonly refusals = new Set<string>();
  readonly #gate = new CommandGate();

  /** Runs a shell command over these files until `signal` aborts. */
  command<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#gate.run(signal, work);
  }

  async #changing(work: () => Promise<void>): Promise<void> {
    try {
      await this.#gate.pass(work);
    } catch (error) {
      if (error instanceof Error && REFUSALS.has(fsErrorCode(error) ?? '')) this.refusals.add(error.message);
      throw error;
    }
  }

  override readFile(...args: Parameters<MountableFs['readFile']>): Promise<string> {
    return this.#gate.pass(() => super.readFile(...args));
  }

  override readFileBytes(
    ...args: Parameters<MountableFs['readFileBytes']>
  ): ReturnType<MountableFs['readFileBytes']> {
    return this.#gate.pass(() => super.readFileBytes(...args));
  }

  override readFileBuffer(...args: Parameters<MountableFs['readFileBuffer']>): Promise<Uint8Array> {
    return this.#gate.pass(() => super.readFileBuffer(...args));
  }

  override exists(...args: Parameters<MountableFs['exists']>): Promise<boolean> {
    return this.#gate.pass(() => super.exists(...args));
  }

  override stat(...args: Parameters<MountableFs['stat']>): ReturnType<MountableFs['stat']> {
    return this.#gate.pass(() => super.stat(...args));
  }

  override lstat(...args: Parameters<MountableFs['lstat']>): ReturnType<MountableFs['lstat']> {
    return this.#gate.pass(() => super.lstat(...args));
  }

  override readdir(...args: Parameters<MountableFs['readdir']>): Promise<string[]> {
    return this.#gate.pass(() => super.readdir(...args));
  }

  override realpath(...args: Parameters<MountableFs['realpath']>): Promise<string> {
    return this.#gate.pass(() => super.realpath(...args));
  }

  override writeFile(...args: Parameters<MountableFs['writeFile']>): Promise<void> {
    return this.#changing(() => super.writeFile(...args));
  }

  override appendFile(...args: Parameters<MountableFs['appendFile']>): Promise<void> {
    return this.#changing(() => super.appendFile(...args));
  }

  override mkdir(...args: Parameters<MountableFs['mkdir']>): Promise<void> {
    return this.#changing(() => super.mkdir(...args));
  }

  override rm(...args: Parameters<MountableFs['rm']>): Promise<void> {
    return this.#changing(() => super.rm(...args));
  }

  override cp(...args: Parameters<MountableFs['cp']>): Promise<void> {
    return this.#changing(() => super.cp(...args));
  }

  override mv(...args: Parameters<MountableFs['mv']>): Promise<void> {
    return this.#changing(() => super.mv(...args));
  }

  override chmod(...args: Parameters<MountableFs['chmod']>): Promise<void> {
    return this.#changing(() => super.chmod(...args));
  }

  override utimes(...args: Parameters<MountableFs['utimes']>): Promise<void> {
    return this.#changing(() => super.utimes(...args));
  }

  override symlink(...args: Parameters<MountableFs['symlink']>): Promise<void> {
    return this.#changing(() => super.symlink(...args));
  }
}
