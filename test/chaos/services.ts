import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { POSTGRES, REDIS } from '../helpers/servers.ts';
import type { Options } from './options.ts';
import { endWithUs, REPO } from './programs.ts';

/** Compiles the project as it stands into a folder of its own; returns the command. */
export async function build(folder: string): Promise<string> {
  const out = join(folder, 'build');
  await mkdir(out, { recursive: true });
  await symlink(resolve(REPO, 'node_modules'), join(out, 'node_modules'));
  await writeFile(join(out, 'package.json'), '{"type":"module"}\n');
  const compiler = resolve(REPO, 'node_modules/.bin/tsc');
  const config = resolve(REPO, 'tsconfig.build.json');
  await promisify(execFile)(compiler, ['-p', config, '--noCheck', '--outDir', join(out, 'dist')], {
    cwd: REPO,
  });
  return join(out, 'dist');
}

export interface Runtime {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** The local runtime in a process of its own, asking the model at `modelUrl`. */
export async function startRuntime(options: {
  dist: string;
  folder: string;
  modelUrl: string;
  key: string;
}): Promise<Runtime> {
  const log = openSync(join(options.folder, 'runtime.log'), 'w');
  const child: ChildProcess = spawn(
    process.execPath,
    [join(options.dist, 'runtime/main.js'), '--port', '0', '--data', join(options.folder, 'runtime')],
    {
      cwd: options.folder,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        RUNTIME_API_KEY: options.key,
        MODEL_BASE_URL: options.modelUrl,
        MODEL: 'scripted',
        LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'pipe', log],
    },
  );
  closeSync(log);
  endWithUs(child);
  const url = await new Promise<string>((found, failed) => {
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      const address = /listening on (\S+)/.exec(said)?.[1];
      if (address !== undefined) found(address);
    });
    child.once('exit', code => failed(new Error(`the runtime ended with ${code}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

export interface Shared {
  env: Record<string, string>;
  roles: string[];
  remove(): Promise<void>;
}

/** Where processes share their state: a database of their own, which goes with the run. */
export async function openShared(layout: Options['layout']): Promise<Shared> {
  if (layout === 'sqlite') return { env: {}, roles: ['all'], remove: async () => {} };
  const redis = await ownRedis();
  const roles = ['ingest', 'ingest', 'worker', 'worker', 'worker'];
  if (layout === 'redis') {
    return { env: { DATABASE_URL: redis.url, REDIS_URL: redis.url }, roles, remove: redis.remove };
  }
  if (POSTGRES === null) throw new Error('there is no PostgreSQL to reach');
  const name = `chaos_${randomBytes(5).toString('hex')}`;
  await query(POSTGRES, `CREATE DATABASE ${name}`);
  const url = new URL(POSTGRES);
  url.pathname = `/${name}`;
  return {
    env: { DATABASE_URL: url.href, REDIS_URL: redis.url },
    roles,
    async remove() {
      await query(POSTGRES ?? '', `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await redis.remove();
    },
  };
}

async function query(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

const MARK = 'chaos-run';

/** A numbered database that nobody uses. */
async function ownRedis(): Promise<{ url: string; remove(): Promise<void> }> {
  if (REDIS === null) throw new Error('there is no Redis to reach');
  for (let number = 15; number > 0; number -= 1) {
    const url = new URL(REDIS);
    url.pathname = `/${number}`;
    const client = new Redis(url.href);
    const free = (await client.dbsize()) === 0 && (await client.setnx(MARK, '1')) === 1;
    if (!free) {
      client.disconnect();
      continue;
    }
    return {
      url: url.href,
      async remove() {
        await client.flushdb();
        client.disconnect();
      },
    };
  }
  throw new Error('every numbered database of Redis is in use');
}
