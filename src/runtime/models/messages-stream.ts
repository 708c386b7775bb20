import { z } from 'zod';
import type { ModelBlock, ModelEvent, ModelUsage } from '../ports.ts';

const count = z.number().nullish();
const usageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
});

/** Only what is used, and leniently: servers that imitate the API leave fields out and add their own. */
const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_start'), message: z.object({ usage: usageSchema.nullish() }) }),
  z.object({
    type: z.literal('content_block_start'),
    index: z.number(),
    content_block: z.looseObject({ type: z.string() }),
  }),
  z.object({
    type: z.literal('content_block_delta'),
    index: z.number(),
    delta: z.looseObject({ type: z.string() }),
  }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({
      stop_reason: z.string().nullish(),
      stop_details: z.object({ explanation: z.string().nullish() }).nullish(),
    }),
    usage: usageSchema.nullish(),
  }),
  z.object({ type: z.literal('message_stop') }),
]);

const startedBlock = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string().default('') }),
  z.object({
    type: z.literal('thinking'),
    thinking: z.string().default(''),
    signature: z.string().default(''),
  }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string().default('') }),
  z.object({ type: z.literal('tool_use'), id: z.string().default(''), name: z.string(), input: z.unknown() }),
]);

const blockDelta = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text_delta'), text: z.string() }),
  z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
  z.object({ type: z.literal('signature_delta'), signature: z.string() }),
  z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
]);

const inputSchema = z.record(z.string(), z.unknown());

/** `json` collects a tool's input; `whole` is set by servers that send the input in one piece at the start. */
type OpenBlock = Exclude<ModelBlock, { type: 'tool_use' }> | OpenToolUse;
interface OpenToolUse {
  type: 'tool_use';
  id: string;
  name: string;
  json: string;
  whole: unknown;
}

export interface ReplyReader {
  /** Takes one event of the stream; unknown ones are passed over. */
  read(event: unknown): Generator<ModelEvent>;
  usage(): ModelUsage;
  /** Undefined as long as the reply has no end. */
  finished(): Extract<ModelEvent, { type: 'finished' }> | undefined;
}

/** Puts one streamed reply of the Messages API together. */
export function createReplyReader(): ReplyReader {
  const blocks = new Map<number, OpenBlock>();
  const usage: ModelUsage = {
    input_tokens: 0,
    output_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  let stopReason: string | undefined;
  let stopped = false;
  let refusalExplanation: string | null = null;

  /** Counts are cumulative, so the latest wins. */
  function addUsage(seen: z.infer<typeof usageSchema> | null | undefined): void {
    usage.input_tokens = seen?.input_tokens ?? usage.input_tokens;
    usage.output_tokens = seen?.output_tokens ?? usage.output_tokens;
    usage.cache_creation_input_tokens =
      seen?.cache_creation_input_tokens ?? usage.cache_creation_input_tokens;
    usage.cache_read_input_tokens = seen?.cache_read_input_tokens ?? usage.cache_read_input_tokens;
  }

  function* startBlock(index: number, raw: unknown): Generator<ModelEvent> {
    const block = startedBlock.safeParse(raw).data;
    if (block === undefined) return;
    switch (block.type) {
      case 'text':
        blocks.set(index, block);
        yield { type: 'text_started' };
        if (block.text !== '') yield { type: 'text_delta', text: block.text };
        return;
      case 'thinking':
      case 'redacted_thinking':
        blocks.set(index, block);
        yield { type: 'thinking_started' };
        return;
      case 'tool_use':
        blocks.set(index, { type: 'tool_use', id: block.id, name: block.name, json: '', whole: block.input });
        return;
    }
  }

  function* addDelta(index: number, raw: unknown): Generator<ModelEvent> {
    const delta = blockDelta.safeParse(raw).data;
    const block = blocks.get(index);
    if (delta === undefined || block === undefined) return;
    if (delta.type === 'text_delta' && block.type === 'text') {
      block.text += delta.text;
      if (delta.text !== '') yield { type: 'text_delta', text: delta.text };
    } else if (delta.type === 'thinking_delta' && block.type === 'thinking') block.thinking += delta.thinking;
    else if (delta.type === 'signature_delta' && block.type === 'thinking')
      block.signature += delta.signature;
    else if (delta.type === 'input_json_delta' && block.type === 'tool_use') block.json += delta.partial_json;
  }

  return {
    *read(raw) {
      const event = eventSchema.safeParse(raw).data;
      if (event === undefined) return;
      switch (event.type) {
        case 'message_start':
          return addUsage(event.message.usage);
        case 'content_block_start':
          return yield* startBlock(event.index, event.content_block);
        case 'content_block_delta':
          return yield* addDelta(event.index, event.delta);
        case 'message_delta':
          addUsage(event.usage);
          stopReason = event.delta.stop_reason ?? stopReason;
          refusalExplanation = event.delta.stop_details?.explanation ?? refusalExplanation;
          return;
        case 'message_stop':
          stopped = true;
          return;
      }
    },
    usage: () => ({ ...usage }),
    finished() {
      // A stop reason or message_stop: some servers send only one of them.
      if (stopReason === undefined && !stopped) return undefined;
      const content = [...blocks].sort(([a], [b]) => a - b).map(([, block]) => closeBlock(block));
      return {
        type: 'finished',
        stopReason: stopReason ?? 'end_turn',
        content,
        usage: { ...usage },
        refusalExplanation,
      };
    },
  };
}

function closeBlock(block: OpenBlock): ModelBlock {
  if (block.type !== 'tool_use') return block;
  const { id, name, json, whole } = block;
  const input = inputSchema.safeParse(json.trim() === '' ? (whole ?? {}) : parseJson(json));
  if (input.success) return { type: 'tool_use', id, name, input: input.data };
  return { type: 'tool_use', id, name, input: {}, inputError: 'the input was not a complete JSON object' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
