import type { Block } from './blocks.ts';

/** What a surface takes. */
export interface Room {
  blocks: number;
  /** Of all text together. */
  characters: number;
  /** Whether what does not fit can be opened with a button. */
  opens: boolean;
}

/** Of the buttons below a note, with what they ask. */
export const BUTTONS_CHARACTERS = 400;
/** Of the changes of one entry, or the facts of one note that is asked about. */
export const ENTRY_CHARACTERS = 700;

/** As many groups of blocks as there is room for beside `reserved` others; each may bring `extra` characters. */
export function fitting(groups: readonly Block[][], room: Room, reserved: number, extra = 150): Block[] {
  const shown: Block[] = [];
  let characters = 700;
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
