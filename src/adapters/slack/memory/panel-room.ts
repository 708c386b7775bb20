import type { Block } from '../blocks.ts';

/** What a surface takes. */
export interface Room {
  blocks: number;
  /** Of all text together. */
  characters: number;
  /** Whether what does not fit can be opened with a button. */
  opens: boolean;
  /** Where a text that is longer than the room goes on. */
  from?: number;
}

/** Of the buttons below a note, with what they ask. */
export const BUTTONS_CHARACTERS = 400;
/** Of the changes of one entry, or the facts of one note that is asked about. */
export const ENTRY_CHARACTERS = 700;

/** Of what stands above and below. */
const HEAD_CHARACTERS = 700;

/** What blocks with a button each take of a room, with what stands above and below. */
export function charactersOf(blocks: readonly Block[], extra: number): number {
  return HEAD_CHARACTERS + textLength(blocks) + blocks.length * extra;
}

/** As many groups of blocks as there is room for beside `reserved` others; each may bring `extra` characters. */
export function fitting(groups: readonly Block[][], room: Room, reserved: number, extra = 150): Block[] {
  const shown: Block[] = [];
  let characters = HEAD_CHARACTERS;
  for (const group of groups) {
    characters += textLength(group) + extra;
    if (shown.length + group.length + reserved > room.blocks || characters > room.characters) break;
    shown.push(...group);
  }
  return shown;
}

function textLength(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { text }) => {
    const words = typeof text === 'object' && text !== null && 'text' in text ? String(text.text) : '';
    return sum + words.length;
  }, 0);
}
