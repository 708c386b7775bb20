import type { MemoryMount } from '../ports.ts';
import { fsErrorCode } from './fs-error.ts';

/** What a tool call has made of a file, and its store does not have yet. */
export interface WaitingWrite {
  text: string;
  mtime: Date;
  /** The store has a file at this path. */
  stored: boolean;
  /** What stood in the store when the first text was appended; undefined when the file was written anew. */
  appendedTo: string | undefined;
  /** For a file that was emptied: what it held before, in case that what follows is refused. */
  before: WaitingWrite | undefined;
}

/**
 * The writes of one tool call. A store keeps every write as a version of the whole file, so a loop that appends a
 * line at a time would fill it with thousands of them: a file is written once, with what it holds in the end.
 */
export interface WaitingWrites {
  get(path: string): WaitingWrite | undefined;
  paths(): ReadonlyMap<string, WaitingWrite>;
  set(path: string, write: WaitingWrite): void;
  delete(path: string): void;
  clear(): void;
  /** Returns why the store refused, a file each; the other files are saved. Throws when the turn is over. */
  save(): Promise<Error[]>;
}

export function createWaitingWrites(mount: MemoryMount): WaitingWrites {
  const waiting = new Map<string, WaitingWrite>();

  async function save(path: string, { text, stored, appendedTo }: WaitingWrite): Promise<void> {
    if (appendedTo === undefined || !stored) return mount.write(path, text);
    // Somebody else may have written meanwhile, the person by hand: what was appended goes to what they left.
    const now = await mount.read(path).catch(error => {
      if (fsErrorCode(error) === 'ENOENT') return '';
      throw error;
    });
    await mount.write(path, now + text.slice(appendedTo.length));
  }

  return {
    get: path => waiting.get(path),
    paths: () => waiting,
    set: (path, write) => void waiting.set(path, write),
    delete: path => void waiting.delete(path),
    clear: () => waiting.clear(),
    async save() {
      const refused: Error[] = [];
      for (const [path, write] of waiting) {
        waiting.delete(path);
        try {
          await save(path, write);
        } catch (error) {
          if (!(error instanceof Error) || fsErrorCode(error) === undefined) throw error;
          refused.push(error);
        }
      }
      return refused;
    },
  };
}
