// One gateway session: which events it gets and how it sees them, the log that RESUME replays, and the socket
// it happens to be on. A session outlives its connection (docs, events/gateway, "Resuming").

import { GatewayOpcodes, GatewayIntentBits as Intents } from 'discord-api-types/v10';
import type { WebSocket } from 'ws';
import type { Json } from '../form.ts';
import type { GatewayEvent } from '../kernel.ts';
import { shardOf } from '../snowflakes.ts';

export interface LoggedEvent {
  seq: number;
  name: string;
  data: Json;
  frame: string;
}

/** Discord keeps a limited past; older events cannot be replayed. */
const LOG_LIMIT = 10_000;

export class Session {
  readonly id: string;
  readonly shard: number;
  readonly shardCount: number;
  readonly intents: number;
  seq = 0;
  log: LoggedEvent[] = [];
  socket: WebSocket | null = null;
  /** When the connection was lost, in the fake's time; null while connected. */
  lostAt: number | null = null;
  /** Frames wait while a test holds the session back. */
  paused = false;
  #held: string[] = [];

  constructor(id: string, shard: number, shardCount: number, intents: number) {
    this.id = id;
    this.shard = shard;
    this.shardCount = shardCount;
    this.intents = intents;
  }

  wants(event: GatewayEvent): boolean {
    const shard = event.guildId === null ? 0 : shardOf(event.guildId, this.shardCount);
    return shard === this.shard && (event.intents === 0 || (event.intents & this.intents) !== 0);
  }

  /** Logs an event and sends it when there is a connection; undefined when the session may not see it. */
  dispatch(event: GatewayEvent): LoggedEvent | undefined {
    const payload = event.render({
      messageContent: (this.intents & Intents.MessageContent) !== 0,
      guildMembers: (this.intents & Intents.GuildMembers) !== 0,
    });
    if (payload === null) return undefined;
    this.seq += 1;
    const frame = JSON.stringify({ op: GatewayOpcodes.Dispatch, t: event.name, s: this.seq, d: payload });
    const logged = { seq: this.seq, name: event.name, data: payload, frame };
    this.log.push(logged);
    if (this.log.length > LOG_LIMIT) this.log.shift();
    if (this.paused) this.#held.push(frame);
    else this.socket?.send(frame);
    return logged;
  }

  /** The events after `seq`, or undefined when they are no longer kept. */
  after(seq: number): LoggedEvent[] | undefined {
    const oldest = this.log[0]?.seq ?? this.seq + 1;
    if (seq + 1 < oldest) return undefined;
    return this.log.filter(event => event.seq > seq);
  }

  unpause(): void {
    this.paused = false;
    for (const frame of this.#held) this.socket?.send(frame);
    this.#held = [];
  }

  /** What was held back for a lost connection is in the log, and comes with RESUME. */
  detach(at: number): void {
    this.socket = null;
    this.lostAt = at;
    this.#held = [];
  }
}
