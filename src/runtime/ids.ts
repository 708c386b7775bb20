import { randomUUID } from 'node:crypto';

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

/** A new id such as `sesn_0b6c…` (32 hex digits, 122 of their bits random): safe in paths and file names. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}
