import { inTime } from '../patience.ts';

const GREETING_MS = 10_000;

/** Connecting, and what is said before the first command. Clients limit the one; a server can accept and say nothing more. */
export async function greeted(connecting: Promise<unknown>, ms = GREETING_MS): Promise<void> {
  const late = Symbol();
  if ((await inTime(connecting, ms, late)) === late)
    throw new Error(`it did not answer within ${ms / 1_000} s`);
}
