import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import type { Agents } from '../agents.ts';
import type { Environments } from '../environments.ts';
import type { EventLog } from '../event-log.ts';
import type { EventStreams } from '../event-stream.ts';
import type { Files } from '../files.ts';
import type { Memories } from '../memory/memories.ts';
import type { MemoryStores } from '../memory/stores.ts';
import type { MemoryVersions } from '../memory/versions.ts';
import type { SessionEngine } from '../session-engine.ts';
import type { SessionResources } from '../session-resources.ts';
import type { SessionThreads } from '../session-threads.ts';
import type { Sessions } from '../sessions.ts';

export interface RuntimeEnv {
  Bindings: HttpBindings;
  Variables: { requestId: string };
}

export type App = Hono<RuntimeEnv>;
export type RequestContext = Context<RuntimeEnv>;

/** What the routes call: one service per resource. */
export interface Services {
  agents: Agents;
  environments: Environments;
  sessions: Sessions;
  resources: SessionResources;
  threads: SessionThreads;
  engine: SessionEngine;
  events: EventLog;
  streams: EventStreams;
  stores: MemoryStores;
  memories: Memories;
  versions: MemoryVersions;
  files: Files;
}
