import type { BetaManagedAgentsUserMessageEventParams } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import { failureOf, PersonError } from '../errors.ts';
import type { Attachment, Message } from '../message.ts';
import { contextBlocks, ownWords } from '../session/session-start.ts';

type Block = BetaManagedAgentsUserMessageEventParams['content'][number];

export interface MessageContent {
  blocks: Block[];
  /** What the person should know about files that could not be taken along, one sentence each. */
  refusals: string[];
}

/** The most one message may say, in bytes of UTF-8; about 25,000 words. */
const MAX_TEXT_BYTES = 150_000;
const MAX_IMAGE_BYTES = 5_000_000;
/** A request body may be 32 MB, and base64 adds a third: of one file, and of all together. */
const MAX_DOCUMENT_BYTES = 20_000_000;
const MAX_FILES_BYTES = 22_000_000;
const TOO_MANY = `together with the others it is more than ${MAX_FILES_BYTES / 1_000_000} MB. Please send it in a message of its own.`;
const IMAGES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

/** The sentence for a message that cannot be sent to the agent at all, or null. */
export function objectionTo(messages: readonly Message[]): string | null {
  if (messages.every(saysNothing)) {
    return "I'm here. What can I do for you?";
  }
  const bytes = messages.reduce((sum, message) => sum + Buffer.byteLength(message.text), 0);
  if (bytes > MAX_TEXT_BYTES) {
    const kb = (value: number) => Math.ceil(value / 1_000);
    return `That is ${kb(bytes)} KB of text, and I can take in ${kb(MAX_TEXT_BYTES)} KB at a time. Please send it in smaller parts.`;
  }
  return null;
}

/** Whoever only points at what others said, by calling the bot there or by forwarding it, has asked about that. */
function saysNothing({ text, attachments, context }: Message): boolean {
  return text.trim() === '' && attachments.length === 0 && context.length === 0;
}

/** One user.message for everything that arrived: a block per message, in order, with what belongs to each. */
export async function contentOf(
  start: string | null,
  messages: readonly Message[],
  download: (attachment: Attachment) => Promise<Uint8Array>,
): Promise<MessageContent> {
  const blocks: Block[] = start === null ? [] : [{ type: 'text', text: start }];
  const refusals: string[] = [];
  let room = MAX_FILES_BYTES;
  const taking = async (attachment: Attachment) => {
    if (attachment.sizeBytes > room) throw new PersonError(TOO_MANY);
    const bytes = await download(attachment);
    if (bytes.byteLength > room) throw new PersonError(TOO_MANY);
    room -= bytes.byteLength;
    return bytes;
  };
  for (const message of messages) {
    for (const text of contextBlocks(message)) blocks.push({ type: 'text', text });
    if (message.text.trim() !== '') blocks.push({ type: 'text', text: ownWords(message.text) });
    for (const attachment of message.attachments) {
      try {
        blocks.push(await blockOf(attachment, taking));
      } catch (error) {
        const failure = failureOf(error);
        if (failure.type === 'aborted') throw error;
        const reason =
          error instanceof PersonError ? error.message : 'I could not fetch it. Please send it again.';
        refusals.push(`I could not open “${attachment.name}”: ${reason}`);
        blocks.push({
          type: 'text',
          text: `[The person shared the file "${attachment.name}", but it could not be opened: ${reason}]`,
        });
      }
    }
  }
  return { blocks, refusals };
}

async function blockOf(
  attachment: Attachment,
  download: (a: Attachment) => Promise<Uint8Array>,
): Promise<Block> {
  const kind = kindOf(attachment.mediaType);
  if (kind === null) {
    throw new PersonError('I can only read pictures (JPEG, PNG, GIF, WebP), PDFs and plain text files.');
  }
  const limit = kind === 'image' ? MAX_IMAGE_BYTES : kind === 'pdf' ? MAX_DOCUMENT_BYTES : MAX_TEXT_BYTES;
  const tooLarge = `it is larger than ${limit >= 1_000_000 ? `${limit / 1_000_000} MB` : `${limit / 1_000} KB`}.`;
  if (attachment.sizeBytes > limit) throw new PersonError(tooLarge);
  const bytes = await download(attachment);
  if (bytes.byteLength > limit) throw new PersonError(tooLarge);
  if (bytes.byteLength === 0) throw new PersonError('it is empty.');
  const data = Buffer.from(bytes).toString(kind === 'text' ? 'utf8' : 'base64');
  const { name: title, mediaType: media_type } = attachment;
  switch (kind) {
    case 'image':
      return { type: 'image', source: { type: 'base64', media_type, data } };
    case 'pdf':
      return { type: 'document', title, source: { type: 'base64', media_type: 'application/pdf', data } };
    case 'text':
      return { type: 'document', title, source: { type: 'text', media_type: 'text/plain', data } };
  }
}

function kindOf(mediaType: string): 'image' | 'pdf' | 'text' | null {
  if (IMAGES.includes(mediaType)) return 'image';
  if (mediaType === 'application/pdf') return 'pdf';
  if (mediaType.startsWith('text/') || mediaType === 'application/json') return 'text';
  return null;
}
