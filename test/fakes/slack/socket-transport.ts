// Delivery over Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode; SocketModeClient.js in
// @slack/socket-mode). Every payload goes to any one of up to ten connections and must be acknowledged with its
// envelope_id; what is not comes again, on another connection where there is one, with retry_attempt and the
// reason "timeout". Connections are recycled: a warning, then a disconnect about ten seconds later.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Envelope, Result, Transport } from './deliveries.ts';
import type { Limits } from './limits.ts';
import type { Json } from './world.ts';

export interface SocketTransport extends Transport {
  readonly connections: number;
  /** A one-time address for one connection, as apps.connections.open gives it. */
  ticket(): string;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Recycles every connection: a warning now, the disconnect when its time has passed. */
  refresh(): void;
  /** Cuts every connection without a word, as a network failure does. */
  cut(): void;
  /** Turns Socket Mode off in the app's settings: link_disabled, and no reconnecting. */
  disable(): void;
}

interface Connection {
  readonly socket: WebSocket;
  leaving: boolean;
}

interface Pending {
  readonly connection: Connection;
  readonly end: (result: Result) => void;
}

const PING_MS = 10_000;

export function createSocketTransport(
  appId: string,
  clock: Clock,
  limits: Limits,
  changes: Changes,
): SocketTransport {
  const server = new WebSocketServer({ noServer: true });
  const tickets = new Set<string>();
  const connections = new Set<Connection>();
  const pending = new Map<string, Pending>();
  const lastUsed = new WeakMap<Envelope, Connection>();
  let turn = 0;
  let disabled = false;

  const ping = setInterval(() => {
    for (const { socket } of connections) socket.ping();
  }, PING_MS);
  ping.unref();

  function write(connection: Connection, message: Json): void {
    connection.socket.send(JSON.stringify(message));
  }

  function goodbye(connection: Connection, reason: string): void {
    connection.leaving = true;
    write(connection, { type: 'disconnect', reason, debug_info: { host: 'applink-0' } });
  }

  function accept(socket: WebSocket): void {
    const connection: Connection = { socket, leaving: false };
    socket.on('error', () => socket.terminate());
    socket.on('message', data => acknowledged(data));
    socket.on('close', () => {
      connections.delete(connection);
      for (const waiting of [...pending.values()]) {
        if (waiting.connection === connection) waiting.end({ ok: false, reason: 'timeout' });
      }
      changes.notify();
    });
    if (disabled || connections.size >= limits.socketConnections) {
      goodbye(connection, disabled ? 'link_disabled' : 'too_many_websockets');
      socket.close();
      return;
    }
    connections.add(connection);
    write(connection, {
      type: 'hello',
      num_connections: connections.size,
      connection_info: { app_id: appId },
      debug_info: { host: 'applink-0', build_number: 1, approximate_connection_time: 18_060 },
    });
    changes.notify();
  }

  function acknowledged(data: RawData): void {
    let message: unknown;
    try {
      message = JSON.parse(String(data));
    } catch {
      return;
    }
    if (typeof message !== 'object' || message === null || !('envelope_id' in message)) return;
    const body = 'payload' in message && !isEmpty(message.payload) ? message.payload : undefined;
    pending.get(String(message.envelope_id))?.end({ ok: true, body });
  }

  /** Any connection will do, but not the one that just failed to acknowledge. */
  function choose(envelope: Envelope): Connection | undefined {
    const open = [...connections].filter(
      ({ leaving, socket }) => !leaving && socket.readyState === socket.OPEN,
    );
    const last = lastUsed.get(envelope);
    const others = open.filter(connection => connection !== last);
    const pool = others.length > 0 ? others : open;
    turn += 1;
    return pool[turn % Math.max(1, pool.length)];
  }

  const transport: SocketTransport = {
    name: 'socket',
    get connections() {
      return connections.size;
    },
    send(envelope, retry) {
      const connection = choose(envelope);
      if (connection === undefined)
        return Promise.resolve<Result>({ ok: false, reason: 'connection_failed' });
      lastUsed.set(envelope, connection);
      return new Promise(resolve => {
        const id = randomUUID();
        const end = (result: Result) => {
          cancel();
          pending.delete(id);
          resolve(result);
        };
        const cancel = clock.after(limits.ackMs, () => end({ ok: false, reason: 'timeout' }));
        pending.set(id, { connection, end });
        write(connection, {
          envelope_id: id,
          type: envelope.kind,
          payload: envelope.body,
          accepts_response_payload: envelope.kind !== 'events_api',
          ...(envelope.kind === 'events_api'
            ? { retry_attempt: retry?.num ?? 0, retry_reason: retry?.reason ?? '' }
            : {}),
        });
      });
    },
    ticket() {
      const ticket = randomUUID();
      tickets.add(ticket);
      return ticket;
    },
    upgrade(request, socket, head) {
      const ticket = new URL(request.url ?? '/', 'http://localhost').searchParams.get('ticket');
      if (ticket === null || !tickets.delete(ticket)) {
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
        return;
      }
      server.handleUpgrade(request, socket, head, accept);
    },
    refresh() {
      for (const connection of connections) {
        goodbye(connection, 'warning');
        clock.after(limits.socketWarningMs, () => {
          if (!connections.has(connection)) return;
          goodbye(connection, 'refresh_requested');
          connection.socket.close();
        });
      }
    },
    cut() {
      for (const { socket } of connections) socket.terminate();
    },
    disable() {
      disabled = true;
      for (const connection of connections) {
        goodbye(connection, 'link_disabled');
        connection.socket.close();
      }
    },
    stop() {
      clearInterval(ping);
      for (const { socket } of connections) socket.terminate();
      for (const waiting of [...pending.values()]) waiting.end({ ok: false, reason: 'connection_failed' });
      server.close();
    },
  };
  return transport;
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
  );
}
