import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createAgents } from './agents.ts';
import { createApp } from './app.ts';
import { createClock } from './clock.ts';
import { type Database, openDatabase } from './database.ts';
import { createEnvironments } from './environments.ts';
import { createEventHub } from './event-hub.ts';
import { createEventLog } from './event-log.ts';
import { createEventStreams } from './event-stream.ts';
import { createFiles } from './files.ts';
import { type RuntimeLog, silentLog } from './log.ts';
import { createMemories } from './memory/memories.ts';
import { createMemoryStores } from './memory/stores.ts';
import { createMemoryVersions } from './memory/versions.ts';
import type { AgentLoop } from './ports.ts';
import { createSessionEngine } from './session-engine.ts';
import { createSessionResources } from './session-resources.ts';
import { createSessionThreads } from './session-threads.ts';
import { createSessions } from './sessions.ts';

export interface RuntimeOptions {
  /** Made if missing; one process at a time. */
  dataDir: string;
  /** 0 takes a free one. */
  port: number;
  /** 127.0.0.1 unless told; anywhere else needs `apiKey`. */
  host?: string;
  /** The only key accepted; without it any non-empty key is. */
  apiKey?: string;
  loop: AgentLoop;
  log?: RuntimeLog;
  /** Milliseconds since the epoch. */
  clock?: () => number;
  /** Silence on a stream after which a comment is sent; 15 s unless told. */
  keepAliveMs?: number;
  /** Time an aborted loop has to return before the session goes on without it; 5 s unless told. */
  abortGraceMs?: number;
}

export interface Runtime {
  /** e.g. "http://127.0.0.1:4180", the SDK's `baseURL`. */
  url: string;
  /** The registered routes, e.g. { method: 'GET', path: '/v1/agents/:id' }. */
  routes: readonly { method: string; path: string }[];
  /** Ends streams and loops, finishes what is being written and frees the directory. Safe to call twice. */
  stop(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

/** It cannot listen there; the message is for the operator. */
export class PortError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PortError';
  }
}

/** By rows that are only ever added; each is as new as what it changed. */
async function newestMoment(db: Database): Promise<number> {
  const newest = (column: string, table: string) =>
    `coalesce((SELECT ${column} FROM ${table} ORDER BY seq DESC LIMIT 1), 0)`;
  const row = await db.first<{ at: number }>(
    `SELECT max(${newest('processed_at', 'events')}, ${newest('created_at', 'memory_versions')},
       ${newest('created_at', 'sessions')}, ${newest('created_at', 'memory_stores')}) AS at`,
  );
  return row?.at ?? 0;
}

/**
 * Starts a Managed Agents API on loopback. Sessions that were running when the last process ended go on.
 * Throws DataDirError or PortError when it cannot start.
 *
 * What differs from the cloud: web tools come back as disabled, and asking for them, MCP servers, skills, other
 * agents, vaults, repositories, packages, self-hosted workers or outcomes is a 400; dreams and deployments are a
 * 404. Nothing has a price, so a budget is kept but never reached. Uploaded files can be downloaded again, and
 * what an agent leaves in /mnt/session/outputs does not become a file. Nothing expires but files.
 */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const log = options.log ?? silentLog;
  const host = options.host ?? LOOPBACK;
  if (host !== LOOPBACK && options.apiKey === undefined) {
    throw new PortError(
      `To listen on ${host}, where others than this machine may call, set RUNTIME_API_KEY.`,
    );
  }
  const db = await openDatabase(options.dataDir);
  const clock = createClock(options.clock, await newestMoment(db));
  const hub = createEventHub();
  const streams = createEventStreams(hub, options.keepAliveMs ?? 15_000);
  const events = createEventLog(db, hub, clock);
  const agents = createAgents(db, clock);
  const environments = createEnvironments(db, clock);
  const stores = createMemoryStores(db, clock);
  const versions = createMemoryVersions(db, clock, stores);
  const memories = createMemories(db, clock);
  const files = createFiles(db, clock);
  const engine = createSessionEngine({
    db,
    events,
    hub,
    memories,
    files,
    loop: options.loop,
    clock,
    log,
    abortGraceMs: options.abortGraceMs ?? 5_000,
  });
  const resources = createSessionResources({ db, files, stores, clock });
  const sessions = createSessions({ db, agents, environments, resources, engine, events, hub, clock });
  const threads = createSessionThreads(db, clock);
  const app = createApp(
    {
      agents,
      environments,
      sessions,
      resources,
      threads,
      engine,
      events,
      streams,
      stores,
      memories,
      versions,
      files,
    },
    {
      log,
      onLoopback: host === LOOPBACK,
      ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }),
    },
  );

  // The bot may live in this process too: its fetch must keep the global Request and Response.
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  // Longer than any client keeps an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 75_000;
  const underWay = new Set<ServerResponse>();
  server.on('request', (_request, response) => {
    underWay.add(response);
    response.on('close', () => underWay.delete(response));
  });
  let stopped: Promise<void> | undefined;

  async function stop(): Promise<void> {
    const closed = closeServer(server, underWay);
    streams.stop();
    await engine.stop();
    await closed;
    await db.close();
  }

  try {
    await listen(server, host, options.port);
    await engine.recover();
  } catch (error) {
    await stop();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    routes: app.routes.filter(route => route.method !== 'ALL').map(({ method, path }) => ({ method, path })),
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => {
      const busy = 'code' in error && error.code === 'EADDRINUSE';
      const reason = busy ? 'it is in use by another program' : error.message;
      reject(new PortError(`Cannot listen on ${host}:${port}: ${reason}.`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

/** Takes no new requests, lets those under way finish (2 s at most), then drops the connections kept open. */
async function closeServer(server: Server, underWay: ReadonlySet<ServerResponse>): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  const deadline = setTimeout(() => server.closeAllConnections(), 2000);
  await Promise.all([...underWay].map(response => once(response, 'close')));
  server.closeAllConnections();
  await closed;
  clearTimeout(deadline);
}
