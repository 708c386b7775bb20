/**
 * An agent that costs nothing: it speaks the sessions, events and streams of Managed Agents as the bot uses them, and
 * says the same words to everybody, all at once or one by one. The alternatives read the same words from
 * `POST /plain`. Nothing is stored that is not needed to answer.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { TOKENS, tokenAt, turnIn } from './words.ts';

export interface Pace {
  tokens: number;
  /** Between two tokens; 0: all at once. */
  everyMs: number;
  /** Before the first. */
  afterMs: number;
}

export interface AgentServer {
  readonly url: string;
  pace(pace: Partial<Pace>): void;
  /** When each token of a turn was sent, in nanoseconds of the machine's monotonic clock, as text. */
  times(turn: number): string[];
  /** How many requests came, by method and kind, since the last call. */
  requests(): Record<string, number>;
  stop(): Promise<void>;
}

interface Session {
  id: string;
  storeId: string | null;
  streams: Set<ServerResponse>;
}

type Json = Record<string, unknown>;

const MEMORY = '# Facts\n\n- shoe size: 9\n- avoids: wool\n- budget: up to 200 dollars for a jacket\n';

export async function createAgentServer(): Promise<AgentServer> {
  const pace: Pace = { tokens: TOKENS, everyMs: 0, afterMs: 0 };
  const sessions = new Map<string, Session>();
  const made = { agents: [] as Json[], environments: [] as Json[] };
  const times = new Map<number, bigint[]>();
  let requests: Record<string, number> = {};
  let ids = 0;

  const id = (prefix: string) => {
    ids += 1;
    return `${prefix}_bench${String(ids).padStart(12, '0')}`;
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      process.stderr.write(`agent: ${String(error)}\n`);
      response.writeHead(500).end();
    });
  });
  server.keepAliveTimeout = 60_000;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const [, , kind = '', one, sub, more] = pathname.split('/');
    const method = request.method ?? 'GET';
    const name =
      pathname === '/plain' ? 'plain' : [kind, sub, more].filter(part => part !== undefined).join('/');
    requests[`${method} ${name}`] = (requests[`${method} ${name}`] ?? 0) + 1;
    if (method === 'GET' && kind === 'sessions' && more === 'stream') return stream(one ?? '', response);
    const body = method === 'POST' ? await read(request) : {};
    if (pathname === '/plain') return plain(body, response);
    if (kind === 'sessions' && sub === 'events') return events(one ?? '', method, body, response);
    const value = resource(method, kind, one, sub, body);
    if (value === null) {
      json(response, 404, { type: 'error', error: { type: 'not_found_error', message: 'not found' } });
    } else json(response, 200, value);
  }

  function resource(
    method: string,
    kind: string,
    one: string | undefined,
    sub: string | undefined,
    body: Json,
  ): Json | null {
    const at = new Date().toISOString();
    switch (kind) {
      case 'agents':
      case 'environments': {
        const list = made[kind];
        if (one === undefined && method === 'GET') return page(list);
        const known = list.find(item => item.id === one) ?? null;
        if (one !== undefined) return known;
        const type = kind === 'agents' ? 'agent' : 'environment';
        const item = {
          id: id(type),
          type,
          version: 1,
          ...body,
          created_at: at,
          updated_at: at,
          archived_at: null,
        };
        list.push(item);
        return item;
      }
      case 'sessions': {
        if (method === 'GET') return one === undefined ? page([]) : { ...sessionObject(one, at), id: one };
        const session: Session = { id: id('sesn'), storeId: storeOf(body), streams: new Set() };
        sessions.set(session.id, session);
        return sessionObject(session.id, at, body);
      }
      case 'memory_stores':
        if (sub === 'memories') return page([memory(one ?? '', at)]);
        if (sub === 'memory_versions' || (one === undefined && method === 'GET')) return page([]);
        return {
          id: one ?? id('memstore'),
          type: 'memory_store',
          metadata: {},
          ...body,
          created_at: at,
          archived_at: null,
        };
      default:
        return null;
    }
  }

  function stream(sessionId: string, response: ServerResponse): void {
    const session = sessionOf(sessionId);
    session.streams.add(response);
    response.on('error', () => {});
    response.on('close', () => session.streams.delete(response));
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    });
    response.write(': open\n\n');
  }

  function events(sessionId: string, method: string, body: Json, response: ServerResponse): void {
    const session = sessionOf(sessionId);
    if (method === 'GET') {
      json(response, 200, page([]));
      return;
    }
    const at = new Date().toISOString();
    const sent = Array.isArray(body.events) ? body.events : [];
    const data = sent.map((event: Json) => ({ ...event, id: id('sevt'), processed_at: at }));
    json(response, 200, { data });
    const write = (event: Json) => {
      const frame = `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`;
      for (const open of session.streams) open.write(frame);
    };
    for (const event of data) {
      if (!('type' in event) || event.type !== 'user.message') continue;
      const about = { processed_at: at };
      write(event);
      write({ type: 'session.status_running', id: id('sevt'), ...about });
      const message = id('sevt');
      let said = '';
      write({ type: 'event_start', event: { type: 'agent.message', id: message } });
      say(JSON.stringify(event), {
        token(text) {
          said += text;
          const delta = { type: 'content_delta', content: { type: 'text', text } };
          write({ type: 'event_delta', event_id: message, delta });
        },
        end() {
          write({ type: 'agent.message', id: message, content: [{ type: 'text', text: said }], ...about });
          const stop = { stop_reason: { type: 'end_turn' } };
          write({ type: 'session.status_idle', id: id('sevt'), ...stop, ...about });
        },
      });
    }
  }

  /** The same words without sessions: one request, one stream. */
  function plain(body: Json, response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    });
    say(JSON.stringify(body), {
      token: text => void response.write(`data: ${JSON.stringify({ text })}\n\n`),
      end: () => void response.end(),
    });
  }

  function say(question: string, out: { token(text: string): void; end(): void }): void {
    const { tokens, everyMs, afterMs } = pace;
    const turn = turnIn(question);
    const sent: bigint[] = [];
    if (turn !== null) times.set(turn, sent);
    const one = (index: number) => {
      sent.push(process.hrtime.bigint());
      out.token(tokenAt(index));
    };
    if (everyMs === 0 && afterMs === 0) {
      for (let index = 0; index < tokens; index += 1) one(index);
      out.end();
      return;
    }
    // By the clock, not by sums of timers: each token is due at its own time.
    const begun = performance.now() + afterMs;
    let next = 0;
    const tick = () => {
      while (next < tokens && performance.now() >= begun + next * everyMs - 0.5) {
        one(next);
        next += 1;
      }
      if (next === tokens) out.end();
      else setTimeout(tick, Math.max(1, begun + next * everyMs - performance.now()));
    };
    setTimeout(tick, afterMs);
  }

  /** Known to the bot from another time, perhaps: then it is one of these from now on. */
  function sessionOf(sessionId: string): Session {
    const known = sessions.get(sessionId);
    if (known !== undefined) return known;
    const session: Session = { id: sessionId, storeId: null, streams: new Set() };
    sessions.set(sessionId, session);
    return session;
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the agent server is not listening');
  return {
    url: `http://127.0.0.1:${address.port}`,
    pace: next => void Object.assign(pace, next),
    times(turn) {
      const sent = times.get(turn) ?? [];
      times.delete(turn);
      return sent.map(String);
    },
    requests() {
      const counted = requests;
      requests = {};
      return counted;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function sessionObject(id: string, at: string, body: Json = {}): Json {
  const resources = Array.isArray(body.resources) ? body.resources : [];
  return {
    id,
    type: 'session',
    status: 'idle',
    title: null,
    metadata: {},
    ...body,
    resources: resources.map((resource: Json) => ({ ...resource, mount_path: '/mnt/memory/own' })),
    created_at: at,
    updated_at: at,
    archived_at: null,
  };
}

function memory(storeId: string, at: string): Json {
  const size = Buffer.byteLength(MEMORY);
  return {
    id: 'mem_bench',
    type: 'memory',
    memory_store_id: storeId,
    path: '/facts.md',
    content: MEMORY,
    content_size_bytes: size,
    content_sha256: '0'.repeat(64),
    created_at: at,
    updated_at: at,
  };
}

function storeOf(body: Json): string | null {
  const [first] = Array.isArray(body.resources) ? body.resources : [];
  return typeof first?.memory_store_id === 'string' ? first.memory_store_id : null;
}

const page = (data: readonly unknown[]): Json => ({ data, next_page: null });

function json(response: ServerResponse, status: number, value: Json): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_bench' });
  response.end(JSON.stringify(value));
}

async function read(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : JSON.parse(text);
}
