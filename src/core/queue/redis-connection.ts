import { Redis } from 'ioredis';
import { SetupError } from '../errors.ts';
import { greeted } from '../state/redis-greeting.ts';

const MAX_RECONNECT_MS = 2_000;

/** Before all keys and channels of a bot, so that several may share a Redis; braces keep them in one slot of a cluster. */
export function redisPrefix(bot: string): string {
  return `{shopper:${encodeURIComponent(bot)}}`;
}

/** A connection to REDIS_URL that is made again when it is lost. Rejects with a SetupError when there is none to begin with. */
export async function connectRedis(url: string, greetingMs?: number): Promise<Redis> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: times => Math.min(MAX_RECONNECT_MS, 50 * 2 ** times),
  });
  let said: unknown;
  // Without a listener a lost connection would be written to the console.
  client.on('error', (error: unknown) => {
    said = error;
  });
  try {
    await greeted(client.connect(), greetingMs);
    return client;
  } catch (error) {
    client.disconnect();
    const cause = said ?? error;
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'no connection';
    throw new SetupError(
      `Cannot use the Redis at ${new URL(url).host}: ${reason}. Check REDIS_URL, and that the server is running.`,
      { cause },
    );
  }
}
