// The gateway: sessions and their limits, resuming with replay or refusal, and the handles by which a test breaks
// it. Rules from Discord's events/gateway: INVALID_SESSION when a max_concurrency bucket identifies twice in
// five seconds, 1,000 identifies a day (after which the token is reset), closing with 1000 or 1001 ends the
// session, a lost one waits some minutes for RESUME.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatewayCloseCodes, GatewayOpcodes } from 'discord-api-types/v10';
import { WebSocketServer } from 'ws';
import { guildCreated } from '../events.ts';
import { isJson, type Json } from '../form.ts';
import type { GatewayEvent, Kernel } from '../kernel.ts';
import { userPayload } from '../payloads.ts';
import { applicationFlags } from '../routes/applications.ts';
import { userOf } from '../state.ts';
import { Connection } from './connection.ts';
import { type IdentifyRequest, membersChunk, readIdentify } from './identify.ts';
import { type LoggedEvent, Session } from './session.ts';

export interface GatewayOptions {
  heartbeatIntervalMs: number;
  /** Recommended number of shards. */
  shards: number;
  maxConcurrency: number;
  identifiesPerDay: number;
  /** Milliseconds in which one bucket of max_concurrency identifies once; Discord has 5,000. */
  identifyWindowMs: number;
  /** How long a session waits for RESUME, in the fake's milliseconds. */
  sessionTtlMs: number;
  guildsPerShard: number;
}

export interface Gateway {
  readonly url: string;
  describe(): Json;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  dispatch(event: GatewayEvent): void;
  /** Sessions that can still get events, connected or not. */
  readonly sessions: readonly Session[];
  connected(shard?: number): boolean;
  /** Cuts connections without a word, or closes them with a code. */
  drop(options?: { shard?: number; code?: number }): void;
  /** Asks clients to reconnect and resume (opcode 7). */
  reconnect(shard?: number): void;
  /** Tells clients that their session is invalid (opcode 9). */
  invalidate(options?: { shard?: number; resumable?: boolean }): void;
  /** Refuses the next `times` resumes with INVALID_SESSION(false). */
  refuseResumes(times: number): void;
  /** While false, heartbeats get no acknowledgement. */
  acknowledge(on: boolean): void;
  /** While true, new connections are refused with 503 and present ones are cut. */
  down(isDown: boolean): void;
  /** Holds dispatches back on the wire, or lets them go. */
  pause(isPaused: boolean): void;
  /** Every dispatch is delivered this many times. */
  duplicate(times: number): void;
  /** Leaves fields out of what is delivered from now on, as other servers with Discord's API may. */
  leaveOut(event: string, fields: readonly string[]): void;
  stop(): Promise<void>;
}

