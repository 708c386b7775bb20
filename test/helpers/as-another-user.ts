import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

export const NOBODY = 65_534;

/** Only root can start a program as somebody else, who then must be able to read it, and to run this Node. */
export const canBeAnother =
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, ['--version'], { uid: NOBODY }).status === 0 &&
  spawnSync('test', ['-r', resolve(import.meta.dirname, '../../src/cli.ts')], { uid: NOBODY }).status === 0;
