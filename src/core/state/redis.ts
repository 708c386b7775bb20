import KeyvRedis, { createClient } from '@keyv/redis';
import { SetupError } from '../errors.ts';
import { greeted } from './redis-greeting.ts';
import type { State } from './state.ts';
import { sweepInBatches } from './sweep.ts';
import { createTables, type Row, type Rows } from './table.ts';

/** Braces make all keys one slot of a cluster: the scripts below touch several keys at once. */
const PREFIX = '{shopper}';
const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 15_000;
const MAX_RECONNECT_MS = 2_000;
/** Commands that wait for a connection; more than that are refused at once. */
const MAX_QUEUED = 20_000;

/**
 * A row is a string key of its own, which Redis expires. Beside them stand all row keys in byte order (`index`)
 * and those that will expire by when (`ends`); a script changes the three together. KEYS: row, index, ends.
 * ARGV: the key as the index has it, the value, the milliseconds it lives ("" for ever; 0 or less: not at all).
 */
const WRITE = `
local function write()
  local ttl = tonumber(ARGV[3])
  if ttl and ttl < 1 then
    redis.call('DEL', KEYS[1]) redis.call('ZREM', KEYS[2], ARGV[1]) redis.call('ZREM', KEYS[3], ARGV[1])
    return
  end
  redis.call('ZADD', KEYS[2], 0, ARGV[1])
  if ttl then
    local time = redis.call('TIME')
    redis.call('SET', KEYS[1], ARGV[2], 'PX', math.ceil(ttl))
    redis.call('ZADD', KEYS[3], time[1] * 1000 + math.ceil(time[2] / 1000) + math.ceil(ttl), ARGV[1])
  else
    redis.call('SET', KEYS[1], ARGV[2]) redis.call('ZREM', KEYS[3], ARGV[1])
  end
end
`;
const SET = `${WRITE} write() return 1`;
const INSERT = `${WRITE} if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end write() return 1`;
/** ARGV[4]: the expected row without its end, which Keyv writes last. */
const REPLACE = `${WRITE}
local row = redis.call('GET', KEYS[1])
if not row or string.gsub(row, ',"expires":[-+.e0-9]+}$', '}') ~= ARGV[4] then return 0 end
write() return 1`;
const DELETE = `
local deleted = redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1]) redis.call('ZREM', KEYS[3], ARGV[1])
return deleted`;
/** KEYS: index, ends. ARGV: the prefix of rows, how many to look at. Returns how many it looked at. */
const SWEEP = `
local time = redis.call('TIME')
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time[1] * 1000 + math.floor(time[2] / 1000), 'LIMIT', 0, ARGV[2])
for _, key in ipairs(due) do
  redis.call('ZREM', KEYS[2], key)
  if redis.call('EXISTS', ARGV[1] .. key) == 0 then redis.call('ZREM', KEYS[1], key) end
end
return #due`;

type Client = ReturnType<typeof connectable>;

/**
 * State in one Redis (6.2 or later). What is acknowledged survives this process at once, and Redis itself as far
 * as it persists: run it with appendonly yes and maxmemory-policy noeviction.
 */
export async function openRedisState(
  url: string,
  options: { prefix?: string; greetingMs?: number } = {},
): Promise<State> {
  const prefix = options.prefix ?? PREFIX;
  const client = connectable(url);
  // A lost connection is made again; without a listener it would end the process.
  let opened = false;
  client.on('error', () => {});
  try {
    await greeted(client.connect(), options.greetingMs);
    opened = true;
  } catch (cause) {
    throw new SetupError(unreachable(url, cause), { cause });
  } finally {
    if (!opened && client.isOpen) client.destroy();
  }

  const names: Names = { row: key => `${prefix}:${key}`, index: `${prefix}#index`, ends: `${prefix}#ends` };
  const store = new IndexedRedis(client, names);
  store.on('error', () => {});
  const rows = rowsOf(store, client, names);
  let closed = false;
  return {
    multiProcess: true,
    table: createTables(rows),
    ticket: () => client.incr(`${prefix}#ticket`),
    sweep: signal =>
      sweepInBatches(async limit => {
        const args = { keys: [names.index, names.ends], arguments: [names.row(''), String(limit)] };
        return Number(await client.eval(SWEEP, args));
      }, signal),
    async scrub() {},
    async close() {
      if (closed) return;
      closed = true;
      if (client.isReady) await client.close();
      else client.destroy();
    },
  };
}

interface Names {
  row(key: string): string;
  index: string;
  ends: string;
}

function connectable(url: string) {
  let connected = false;
  const client = createClient({
    url,
    commandsQueueMaxLength: MAX_QUEUED,
    commandOptions: { timeout: COMMAND_TIMEOUT_MS },
    pingInterval: 30_000,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      // The first connection is tried once, so that a wrong address is said at once.
      reconnectStrategy: (retries, cause) =>
        connected ? Math.min(MAX_RECONNECT_MS, 50 * 2 ** retries) : cause,
    },
  });
  client.on('ready', () => {
    connected = true;
  });
  return client;
}

/** Keyv's adapter, writing a row and its places in the indexes together. */
class IndexedRedis extends KeyvRedis<string> {
  readonly #client: Client;
  readonly #names: Names;

  constructor(client: Client, names: Names) {
    super(client, { throwOnErrors: true });
    this.#client = client;
    this.#names = names;
  }

  /** Keys come with the name of their table; the namespace is only that of the table made last. */
  override createKeyPrefix(key: string): string {
    return this.#names.row(key);
  }

  override async set(key: string, value: string, ttl?: number): Promise<void> {
    await run(this.#client, this.#names, SET, key, [value, ttl === undefined ? '' : String(ttl)]);
  }

  override async delete(key: string): Promise<boolean> {
    return (await run(this.#client, this.#names, DELETE, key, [])) === 1;
  }
}

async function run(
  client: Client,
  names: Names,
  script: string,
  key: string,
  rest: string[],
): Promise<number> {
  const keys = [names.row(key), names.index, names.ends];
  return Number(await client.eval(script, { keys, arguments: [key, ...rest] }));
}

function rowsOf(store: IndexedRedis, client: Client, names: Names): Rows {
  const life = (ttlMs: number | undefined) => (ttlMs === undefined ? '' : String(ttlMs));
  return {
    store,
    insert: async (key, row, ttlMs) => (await run(client, names, INSERT, key, [row, life(ttlMs)])) === 1,
    async replace(key, expected, row, ttlMs) {
      return (await run(client, names, REPLACE, key, [row, life(ttlMs), expected])) === 1;
    },
    async page(start, end, limit): Promise<Row[]> {
      const keys = await client.zRangeByLex(
        names.index,
        `${start.inclusive ? '[' : '('}${start.key}`,
        `(${end}`,
        {
          LIMIT: { offset: 0, count: limit },
        },
      );
      if (keys.length === 0) return [];
      const values = await client.mGet(keys.map(names.row));
      return keys.map((key, n) => ({ key, value: values[n] ?? null }));
    },
    count: (from, end) => client.zLexCount(names.index, `[${from}`, `(${end}`),
  };
}

/** Never the URL itself: it may carry a password. */
function unreachable(url: string, cause: unknown): string {
  const said = cause instanceof Error && cause.message !== '' ? cause.message : 'no connection';
  return `Cannot use the Redis at ${new URL(url).host}: ${said}. Check the URL, and that the server is running.`;
}