export function createGateway(kernel: Kernel, options: GatewayOptions, origin: string): Gateway {
  const { state, clock, journal } = kernel;
  const server = new WebSocketServer({ noServer: true });
  const connections = new Set<Connection>();
  let sessions: Session[] = [];
  let identified = { day: 0, count: 0 };
  const lastIdentify = new Map<number, number>();
  let refusals = 0;
  let acknowledging = true;
  let isDown = false;
  let isPaused = false;
  let copies = 1;
  const leftOut = new Map<string, readonly string[]>();

  function log(
    connection: Connection,
    entry: {
      direction: 'in' | 'out' | 'open' | 'close';
      op?: number | null;
      event?: string;
      seq?: number;
      data?: unknown;
      closeCode?: number;
    },
  ): void {
    journal.addGateway({
      direction: entry.direction,
      shard: connection.session?.shard ?? null,
      session: connection.session?.id ?? null,
      op: entry.op ?? null,
      event: entry.event ?? null,
      seq: entry.seq ?? null,
      data: entry.data ?? null,
      closeCode: entry.closeCode ?? null,
    });
  }

  function liveSessions(): Session[] {
    const now = clock.now();
    sessions = sessions.filter(
      session => session.lostAt === null || now - session.lostAt < options.sessionTtlMs,
    );
    return sessions;
  }

  function chosen(shard?: number): Connection[] {
    return [...connections].filter(connection => shard === undefined || connection.session?.shard === shard);
  }

  function remainingIdentifies(): number {
    const day = Math.floor(clock.now() / 86_400_000);
    if (identified.day !== day) identified = { day, count: 0 };
    return options.identifiesPerDay - identified.count;
  }

  function identify(connection: Connection, data: Json): void {
    const request = readIdentify(state, data, options.guildsPerShard);
    if (typeof request === 'number') {
      connection.close(request);
      return;
    }
    if (remainingIdentifies() <= 0) {
      resetToken();
      return;
    }
    const key = request.shard % options.maxConcurrency;
    const now = clock.now();
    const last = lastIdentify.get(key);
    if (last !== undefined && now - last < options.identifyWindowMs) {
      connection.send(GatewayOpcodes.InvalidSession, false);
      return;
    }
    lastIdentify.set(key, now);
    identified.count += 1;
    start(connection, request);
  }

  function start(connection: Connection, { shard, shardCount, intents, guildIds }: IdentifyRequest): void {
    const session = new Session(randomBytes(16).toString('hex'), shard, shardCount, intents);
    sessions.push(session);
    attach(connection, session);
    const ready: Json = {
      v: 10,
      user: userPayload(userOf(state, state.app.botId)),
      guilds: guildIds.map(id => ({ id, unavailable: true })),
      session_id: session.id,
      resume_gateway_url: `${origin}/resume`,
      shard: [shard, shardCount],
      application: { id: state.app.id, flags: applicationFlags(state.app) },
      private_channels: [],
      session_type: 'normal',
    };
    deliver(session, { name: 'READY', intents: 0, guildId: null, render: () => ready });
    for (const guildId of guildIds) {
      const guild = state.guilds.get(guildId);
      if (guild && !guild.unavailable) deliver(session, guildCreated(state, guild));
    }
  }

  /** All sessions end and the token no longer works: Discord's answer to too many identifies. */
  function resetToken(): void {
    state.app.token = `reset.${randomBytes(18).toString('base64url')}`;
    sessions = [];
    for (const connection of connections) connection.close(GatewayCloseCodes.AuthenticationFailed);
  }

  function resume(connection: Connection, data: Json): void {
    if (data.token !== state.app.token) {
      connection.close(GatewayCloseCodes.AuthenticationFailed);
      return;
    }
    const session = liveSessions().find(candidate => candidate.id === data.session_id);
    const seq = typeof data.seq === 'number' ? data.seq : Number.NaN;
    if (refusals > 0 || !session) {
      if (refusals > 0) refusals -= 1;
      if (session) sessions = sessions.filter(other => other !== session);
      connection.send(GatewayOpcodes.InvalidSession, false);
      return;
    }
    if (!(seq <= session.seq)) {
      connection.close(GatewayCloseCodes.InvalidSeq);
      return;
    }
    const missed = session.after(seq);
    if (!missed) {
      connection.send(GatewayOpcodes.InvalidSession, false);
      return;
    }
    const previous = [...connections].find(other => other.session === session);
    if (previous) {
      previous.session = null;
      previous.close(GatewayCloseCodes.SessionTimedOut);
    }
    attach(connection, session);
    for (const event of missed) {
      session.socket?.send(event.frame);
      recordDispatch(session, event);
    }
    const resumed: GatewayEvent = {
      name: 'RESUMED',
      intents: 0,
      guildId: null,
      render: () => ({ _trace: [] }),
    };
    deliver(session, resumed);
  }

  function attach(connection: Connection, session: Session): void {
    connection.session = session;
    session.socket = connection.socket;
    session.lostAt = null;
    session.paused = isPaused;
  }

  function deliver(session: Session, event: GatewayEvent): void {
    const isOwn = event.name === 'READY' || event.name === 'RESUMED';
    if (!isOwn && !session.wants(event)) return;
    const logged = session.dispatch(lessened(event));
    if (logged) recordDispatch(session, logged);
  }

  function lessened(event: GatewayEvent): GatewayEvent {
    const fields = leftOut.get(event.name);
    if (fields === undefined) return event;
    return {
      ...event,
      render(view) {
        const payload = event.render(view);
        if (payload === null) return null;
        return Object.fromEntries(Object.entries(payload).filter(([field]) => !fields.includes(field)));
      },
    };
  }

  function recordDispatch(session: Session, { name, seq, data }: LoggedEvent): void {
    journal.addGateway({
      direction: 'out',
      shard: session.shard,
      session: session.id,
      op: GatewayOpcodes.Dispatch,
      event: name,
      seq,
      data,
      closeCode: null,
    });
  }

  function command(connection: Connection, op: number, data: unknown): void {
    if (op !== GatewayOpcodes.RequestGuildMembers || !connection.session || !isJson(data)) return;
    const chunk = membersChunk(state, data);
    if (chunk) deliver(connection.session, chunk);
  }

  function closed(connection: Connection, code: number): void {
    connections.delete(connection);
    const { session } = connection;
    if (session?.socket === connection.socket) {
      session.detach(clock.now());
      if (code === 1000 || code === 1001) sessions = sessions.filter(other => other !== session);
    }
    log(connection, { direction: 'close', closeCode: code });
  }

  function refuseUpgrade(socket: Duplex, status: string): void {
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  }

  return {
    url: origin,
    get sessions() {
      return liveSessions();
    },
    describe: () => ({
      url: origin,
      shards: options.shards,
      session_start_limit: {
        total: options.identifiesPerDay,
        remaining: Math.max(0, remainingIdentifies()),
        reset_after: 86_400_000 - (clock.now() % 86_400_000),
        max_concurrency: options.maxConcurrency,
      },
    }),
    upgrade(request, socket, head) {
      if (isDown) {
        refuseUpgrade(socket, '503 Service Unavailable');
        return;
      }
      server.handleUpgrade(request, socket, head, webSocket => {
        const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
        if (query.get('v') !== '10') {
          webSocket.close(GatewayCloseCodes.InvalidAPIVersion);
          return;
        }
        // Only what discord.js asks for: JSON without transport compression.
        if (query.get('encoding') !== 'json' || query.has('compress')) {
          webSocket.close(GatewayCloseCodes.DecodeError);
          return;
        }
        const connection = new Connection(webSocket, {
          heartbeatIntervalMs: options.heartbeatIntervalMs,
          acks: () => acknowledging,
          identify,
          resume,
          command,
          closed,
          record: (entry, from) => log(from, { ...entry, data: withoutToken(entry.data) }),
        });
        connections.add(connection);
        log(connection, { direction: 'open', data: { path: request.url ?? '/' } });
      });
    },
    dispatch(event) {
      const times = event.times ?? copies;
      for (const session of liveSessions()) {
        for (let count = 0; count < times; count += 1) deliver(session, event);
      }
    },
    connected(shard) {
      return sessions.some(
        session => session.socket !== null && (shard === undefined || session.shard === shard),
      );
    },
    drop({ shard, code } = {}) {
      for (const connection of chosen(shard)) {
        if (code === undefined) connection.cut();
        else connection.close(code);
      }
    },
    reconnect(shard) {
      for (const connection of chosen(shard)) connection.send(GatewayOpcodes.Reconnect);
    },
    invalidate({ shard, resumable = false } = {}) {
      for (const connection of chosen(shard)) {
        if (!resumable) sessions = sessions.filter(session => session !== connection.session);
        connection.send(GatewayOpcodes.InvalidSession, resumable);
      }
    },
    refuseResumes(times) {
      refusals = times;
    },
    acknowledge(on) {
      acknowledging = on;
    },
    leaveOut(event, fields) {
      leftOut.set(event, fields);
    },
    down(value) {
      isDown = value;
      if (value) for (const connection of connections) connection.cut();
    },
    pause(value) {
      isPaused = value;
      for (const session of sessions) {
        if (value) session.paused = true;
        else session.unpause();
      }
    },
    duplicate(times) {
      copies = times;
    },
    async stop() {
      for (const connection of connections) connection.cut();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

function withoutToken(data: unknown): unknown {
  return isJson(data) && 'token' in data ? { ...data, token: '[token]' } : data;
}
