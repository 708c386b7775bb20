import type { Log } from '../log.ts';
import type { ChatAdapter } from './adapter.ts';
import type { Notices } from './notices.ts';
import type { OngoingTurn, Replied } from './turn-record.ts';

/** Shows what a turn changed in memory: at most once, also over a crash. Does not reject. */
export async function showNotices(
  { notices, log }: { notices: Notices; log: Log },
  turn: OngoingTurn,
  adapter: ChatAdapter,
  replied: Replied,
): Promise<void> {
  const { conversation, last, record, telemetry } = turn;
  const { owner, storeIds, begunAt, noticed } = replied;
  if (noticed || begunAt === null || record.sessionId === null || storeIds.length === 0) return;
  try {
    const made = await notices.of({
      person: owner,
      storeIds,
      sessionId: record.sessionId,
      since: begunAt,
      foreign: replied.foreign,
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
    log.error(
      { event: 'notice.failed', conversation: turn.key, err: error },
      'the memory notice could not be shown',
    );
  }
}
