import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SetupError } from '../../src/core/errors.ts';
import { createLeases } from '../../src/core/queue/leases.ts';
import { openState } from '../../src/core/state/open.ts';
import { openPostgresState, sweepOf } from '../../src/core/state/postgres.ts';
import { openRedisState } from '../../src/core/state/redis.ts';
import type { State } from '../../src/core/state/state.ts';
import { createLog } from '../../src/log.ts';
import { cuttable } from '../helpers/cuttable.ts';
import { POSTGRES, REDIS, uniqueName } from '../helpers/servers.ts';
import { stateContract } from './contracts/state.ts';

const name = uniqueName();
const stores = [
  {
    label: 'PostgreSQL',
    url: POSTGRES,
    open: (url: string) => openPostgresState(url, { schema: name }),
    async clean(url: string) {
      const client = new pg.Client(url);
      await client.connect();
      await client.query(`DROP SCHEMA IF EXISTS "${name}" CASCADE`);
      await client.end();
    },
  },
  {
    label: 'Redis',
    url: REDIS,
    open: (url: string) => openRedisState(url, { prefix: `{${name}}` }),
    async clean(url: string) {
      const client = new Redis(url);
      const keys = await client.keys(`{${name}}*`);
      if (keys.length > 0) await client.del(keys);
      await client.quit();
    },
  },
];

