import { createHash } from 'node:crypto';

/**
 * A short name for something, the same in every process. As a message's nonce (at most 25 characters, Discord,
 * resources/message) it keeps what was posted from being posted again by a retry or after a crash.
 */
export function nonceOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('/')).digest('base64url').slice(0, 22);
}
