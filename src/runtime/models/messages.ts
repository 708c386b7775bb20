import Anthropic from '@anthropic-ai/sdk';
import type {
  CacheControlEphemeral,
  MessageCreateParamsStreaming,
  MessageParam,
} from '@anthropic-ai/sdk/resources/messages';
import { type Model, ModelError, type ModelEvent, type ModelRequest } from '../ports.ts';
import { type Endpoint, isContextOverflow, rejectsCacheControl, toModelError } from './messages-errors.ts';
import { createReplyReader } from './messages-stream.ts';

const ANTHROPIC = 'https://api.anthropic.com';
/** Enough for a long answer or one memory file; small enough for models with a short context. */
const MAX_TOKENS = 8_192;
const CACHE: CacheControlEphemeral = { type: 'ephemeral' };

export interface MessagesModelOptions {
  /** With or without a trailing /v1; Anthropic's own address when left out. */
  baseUrl?: string;
  apiKey?: string;
  /** Replaces the model id of the agent. */
  model?: string;
  maxTokens?: number;
}

/** A setting the operator has to correct; the message is a sentence for them. */
export class ModelSettingsError extends Error {
  override readonly name = 'ModelSettingsError';
}

/**
 * Any server that speaks Anthropic's Messages API: Anthropic, Ollama, vLLM, a gateway. Nothing is retried here;
 * the agent loop decides. Throws a `ModelSettingsError` at once when `baseUrl` is not a URL.
 */
export function createMessagesModel(options: MessagesModelOptions = {}): Model {
  const { apiKey, model, maxTokens = MAX_TOKENS } = options;
  const url = parseBaseUrl(options.baseUrl ?? ANTHROPIC);
  const endpoint: Endpoint = { host: url.host, apiKey };
  const client = new Anthropic({
    baseURL: url.href.replace(/\/$/, ''),
    // Never null: without a key the client would look for credentials of its own on this machine.
    apiKey: apiKey ?? 'none',
    // Bearer is what the client sends, x-api-key what many gateways look for. Servers without keys get neither.
    defaultHeaders: {
      'anthropic-version': '2023-06-01',
      ...(apiKey === undefined ? { Authorization: null } : { 'x-api-key': apiKey }),
    },
    maxRetries: 0,
    logLevel: 'off',
    // Its spans, where somebody exports any, never hold what was said, whatever the environment asks for.
    openTelemetry: { propagation: false, traces: { contentMode: 'metadata_only' } },
  });
  // Unknown fields are ignored by most servers; one that refuses this one is asked without it from then on.
  let cacheControl = true;

  async function* complete(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    const modelId = model ?? request.model;
    const reader = createReplyReader();
    try {
      const stream = await open({ ...request, model: modelId }, signal);
      for await (const event of stream) yield* reader.read(event);
    } catch (error) {
      signal.throwIfAborted();
      if (isContextOverflow(error)) {
        yield {
          type: 'finished',
          stopReason: 'model_context_window_exceeded',
          content: [],
          usage: reader.usage(),
        };
        return;
      }
      throw toModelError(error, { ...endpoint, model: modelId });
    }
    // The client ends an aborted stream, and one whose server closed early, without a word.
    signal.throwIfAborted();
    const finished = reader.finished();
    if (finished === undefined) {
      throw new ModelError(
        'unreachable',
        `${url.host} closed the connection before the answer was complete.`,
        {
          retryable: true,
        },
      );
    }
    yield finished;
  }

  async function open(request: ModelRequest, signal: AbortSignal) {
    try {
      return await client.messages.create(toParams(request, maxTokens, cacheControl), { signal });
    } catch (error) {
      if (!cacheControl || !rejectsCacheControl(error)) throw error;
      cacheControl = false;
      return client.messages.create(toParams(request, maxTokens, cacheControl), { signal });
    }
  }

  return { label: `${model ?? "the agent's model"} at ${url.host}`, complete };
}

function toParams(request: ModelRequest, maxTokens: number, cache: boolean): MessageCreateParamsStreaming {
  const { model, system, messages, tools } = request;
  return {
    model,
    max_tokens: maxTokens,
    stream: true,
    messages: cache ? withCacheMark(messages) : messages,
    ...(system === ''
      ? {}
      : { system: [{ type: 'text', text: system, ...(cache ? { cache_control: CACHE } : {}) }] }),
    ...(tools.length === 0 ? {} : { tools }),
  };
}

/** Marks the end of the conversation, so that the next request of the turn reads all of this one from the cache. */
function withCacheMark(messages: MessageParam[]): MessageParam[] {
  const last = messages.at(-1);
  if (last?.role !== 'user') return messages;
  const content =
    typeof last.content === 'string' ? [{ type: 'text' as const, text: last.content }] : [...last.content];
  const block = content.pop();
  if (block === undefined) return messages;
  switch (block.type) {
    case 'text':
    case 'image':
    case 'document':
    case 'tool_result':
      return [
        ...messages.slice(0, -1),
        { ...last, content: [...content, { ...block, cache_control: CACHE }] },
      ];
    default:
      return messages;
  }
}

function parseBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // Without repeating it: a password may stand in it.
    throw new ModelSettingsError('MODEL_BASE_URL must be a URL such as http://127.0.0.1:11434.');
  }
  // The client appends /v1/messages itself.
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/v1(\/messages)?$/, '');
  return url;
}
