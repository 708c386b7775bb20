// What a message may contain, checked the same way wherever content is given: text or markdown_text, blocks,
// attachments (the "Limits" and errors of chat.postMessage, chat.update, chat.postEphemeral).

import { checkBlocks, textLength } from './blocks.ts';
import type { Core } from './core.ts';
import { ApiError, complaint, objects, optional } from './method.ts';
import type { Json } from './world.ts';

export const contentArgs = {
  text: optional,
  markdown_text: optional,
  blocks: objects.optional(),
  attachments: objects.optional(),
};

export const contentErrors = { blocks: 'invalid_blocks_format', attachments: 'invalid_attachments' } as const;

export interface ContentArgs {
  readonly text?: string | undefined;
  readonly markdown_text?: string | undefined;
  readonly blocks?: Json[] | undefined;
  readonly attachments?: Json[] | undefined;
}

export interface Content {
  readonly text: string;
  readonly markup: 'mrkdwn' | 'markdown';
  readonly blocks: Json[];
  readonly attachments: Json[];
}

/** Throws what Slack would answer. Does not judge the length of `text`: that differs by method. */
export function checkContent(core: Core, args: ContentArgs): Content {
  const { markdown_text: markdown, blocks = [], attachments = [] } = args;
  if (markdown !== undefined && (args.text !== undefined || args.blocks !== undefined)) {
    throw new ApiError('markdown_text_conflict');
  }
  if (markdown !== undefined && markdown.length > core.limits.markdownText)
    throw new ApiError('msg_too_long');
  checkMessageBlocks(core, blocks);
  if (attachments.length > 100) throw new ApiError('too_many_attachments');
  const text = markdown ?? args.text ?? '';
  if (text === '' && blocks.length === 0 && attachments.length === 0) throw new ApiError('no_text');
  return { text, markup: markdown === undefined ? 'mrkdwn' : 'markdown', blocks, attachments };
}

export function checkMessageBlocks(core: Core, blocks: readonly Json[]): void {
  const errors = checkBlocks(blocks, 'message', core.limits.messageBlocks);
  if (errors.length > 0) throw complaint('invalid_blocks', errors);
  if (textLength(blocks) > core.limits.messageBlocksText) throw new ApiError('msg_blocks_too_long');
}
