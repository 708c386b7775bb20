// One websocket to the gateway, from HELLO to its end. Close codes and order of play from Discord's
// topics/opcodes-and-status-codes and events/gateway: heartbeats before anything else, one IDENTIFY, 120
// payloads a minute, 4,096 bytes a payload. A client that misses its heartbeats is closed with 4009 and may
// still resume, since the gateway page says a missed heartbeat leads to a resume.

import { GatewayCloseCodes, GatewayOpcodes } from 'discord-api-types/v10';
import type { WebSocket } from 'ws';
import { isJson, type Json } from '../form.ts';
import type { Session } from './session.ts';

export interface ConnectionRules {
  heartbeatIntervalMs: number;
  /** Whether heartbeats are acknowledged just now. */
  acks(): boolean;
  identify(connection: Connection, data: Json): void;
  resume(connection: Connection, data: Json): void;
  /** Presence, voice and member requests, once identified. */
  command(connection: Connection, op: number, data: unknown): void;
  record(entry: { direction: 'in' | 'out'; op: number | null; data: unknown }, connection: Connection): void;
  closed(connection: Connection, code: number): void;
}

const COMMANDS: readonly number[] = [
  GatewayOpcodes.PresenceUpdate,
  GatewayOpcodes.VoiceStateUpdate,
  GatewayOpcodes.RequestGuildMembers,
  GatewayOpcodes.RequestSoundboardSounds,
];

export class Connection {
  session: Session | null = null;
  readonly socket: WebSocket;
  readonly #rules: ConnectionRules;
  #watchdog: NodeJS.Timeout | null = null;
  #sent = { count: 0, since: Date.now() };

  constructor(socket: WebSocket, rules: ConnectionRules) {
    this.socket = socket;
    this.#rules = rules;
    socket.on('message', data => this.#receive(String(data)));
    socket.on('close', code => {
      if (this.#watchdog) clearTimeout(this.#watchdog);
      rules.closed(this, code);
    });
    socket.on('error', () => socket.terminate());
    this.send(GatewayOpcodes.Hello, { heartbeat_interval: rules.heartbeatIntervalMs, _trace: [] });
    this.#expectHeartbeat();
  }

  send(op: number, data: unknown = null): void {
    this.#rules.record({ direction: 'out', op, data }, this);
    this.socket.send(JSON.stringify({ op, d: data, s: null, t: null }));
  }

  close(code: number): void {
    this.socket.close(code);
  }

  /** Cuts the line without a close frame, as a lost network does. */
  cut(): void {
    this.socket.terminate();
  }

  #expectHeartbeat(): void {
    if (this.#watchdog) clearTimeout(this.#watchdog);
    const patience = this.#rules.heartbeatIntervalMs * 1.5 + 250;
    this.#watchdog = setTimeout(() => this.close(GatewayCloseCodes.SessionTimedOut), patience);
    this.#watchdog.unref();
  }

  #receive(text: string): void {
    const frame = text.length > 4096 ? undefined : parseFrame(text);
    if (!frame) {
      this.close(GatewayCloseCodes.DecodeError);
      return;
    }
    if (this.#isFlooding()) {
      this.close(GatewayCloseCodes.RateLimited);
      return;
    }
    const { op, d } = frame;
    this.#rules.record({ direction: 'in', op, data: d }, this);
    if (op === GatewayOpcodes.Heartbeat) {
      this.#expectHeartbeat();
      if (this.#rules.acks()) this.send(GatewayOpcodes.HeartbeatAck);
    } else if (op === GatewayOpcodes.Identify || op === GatewayOpcodes.Resume) {
      if (this.session) this.close(GatewayCloseCodes.AlreadyAuthenticated);
      else if (!isJson(d)) this.close(GatewayCloseCodes.DecodeError);
      else if (op === GatewayOpcodes.Identify) this.#rules.identify(this, d);
      else this.#rules.resume(this, d);
    } else if (!COMMANDS.includes(op)) this.close(GatewayCloseCodes.UnknownOpcode);
    else if (!this.session) this.close(GatewayCloseCodes.NotAuthenticated);
    else this.#rules.command(this, op, d);
  }

  #isFlooding(): boolean {
    const now = Date.now();
    if (now - this.#sent.since >= 60_000) this.#sent = { count: 0, since: now };
    this.#sent.count += 1;
    return this.#sent.count > 120;
  }
}

function parseFrame(text: string): { op: number; d: unknown } | undefined {
  try {
    const frame: unknown = JSON.parse(text);
    return isJson(frame) && typeof frame.op === 'number' ? { op: frame.op, d: frame.d } : undefined;
  } catch {
    return undefined;
  }
}
