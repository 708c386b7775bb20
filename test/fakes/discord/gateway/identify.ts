// What a session asks for when it identifies, or the code its connection is closed with: 4004 for a wrong token,
// 4013 for unknown intents, 4014 for privileged ones that are not switched on, 4010 for an impossible shard,
// 4011 for too many servers on one (Discord's topics/opcodes-and-status-codes). And the members a session asks for.

import { GatewayCloseCodes, GatewayIntentBits as Intents } from 'discord-api-types/v10';
import type { Json } from '../form.ts';
import type { GatewayEvent } from '../kernel.ts';
import { memberPayload, userById } from '../payloads.ts';
import { shardOf } from '../snowflakes.ts';
import type { State } from '../state.ts';

export interface IdentifyRequest {
  shard: number;
  shardCount: number;
  intents: number;
  /** The servers of this shard, all of which become available one by one. */
  guildIds: string[];
}

const PRIVILEGED = [
  ['messageContent', Intents.MessageContent],
  ['guildMembers', Intents.GuildMembers],
  ['presences', Intents.GuildPresences],
] as const;

const KNOWN_INTENTS = Object.values(Intents).reduce<number>(
  (all, bit) => (typeof bit === 'number' ? all | bit : all),
  0,
);

export function readIdentify(
  state: State,
  data: Json,
  guildsPerShard: number,
): IdentifyRequest | GatewayCloseCodes {
  if (data.token !== state.app.token) return GatewayCloseCodes.AuthenticationFailed;
  const intents = typeof data.intents === 'number' ? data.intents : Number.NaN;
  if (!Number.isInteger(intents) || (intents & ~KNOWN_INTENTS) !== 0) return GatewayCloseCodes.InvalidIntents;
  if (PRIVILEGED.some(([name, bit]) => intents & bit && !state.app.privileged[name])) {
    return GatewayCloseCodes.DisallowedIntents;
  }
  const place = readShard(data.shard);
  if (!place) return GatewayCloseCodes.InvalidShard;
  const [shard, shardCount] = place;
  const guildIds = [...state.guilds.values()]
    .filter(guild => guild.members.has(state.app.botId) && shardOf(guild.id, shardCount) === shard)
    .map(guild => guild.id);
  if (guildIds.length > guildsPerShard) return GatewayCloseCodes.ShardingRequired;
  return { shard, shardCount, intents, guildIds };
}

function readShard(value: unknown): [number, number] | undefined {
  if (value === undefined) return [0, 1];
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [id, count] = value;
  if (!Number.isInteger(id) || !Number.isInteger(count)) return undefined;
  return id >= 0 && count >= 1 && id < count ? [id, count] : undefined;
}

/** The answer to Request Guild Members; undefined for a server that does not exist. */
export function membersChunk(state: State, request: Json): GatewayEvent | undefined {
  const guild = state.guilds.get(String(request.guild_id));
  if (!guild) return undefined;
  const ids = Array.isArray(request.user_ids) ? request.user_ids.map(String) : [...guild.members.keys()];
  const members = ids.map(id => guild.members.get(id)).filter(member => member !== undefined);
  const payload: Json = {
    guild_id: guild.id,
    members: members.map(member => ({ ...memberPayload(member), user: userById(state, member.userId) })),
    chunk_index: 0,
    chunk_count: 1,
    not_found: ids.filter(id => !guild.members.has(id)),
    ...(typeof request.nonce === 'string' ? { nonce: request.nonce } : {}),
  };
  return { name: 'GUILD_MEMBERS_CHUNK', intents: 0, guildId: guild.id, render: () => payload };
}
