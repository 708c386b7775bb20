import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkDisk } from '../../../src/commands/doctor/state.ts';
import { createBullmqDispatcher, TURNS } from '../../../src/core/queue/dispatcher-bullmq.ts';
import { redisPrefix } from '../../../src/core/queue/redis-connection.ts';
import { openPostgresState } from '../../../src/core/state/postgres.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import { createLog } from '../../../src/log.ts';
import { freePort } from '../../adapters/slack/harness.ts';
import { canBeAnother, NOBODY } from '../../helpers/as-another-user.ts';
import { startProgram, temporaryFolder } from '../../helpers/cli.ts';
import { POSTGRES, REDIS, uniqueName } from '../../helpers/servers.ts';
import { startRedisLike } from './redis-like.ts';
import { diagnose } from './running.ts';

let folder: { path: string; remove(): Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const look = (more: Record<string, string> = {}) => diagnose({ SHOPPER_DATA_DIR: folder.path, ...more });
const said = async (env?: Record<string, string>) => (await look(env)).checks.map(({ text }) => text);

describe('the data directory', () => {
  it('of a bot that is stopped, or runs, is fine and stays as it is', async () => {
    const state = await openSqliteState(folder.path);
    expect(await said()).toContain('State is in SQLite there; a bot is running on it');
    // The bot still has it, and another still cannot.
    await state.table('t').set('a', 1);
    await expect(openSqliteState(folder.path)).rejects.toThrow(/already running/);
    await state.close();
    const files = await readdir(folder.path);
    expect(await said()).toContain('State is in SQLite there; no bot is running on it');
    expect(await readdir(folder.path)).toEqual(files);
  });

  it('of another bot is named, whether that runs or not', async () => {
    const state = await openSqliteState(folder.path);
    await state.table('provision').set('coach', {});
    const running = await look();
    expect(running).toMatchObject({ code: 1, found: ['state.another_bot'] });
    expect(running.of('state.another_bot').text).toMatch(/the bot "coach".*"shopper"/);
    expect(running.of('state.another_bot').mend).toMatch(/SHOPPER_DATA_DIR/);
    await state.close();
    expect((await look()).found).toEqual(['state.another_bot']);
    const ours = await openSqliteState(folder.path);
    await ours.table('provision').set('shopper', {});
    await ours.close();
    expect((await look()).found).toEqual([]);
  });

  it.skipIf(!canBeAnother)('with files of another user is named, by the doctor and by a start', async () => {
    await (await openSqliteState(folder.path)).close();
    await chmod(folder.path, 0o777);
    const asNobody = (args: string[]) => {
      const env = { SHOPPER_DATA_DIR: folder.path, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' };
      return startProgram('src/cli.ts', args, env, undefined, NOBODY).finished;
    };
    const looked = await asNobody(['doctor', '--json']);
    expect(looked.code).toBe(1);
    expect(JSON.parse(looked.stdout).checks).toContainEqual({
      group: 'state',
      level: 'problem',
      code: 'state.not_writable',
      text: expect.stringMatching(/may not write to these in .*: state\.lock, state\.sqlite$/),
      mend: expect.stringContaining(`chown -R USER ${folder.path}`),
    });
    const started = await asNobody(['start']);
    expect(started.code).toBe(1);
    expect(started.stderr).toMatch(
      /Cannot open the state database in .*SQLITE_READONLY.*\(chown -R USER .*\), or set SHOPPER_DATA_DIR/,
    );
  });

  it('that does not exist yet is not made', async () => {
    const SHOPPER_DATA_DIR = join(folder.path, 'a', 'b');
    expect(await look({ SHOPPER_DATA_DIR })).toMatchObject({ code: 0, found: [] });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('that cannot be made is named', async () => {
    const path = join(folder.path, 'file');
    await writeFile(path, '');
    const it = await look({ SHOPPER_DATA_DIR: join(path, 'data') });
    expect(it).toMatchObject({ code: 1, found: ['state.not_writable'] });
    expect(it.of('state.not_writable').text).toContain(`${path} is a file`);
  });

  it('that fills up is a warning first and a problem then', () => {
    const MB = 1024 * 1024;
    expect(checkDisk(99 * MB, 'd')).toMatchObject({
      level: 'problem',
      text: expect.stringMatching(/99 MB free/),
    });
    expect(checkDisk(900 * MB, 'd')).toMatchObject({ level: 'warning', code: 'state.disk_low' });
    expect(checkDisk(2_000 * MB, 'd')).toMatchObject({ level: 'fine' });
  });
});

describe('DATABASE_URL', () => {
  it('that is no database is named', async () => {
    expect(await look({ DATABASE_URL: 'mysql://x' })).toMatchObject({
      code: 1,
      found: ['state.unreachable'],
    });
  });

  it.each(['postgres', 'redis'])('%s that is not there is named, without its password', async scheme => {
    const port = await freePort();
    const it = await look({ DATABASE_URL: `${scheme}://u:geheimnis@127.0.0.1:${port}/shop` });
    expect(it).toMatchObject({ code: 1, found: ['state.unreachable'] });
    expect(it.of('state.unreachable').text).toMatch(/nothing listens there/);
    expect(it.printed).not.toContain('geheimnis');
  });
});

describe.skipIf(POSTGRES === null)('PostgreSQL', () => {
  const admin = async (...statements: string[]) => {
    const client = new pg.Client({ connectionString: POSTGRES ?? '' });
    await client.connect();
    for (const sql of statements) await client.query(sql);
    await client.end();
  };
  const urlOf = (database: string, user?: string) => {
    const url = new URL(POSTGRES ?? '');
    url.pathname = `/${database}`;
    if (user !== undefined) url.username = user;
    return url.href;
  };
  let name: string;
  beforeEach(async () => {
    name = uniqueName();
    await admin(`CREATE DATABASE ${name}`, `CREATE ROLE ${name} LOGIN`);
  });
  afterEach(() => admin(`DROP DATABASE ${name} WITH (FORCE)`, `DROP ROLE ${name}`));

  it('is fine before and after the first start, and gets no table by looking', async () => {
    const DATABASE_URL = urlOf(name);
    expect(await said({ DATABASE_URL })).toContainEqual(
      expect.stringMatching(/; the first start creates its table$/),
    );
    expect(await said({ DATABASE_URL })).toContainEqual(
      expect.stringMatching(/; the first start creates its table$/),
    );
    await (await openPostgresState(DATABASE_URL)).close();
    const it = await look({ DATABASE_URL });
    expect(it.found).toEqual([]);
    expect(it.checks.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(new RegExp(`^The state is in PostgreSQL \\d+, database ${name} at `)),
    );
  });

  it('whose user may not make tables is named with the grant it takes', async () => {
    // Before version 15 everybody may.
    const client = new pg.Client({ connectionString: urlOf(name) });
    await client.connect();
    await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    await client.end();
    const it = await look({ DATABASE_URL: urlOf(name, name) });
    expect(it).toMatchObject({ code: 1, found: ['state.not_writable'] });
    expect(it.of('state.not_writable').mend).toMatch(/GRANT USAGE, CREATE ON SCHEMA public/);
  });

  it('whose table somebody else made is named, since the bot could not start on it', async () => {
    await (await openPostgresState(urlOf(name))).close();
    const client = new pg.Client({ connectionString: urlOf(name) });
    await client.connect();
    await client.query(
      `GRANT ALL ON SCHEMA public TO ${name}; GRANT ALL ON ALL TABLES IN SCHEMA public TO ${name}`,
    );
    await client.end();
    const DATABASE_URL = urlOf(name, name);
    const it = await look({ DATABASE_URL });
    expect(it.of('state.not_writable').text).toMatch(/does not own the table shopper_state/);
    await expect(openPostgresState(DATABASE_URL)).rejects.toThrow(/must be owner/);
  });

  it('that does not have the database says so in its own words', async () => {
    const it = await look({ DATABASE_URL: urlOf('nosuchdatabase') });
    expect(it.of('state.unreachable').text).toMatch(/"nosuchdatabase" does not exist/);
  });
});

describe('Redis', () => {
  const healthy = {
    redis_version: '7.2.4',
    role: 'master',
    aof_enabled: '1',
    aof_last_write_status: 'ok',
    maxmemory: '0',
    maxmemory_policy: 'noeviction',
  };

  it.each([
    [{}, [], 0],
    [{ redis_version: '5.0.9' }, ['state.too_old'], 1],
    [{ role: 'slave' }, ['state.read_only'], 1],
    [{ aof_enabled: '0' }, ['state.not_persistent'], 0],
    [{ aof_last_write_status: 'err' }, ['state.not_persistent'], 1],
    [{ maxmemory_policy: 'allkeys-lru' }, ['state.evicts'], 0],
    [{ maxmemory_policy: 'allkeys-lru', maxmemory: '1000000' }, ['state.evicts'], 1],
  ])('that says %j of itself is %j', async (facts, found, code) => {
    const redis = await startRedisLike({ ...healthy, ...facts });
    expect(await look({ DATABASE_URL: redis.url })).toMatchObject({ code, found });
    await redis.stop();
  });
});

describe('the queue', () => {
  it('runs in the process itself without REDIS_URL', async () => {
    expect(await said()).toContain('Turns run in the process that accepted them');
  });

  it('needs an agent service that all processes share', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    expect((await look({ DATABASE_URL: url, REDIS_URL: url })).found).toContain('queue.needs_service');
  });

  it('that is not there is named', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const it = await look({ DATABASE_URL: url, REDIS_URL: url, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' });
    expect(it.of('queue.unreachable').text).toMatch(/nothing listens there/);
  });

  it.skipIf(REDIS === null)('with conversations that nobody takes up asks for a worker', async () => {
    // A database of its own: queue and prefix are the bot's.
    const url = new URL(REDIS ?? '');
    url.pathname = '/13';
    const redis = new Redis(url.href);
    await redis.flushdb();
    const env = { DATABASE_URL: url.href, REDIS_URL: url.href, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' };
    const before = await redis.keys('*');
    expect((await look(env)).checks.map(({ text }) => text)).toContain(
      '0 workers connected; 0 conversations waiting, 0 being answered',
    );
    expect(await redis.keys('*')).toEqual(before);
    const log = createLog('silent');
    const other = await createBullmqDispatcher({
      url: url.href,
      run: null,
      log,
      prefix: redisPrefix('coach'),
    });
    other.wake('slack:T1:U9/C9/1');
    const prefix = redisPrefix('shopper');
    const ingest = await createBullmqDispatcher({ url: url.href, run: null, log, prefix });
    ingest.wake('slack:T1:U1/C1/1');
    for (const bot of ['shopper', 'coach']) {
      while ((await redis.zcard(`${redisPrefix(bot)}:${TURNS}:prioritized`)) === 0) {
        await new Promise(resolve => setImmediate(resolve));
      }
    }
    const waiting = await look(env);
    expect(waiting.of('queue.no_worker').text).toMatch(/1 conversation waiting/);
    expect(waiting.of('queue.no_worker').mend).toMatch(/--role worker/);
    await ingest.stop();
    await other.stop();
    await redis.flushdb();
    await redis.quit();
  });
});
