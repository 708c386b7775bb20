/**
 * A Messages endpoint whose words are a function of what the person said: it keeps what it is asked to keep with the
 * tools it is given, then answers every saying since its last answer. Slow as a model is, and failing as one does.
 */

import {
  type EndpointReply,
  type Frame,
  type MessagesBody,
  startMessagesEndpoint,
} from '../../fakes/messages-endpoint.ts';
import { createRandom, type Random } from '../random.ts';
import { answerTo, factOf, factPath, moment, type Saying, sayingsIn, tokensIn } from '../words.ts';
import { serve } from './serve.ts';

export interface ModelOptions {
  seed: number;
  /** Of a request. */
  failing: number;
  /** A piece of text comes this often. */
  pieceMs: [least: number, most: number];
  /** An answer is streamed in so many pieces. */
  pieces: [least: number, most: number];
}

type Block = Exclude<MessagesBody['messages'][number]['content'], string>[number];

const operations = {
  async start(options: ModelOptions): Promise<{ url: string }> {
    const random = createRandom(options.seed);
    const endpoint = await startMessagesEndpoint({
      answer({ body }) {
        endpoint.requests.length = 0;
        return replyTo(body, options, random);
      },
    });
    return { url: endpoint.url };
  },
};
export type ModelOperations = typeof operations;
serve(operations);

function replyTo(body: MessagesBody, options: ModelOptions, random: Random): EndpointReply {
  const failure = random.chance(options.failing)
    ? random.pick(['rate', 'overload', 'broken', 'cut'] as const)
    : null;
  switch (failure) {
    case 'rate':
      return error(429, 'rate_limit_error', { 'retry-after': '1' });
    case 'overload':
      return error(529, 'overloaded_error');
    case 'broken':
      return error(500, 'api_error');
    default: {
      const frames = framesOf(body, options, random);
      const kept =
        failure === null
          ? frames
          : [...frames.slice(0, random.between(1, frames.length - 1)), 'drop' as const];
      return { type: 'stream', frames: kept };
    }
  }
}

function error(status: number, type: string, headers: Record<string, string> = {}): EndpointReply {
  return { type: 'error', status, error: type, message: 'In trouble, as models are.', headers };
}

function framesOf(body: MessagesBody, options: ModelOptions, random: Random): Frame[] {
  const { sayings, done } = turnOf(body);
  const mount = /Folder: (\S+) \(you can read and write here\)/.exec(JSON.stringify(body.system))?.[1];
  const keeping = mount === undefined ? [] : sayings.filter(({ id, keeps }) => keeps && !done.includes(id));
  const blocks: Frame[][] = [];
  if (keeping.length > 0 && random.chance(0.5)) {
    blocks.push(textFrames(keeping.map(({ id }) => moment(id)).join(' '), 0, options, random));
  }
  for (const saying of keeping)
    blocks.push(writeFrames(`${mount}${factPath(saying.id)}`, saying, blocks.length));
  if (keeping.length === 0) {
    const known = tokensIn(withoutContext(body));
    const text = sayings.map(saying => answerTo(saying, known)).join('\n\n');
    blocks.push(textFrames(text === '' ? 'Nothing was said.' : text, 0, options, random));
  }
  const usage = {
    input_tokens: 10,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 1,
  };
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
    ...blocks.flat(),
    frame('message_delta', {
      delta: { stop_reason: keeping.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null },
      usage: { output_tokens: 20 },
    }),
    frame('message_stop', {}),
  ];
}

/** What was said since the last answer, and what of it has been kept. */
function turnOf({ messages }: MessagesBody): { sayings: Saying[]; done: string[] } {
  const sayings: Saying[] = [];
  const done: string[] = [];
  for (const { role, content } of [...messages].reverse()) {
    const blocks: Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    if (role === 'assistant') {
      const uses = blocks.filter(({ type }) => type === 'tool_use');
      if (uses.length === 0) break;
      done.push(...(JSON.stringify(uses).match(/msg\d+/g) ?? []));
    } else {
      const said = blocks.filter(block => isSaid(block)).map(({ text }) => String(text));
      sayings.unshift(...said.flatMap(sayingsIn));
    }
  }
  return { sayings, done };
}

function isSaid({ type, text }: Block): boolean {
  return type === 'text' && !/^<(?:context|earlier_words|session_start)>/.test(String(text));
}

/** Everything the agent has of this person: quoted words of others are none of it. */
function withoutContext({ system, messages }: MessagesBody): string {
  const kept = messages.map(({ content }) =>
    typeof content === 'string'
      ? content
      : content.filter(({ type, text }) => type !== 'text' || !String(text).startsWith('<context>')),
  );
  return JSON.stringify([system, kept]);
}

function textFrames(text: string, index: number, options: ModelOptions, random: Random): Frame[] {
  const count = Math.min(random.between(...options.pieces), Math.max(1, Math.floor(text.length / 4)));
  const size = Math.ceil(text.length / count);
  const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [text];
  let at = 0;
  return [
    frame('content_block_start', { index, content_block: { type: 'text', text: '' } }),
    ...pieces.flatMap((piece): Frame[] => {
      at += random.between(...options.pieceMs);
      return [
        { waitFor: later(at) },
        frame('content_block_delta', { index, delta: { type: 'text_delta', text: piece } }),
      ];
    }),
    frame('content_block_stop', { index }),
  ];
}

let uses = 0;

function writeFrames(file_path: string, saying: Saying, index: number): Frame[] {
  uses += 1;
  const partial_json = JSON.stringify({ file_path, content: factOf(saying) });
  return [
    frame('content_block_start', {
      index,
      content_block: { type: 'tool_use', id: `toolu_${uses}`, name: 'write', input: {} },
    }),
    frame('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } }),
    frame('content_block_stop', { index }),
  ];
}

function frame(event: string, data: object): Frame {
  return { event, data: { type: event, ...data } };
}

/** From now on, whenever it is waited for. */
function later(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
