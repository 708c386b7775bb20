/** Block Kit, as far as it is used here. What comes from people or the agent is escaped and cut to size. */

import type { types } from '@slack/bolt';
import { beginning, clip } from '../../core/reply/text-split.ts';
import { escapeMrkdwn, inertMrkdwn } from './reply/markdown.ts';

export type Block = Record<string, unknown>;

export interface MessageContent {
  /** For notifications. */
  text: string;
  blocks: Block[];
}

/** A section takes 3,000 characters. */
export const SECTION_CHARACTERS = 2_900;
/** Five times as long once escaped. */
const SENTENCE_CHARACTERS = 280;
export const TITLE_CHARACTERS = 100;
const LINE_CHARACTERS = 250;
const FALLBACK_CHARACTERS = 200;

export const DIVIDER: Block = { type: 'divider' };

export function plain(text: string) {
  return { type: 'plain_text', text, emoji: false } satisfies types.PlainTextElement;
}

/** Nothing in it becomes a link or a mention by itself. */
export function section(mrkdwn: string) {
  return {
    type: 'section',
    text: { type: 'mrkdwn', text: mrkdwn, verbatim: true },
  } satisfies types.SectionBlock;
}

/** Text as it is, without any markup. */
export function plainSection(text: string): Block {
  return { type: 'section', text: plain(clip(text, SECTION_CHARACTERS)) };
}

export function context(mrkdwn: string): Block {
  return { type: 'context', elements: [{ type: 'mrkdwn', text: mrkdwn, verbatim: true }] };
}

export function actions(elements: Block[]): Block {
  return { type: 'actions', elements };
}

export function button(label: string, action: string, value: string): Block {
  return { type: 'button', text: plain(label), action_id: action, value };
}

/**
 * Buttons in messages name the installation they belong to: pressed by somebody from another workspace, Slack's payload
 * speaks of theirs.
 */
export function blockIdOf(tenant: string, what: string): string {
  return `${tenant}:${what}`;
}

/** The same for everything in a message that can be pressed. */
export function ofTenant({ text, blocks }: MessageContent, tenant: string): MessageContent {
  const named = (block: Block, index: number) =>
    block.type === 'actions' || 'accessory' in block
      ? { block_id: blockIdOf(tenant, String(index)), ...block }
      : block;
  return { text, blocks: blocks.map(named) };
}

/** One sentence as mrkdwn. */
export function sentence(text: string): string {
  return inertMrkdwn(clip(text, SENTENCE_CHARACTERS));
}

export function title(text: string): string {
  return `*${inertMrkdwn(clip(text, TITLE_CHARACTERS))}*`;
}

export function line(text: string): string {
  return inertMrkdwn(clip(text, LINE_CHARACTERS));
}

/** The text of notifications. */
export function fallback(text: string): string {
  return inertMrkdwn(clip(text, FALLBACK_CHARACTERS));
}

/** As many lines as fit, and how many are left. */
export function lines(all: readonly string[], characters: number): string[] {
  const shown: string[] = [];
  let room = characters;
  for (const it of all) {
    room -= it.length + 1;
    if (room < 0) break;
    shown.push(it);
  }
  const left = all.length - shown.length;
  return left === 0 ? shown : [...shown, `_and ${left} more_`];
}

/** A text in sections, every character of it, as long as there is room. Returns how much is left out. */
export function textSections(
  text: string,
  room: { blocks: number; characters: number },
): { blocks: Block[]; left: number } {
  const blocks: Block[] = [];
  let shown = 0;
  let characters = 0;
  while (
    shown < text.length &&
    blocks.length < room.blocks &&
    characters + SECTION_CHARACTERS <= room.characters
  ) {
    const piece = pieceOf(text.slice(shown));
    const words = escapeMrkdwn(piece);
    blocks.push(section(words));
    shown += piece.length;
    characters += words.length;
  }
  return { blocks, left: text.length - shown };
}

/** As much of a text as fits into one section once escaped, up to a line end if there is one. */
function pieceOf(text: string): string {
  let end = 0;
  for (let length = 0; end < text.length; end += 1) {
    length += escapeMrkdwn(text.charAt(end)).length;
    if (length > SECTION_CHARACTERS) break;
  }
  if (end === text.length) return text;
  const newline = text.lastIndexOf('\n', end - 1) + 1;
  if (newline > 0) return text.slice(0, newline);
  return beginning(text, end);
}
