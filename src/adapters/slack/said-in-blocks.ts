/** What stands in the blocks of a message that comes without a text, in Slack's markup. Pure. */

import { z } from 'zod';
import { escapeMrkdwn } from './reply/markdown.ts';

const node = z.looseObject({
  type: z.string(),
  text: z.unknown().optional(),
  fields: z.array(z.unknown()).nullish(),
  elements: z.array(z.unknown()).nullish(),
  user_id: z.string().nullish(),
  channel_id: z.string().nullish(),
  range: z.string().nullish(),
  name: z.string().nullish(),
  url: z.string().nullish(),
});

/** Their elements follow each other in a line. */
const IN_LINE = ['rich_text_section', 'rich_text_preformatted', 'rich_text_quote'];

export function textOfBlocks(blocks: unknown): string {
  return Array.isArray(blocks) ? blocks.map(wordsOf).filter(Boolean).join('\n').trim() : '';
}

function wordsOf(raw: unknown): string {
  const it = node.safeParse(raw).data;
  if (it === undefined) return '';
  const text = typeof it.text === 'string' ? it.text : '';
  switch (it.type) {
    case 'mrkdwn':
      return text;
    case 'text':
    case 'plain_text':
    case 'markdown':
      return escapeMrkdwn(text);
    case 'user':
      return `<@${it.user_id ?? ''}>`;
    case 'channel':
      return `<#${it.channel_id ?? ''}>`;
    case 'broadcast':
      return `<!${it.range ?? ''}>`;
    case 'emoji':
      return `:${it.name ?? ''}:`;
    case 'link':
      return text === '' ? `<${it.url ?? ''}>` : `<${it.url ?? ''}|${escapeMrkdwn(text)}>`;
    default: {
      const inner = [it.text, ...(it.fields ?? []), ...(it.elements ?? [])].map(wordsOf).filter(Boolean);
      return inner.join(IN_LINE.includes(it.type) ? '' : '\n');
    }
  }
}
