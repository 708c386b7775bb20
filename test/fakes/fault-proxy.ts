import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** One request on its way to the real server. */
export interface Passing {
  method: string;
  path: string;
  query: URLSearchParams;
  /** How many requests of this method and path shape came before. */
  index: number;
}

/** What goes wrong with a request. Absent: nothing. */
export type Fault =
  /** The connection breaks before the server sees anything. */
  | { type: 'drop_before' }
  /** The server does it, the client never hears. */
  | { type: 'drop_after' }
  /** Answered here instead, as an overloaded or broken service would. */
  | { type: 'status'; status: number; headers?: Record<string, string>; body?: unknown }
  /** It takes its time. */
  | { type: 'delay'; ms: number }
  /** The server does it and the client is told that it failed. */
  | { type: 'status_after'; status: number }
  /** The server's answer, worded as another server may word it. */
  | { type: 'reword'; reword: (body: string) => string }
  /** A stream ends after this many frames: by a cut connection, a clean end, or silence. */
  | { type: 'cut_stream'; frames: number; how: 'destroy' | 'end' | 'stall' };

export interface FaultProxy {
  url: string;
  /** Every request that came, in order, as "POST /v1/sessions". */
  requests: string[];
  /** Frames of event streams passed on so far. */
  frames(): number;
  plan(fault: (passing: Passing) => Fault | undefined): void;
  /** Breaks every request and stream that is under way. */
  cut(): void;
  stop(): Promise<void>;
}

/** Stands between the SDK and a server and lets connections fail the way networks do. */
export async function createFaultProxy(target: string): Promise<FaultProxy> {
  let rule: (passing: Passing) => Fault | undefined = () => undefined;
  const requests: string[] = [];
  const counts = new Map<string, number>();
  let frames = 0;
  const open = new Set<ServerResponse>();

  const server: Server = createServer((incoming, outgoing) => {
    open.add(outgoing);
    outgoing.on('close', () => open.delete(outgoing));
    const method = incoming.method ?? 'GET';
    const [path = '/', query] = (incoming.url ?? '/').split('?');
    const shape = `${method} ${path.replace(/\/(sesn|memstore|mem|memver|agent|env|file)_[^/]+/g, '/:id')}`;
    const index = counts.get(shape) ?? 0;
    counts.set(shape, index + 1);
    requests.push(shape);
    const fault = rule({
      method,
      path: shape.slice(method.length + 1),
      query: new URLSearchParams(query),
      index,
    });
    if (fault?.type === 'drop_before') {
      incoming.socket.destroy();
      return;
    }
    if (fault?.type === 'status') {
      incoming.resume();
      incoming.on('end', () => answer(outgoing, fault.status, fault.headers ?? {}, fault.body));
      return;
    }
    if (fault?.type === 'delay') setTimeout(() => forward(incoming, outgoing, fault), fault.ms);
    else forward(incoming, outgoing, fault);
  });

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): void {
    const { host: _, ...headers } = incoming.headers;
    const upstream: ClientRequest = request(new URL(incoming.url ?? '/', target), {
      method: incoming.method,
      headers,
    });
    outgoing.on('close', () => upstream.destroy());
    upstream.on('error', () => outgoing.destroy());
    upstream.on('response', response => {
      if (fault?.type === 'drop_after' || fault?.type === 'status_after') {
        response.resume();
        response.on('end', () => {
          if (fault.type === 'drop_after') outgoing.destroy();
          else answer(outgoing, fault.status, {}, undefined);
        });
        return;
      }
      if (fault?.type === 'reword') {
        const { 'content-length': _, ...headers } = response.headers;
        outgoing.writeHead(response.statusCode ?? 500, headers);
        void text(response).then(body => outgoing.end(fault.reword(body)));
        return;
      }
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      outgoing.flushHeaders();
      if (!String(response.headers['content-type']).includes('event-stream')) {
        response.pipe(outgoing);
        return;
      }
      passFrames(response, outgoing, fault?.type === 'cut_stream' ? fault : undefined);
    });
    incoming.pipe(upstream);
  }

  function passFrames(
    response: IncomingMessage,
    outgoing: ServerResponse,
    cut: Extract<Fault, { type: 'cut_stream' }> | undefined,
  ): void {
    let passed = 0;
    let rest = '';
    let over = false;
    const finish = () => {
      over = true;
      if (cut?.how === 'destroy') outgoing.destroy();
      else if (cut?.how === 'end') outgoing.end();
    };
    if (cut?.frames === 0) finish();
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      rest += chunk;
      for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
        const frame = rest.slice(0, end + 2);
        rest = rest.slice(end + 2);
        if (over) continue;
        outgoing.write(frame);
        if (!frame.startsWith('event:')) continue;
        passed += 1;
        frames += 1;
        if (cut !== undefined && passed === cut.frames) finish();
      }
    });
    response.on('end', () => {
      if (!over) outgoing.end();
    });
    response.on('error', () => outgoing.destroy());
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    frames: () => frames,
    plan(next) {
      rule = next;
      counts.clear();
    },
    cut() {
      for (const response of open) response.destroy();
    },
    async stop() {
      for (const response of open) response.destroy();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function answer(
  outgoing: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: unknown,
): void {
  const types: Record<number, string> = {
    401: 'authentication_error',
    429: 'rate_limit_error',
    529: 'overloaded_error',
  };
  outgoing.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_fault', ...headers });
  const error = { type: types[status] ?? 'api_error', message: `Injected ${status}.` };
  outgoing.end(JSON.stringify(body ?? { type: 'error', error, request_id: 'req_fault' }));
}
