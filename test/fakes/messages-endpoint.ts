import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a test may ask of one reply: an event to stream, bytes as they are, something to wait for, or an end. */
export type Frame =
  | { event: string; data: unknown }
  | { raw: string }
  | { waitFor: Promise<unknown> }
  /** The socket breaks. */
  | 'drop'
  /** The body ends, as if the server had nothing more to say. */
  | 'end';

export type EndpointReply =
  | { type: 'stream'; frames: Frame[] }
  | { type: 'error'; status: number; error: string; message: string; headers?: Record<string, string> };

export interface RecordedRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: MessagesBody;
}

export interface MessagesBody {
  model: string;
  max_tokens: number;
  stream?: boolean;
  system?: unknown;
  tools?: { name: string; input_schema: unknown }[];
  messages: { role: string; content: string | Block[] }[];
}

interface Block {
  type: string;
  [key: string]: unknown;
}

export interface MessagesEndpoint {
  readonly url: string;
  /** Every request that reached the Messages route, refused ones too. */
  readonly requests: RecordedRequest[];
  /** Played in order, one per accepted request. A function sees the request first. */
  readonly replies: (EndpointReply | ((request: RecordedRequest) => EndpointReply))[];
  stop(): Promise<void>;
}

/**
 * A stand-in for a Messages endpoint on loopback. It refuses what the API refuses: a missing key (when `key` is
 * set), no max_tokens, roles that do not alternate, a tool_result without its tool_use in the message before, and
 * a tool_use left without a result.
 */
export async function startMessagesEndpoint(
  options: {
    key?: string;
    /** What is answered when nothing is scripted. */
    answer?: (request: RecordedRequest) => EndpointReply;
  } = {},
): Promise<MessagesEndpoint> {
  const requests: RecordedRequest[] = [];
  const replies: MessagesEndpoint['replies'] = [];

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(incoming);
    const path = incoming.url ?? '';
    if (incoming.method !== 'POST' || path !== '/v1/messages') {
      return sendError(response, 404, 'not_found_error', `no route ${incoming.method} ${path}`);
    }
    const { headers } = incoming;
    if (options.key !== undefined) {
      const given = [headers['x-api-key'], headers.authorization?.replace(/^Bearer /, '')];
      if (!given.includes(options.key)) {
        return sendError(
          response,
          401,
          'authentication_error',
          `invalid x-api-key ${headers['x-api-key'] ?? ''}`,
        );
      }
    }
    if (headers['anthropic-version'] === undefined) {
      return sendError(response, 400, 'invalid_request_error', 'anthropic-version: header is required');
    }
    const request: RecordedRequest = { path, headers, body: JSON.parse(text) };
    requests.push(request);
    const problem = protocolProblem(request.body);
    if (problem !== undefined) return sendError(response, 400, 'invalid_request_error', problem);
    const next = replies.shift() ?? options.answer;
    if (next === undefined)
      return sendError(response, 500, 'api_error', 'the test scripted no further reply');
    const reply = typeof next === 'function' ? next(request) : next;
    if (reply.type === 'error') {
      return sendError(response, reply.status, reply.error, reply.message, reply.headers);
    }
    await sendStream(response, reply.frames);
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(error => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    replies,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

/** A block as the model means it; `json` is streamed as it is, so that it can be broken. */
export type ReplyBlock =
  | { text: string }
  | { thinking: string }
  | { tool: string; input?: unknown; json?: string }
  | { other: Block };

/** The frames of a whole reply: every text and every input in several pieces. */
export function messageFrames(
  blocks: ReplyBlock[],
  options: { stopReason?: string; stopDetails?: unknown; usage?: Record<string, number> } = {},
): Frame[] {
  const usage = {
    input_tokens: 12,
    cache_creation_input_tokens: 3,
    cache_read_input_tokens: 4,
    output_tokens: 1,
  };
  const stop = options.stopReason ?? (blocks.some(block => 'tool' in block) ? 'tool_use' : 'end_turn');
  return [
    frame('message_start', {
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        content: [],
        model: 'm',
        stop_reason: null,
        usage,
      },
    }),
    frame('ping', {}),
    ...blocks.flatMap(blockFrames),
    frame('message_delta', {
      delta: { stop_reason: stop, stop_sequence: null, stop_details: options.stopDetails ?? null },
      usage: { output_tokens: 20, ...options.usage },
    }),
    frame('message_stop', {}),
  ];
}

export function message(...blocks: ReplyBlock[]): EndpointReply {
  return { type: 'stream', frames: messageFrames(blocks) };
}

/** The first `count` frames of a reply, then whatever is to go wrong. */
export function cutAfter(frames: Frame[], count: number, ...then: Frame[]): EndpointReply {
  return { type: 'stream', frames: [...frames.slice(0, count), ...then] };
}

export function errorFrame(type: string, text: string): Frame {
  return { event: 'error', data: { type: 'error', error: { type, message: text } } };
}

function frame(event: string, data: object): Frame {
  return { event, data: { type: event, ...data } };
}

function blockFrames(block: ReplyBlock, index: number): Frame[] {
  const [start, deltas] = startAndDeltas(block);
  return [
    frame('content_block_start', { index, content_block: start }),
    ...deltas.map(delta => frame('content_block_delta', { index, delta })),
    frame('content_block_stop', { index }),
  ];
}

function startAndDeltas(block: ReplyBlock): [start: Block, deltas: Block[]] {
  if ('other' in block) return [block.other, []];
  if ('text' in block) {
    return [{ type: 'text', text: '' }, pieces(block.text).map(text => ({ type: 'text_delta', text }))];
  }
  if ('thinking' in block) {
    const deltas = pieces(block.thinking).map((thinking): Block => ({ type: 'thinking_delta', thinking }));
    return [
      { type: 'thinking', thinking: '', signature: '' },
      [...deltas, { type: 'signature_delta', signature: 'c2ln' }],
    ];
  }
  const json = block.json ?? JSON.stringify(block.input ?? {});
  return [
    { type: 'tool_use', id: 'toolu_1', name: block.tool, input: {} },
    pieces(json).map(partial_json => ({ type: 'input_json_delta', partial_json })),
  ];
}

function pieces(text: string): string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}

