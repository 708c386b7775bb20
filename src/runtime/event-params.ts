import * as z from 'zod';
import { invalid } from './errors.ts';

/** What a client may send (SDK 1.12 BetaManagedAgentsEventParams). */

const visibleText = z.string().refine(value => value.trim() !== '', 'must contain text');
const textBlock = z.strictObject({ type: z.literal('text'), text: visibleText });
const fileSource = z.strictObject({ type: z.literal('file'), file_id: z.string() });
const urlSource = z.strictObject({ type: z.literal('url'), url: z.url() });
const base64Source = z.strictObject({
  type: z.literal('base64'),
  media_type: z.string().min(1),
  data: z.base64().min(1),
});
const plainTextSource = z.strictObject({
  type: z.literal('text'),
  media_type: z.literal('text/plain'),
  data: z.string(),
});
const imageBlock = z.strictObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [base64Source, urlSource, fileSource]),
});
const documentBlock = z.strictObject({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [base64Source, plainTextSource, urlSource, fileSource]),
  title: z.string().nullable().exactOptional(),
  context: z.string().nullable().exactOptional(),
});
const searchResultBlock = z.strictObject({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: z.array(z.strictObject({ type: z.literal('text'), text: visibleText })),
  citations: z.strictObject({ enabled: z.boolean() }),
});

const messageContent = z
  .array(z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock]))
  .min(1, 'must have at least one block');
const resultContent = z.array(
  z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock, searchResultBlock]),
);

const userMessage = z.strictObject({ type: z.literal('user.message'), content: messageContent });
const defineOutcome = z.looseObject({ type: z.literal('user.define_outcome') });
const eventParam = z.discriminatedUnion('type', [
  userMessage,
  z.strictObject({
    type: z.literal('user.interrupt'),
    session_thread_id: z.string().nullable().exactOptional(),
  }),
  z.strictObject({
    type: z.literal('user.tool_confirmation'),
    tool_use_id: z.string(),
    result: z.enum(['allow', 'deny']),
    deny_message: z.string().nullable().exactOptional(),
  }),
  z.strictObject({
    type: z.literal('user.custom_tool_result'),
    custom_tool_use_id: z.string(),
    content: resultContent.exactOptional(),
    is_error: z.boolean().nullable().exactOptional(),
  }),
  z.strictObject({
    type: z.literal('system.message'),
    content: z.array(textBlock).min(1, 'must have at least one block'),
  }),
  z.looseObject({ type: z.literal('user.tool_result') }),
  defineOutcome,
]);

export const sendParams = z.strictObject({
  events: z.array(eventParam).min(1, 'must have at least one event'),
});
export const initialEventsParam = z
  .array(z.discriminatedUnion('type', [userMessage, defineOutcome]))
  .max(50, 'must have at most 50 events');

type Offered = z.infer<typeof eventParam>;
export type EventParam = Exclude<Offered, { type: 'user.tool_result' | 'user.define_outcome' }>;

/** Throws 400 for what the API has and a session of this runtime cannot take. */
export function acceptEvents(events: readonly Offered[]): EventParam[] {
  events.forEach((event, index) => {
    if (event.type !== 'system.message') return;
    const before = events[index - 1]?.type;
    if (index !== events.length - 1 || (before !== 'user.message' && before !== 'user.custom_tool_result')) {
      throw invalid(
        'events: a system.message must be the last event and follow a user.message or user.custom_tool_result.',
      );
    }
  });
  return events.map(refuseUnoffered);
}

function refuseUnoffered(event: Offered): EventParam {
  switch (event.type) {
    case 'user.define_outcome':
      throw invalid('user.define_outcome: this local runtime does not grade outcomes; send a user.message.');
    case 'user.tool_result':
      throw invalid(
        'user.tool_result: only self-hosted environments take it; here the runtime runs the tools.',
      );
    default:
      return event;
  }
}

/** The ids of the uploaded files that the events refer to. */
export function referredFiles(events: readonly EventParam[]): string[] {
  const ids: string[] = [];
  for (const event of events) {
    if (!('content' in event) || !event.content) continue;
    for (const block of event.content) {
      if ((block.type === 'image' || block.type === 'document') && block.source.type === 'file') {
        ids.push(block.source.file_id);
      }
    }
  }
  return ids;
}
