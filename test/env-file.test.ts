import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { canBeAnother, NOBODY } from './helpers/as-another-user.ts';
import { startProgram, temporaryFolder } from './helpers/cli.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const run = (file: string, args: string[], env: Record<string, string> = {}, uid?: number) =>
  startProgram(file, args, env, folder.path, uid).finished;

it('.env is read, and what the environment has wins', async () => {
  await writeFile(join(folder.path, '.env'), 'LOG_LEVEL="loud" # too much\nHEALTH_PORT=ninety\n');
  const { code, stderr } = await run('src/cli.ts', ['start'], { HEALTH_PORT: '0' });
  expect(code).toBe(1);
  expect(stderr).toContain('LOG_LEVEL must be one of');
  expect(stderr).not.toContain('HEALTH_PORT');
  expect((await run('src/runtime/main.ts', ['--port', '0'])).stderr).toMatch(/^LOG_LEVEL must be one of/);
});

it('.env that is a folder, as Docker makes one, is one sentence', async () => {
  await mkdir(join(folder.path, '.env'));
  const sentence = /^Here \.env is a folder: .*put the file in its place\.\n$/;
  const bot = await run('src/cli.ts', ['memory', 'list', '--json']);
  expect(bot).toMatchObject({ code: 1, stderr: expect.stringMatching(sentence) });
  expect(JSON.parse(bot.stdout)).toMatchObject({ error: { type: 'failed' } });
  const runtime = await run('src/runtime/main.ts', ['--port', '0']);
  expect(runtime).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(sentence) });
});

it.runIf(canBeAnother)('.env that may not be read is one sentence', async () => {
  await chmod(folder.path, 0o755);
  await writeFile(join(folder.path, '.env'), 'LOG_LEVEL=info\n', { mode: 0o600 });
  const sentence = /^Cannot read \.env \(EACCES\)\. Make it readable for .*\n$/;
  for (const [file, ...args] of [
    ['src/cli.ts', 'memory', 'list'],
    ['src/runtime/main.ts', '--port', '0'],
  ] as const) {
    const finished = await run(file, args as string[], {}, NOBODY);
    expect(finished).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(sentence) });
  }
});
