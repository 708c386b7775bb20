import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder laid out as the repository, with JavaScript in place of the sources. */
    built: string;
  }
}

const REPO = resolve(import.meta.dirname, '../..');

/** Compiles, once a run, what tests start as processes of their own: so they start in half the time. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'shopper-built-'));
  // Some tests start them as another user.
  await chmod(folder, 0o755);
  const compiler = join(REPO, 'node_modules/.bin/tsc');
  const config = join(REPO, 'test/tsconfig.programs.json');
  await promisify(execFile)(compiler, ['-p', config, '--outDir', folder]);
  for (const name of ['node_modules', 'package.json', 'agent.yml', 'manifest.yml', 'manifest.http.yml'])
    await symlink(join(REPO, name), join(folder, name));
  project.provide('built', folder);
  return () => rm(folder, { recursive: true, force: true });
}
