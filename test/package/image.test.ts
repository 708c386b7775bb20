import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { freePort } from '../adapters/slack/harness.ts';
import { startProgram, temporaryFolder } from '../helpers/cli.ts';

const REPO = resolve(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(REPO, name), 'utf8');

const service = z.object({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  env_file: z.string().optional(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  profiles: z.array(z.string()).default([]),
});
const source = read('docker-compose.yml');
const { services } = z
  .object({ services: z.record(z.string(), service) })
  .parse(parse(source, { merge: true }));
const ours = Object.entries(services).filter(([, { image }]) => image === 'shopper');

/** Settings that can be made, as .env.example names them. */
const SETTINGS = [...read('.env.example').matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name);

const dockerfile = read('Dockerfile').replaceAll('\\\n', '');
const lines = (word: string) =>
  [...dockerfile.matchAll(new RegExp(`^${word} +(.*)$`, 'gm'))].map(([, rest = '']) => rest);

let folder: { path: string; remove(): Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

describe('docker-compose.yml', { timeout: 90_000 }, () => {
  it('has the processes and the stores they share', () => {
    expect(Object.keys(services).sort()).toEqual(['ingest', 'postgres', 'redis', 'runtime', 'worker']);
    expect(ours.map(([name]) => name).sort()).toEqual(['ingest', 'runtime', 'worker']);
  });

  it('sets nothing that cannot be set', () => {
    const set = ours.flatMap(([, { environment }]) => Object.keys(environment));
    const asked = [...source.matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name);
    const told = [...source.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)]
      .map(([name]) => name)
      .filter(name => !/^POSTGRES_(?:USER|DB)$/.test(name));
    expect(set).toContain('DATABASE_URL');
    for (const name of [...set, ...asked, ...told]) expect(SETTINGS).toContain(name);
  });

  it('keeps secrets out of itself', () => {
    for (const [, { env_file, environment }] of ours) {
      expect(env_file).toBe('.env');
      expect(JSON.stringify(environment)).not.toMatch(/KEY|TOKEN|SECRET/);
    }
    expect(services.postgres?.environment.POSTGRES_PASSWORD).toMatch(/^\$\{/);
  });

  it.each(['ingest', 'worker'])('starts %s in a role there is', async name => {
    // Without the environment of the compose file, a role there is says what it misses.
    const { stderr } = await startProgram('src/cli.ts', services[name]?.command ?? [], {
      SHOPPER_DATA_DIR: folder.path,
    }).finished;
    expect(stderr).toContain(`The role ${name} needs REDIS_URL and DATABASE_URL`);
  });

  it('starts the local runtime where the others reach it', async () => {
    const { entrypoint = [], command = [] } = services.runtime ?? {};
    expect(entrypoint).toEqual(['node', 'dist/runtime/main.js']);
    expect(source).toContain(`http://runtime:${command[command.indexOf('--port') + 1]}`);
    const here = command.map(word => (word === '4180' ? '0' : word.replace('/data', folder.path)));
    const program = startProgram('src/runtime/main.ts', here, { RUNTIME_API_KEY: 'secret' });
    await program.says(/listening on http:\/\/0\.0\.0\.0:/);
    program.child.kill('SIGTERM');
    expect((await program.finished).code).toBe(0);
  });

  it('has Redis lose nothing', () => {
    const command = services.redis?.command?.join(' ');
    expect(command).toContain('--appendonly yes');
    expect(command).toContain('--maxmemory-policy noeviction');
  });
});

describe('the image', { timeout: 90_000 }, () => {
  it('copies only what .dockerignore lets in, and no more is let in than it copies', () => {
    const allowed = [...read('.dockerignore').matchAll(/^!(.*)$/gm)].map(([, path = '']) => path);
    const copied = lines('COPY')
      .filter(rest => !rest.startsWith('--from'))
      .flatMap(rest => rest.split(' ').slice(0, -1));
    expect(new Set(copied)).toEqual(new Set(allowed));
  });

  it('is no superuser, and sets nothing that cannot be set', () => {
    expect(lines('USER')).toEqual(['node']);
    const [, settings = ''] = lines('ENV');
    const names = settings.split(' ').map(pair => pair.split('=')[0] ?? '');
    for (const name of names.filter(name => name !== 'NODE_ENV')) expect(SETTINGS).toContain(name);
  });

  it('starts the program, is healthy while it runs, and stops in order', async () => {
    const entrypoint = z.array(z.string()).parse(JSON.parse(lines('ENTRYPOINT')[0] ?? ''));
    expect(entrypoint).toEqual(['node', 'dist/cli.js']);
    const command = z.array(z.string()).parse(JSON.parse(lines('CMD')[0] ?? ''));
    const port = String(await freePort());
    const env = { SHOPPER_DATA_DIR: folder.path, HEALTH_PORT: port };
    const program = startProgram('src/cli.ts', command, env);
    program.child.stdin?.write('I wear size 9 shoes\n');
    await program.says(/\+ shoe size: 9/);
    expect(await healthy(port)).toBe(0);
    program.child.kill('SIGTERM');
    // Whoever asks it about its health disturbs nothing.
    expect(await program.finished).toMatchObject({ code: 0, stderr: '' });
    expect(await healthy(port)).toBe(1);
  });
});

/** The exit code of the image's own HEALTHCHECK, against a program on this port. */
function healthy(port: string): Promise<number> {
  const check = /CMD (\[.*\])$/.exec(lines('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]';
  const [, ...args] = z.array(z.string()).parse(JSON.parse(check));
  return new Promise(done => {
    execFile(process.execPath, args, { env: { HEALTH_PORT: port } }, error => done(error === null ? 0 : 1));
  });
}
