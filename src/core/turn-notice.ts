import type { Log } from '../log.ts';
import type { ChatAdapter } from './adapter.ts';
import type { Notices } from './notices.ts';
import { patiently } from './patience.ts';
import type { TurnLimits } from './turn.ts';
import type { OngoingTurn, Replied } from './turn-record.ts';

/** What others' words have brought into memory stands there until it can be looked at; the next message waits as well. */
const PATIENCE_MS = 120_000;

/**
 * Shows what a turn changed in memory: at most once, also over a crash. Rejects only when the process goes down; a later
 * one does it then.
 */
export async function showNotices(
  deps: { notices: Notices; limits: Pick<TurnLimits, 'outageMs'>; log: Log },
  turn: OngoingTurn,
  adapter: ChatAdapter,
  replied: Replied,
): Promise<void> {
  const { notices, log } = deps;
  const { conversation, last, record, telemetry } = turn;
  const { owner, storeIds, begunAt, noticed } = replied;
  if (noticed || begunAt === null || record.sessionId === null || storeIds.length === 0) return;
  try {
    const what = { person: owner, storeIds, sessionId: record.sessionId, since: begunAt };
    const { foreign } = replied;
    const patienceMs = foreign === null ? 0 : Math.min(PATIENCE_MS, deps.limits.outageMs);
    const made = await patiently(() => notices.of({ ...what, foreign }), {
      limitMs: patienceMs,
      signal: turn.shutdown,
    });
    if (made.length === 0) return;
    replied.noticed = true;
    await turn.save();
    const mode = await notices.modeFor(owner, conversation.audience);
    for (const notice of made) {
      // A question about held changes is asked even of those who want no notices.
      if (notice.heldBecauseOf !== undefined)
        await adapter.notify(last, notice, mode === 'off' ? 'private' : mode);
      else if (mode !== 'off') await adapter.notify(last, notice, mode);
      else continue;
      telemetry.noticed(notice.heldBecauseOf === undefined ? 'told' : 'held');
    }
  } catch (error) {
    if (turn.shutdown.aborted) throw error;
    log.error(
      { event: 'notice.failed', conversation: turn.key, err: error },
      'the memory notice could not be shown',
    );
  }
}
