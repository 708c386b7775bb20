/** Gets ready what is measured: the alternatives' packages, and everything as JavaScript, as it runs in production. */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);
const OUT = new URL('node_modules/.cache/shopper-bench/', ROOT);

/** The folder with the built programs. */
export function build(): URL {
  const root = fileURLToPath(ROOT);
  if (!existsSync(new URL('bench/node_modules/chat/package.json', ROOT))) {
    process.stderr.write('Installing the alternatives that are measured (npm ci --prefix bench) …\n');
    run('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund'], root);
  }
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  // Whether types fit is what `npm run check` is for; here the alternatives bring some of their own.
  run('npx', ['tsc', '-p', 'bench/tsconfig.build.json', '--noCheck'], root);
  // Nothing in node_modules inherits the project's package.json.
  writeFileSync(new URL('package.json', OUT), '{ "type": "module" }\n');
  cpSync(new URL('agent.yml', ROOT), new URL('agent.yml', OUT));
  symlinkSync(
    fileURLToPath(new URL('bench/node_modules', ROOT)),
    fileURLToPath(new URL('bench/node_modules', OUT)),
  );
  return new URL('bench/programs/', OUT);
}

function run(command: string, args: string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}
