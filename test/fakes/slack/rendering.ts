// What a person ends up reading, and what Slack makes of it: who is pinged and which links are crawled. Mention
// syntax is from docs.slack.dev/messaging/formatting-message-text, streaming parts from the chunk types in
// @slack/types (chunk.d.ts), unfurling from docs.slack.dev/messaging/unfurling-links-in-messages.

import type { Json, Message } from './world.ts';

export interface SeenTask {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly details: string;
  readonly output: string;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TEXT_FIELDS = new Set([
  'text',
  'title',
  'subtitle',
  'body',
  'label',
  'hint',
  'details',
  'output',
  'caption',
]);

/** Every piece of text in a tree of blocks, in reading order. Button labels count: they are on screen too. */
export function textsOf(blocks: unknown): string[] {
  const texts: string[] = [];
  const visit = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      if (TEXT_FIELDS.has(key)) texts.push(value);
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item, key);
    } else if (isRecord(value)) {
      if (value.type === 'user' && typeof value.user_id === 'string') texts.push(`<@${value.user_id}>`);
      if (value.type === 'broadcast' && typeof value.range === 'string') texts.push(`<!${value.range}>`);
      if (value.type === 'usergroup' && typeof value.usergroup_id === 'string') {
        texts.push(`<!subteam^${value.usergroup_id}>`);
      }
      if (value.type === 'link' && typeof value.url === 'string' && value.text === undefined)
        texts.push(value.url);
      for (const [name, child] of Object.entries(value)) visit(child, name);
    }
  };
  visit(blocks, '');
  return texts;
}

/**
 * The text in blocks that Slack reads for mentions and links: mrkdwn and Markdown. Plain text and the literal
 * runs of rich text are shown as they are.
 */
export function parsedTextsOf(blocks: unknown): string[] {
  if (Array.isArray(blocks)) return blocks.flatMap(parsedTextsOf);
  if (!isRecord(blocks)) return [];
  const { type, text } = blocks;
  if ((type === 'mrkdwn' || type === 'markdown') && typeof text === 'string') return [text];
  if (type === 'user') return [`<@${String(blocks.user_id)}>`];
  if (type === 'broadcast') return [`<!${String(blocks.range)}>`];
  if (type === 'usergroup') return [`<!subteam^${String(blocks.usergroup_id)}>`];
  if (type === 'link') return [String(blocks.url)];
  return Object.values(blocks).flatMap(parsedTextsOf);
}

/** The content of a message as its readers see it: streamed text joined, else blocks, else text. */
export function bodyOf(message: Message): string {
  if (message.stream !== undefined) {
    return message.stream.parts
      .map(part => {
        if (part.type === 'text') return part.text;
        return part.type === 'blocks' ? textsOf(part.blocks).join('\n') : '';
      })
      .join('');
  }
  return message.blocks.length > 0 ? textsOf(message.blocks).join('\n') : message.text;
}

export function tasksOf(message: Message): SeenTask[] {
  if (message.stream === undefined) return [];
  return message.stream.parts.flatMap(part => (part.type === 'task' ? [{ ...part.task }] : []));
}

/** The blocks of a message as the API returns them; streamed content becomes blocks. */
export function blocksOf(message: Message): Json[] {
  const stream = message.stream;
  if (stream === undefined) return message.blocks;
  const blocks: Json[] = [];
  for (const part of stream.parts) {
    if (part.type === 'text') blocks.push({ type: 'markdown', text: part.text });
    else if (part.type === 'blocks') blocks.push(...part.blocks);
    else {
      const { id, title, status } = part.task;
      blocks.push({ type: 'task_card', task_id: id, title, status });
    }
  }
  return [...blocks, ...message.blocks];
}

const PING = /<(@[UW][A-Z0-9]+|![a-z]+(?:\^[A-Z0-9]+)?)(?:\|[^>]*)?>/g;
const NAME_PING = /(?<![\w&])@(channel|here|everyone)\b/g;
const NOT_A_PING = /^!date/;

/** Who a text calls for: user ids, 'channel', 'here', 'everyone' or a user group's id. */
export function pingsIn(text: string, parsesNames: boolean): string[] {
  const pings = [...text.matchAll(PING)]
    .map(match => match[1] ?? '')
    .filter(target => !NOT_A_PING.test(target))
    .map(target => target.replace(/^[@!]/, '').replace(/^subteam\^/, ''));
  if (parsesNames) pings.push(...[...text.matchAll(NAME_PING)].map(match => match[1] ?? ''));
  return pings;
}

const LINK = /https?:\/\/[^\s<>|)\]"'`]+/g;

/** Every address in a text, in whichever way it is written. */
export function linksIn(text: string): string[] {
  return [...text.matchAll(LINK)].map(match => match[0].replace(/[.,;:!?*_~]+$/, ''));
}

function imagesIn(blocks: unknown): string[] {
  if (Array.isArray(blocks)) return blocks.flatMap(imagesIn);
  if (!isRecord(blocks)) return [];
  const own = typeof blocks.image_url === 'string' ? [blocks.image_url] : [];
  return [...own, ...Object.values(blocks).flatMap(imagesIn)];
}

/** All text of a message that Slack parses: its own, what was streamed, and what blocks and attachments hold. */
function parsedText(message: Message): string {
  let streamed = '';
  const others: string[] = [];
  // Streamed text belongs together, whatever stands between: a mention may have been cut in two by a chunk.
  for (const part of message.stream?.parts ?? []) {
    if (part.type === 'text') streamed += part.text;
    if (part.type === 'task') others.push(part.task.details, part.task.output);
    if (part.type === 'blocks') others.push(...parsedTextsOf(part.blocks));
  }
  others.push(message.text, ...parsedTextsOf(message.blocks), ...textsOf(message.attachments));
  return [streamed, ...others].join('\n');
}

export function pingsOf(message: Message): string[] {
  return pingsIn(parsedText(message), message.parsesNames);
}

/**
 * The addresses Slack fetches on account of a message. Only a chat.postMessage that says no to both kinds of
 * unfurling stops it; other calls have no such argument. Pictures in blocks are always fetched.
 */
export function crawledOf(message: Message): string[] {
  const images = imagesIn(message.blocks);
  const quiet = message.unfurl.links === false && message.unfurl.media === false;
  return [...(quiet ? [] : linksIn(parsedText(message))), ...images];
}
