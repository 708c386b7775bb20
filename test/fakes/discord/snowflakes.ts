// Ids as in Discord's reference on snowflakes: the milliseconds since 2015-01-01 in the upper 42 bits, the
// rest a counter. They come out as 18 or 19 digits, which matters: @discordjs/rest finds the ids of a route
// with \d{17,19} and would put shorter ones into one shared rate-limit bucket.

import type { Clock } from './clock.ts';

const DISCORD_EPOCH = 1_420_070_400_000;
const COUNTED_FROM = 100_000_000_000_000_000n;

export interface Snowflakes {
  /** A new id, greater than every id given out before. */
  next(): string;
  /** A new id that the sharding formula `(id >> 22) % count` sends to `shard`. */
  onShard(shard: number, count: number): string;
}

/** `counted`: ids that tell no time, as other servers with Discord's API may have them. */
export function createSnowflakes(clock: Clock, counted = false): Snowflakes {
  let last = 0n;

  function next(): string {
    const earliest = counted ? COUNTED_FROM : BigInt(clock.now() - DISCORD_EPOCH) << 22n;
    last = earliest > last ? earliest : last + 1n;
    return String(last);
  }

  return {
    next,
    onShard(shard, count) {
      for (;;) {
        const id = next();
        if (shardOf(id, count) === shard) return id;
        last = ((last >> 22n) + 1n) << 22n;
      }
    },
  };
}

/** Discord's sharding formula (docs, events/gateway, "Sharding"). */
export function shardOf(guildId: string, count: number): number {
  return Number((BigInt(guildId) >> 22n) % BigInt(count));
}

export function compareIds(a: string, b: string): number {
  const left = BigInt(a);
  const right = BigInt(b);
  return left < right ? -1 : left > right ? 1 : 0;
}
