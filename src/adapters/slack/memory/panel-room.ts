import type { Block } from '../blocks.ts';

/** What a surface takes. */
export interface Room {
  blocks: number;
  /** Of all text together. */
  characters: number;
  /** It stands in a conversation. */
  inMessage: boolean;
  /** Where what is longer than the room goes on. */
  from?: number;
}

/** Of the buttons of one item, with what they ask. */
const BUTTONS_CHARACTERS = 400;
/** Of what stands above and below. */
const HEAD_CHARACTERS = 700;

/** What items with buttons take of a room, with what stands above and below. */
export function charactersOf(groups: readonly Block[][]): number {
  return groups.reduce((sum, group) => sum + textLength(group) + BUTTONS_CHARACTERS, HEAD_CHARACTERS);
}

/** As many groups of blocks as there is room for beside `reserved` others. */
export function fitting(groups: readonly Block[][], room: Room, reserved: number): Block[][] {
  const shown: Block[][] = [];
  let blocks = reserved;
  let characters = HEAD_CHARACTERS;
  for (const group of groups) {
    characters += textLength(group) + BUTTONS_CHARACTERS;
    blocks += group.length;
    if (blocks > room.blocks || characters > room.characters) break;
    shown.push(group);
  }
  return shown;
}

function textLength(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { text }) => {
    const words = typeof text === 'object' && text !== null && 'text' in text ? String(text.text) : '';
    return sum + words.length;
  }, 0);
}
