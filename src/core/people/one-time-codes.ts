import { randomInt } from 'node:crypto';

/** Without 0, O, 1, I and L, which people mix up. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
const LENGTH = 8;

/** "K7QM-3XWP", one of 31^8: some 8.5 * 10^11. */
export function newOneTimeCode(): string {
  const characters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${characters.slice(0, 4)}-${characters.slice(4)}`;
}

/** As typed by somebody: case, width, dashes and spaces do not matter. */
export function plainCode(code: string): string {
  return code
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '');
}
