import { Redis } from 'ioredis';
import { type Check, type Finding, fine, problem, warning } from './findings.ts';
import type { Network } from './network.ts';

/** Which of the two uses of Redis the findings are about. */
export interface RedisUse {
  group: 'state' | 'queue';
  /** The setting that names it. */
  variable: 'DATABASE_URL' | 'REDIS_URL';
  /** "The state", at the start of a sentence. */
  what: string;
  /** The oldest version that works. */
  oldest: readonly [major: number, minor: number];
}

/** Connects, and closes again after `work`. Rejects with why there is no connection. */
export async function withRedis<T>(
  url: string,
  network: Network,
  work: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: network.timeoutMs,
    commandTimeout: network.timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let said: unknown;
  redis.on('error', (error: unknown) => {
    said = error;
  });
  try {
    await network.within(redis.connect()).catch((error: unknown) => {
      throw said ?? error;
    });
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** What Redis says of itself, where the bot's data would be lost or refused. Works without the right to CONFIG. */
export async function checkRedis(redis: Redis, host: string, use: RedisUse): Promise<Check[]> {
  const info = factsOf(await redis.info());
  const say = (level: 'problem' | 'warning', end: string, text: string, mend: string) => {
    const code = `${use.group}.${end}` as Finding;
    return level === 'problem' ? problem(code, text, mend) : warning(code, text, mend);
  };
  const checks: Check[] = [];
  const version = info.get('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = use.oldest;
  if (version !== '' && (major < leastMajor || (major === leastMajor && minor < leastMinor))) {
    const least = `${leastMajor}.${leastMinor}`;
    checks.push(
      say('problem', 'too_old', `${use.what} is in Redis ${version}`, `It needs Redis ${least} or later.`),
    );
  }
  if (info.get('role') === 'slave') {
    checks.push(
      say(
        'problem',
        'read_only',
        `${use.variable} names a replica, which takes no writes`,
        'Name the primary.',
      ),
    );
  }
  if (info.get('aof_enabled') === '0') {
    checks.push(
      say(
        'warning',
        'not_persistent',
        `${use.what} is in a Redis that does not log its writes: messages that were accepted are lost when it restarts`,
        'In redis.conf: appendonly yes (or: redis-cli CONFIG SET appendonly yes, then CONFIG REWRITE).',
      ),
    );
  } else if (info.get('aof_last_write_status') === 'err') {
    checks.push(
      say(
        'problem',
        'not_persistent',
        'Redis cannot write its log',
        'Look for a full disk where Redis keeps its data.',
      ),
    );
  }
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    checks.push(
      say(
        Number(info.get('maxmemory') ?? 0) > 0 ? 'problem' : 'warning',
        'evicts',
        `Redis evicts keys when its memory is full (maxmemory-policy ${policy})`,
        'In redis.conf: maxmemory-policy noeviction. For a cache, use another Redis.',
      ),
    );
  }
  if (checks.some(({ level }) => level === 'problem')) return checks;
  return [fine(`${use.what} is in Redis ${version} at ${host}`), ...checks];
}

/** INFO's lines, "name:value". */
function factsOf(info: string): Map<string, string> {
  return new Map(
    info.split('\r\n').flatMap(line => {
      const at = line.indexOf(':');
      return line.startsWith('#') || at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}
