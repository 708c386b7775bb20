import { randomBytes } from 'node:crypto';

/** The prefixes of the API's ids (SDK 1.12 resources/beta). */
export type IdPrefix =
  | 'agent'
  | 'env'
  | 'sesn'
  | 'sevt'
  | 'sthr'
  | 'sesrsc'
  | 'memstore'
  | 'mem'
  | 'memver'
  | 'file'
  | 'req';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** A new id such as `sesn_01k3v9q2m7x4t8w5y6z0`: 100 random bits, safe in paths and file names. */
export function newId(prefix: IdPrefix): string {
  let id = `${prefix}_01`;
  for (const byte of randomBytes(20)) id += ALPHABET.charAt(byte & 31);
  return id;
}
