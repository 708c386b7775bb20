import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { freePort } from '../adapters/slack/harness.ts';
import { type ParlourMember, startParlour } from '../docs/parlour-server.ts';
import { until } from '../docs/waiting.ts';
import { type Started, startSource, temporaryFolder } from '../helpers/cli.ts';
import { POSTGRES, uniqueName } from '../helpers/servers.ts';

const { services } = z
  .object({ services: z.record(z.string(), z.object({ command: z.array(z.string()).optional() })) })
  .parse(
    parse(readFileSync(resolve(import.meta.dirname, '../../docker-compose.yml'), 'utf8'), { merge: true }),
  );
const commandOf = (name: string) => services[name]?.command ?? [];

/** A Redis of its own, because the program's keys have one name; started by the words of the compose file. */
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
const ann: ParlourMember = { id: 'p1', name: 'Ann', bot: false };
const KEY = 'runtime-key';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

/** The services of docker-compose.yml as processes on this machine, with a made-up chat as the platform. */
async function up() {
  const folder = await temporaryFolder();
  cleanups.push(folder.remove);
  const parlour = await startParlour('token');
  cleanups.push(parlour.stop);

  const redisPort = String(await freePort());
  const [redisServer = '', ...redisArgs] = commandOf('redis');
  const redis = spawn(redisServer, [...redisArgs, '--port', redisPort, '--dir', folder.path]);
  cleanups.push(() => ended(redis, 'SIGTERM'));
  await new Promise<void>(ready => {
    redis.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('Ready to accept connections')) ready();
    });
  });

  const database = uniqueName();
  const admin = new pg.Client(POSTGRES ?? '');
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
  cleanups.push(async () => {
    await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
    await admin.end();
  });
  const databaseUrl = new URL(POSTGRES ?? '');
  databaseUrl.pathname = `/${database}`;

  const runtimeArgs = commandOf('runtime').map(word =>
    word === '4180' ? '0' : word.replace(/^\/data/, folder.path),
  );
  const runtime = start('src/runtime/main.ts', runtimeArgs, { RUNTIME_API_KEY: KEY });
  const [, runtimePort = ''] = await runtime.says(/listening on http:\/\/0\.0\.0\.0:(\d+)/);

  const env = {
    SHOPPER_DATA_DIR: join(folder.path, 'data'),
    DATABASE_URL: databaseUrl.href,
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${runtimePort}`,
    ANTHROPIC_API_KEY: KEY,
    ADAPTERS: './examples/adapter/adapter.ts',
    PARLOUR_URL: parlour.url,
    PARLOUR_TOKEN: 'token',
  };
  const ingest = start('src/cli.ts', commandOf('ingest'), env);
  await ingest.says(/Parlour is connected/);
  return { parlour, worker: () => start('src/cli.ts', commandOf('worker'), env) };
}

function start(file: string, args: string[], env: Record<string, string>): Started {
  const program = startSource(file, args, env);
  cleanups.push(() => ended(program.child, 'SIGKILL'));
  return program;
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise(resolve => child.once('close', resolve));
  child.kill(signal);
  await closed;
}

describe.skipIf(!hasRedis || POSTGRES === null)('the processes of docker-compose.yml', () => {
  it('keep a message until there is a worker, and go on when that one is killed', {
    timeout: 180_000,
  }, async () => {
    const { parlour, worker } = await up();
    const says = (pattern: RegExp) =>
      parlour.messages.some(({ author, text }) => author.bot && pattern.test(text));

    // Nobody answers yet: it is acknowledged all the same, because it is stored.
    await parlour.say(ann, 'with-ann', true, 'I wear size 9 shoes');
    const first = worker();
    await until(() => says(/\+ shoe size: 9/), 'the notice');

    await ended(first.child, 'SIGKILL');
    await parlour.say(ann, 'with-ann', true, 'What do you know about me?');
    const second = worker();
    await until(() => says(/Here is what I remember about you:\n- shoe size 9/), 'the second answer');

    second.child.kill('SIGTERM');
    expect((await second.finished).code).toBe(0);
  });
});
