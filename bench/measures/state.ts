/** What a turn costs when a thousand people are known, and when it is a million. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import { z } from 'zod';
import { programFile, rootOf } from '../arena.ts';
import { addKnownPeople, clearRedis, type Place, type StoreKind } from '../known-people.ts';
import { type Program, startProgram } from '../program.ts';
import { quantile } from '../statistics.ts';
import type { Setting } from './conversation.ts';

export interface StateSize {
  people: readonly number[];
  turns: number;
  stores: readonly StoreKind[];
  repeats: number;
  /** After each run. */
  onRun(): void;
}

const POSTGRES =
  process.env.BENCH_POSTGRES_URL ?? `postgres://${userInfo().username}@127.0.0.1:5432/postgres`;
const REDIS = process.env.BENCH_REDIS_URL ?? 'redis://127.0.0.1:6379';
const TOGETHER = 16;

const turnsSchema = z.object({
  seconds: z.number(),
  turns: z.array(z.object({ acceptMs: z.number(), turnMs: z.number() })),
});

interface Prepared {
  place: Place;
  people: number;
  agent: Program;
  bot: Program;
  start(): Promise<Program>;
  clear(): Promise<void>;
}

export async function measureState(setting: Setting, size: StateSize): Promise<void> {
  for (const kind of size.stores) {
    if (!(await isThere(kind))) {
      setting.say(`${kind} is not running here: left out`);
      continue;
    }
    const prepared: Prepared[] = [];
    try {
      for (const people of size.people) prepared.push(await prepare(setting, kind, people));
      for (const one of prepared) await measureOnce(setting, one, size.turns, false);
      for (let repeat = 0; repeat < size.repeats; repeat += 1) {
        for (const one of repeat % 2 === 0 ? prepared : [...prepared].reverse()) {
          await measureOnce(setting, one, size.turns, true);
          size.onRun();
        }
      }
    } finally {
      for (const { bot, agent, clear } of prepared) {
        await bot.stop();
        await agent.stop();
        await clear();
      }
    }
  }
}

/** A bot on a state that knows so many people. */
async function prepare(setting: Setting, kind: StoreKind, people: number): Promise<Prepared> {
  const { say } = setting;
  say(`${kind}: ${people.toLocaleString('en')} people`);
  const { place, clear } = await freshPlace(kind);
  const agent = await startProgram(programFile(setting.programs, 'agent'));
  const env = {
    BENCH_PLACE: JSON.stringify(place),
    BENCH_AGENT_URL: z.string().parse(await agent.call('url')),
    BENCH_AGENT_FILE: fileURLToPath(new URL('agent.yml', rootOf(setting.programs))),
  };
  const start = () => startProgram(programFile(setting.programs, 'bookkeeping'), env);
  const first = await start();
  await first.call('model');
  await first.call('model');
  await first.call('stop');
  await first.stop();
  await addKnownPeople(place, people);
  return { place, people, agent, bot: await start(), start, clear };
}

async function measureOnce(
  { results }: Setting,
  prepared: Prepared,
  turns: number,
  counts: boolean,
): Promise<void> {
  const { place, people } = prepared;
  await prepared.bot.call('stop');
  await prepared.bot.stop();
  const bot = await prepared.start();
  prepared.bot = bot;
  const startMs = z.number().parse(await bot.call('startMs'));
  const alone = turnsSchema.parse(await bot.call('work', people, turns, 1));
  const together = turnsSchema.parse(await bot.call('work', people, turns, TOGETHER));
  if (!counts) return;
  const add = (figure: string, unit: string, value: number) =>
    results.add(`State: ${place.kind}`, figure, unit, nameOf(people), value);
  add('start of the bot', 'ms', startMs);
  add(
    'accept, p50',
    'ms',
    quantile(
      alone.turns.map(({ acceptMs }) => acceptMs),
      0.5,
    ),
  );
  add(
    'accept, p99',
    'ms',
    quantile(
      alone.turns.map(({ acceptMs }) => acceptMs),
      0.99,
    ),
  );
  add(
    'whole turn, p50',
    'ms',
    quantile(
      alone.turns.map(({ turnMs }) => turnMs),
      0.5,
    ),
  );
  add(
    'whole turn, p99',
    'ms',
    quantile(
      alone.turns.map(({ turnMs }) => turnMs),
      0.99,
    ),
  );
  add(`turns per second, ${TOGETHER} at a time`, '', turns / together.seconds);
}

const nameOf = (people: number) => `${people.toLocaleString('en')} people`;

async function freshPlace(kind: StoreKind): Promise<{ place: Place; clear(): Promise<void> }> {
  const name = `shopper_bench_${randomBytes(5).toString('hex')}`;
  switch (kind) {
    case 'sqlite': {
      const dir = await mkdtemp(join(tmpdir(), 'shopper-bench-'));
      return { place: { kind, at: dir, prefix: '' }, clear: () => rm(dir, { recursive: true, force: true }) };
    }
    case 'postgres': {
      await administer(`CREATE DATABASE ${name}`);
      const url = new URL(POSTGRES);
      url.pathname = `/${name}`;
      const clear = () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      return { place: { kind, at: url.href, prefix: '' }, clear };
    }
    case 'redis': {
      const place = { kind, at: REDIS, prefix: name };
      return { place, clear: () => clearRedis(place) };
    }
  }
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: POSTGRES, connectionTimeoutMillis: 3_000 });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function isThere(kind: StoreKind): Promise<boolean> {
  try {
    if (kind === 'postgres') await administer('SELECT 1');
    if (kind === 'redis') {
      const client = new Redis(REDIS, { lazyConnect: true, retryStrategy: () => null });
      client.on('error', () => {});
      await client.connect();
      client.disconnect();
    }
    return true;
  } catch {
    return false;
  }
}
