// The HTTP side: the Web API under /api/, response URLs, private files, uploads, the OAuth consent page, and the
// WebSocket upgrade of Socket Mode. Arguments come as a form, as JSON or in the query, the token as a bearer or
// an argument (docs.slack.dev/apis/web-api, "POST bodies").

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { callApi } from './api.ts';
import type { Core } from './core.ts';
import { download } from './files.ts';
import { isRecord } from './findings.ts';
import type { Json } from './world.ts';

export interface Consent {
  /** Where the browser goes after "Allow"; the reason, where it does not get that far. */
  authorize(query: URLSearchParams): { readonly location: string } | { readonly problem: string };
}

export interface HttpServer {
  readonly server: Server;
  stop(): Promise<void>;
}

export function startServer(
  core: () => Core,
  consent: Consent,
  port: number,
  host: string,
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    handle(core(), consent, request, response).catch((error: unknown) => {
      process.stderr.write(`fake Slack: ${error instanceof Error ? error.stack : String(error)}\n`);
      response.writeHead(500).end('internal_error');
    });
  });
  // Clients keep connections open between calls; closing them early would look like a fault.
  server.keepAliveTimeout = 60_000;
  server.on('upgrade', (request, socket, head) => core().socket.upgrade(request, socket, head));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      resolve({
        server,
        stop: () =>
          new Promise(done => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}

async function handle(
  core: Core,
  consent: Consent,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', core.origin);
  const path = url.pathname;
  if (path.startsWith('/api/')) return webApi(core, path.slice(5), url, request, response);
  if (path.startsWith('/actions/')) {
    const body = parseJson((await read(request)).toString());
    const answer = core.interactions.respond(core, path, body);
    response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.body);
    return;
  }
  if (path.startsWith('/files-pri/')) return sendFile(core, decodeURI(path), request, response);
  if (path.startsWith('/upload/v1/')) return receiveFile(core, path, request, response);
  if (path === '/oauth/v2/authorize') {
    const outcome = consent.authorize(url.searchParams);
    if ('location' in outcome) response.writeHead(302, { location: outcome.location }).end();
    else
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<html><body>${outcome.problem}</body></html>`);
    return;
  }
  if (path === '/signin') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(
      '<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in</body></html>',
    );
    return;
  }
  response.writeHead(404).end();
}

async function webApi(
  core: Core,
  method: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await read(request);
  const args = { ...Object.fromEntries(url.searchParams), ...(await parseArguments(request, body)) };
  const answer = await callApi(core, { method, args, bearer: bearerOf(request), basic: basicOf(request) });
  if (answer.type === 'drop') {
    request.socket.destroy();
    return;
  }
  const text = JSON.stringify(answer.body);
  response.writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', ...answer.headers });
  response.end(text);
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function parseArguments(request: IncomingMessage, body: Buffer): Promise<Json> {
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) {
    const parsed = parseJson(body.toString());
    return isRecord(parsed) ? parsed : {};
  }
  if (type.startsWith('multipart/form-data')) {
    return Object.fromEntries(
      await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData(),
    );
  }
  return Object.fromEntries(new URLSearchParams(body.toString()));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
}

function basicOf(request: IncomingMessage): { user: string; password: string } | undefined {
  const encoded = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [user = '', password = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  return { user, password };
}

function sendFile(core: Core, path: string, request: IncomingMessage, response: ServerResponse): void {
  const outcome = download(core, path, bearerOf(request));
  core.changes.notify();
  switch (outcome.type) {
    case 'not_found':
      response.writeHead(404).end();
      return;
    case 'sign_in':
      response.writeHead(302, { location: `${core.origin}/signin?redir=${encodeURIComponent(path)}` }).end();
      return;
    case 'file':
      response.writeHead(200, {
        'content-type': outcome.file.mimetype,
        'content-length': outcome.file.content.byteLength,
      });
      response.end(outcome.file.content);
  }
}

async function receiveFile(
  core: Core,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = core.world.files.get(path.slice('/upload/v1/'.length));
  const body = await read(request);
  const type = request.headers['content-type'] ?? '';
  core.journal.add({
    at: core.clock.now(),
    method: 'file.upload',
    team: file?.team.id,
    token: 'none',
    args: { file: file?.id, bytes: body.byteLength },
  });
  if (file === undefined || file.uploaded) {
    response.writeHead(404).end('not_found');
    return;
  }
  const content = type.startsWith('multipart/form-data') ? await firstPart(body, type) : body;
  if (request.method !== 'POST' || content.byteLength !== file.length) {
    response.writeHead(400).end('length_mismatch');
    return;
  }
  file.content = content;
  response.writeHead(200, { 'content-type': 'text/plain' }).end(`OK - ${file.content.byteLength}`);
}

async function firstPart(body: Buffer, type: string): Promise<Buffer> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  for (const [, value] of form) {
    if (typeof value !== 'string') return Buffer.from(await value.arrayBuffer());
    return Buffer.from(value);
  }
  return Buffer.alloc(0);
}
