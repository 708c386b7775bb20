import { isUtf8 } from 'node:buffer';
import { MountableFs } from 'just-bash';
import { CommandGate } from './command-gate.ts';
import { fsErrorCode } from './fs-error.ts';

const REFUSALS = new Set(['EROFS', 'EFBIG', 'EINVAL', 'EPERM', 'ENOSPC', 'EBUSY']);

type Content = Parameters<MountableFs['writeFile']>[1];
type WriteOptions = Parameters<MountableFs['writeFile']>[2];

/** The file system of a session, which remembers why writes were refused and lets other work go between. */
export class SessionFs extends MountableFs {
  readonly refusals = new Set<string>();
  readonly #gate = new CommandGate();
  #decode: ((text: string) => string) | undefined;

  /** Runs a shell command over these files until `signal` aborts. `decode`: for the text it writes. */
  async command<T>(
    options: { signal: AbortSignal; decode: (text: string) => string },
    work: () => Promise<T>,
  ): Promise<T> {
    this.#decode = options.decode;
    try {
      return await this.#gate.run(options.signal, work);
    } finally {
      this.#decode = undefined;
    }
  }

  #decoded(content: Content, options: WriteOptions): [Content, WriteOptions] {
    if (this.#decode === undefined) return [content, options];
    const encoding = (typeof options === 'string' ? options : options?.encoding) ?? 'utf8';
    const bytes = Buffer.from(typeof content === 'string' ? Buffer.from(content, encoding) : content);
    if (!isUtf8(bytes)) return [content, options];
    const text = bytes.toString();
    const decoded = this.#decode(text);
    return decoded === text ? [content, options] : [decoded, 'utf8'];
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

  override writeFile(...[path, content, options]: Parameters<MountableFs['writeFile']>): Promise<void> {
    return this.#changing(() => super.writeFile(path, ...this.#decoded(content, options)));
  }

  override appendFile(...[path, content, options]: Parameters<MountableFs['appendFile']>): Promise<void> {
    return this.#changing(() => super.appendFile(path, ...this.#decoded(content, options)));
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
