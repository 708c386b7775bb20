import { posix } from 'node:path';
import { ancestors } from '../memory/path.ts';
import type { MountedFile } from '../ports.ts';

export interface TreeEntry {
  size: number;
  mtime: Date;
}

/** The files and folders of a store as one tool call sees them. Paths are normal: "/", "/a.md", "/d/b.md". */
export interface MemoryTree {
  files(): Promise<ReadonlyMap<string, TreeEntry>>;
  isDirectory(path: string): Promise<boolean>;
  /** Names in a folder, sorted; empty for a path that is no folder. */
  children(path: string): Promise<Map<string, 'file' | 'directory'>>;
  /** Paths of all files in a folder and below it, sorted. */
  filesBelow(path: string): Promise<string[]>;
  setFile(path: string, entry: TreeEntry): Promise<void>;
  /** A folder whose last file goes away stays. */
  removeFile(path: string): Promise<void>;
  /** False when there are too many folders without files. */
  addDirectory(path: string): Promise<boolean>;
  /** Its files are gone already. */
  removeDirectory(path: string): Promise<void>;
  /** Carries the folders without files over to another name. */
  moveDirectory(from: string, to: string): Promise<void>;
  /** The next question lists the store again. */
  forget(): void;
  /** What was listed last; for the one caller that cannot wait. */
  known(): string[];
}

/** They live in this process's memory only, and for as long as the session is kept. */
const MAX_EMPTY_DIRECTORIES = 2_000;

interface Listing {
  files: Map<string, TreeEntry>;
  /** The names in each folder: asked for every file of a large store, no answer may look through all of it. */
  folders: Map<string, Set<string>>;
}

/**
 * A store has files only: folders exist by the files in them. `directories` are those made without files, and
 * those whose last file went away.
 */
export function createMemoryTree(
  list: () => Promise<readonly MountedFile[]>,
  directories: Set<string>,
): MemoryTree {
  let listing: Promise<Listing> | undefined;
  let known: string[] = [];

  async function load(): Promise<Listing> {
    const found = await list();
    known = found.map(file => file.path);
    const files = new Map(found.map(file => [file.path, { size: file.sizeBytes, mtime: file.updatedAt }]));
    const folders = new Map([['/', new Set<string>()]]);
    for (const path of files.keys()) place(folders, path);
    for (const path of directories) {
      // Made as a folder in this session, and since then written as a file by someone else.
      if ([...ancestors(path), path].some(part => files.has(part))) continue;
      place(folders, path);
      if (!folders.has(path)) folders.set(path, new Set());
    }
    return { files, folders };
  }

  function current(): Promise<Listing> {
    listing ??= load();
    return listing;
  }

  function keep(directory: string): void {
    if (directories.size < MAX_EMPTY_DIRECTORIES) directories.add(directory);
  }

  /** The folder itself and the folders below it. */
  function within(folders: Listing['folders'], path: string): string[] {
    const names = folders.get(path);
    if (names === undefined) return [];
    return [path, ...[...names].flatMap(name => within(folders, posix.join(path, name)))];
  }

  async function addDirectory(path: string): Promise<boolean> {
    if (directories.size >= MAX_EMPTY_DIRECTORIES) return false;
    const { folders } = await current();
    place(folders, path);
    if (!folders.has(path)) folders.set(path, new Set());
    for (const directory of [...ancestors(path), path]) keep(directory);
    return true;
  }

  async function removeDirectory(path: string): Promise<void> {
    const { folders } = await current();
    for (const folder of within(folders, path)) {
      if (folder === '/') folders.get(folder)?.clear();
      else folders.delete(folder);
      directories.delete(folder);
    }
    folders.get(posix.dirname(path))?.delete(posix.basename(path));
    for (const directory of ancestors(path)) keep(directory);
  }

  return {
    files: async () => (await current()).files,
    isDirectory: async path => path === '/' || (await current()).folders.has(path),
    async children(path) {
      const { folders } = await current();
      const names = [...(folders.get(path) ?? [])].sort();
      return new Map(names.map(name => [name, folders.has(posix.join(path, name)) ? 'directory' : 'file']));
    },
    async filesBelow(path) {
      const { files, folders } = await current();
      const paths = within(folders, path).flatMap(folder =>
        [...(folders.get(folder) ?? [])].map(name => posix.join(folder, name)),
      );
      return paths.filter(below => files.has(below)).sort();
    },
    async setFile(path, entry) {
      const { files, folders } = await current();
      files.set(path, entry);
      place(folders, path);
    },
    async removeFile(path) {
      const { files, folders } = await current();
      files.delete(path);
      folders.get(posix.dirname(path))?.delete(posix.basename(path));
      for (const directory of ancestors(path)) keep(directory);
    },
    addDirectory,
    removeDirectory,
    async moveDirectory(from, to) {
      const moved = within((await current()).folders, from);
      await removeDirectory(from);
      for (const folder of moved) await addDirectory(to + folder.slice(from.length));
    },
    forget() {
      listing = undefined;
    },
    known: () => known,
  };
}

/** Puts a path's name into the folder it is in, and that folder into its own. */
function place(folders: Listing['folders'], path: string): void {
  const folder = posix.dirname(path);
  const names = folders.get(folder);
  if (names !== undefined) {
    names.add(posix.basename(path));
    return;
  }
  folders.set(folder, new Set([posix.basename(path)]));
  place(folders, folder);
}
