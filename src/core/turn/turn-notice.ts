import type { Log } from '../../log.ts';
import type { ChatAdapter } from '../adapter.ts';
import type { LateNotices } from '../memory/late-notices.ts';
import type { Notices } from '../memory/notices.ts';
import type { Message, Person } from '../message.ts';
import { retryTransient } from '../patience.ts';
import type { Notice } from '../views.ts';
import type { TurnLimits } from './turn.ts';
import type { OngoingTurn, Replied } from './turn-record.ts';

/** What others' words brought into memory stays there until it can be checked; the next message waits for that too. */
const PATIENCE_MS = 120_000;

/**
 * Shows what a turn changed in memory: at most once, also over a crash. What cannot be looked at now is looked at later.
 * Rejects only when the process goes down, or when the bookkeeping fails; then it can be repeated.
 */
export async function showNotices(
  deps: { notices: Notices; late: LateNotices; limits: Pick<TurnLimits, 'outageMs'>; log: Log },
  turn: OngoingTurn,
  adapter: ChatAdapter,
  replied: Replied,
): Promise<void> {
  const { notices, log } = deps;
  const { last, record, telemetry } = turn;
  const { owner, storeIds, begunAt, noticed, foreign } = replied;
  const { sessionId } = record;
  if (noticed || begunAt === null || sessionId === null || storeIds.length === 0) return;
  const failed = (error: unknown) =>
    log.error(
      { event: 'notice.failed', conversation: turn.key, err: error },
      'the memory notice could not be shown',
    );
  const changed = { storeIds, sessionId, since: begunAt, foreign };
  let made: Notice[];
  try {
    made = await retryTransient(
      () => notices.of({ person: owner, conversation: turn.conversation, ...changed }),
      {
        limitMs: foreign === null ? 0 : Math.min(PATIENCE_MS, deps.limits.outageMs),
        signals: [turn.shutdown],
      },
    );
  } catch (error) {
    if (turn.shutdown.aborted) throw error;
    failed(error);
    await deps.late.add({ message: last, owner, leftOpen: false, ...changed });
    replied.noticed = true;
    await turn.save();
    return;
  }
  if (made.length === 0) return;
  replied.noticed = true;
  await turn.save();
  try {
    await tellNotices(notices, { message: last, owner }, adapter, made, telemetry);
  } catch (error) {
    if (turn.shutdown.aborted) throw error;
    failed(error);
  }
}

/** As the memory's owner wants it. Each is tried by itself; rejects when one of them could not be shown. */
export async function tellNotices(
  notices: Notices,
  { message, owner }: { message: Message; owner: Person },
  adapter: ChatAdapter,
  made: readonly Notice[],
  telemetry?: Pick<OngoingTurn['telemetry'], 'noticed'>,
): Promise<void> {
  if (made.length === 0) return;
  const mode = await notices.modeFor(owner, message.conversation.audience);
  const failures: unknown[] = [];
  for (const notice of made) {
    const isHeld = notice.heldBecauseOf !== undefined;
    if (mode === 'off' && !isHeld) continue;
    try {
      // A question about held changes is asked even of those who want no notices.
      await adapter.notify(message, notice, mode === 'off' ? 'private' : mode);
      telemetry?.noticed(isHeld ? 'held' : 'told');
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