/** Why the API would refuse this request, in its own words; undefined if it would not. */
export function protocolProblem(body: MessagesBody): string | undefined {
  if (!Number.isInteger(body.max_tokens) || body.max_tokens < 1) return 'max_tokens: Field required';
  if (typeof body.model !== 'string' || body.model === '') return 'model: Field required';
  if (!Array.isArray(body.messages) || body.messages.length === 0)
    return 'messages: at least one message is required';
  let uses: string[] = [];
  for (const [index, { role, content }] of body.messages.entries()) {
    const at = `messages.${index}`;
    if (role !== (index % 2 === 0 ? 'user' : 'assistant'))
      return `${at}: roles must alternate, starting with user`;
    const blocks: Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    if (blocks.length === 0) return `${at}: content must not be empty`;
    if (blocks.some(block => block.type === 'text' && String(block.text).trim() === '')) {
      return `${at}: text content blocks must contain non-whitespace text`;
    }
    const results = blocks
      .filter(block => block.type === 'tool_result')
      .map(block => String(block.tool_use_id));
    const stray = results.find(id => !uses.includes(id));
    if (stray !== undefined) return `${at}: unexpected tool_use_id found in tool_result blocks: ${stray}`;
    const missing = uses.find(id => !results.includes(id));
    if (missing !== undefined) return `${at}: tool_use ids were found without tool_result blocks: ${missing}`;
    if (new Set(results).size < results.length) return `${at}: each tool_use must have a single result`;
    const firstOther = blocks.findIndex(block => block.type !== 'tool_result');
    if (firstOther !== -1 && blocks.slice(firstOther).some(block => block.type === 'tool_result')) {
      return `${at}: tool_result blocks must come first`;
    }
    uses =
      role === 'assistant'
        ? blocks.filter(block => block.type === 'tool_use').map(block => String(block.id))
        : [];
    if (new Set(uses).size < uses.length) return `${at}: tool_use ids must be unique`;
  }
  if (uses.length > 0) return 'the last tool_use has no result';
  return undefined;
}

async function sendStream(response: ServerResponse, frames: Frame[]): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_1' });
  response.flushHeaders();
  for (const step of frames) {
    if (step === 'drop') {
      response.destroy();
      return;
    }
    if (step === 'end') break;
    if ('waitFor' in step) await step.waitFor;
    else {
      const text = 'raw' in step ? step.raw : `event: ${step.event}\ndata: ${JSON.stringify(step.data)}\n\n`;
      await new Promise<void>(resolve => response.write(text, () => resolve()));
    }
  }
  response.end();
}

function sendError(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_1', ...headers });
  response.end(JSON.stringify({ type: 'error', error: { type, message: text }, request_id: 'req_1' }));
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
