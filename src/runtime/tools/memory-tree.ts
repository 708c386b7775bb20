import { ancestors } from '../memory/path.ts';
import type { MountedFile } from '../ports.ts';

export interface TreeEntry {
  size: number;
  mtime: Date;
}

/** The files and folders of a store as one tool call sees them. Paths are normal: "/", "/a.md", "/d/b.md". */
export interface MemoryTree {
  files(): Promise<Map<string, TreeEntry>>;
  isDirectory(path: string): Promise<boolean>;
  /** Names in a folder, sorted; empty for a path that is no folder. */
  children(path: string): Promise<Map<string, 'file' | 'directory'>>;
  /** Paths of all files in a folder and below it, sorted. */
  filesBelow(path: string): Promise<string[]>;
  addDirectory(path: string): void;
  /** A folder whose last file goes away stays. */
  keepParents(path: string): void;
  removeDirectory(path: string): void;
  /** Carries the folders without files over to another name. */
  moveDirectory(from: string, to: string): void;
  /** The next question lists the store again. */
  forget(): void;
  /** What was listed last; for the one caller that cannot wait. */
  known(): string[];
}

/**
 * A store has files only: folders exist by the files in them. `directories` are those made without files, and
 * those whose last file went away.
 */
export function createMemoryTree(
  list: () => Promise<readonly MountedFile[]>,
  directories: Set<string>,
): MemoryTree {
  let listing: Promise<Map<string, TreeEntry>> | undefined;
  let known: string[] = [];

  async function load(): Promise<Map<string, TreeEntry>> {
    const found = await list();
    known = found.map(file => file.path);
    return new Map(found.map(file => [file.path, { size: file.sizeBytes, mtime: file.updatedAt }]));
  }

  async function files(): Promise<Map<string, TreeEntry>> {
    listing ??= load();
    return listing;
  }

  return {
    files,
    async isDirectory(path) {
      if (path === '/') return true;
      const entries = await files();
      // Made as a folder in this session, and since then written as a file by someone else.
      if (entries.has(path)) return false;
      if (directories.has(path)) return true;
      const inside = `${path}/`;
      for (const file of entries.keys()) if (file.startsWith(inside)) return true;
      return false;
    },
    async children(path) {
      const prefix = path === '/' ? '/' : `${path}/`;
      const found = new Map<string, 'file' | 'directory'>();
      const add = (below: string, kind: 'file' | 'directory') => {
        if (!below.startsWith(prefix)) return;
        const [name = '', ...rest] = below.slice(prefix.length).split('/');
        found.set(name, rest.length > 0 ? 'directory' : kind);
      };
      for (const file of (await files()).keys()) add(file, 'file');
      for (const directory of directories) add(directory, 'directory');
      return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    async filesBelow(path) {
      const prefix = path === '/' ? '/' : `${path}/`;
      return [...(await files()).keys()].filter(file => file.startsWith(prefix)).sort();
    },
    addDirectory(path) {
      for (const directory of [...ancestors(path), path]) directories.add(directory);
    },
    keepParents(path) {
      for (const directory of ancestors(path)) directories.add(directory);
    },
    removeDirectory(path) {
      for (const directory of directories) {
        if (directory === path || directory.startsWith(`${path}/`)) directories.delete(directory);
      }
    },
    moveDirectory(from, to) {
      for (const directory of [...directories]) {
        if (!directory.startsWith(`${from}/`) && directory !== from) continue;
        directories.delete(directory);
        directories.add(to + directory.slice(from.length));
      }
    },
    forget() {
      listing = undefined;
    },
    known: () => known,
  };
}
