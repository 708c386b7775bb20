import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those above it; nothing where it is there. Rejects as mkdir does, also where a folder takes none
 * with ENOENT, such as /proc: there Node's own `recursive` tries for ever.
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  try {
    await makeOne(path, mode);
  } catch (error) {
    const above = dirname(path);
    const isAboveMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isAboveMissing || above === path) throw error;
    await makeFolder(above, mode);
    await makeOne(path, mode);
  }
}

async function makeOne(path: string, mode?: number): Promise<void> {
  await mkdir(path, { mode }).catch(async (error: unknown) => {
    const there = await stat(path).catch(() => null);
    if (there?.isDirectory() !== true) throw error;
  });
}
