import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { clientOf } from './harness.ts';

const MAIN = join(inject('built'), 'src/runtime/main.js');

let dir: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runtime-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

const run = (...args: string[]) => runWith({}, ...args);

function runWith(settings: Record<string, string>, ...args: string[]) {
  const env = { PATH: process.env.PATH, RUNTIME_API_KEY: 'secret', ...settings };
  const child = spawn(process.execPath, [MAIN, ...args], { env });
  children.push(child);
  return child;
}

async function outcome(child: ReturnType<typeof run>) {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { stdout, stderr, code };
}

test('prints one line with its address, serves, and stops on SIGTERM', async () => {
  const child = run('--port', '0', '--data', dir);
  const [line] = await once(child.stdout, 'data');
  const url = /^listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(String(line))?.[1];
  expect(url).toBeDefined();
  await clientOf(url ?? '', 'secret').beta.agents.list();
  await expect(clientOf(url ?? '', 'other').beta.agents.list()).rejects.toThrow('401');
  const exited = outcome(child);
  child.kill('SIGTERM');
  expect(await exited).toMatchObject({ code: 0, stdout: '' });
});

test('an address of a model that is none is one sentence, which does not repeat it', async () => {
  const result = await outcome(
    runWith({ MODEL_BASE_URL: 'bot:hunter22@gateway' }, '--port', '0', '--data', dir),
  );
  expect(result).toEqual({
    code: 1,
    stdout: '',
    stderr: 'MODEL_BASE_URL must be a URL such as http://127.0.0.1:11434.\n',
  });
});

test('a key that came with a line end is taken without it', async () => {
  const child = runWith({ RUNTIME_API_KEY: 'secret\n' }, '--port', '0', '--data', dir);
  const [line] = await once(child.stdout, 'data');
  const url = /http:\S+/.exec(String(line))?.[0] ?? '';
  await clientOf(url, 'secret').beta.agents.list();
});

test('a level of the log that is none is one sentence', async () => {
  const result = await outcome(runWith({ LOG_LEVEL: 'loud' }, '--port', '0', '--data', dir));
  expect(result).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^LOG_LEVEL must be one of .*\n$/),
  });
});

test('a busy port is one sentence', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const result = await outcome(run('--port', String(port), '--data', dir));
  other.close();
  expect(result).toEqual({
    code: 1,
    stdout: '',
    stderr: `Cannot listen on 127.0.0.1:${port}: it is in use by another program.\n`,
  });
});

test('a data directory that cannot be one is one sentence', async () => {
  const result = await outcome(run('--port', '0', '--data', MAIN));
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toMatch(
    /^Cannot use the data directory .*main\.js: .*, or choose another directory\.\n$/,
  );
});

test('flags that make no sense are refused with the usage', async () => {
  const cases: [string[], string][] = [
    [['--port', 'abc'], '--port must be a number'],
    [['--port', '70000'], '--port must be 0 to 65535'],
    [['--prot', '1'], '--prot'],
    [['--data', ''], '--data must name a directory'],
  ];
  await Promise.all(
    cases.map(async ([args, said]) => {
      const { code, stderr, stdout } = await outcome(run(...args));
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(said);
      expect(stderr).toContain('usage: npm run runtime');
    }),
  );
});

test('other machines may call when a key is set, and only then', async () => {
  const child = run('--host', '0.0.0.0', '--port', '0', '--data', dir);
  const [line] = await once(child.stdout, 'data');
  const port = /^listening on http:\/\/0\.0\.0\.0:(\d+)\n$/.exec(String(line))?.[1];
  const call = (key: string) =>
    new Promise<number | undefined>(done => {
      const headers = {
        host: 'runtime',
        authorization: `Bearer ${key}`,
        'anthropic-beta': 'managed-agents-2026-04-01',
      };
      get({ port, path: '/v1/agents', headers }, response => done(response.resume().statusCode));
    });
  expect(await call('secret')).toBe(200);
  expect(await call('other')).toBe(401);

  const open = spawn(process.execPath, [MAIN, '--host', '0.0.0.0', '--data', dir], {
    env: { PATH: process.env.PATH },
  });
  children.push(open);
  const { code, stderr } = await outcome(open);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'To listen on 0.0.0.0, where others than this machine may call, set RUNTIME_API_KEY.\n',
  });
});