describe.skipIf(POSTGRES === null)(`a sweep of PostgreSQL (reachable: ${POSTGRES !== null})`, () => {
  it('finds by an index what has expired, however many people there are', async () => {
    const here = POSTGRES ?? '';
    const [store] = stores;
    const state = await store?.open(here);
    const client = new pg.Client(here);
    await client.connect();
    // Few rows are read faster without one.
    await client.query('SET enable_seqscan = off');
    const plan = await client.query(`EXPLAIN ${sweepOf(`"${name}".shopper_state`)}`, [500]);
    await client.end();
    await state?.close();
    await store?.clean(here);
    expect(JSON.stringify(plan.rows)).toMatch(/Index Cond: \(expires </);
  });
});

describe('a connection to PostgreSQL', () => {
  it('begins with nothing that PgBouncer refuses', async () => {
    const pooler = await startPooler();
    const error = await openPostgresState(pooler.url).then(null, (error: unknown) => error);
    await pooler.stop();
    expect(String(error)).toMatch(/the pooler has nothing behind it/);
  });

  it.skipIf(POSTGRES === null)('has its statements ended by the server', async () => {
    const seen: string[] = [];
    const here = new URL(POSTGRES ?? '');
    const proxy = await cuttable(here.href, 5432, data => seen.push(data.toString('latin1')));
    const state = await openPostgresState(proxy.url, { schema: name });
    await state.close();
    await proxy.stop();
    await stores[0]?.clean(here.href);
    const sent = seen.join('');
    const [limited, used] = ['SET statement_timeout = 15000', 'CREATE TABLE'].map(sql => sent.indexOf(sql));
    expect(limited).toBeGreaterThan(0);
    expect(limited).toBeLessThan(used ?? 0);
  });
});

for (const { label, url, open, clean } of stores) {
  describe.skipIf(url === null)(`${label} (reachable: ${url !== null})`, () => {
    const here = url ?? '';
    stateContract(
      label,
      () => open(here),
      () => clean(here),
    );

    describe('shared by processes', () => {
      const states: State[] = [];
      const another = async (through = here) => {
        const state = await open(through);
        states.push(state);
        return state;
      };
      afterEach(async () => {
        vi.useRealTimers();
        for (const state of states.splice(0)) await state.close();
        await clean(here);
      });

      it('lets exactly one of them insert a key, and gives each ticket out once', async () => {
        const all = await Promise.all(Array.from({ length: 4 }, () => another()));
        const inserted = await Promise.all(
          Array.from({ length: 40 }, (_, n) => all[n % 4]?.table('claims').insert('key', n)),
        );
        expect(inserted.filter(Boolean)).toHaveLength(1);
        const tickets = await Promise.all(Array.from({ length: 40 }, (_, n) => all[n % 4]?.ticket()));
        expect(new Set(tickets).size).toBe(40);
      });

      it('believes the server, not a process whose clock is wrong, about what has expired', async () => {
        const [right, wrong] = [await another(), await another()];
        await right.table('claims').insert('key', 'mine', 60_000);
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
        expect(await wrong.table('claims').insert('key', 'theirs', 60_000)).toBe(false);
        vi.setSystemTime(Date.now() - 7_200_000);
        expect(await wrong.table('claims').insert('other', 'theirs', 60_000)).toBe(true);
        vi.useRealTimers();
        expect(await right.table('claims').insert('other', 'mine', 60_000)).toBe(false);
      });

      it('believes the server too about who is still at work', async () => {
        const [one, other] = [await another(), await another()].map(state =>
          createLeases(state, createLog('silent')),
        );
        await one?.take('slack/W1/ann/D1/', new AbortController().signal);
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
        expect(await other?.isElsewhere('slack/W1/ann')).toBe(true);
        await one?.stop();
        expect(await other?.isElsewhere('slack/W1/ann')).toBe(false);
      });

      it('stays open for the others when one of them closes', async () => {
        const [one, other] = [await another(), await another()];
        await one.close();
        await other.table('t').set('k', 1);
        expect(await other.table('t').get('k')).toBe(1);
      });

      it('survives connections that are cut', async () => {
        const proxy = await cuttable(here, label === 'Redis' ? 6379 : 5432);
        const state = await another(proxy.url);
        const table = state.table<number>('t');
        await table.set('k', 1);
        proxy.cut();
        await vi.waitFor(async () => expect(await table.get('k')).toBe(1), { timeout: 10_000 });
        await state.close();
        await proxy.stop();
      });
    });
  });
}

describe('opening a state', () => {
  const refused = (url: string) =>
    openState(url, '/nowhere').then(
      () => 'opened',
      (error: unknown) => error,
    );

  it('says which addresses it takes', async () => {
    for (const url of ['mysql://u:secret@h/db', 'no url', 'sqlite:///some/file']) {
      const error = await refused(url);
      expect(error).toBeInstanceOf(SetupError);
      expect(String(error)).toMatch(/DATABASE_URL must begin with postgres:\/\/, redis:\/\//);
      expect(String(error)).not.toContain('secret');
    }
  });

  it.each(['postgres://user:secret@127.0.0.1:1/db', 'redis://user:secret@127.0.0.1:1'])(
    'says that %s cannot be reached, at once and without its password',
    async url => {
      const error = await refused(url);
      expect(error).toBeInstanceOf(SetupError);
      expect(String(error)).toMatch(/Cannot use the .* at 127.0.0.1:1: .*ECONNREFUSED/);
      expect(String(error)).not.toContain('secret');
    },
  );

  it('names the database that cannot be reached', async () => {
    const error = await refused('postgres://user@127.0.0.1:1/shop');
    expect(String(error)).toContain('Cannot use the PostgreSQL database shop at 127.0.0.1:1: ');
  });

  it('without an address is SQLite in the data directory', async () => {
    await expect(openState(undefined, '/dev/null/data')).rejects.toThrow(/Cannot create the data directory/);
  });
});

/** PgBouncer as it is set up by default, up to the first packet: it takes the parameters it keeps track of, and no other. */
async function startPooler() {
  const known =
    /^(user|database|client_encoding|datestyle|timezone|standard_conforming_strings|application_name)$/i;
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.once('data', packet => {
      // Length and version, then names and values by turns, each ended by a zero byte.
      const words = packet.subarray(8).toString().split('\0');
      const strange = words.find((word, index) => index % 2 === 0 && word !== '' && !known.test(word));
      const message =
        strange === undefined
          ? 'the pooler has nothing behind it'
          : `unsupported startup parameter: ${strange}`;
      const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
      const head = Buffer.from('E\0\0\0\0');
      head.writeUInt32BE(fields.length + 4, 1);
      socket.end(Buffer.concat([head, fields]));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `postgres://bot:secret@127.0.0.1:${port}/bot`,
    stop: () => new Promise<void>(resolve => server.close(() => resolve())),
  };
}
