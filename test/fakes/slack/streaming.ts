// The state and content of streamed messages. Chunk shapes are from @slack/types (chunk.d.ts); the lifetime and
// the size of a stream are measured, not documented, see limits.ts. Slack ends a stream by itself five minutes
// after its start, whether or not text keeps coming.

import { z } from 'zod';
import { checkBlocks, textLength } from './blocks.ts';
import type { Core } from './core.ts';
import { ApiError, complaint } from './method.ts';
import type { Json, Message, Stream, StreamTask } from './world.ts';

/** Undefined for a message that was never streamed. A stream past its lifetime counts as expired from then on. */
export function streamState(core: Core, message: Message): Stream['state'] | undefined {
  const { stream } = message;
  if (stream?.state === 'streaming' && core.clock.now() - stream.startedAt >= core.limits.streamLifetimeMs) {
    stream.state = 'expired';
  }
  return stream?.state;
}

const source = z.looseObject({ type: z.literal('url'), url: z.string().min(1), text: z.string().min(1) });

const chunkSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('markdown_text'), text: z.string() }),
  z.object({
    type: z.literal('task_update'),
    id: z.string().min(1),
    title: z.string(),
    status: z.enum(['pending', 'in_progress', 'complete', 'error']),
    details: z.string().optional(),
    output: z.string().optional(),
    sources: z.array(source).optional(),
  }),
  z.object({ type: z.literal('plan_update'), title: z.string() }),
  z.object({ type: z.literal('blocks'), blocks: z.array(z.record(z.string(), z.unknown())) }),
]);

export type Chunk = z.infer<typeof chunkSchema>;

export interface Feed {
  readonly markdown_text?: string | undefined;
  readonly chunks?: Json[] | undefined;
}

export interface Fed {
  readonly mode: 'text' | 'chunks' | undefined;
  readonly chunks: readonly Chunk[];
}

/** What a call feeds into a stream, checked; an empty list of chunks feeds nothing. */
export function readFeed(core: Core, feed: Feed): Fed {
  const chunks = feed.chunks ?? [];
  if (feed.markdown_text !== undefined && chunks.length > 0) {
    throw new ApiError('cannot_provide_both_markdown_text_and_chunks');
  }
  if (feed.markdown_text !== undefined) {
    if (feed.markdown_text.length > core.limits.markdownText) throw new ApiError('msg_too_long');
    return { mode: 'text', chunks: [{ type: 'markdown_text', text: feed.markdown_text }] };
  }
  const parsed = chunks.map((chunk, index) => readChunk(core, chunk, index));
  return { mode: parsed.length > 0 ? 'chunks' : undefined, chunks: parsed };
}

function readChunk(core: Core, value: Json, index: number): Chunk {
  const result = chunkSchema.safeParse(value);
  if (!result.success) {
    const at = (path: readonly PropertyKey[]) => ['', 'chunks', index, ...path].map(String).join('/');
    throw complaint(
      'invalid_chunks',
      result.error.issues.map(issue => `${issue.message} [json-pointer:${at(issue.path)}]`),
    );
  }
  const chunk = result.data;
  if (chunk.type === 'markdown_text' && chunk.text.length > core.limits.markdownText)
    throw new ApiError('msg_too_long');
  if (chunk.type === 'blocks') {
    if (chunk.blocks.length > core.limits.messageBlocks) throw new ApiError('msg_blocks_too_many');
    const errors = checkBlocks(chunk.blocks, 'message', core.limits.messageBlocks, `/chunks/${index}/blocks`);
    if (errors.length > 0) throw complaint('invalid_blocks', errors);
  }
  return chunk;
}

/** Adds what was fed. All or nothing: a feed that does not fit leaves the stream as it was. */
export function feedStream(core: Core, stream: Stream, fed: Fed): void {
  if (fed.mode !== undefined && stream.mode !== undefined && fed.mode !== stream.mode) {
    throw new ApiError('streaming_mode_mismatch');
  }
  const after: Stream = { ...stream, parts: stream.parts.map(copyPart) };
  for (const chunk of fed.chunks) applyChunk(after, chunk);
  if (weight(core, after) > core.limits.streamBytes) throw new ApiError('msg_too_long');
  const blocks = after.parts.flatMap(part => (part.type === 'blocks' ? part.blocks : []));
  if (blocks.length > core.limits.messageBlocks) throw new ApiError('msg_blocks_too_many');
  if (textLength(blocks) > core.limits.messageBlocksText) throw new ApiError('msg_blocks_too_long');
  stream.parts.splice(0, stream.parts.length, ...after.parts);
  stream.planTitle = after.planTitle;
  stream.mode ??= fed.mode;
}

function copyPart(part: Stream['parts'][number]): Stream['parts'][number] {
  switch (part.type) {
    case 'text':
      return { ...part };
    case 'task':
      return { type: 'task', task: { ...part.task } };
    case 'blocks':
      return part;
  }
}

function applyChunk(stream: Stream, chunk: Chunk): void {
  switch (chunk.type) {
    case 'markdown_text': {
      const last = stream.parts.at(-1);
      if (last?.type === 'text') last.text += chunk.text;
      else if (chunk.text !== '') stream.parts.push({ type: 'text', text: chunk.text });
      return;
    }
    case 'task_update': {
      const task = taskOf(stream, chunk.id);
      task.title = chunk.title;
      task.status = chunk.status;
      // Details and output of a task accumulate over its updates (slackapi/python-slack-sdk pull request 1809).
      task.details += chunk.details ?? '';
      task.output += chunk.output ?? '';
      task.sources.push(...(chunk.sources ?? []));
      return;
    }
    case 'plan_update':
      stream.planTitle = chunk.title;
      return;
    case 'blocks':
      stream.parts.push({ type: 'blocks', blocks: chunk.blocks });
  }
}

function taskOf(stream: Stream, id: string): StreamTask {
  for (const part of stream.parts) if (part.type === 'task' && part.task.id === id) return part.task;
  const task: StreamTask = { id, title: '', status: 'pending', details: '', output: '', sources: [] };
  stream.parts.push({ type: 'task', task });
  return task;
}

const bytes = (text: string) => Buffer.byteLength(text);

/** Measured: counts once there is body text; task details and output count twice. */
function weight(core: Core, stream: Stream): number {
  let text = 0;
  let tasks = bytes(stream.planTitle ?? '');
  for (const part of stream.parts) {
    if (part.type === 'text') text += bytes(part.text);
    if (part.type === 'task') {
      const { title, details, output } = part.task;
      tasks += core.limits.streamTaskBytes + bytes(title) + 2 * (bytes(details) + bytes(output));
    }
  }
  return text === 0 ? 0 : text + tasks;
}
