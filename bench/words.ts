/** The reply that every contender shows: numbered words, so that what is seen says how far it has come. */

export const TOKENS = 60;

/** About as long as a token of a model; it ends in a space, as words do. */
export function tokenAt(index: number): string {
  return `w${index.toString(36).padStart(2, '0')}x `;
}

export function textOf(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => tokenAt(index))
    .join('')
    .trimEnd();
}

/** How many tokens a text shows, from the highest number in it; 0: none. */
export function tokensIn(text: string): number {
  let most = 0;
  for (const [, digits] of text.matchAll(/w([0-9a-z]{2})x/g)) {
    most = Math.max(most, Number.parseInt(digits ?? '0', 36) + 1);
  }
  return most;
}

/** What a person writes; the number comes back with the times of its tokens. */
export function questionOf(turn: number): string {
  return `q${turn}q What would suit me?`;
}

export function turnIn(text: string): number | null {
  const found = /q(\d+)q/.exec(text);
  return found === null ? null : Number(found[1]);
}
