import type { ChatAdapter, ReplySink } from '../adapter.ts';
import type { AgentFile } from '../agent-file.ts';
import type { Memory } from '../memory/memory.ts';
import type { Notices } from '../memory/notices.ts';
import type { Json } from '../message.ts';
import { pause } from '../patience.ts';
import type { Holds } from '../queue/holds.ts';
import type { Inbox, InboxEntry } from '../queue/inbox.ts';
import type { Lease, Leases } from '../queue/leases.ts';
import type { State } from '../state/state.ts';
import type { Telemetry, TurnTelemetry } from '../telemetry.ts';
import { createTurnContent } from './turn-content.ts';
import { showNotices } from './turn-notice.ts';
import { keepRecord, type OngoingTurn, type TurnRecord, TurnUnwanted, turnRecords } from './turn-record.ts';
import { createTurnReply, type TurnReplyDeps } from './turn-reply.ts';

/** A turn whose own bookkeeping fails (a full disk, a dead platform) is tried this often, then left for the next start. */
const MAX_ATTEMPTS = 5;
const STUCK_PAUSE_MS = 2_000;

/** A turn, known even before its messages are read, so that holding the person or withdrawing a message finds it. */
interface RunningTurn {
  interrupt: AbortController;
  /** Everything must be left as it is. */
  leave: AbortController;
  /** Null until they are read. */
  entries: string[] | null;
  /** Entries that the person took back since it began. */
  withdrawn: Set<string>;
  over: Promise<void>;
}

/** `more`: there may be something else to answer; `none`: nothing, as far as is known; `held`: not now. */
type Outcome = 'more' | 'none' | 'held';

export interface Turns {
  /** Answers, in order, what is pending in a conversation when it looks. What comes later must wake it again. Does not reject. */
  run(conversation: string): Promise<void>;
  interrupt(conversation: string): boolean;
  /**
   * The person took this inbox entry back: the turn that answers it is interrupted, and what else it was about is
   * answered anew. False when none does.
   */
  interruptEntry(conversation: string, entryId: string): boolean;
  /** Interrupts every turn of a person (by their key). False when none is running. */
  interruptPerson(person: string): boolean;
  /** The same, and resolves when none is running. */
  halt(person: string): Promise<void>;
  /** Begins no further turn; running ones go on. */
  drain(): void;
  /** Lets go of running turns as they are; a later process carries them on. */
  abandon(): void;
}

export interface TurnsDeps extends TurnReplyDeps {
  memory: Memory;
  state: State;
  inbox: Inbox;
  file: AgentFile;
  adapterOf(platform: string): ChatAdapter | undefined;
  notices: Notices;
  holds: Holds;
  leases: Leases;
  telemetry: Telemetry;
}

/** Which turns run when, and what each leaves behind for a process that comes after this one. */
export function createTurns(deps: TurnsDeps): Turns {
  const { inbox, log } = deps;
  const records = turnRecords(deps.state);
  const running = new Map<string, RunningTurn>();
  const reply = createTurnReply({ ...deps, contents: createTurnContent(deps) });
  const shutdown = new AbortController();
  let draining = false;

  async function run(conversation: string): Promise<void> {
    let patient = true;
    for (let failures = 0; failures < MAX_ATTEMPTS; ) {
      let lease: Lease | null = null;
      try {
        lease = await deps.leases.take(conversation, shutdown.signal);
        if (lease === null || (await answerAll(conversation, lease, patient)) !== 'held') return;
        await lease.release();
        // Somebody who holds them for too long is waited for no more.
        patient = await deps.holds.free(conversation);
      } catch (error) {
        const isLost = lease?.isHeld() === false;
        if (isLost || shutdown.signal.aborted)
          log.info(
            { event: 'turn.handed_over', conversation },
            'this process lets go of a turn; another one, or a later start, carries it on',
          );
        if (shutdown.signal.aborted) return;
        failures += 1;
        if (isLost) continue;
        const again = failures < MAX_ATTEMPTS;
        log.error(
          { event: 'turn.stuck', conversation, attempt: failures, again, err: error },
          'a turn could not be run; its messages stay in the inbox',
        );
        if (again) await pause(STUCK_PAUSE_MS * 2 ** (failures - 1), shutdown.signal);
      } finally {
        await lease?.release();
      }
    }
  }

  async function answerAll(conversation: string, lease: Lease, patient: boolean): Promise<Outcome> {
    let outcome: Outcome = 'more';
    while (outcome === 'more' && !draining && !shutdown.signal.aborted) {
      const turn = begin(conversation, lease);
      try {
        // Whoever holds the person looks for turns only once: this one can be seen by now, or it sees the hold.
        if (patient && (await deps.holds.isHeld(conversation))) outcome = 'held';
        else outcome = await answerNext(conversation, lease, turn, patient);
      } finally {
        turn.end();
      }
    }
    return outcome;
  }

  function begin(conversation: string, lease: Lease): RunningTurn & { end(): void } {
    const leave = new AbortController();
    const onLost = () => leave.abort(lease.lost.reason);
    lease.lost.addEventListener('abort', onLost);
    if (lease.lost.aborted) onLost();
    let finished = () => {};
    const over = new Promise<void>(resolve => {
      finished = resolve;
    });
    const turn: RunningTurn = {
      interrupt: new AbortController(),
      leave,
      entries: null,
      withdrawn: new Set(),
      over,
    };
    running.set(conversation, turn);
    const end = () => {
      lease.lost.removeEventListener('abort', onLost);
      running.delete(conversation);
      finished();
    };
    return Object.assign(turn, { end });
  }

  async function answerNext(
    conversation: string,
    lease: Lease,
    turn: RunningTurn,
    patient: boolean,
  ): Promise<Outcome> {
    const [waiting, saved] = await Promise.all([inbox.pending(conversation), records.get(conversation)]);
    const pending = waiting.filter(entry => !turn.withdrawn.has(entry.id));
    const entries = saved === undefined ? pending : pending.filter(entry => saved.entries.includes(entry.id));
    if (entries.length === 0) {
      if (saved === undefined) return 'none';
      lease.check();
      await records.delete(conversation);
      return 'more';
    }
    const record = saved ?? {
      entries: entries.map(entry => entry.id),
      sessionId: null,
      sentId: null,
      handle: null,
      replied: null,
    };
    turn.entries = record.entries;
    const platform = entries[0]?.message.conversation.person.platform ?? 'unknown';
    const resumed = saved !== undefined;
    const all = await deps.telemetry
      .turn({ platform, origins: entries, resumed }, telemetry =>
        answer(conversation, entries, record, lease, { telemetry, running: turn, patient }),
      )
      .catch((error: unknown) => {
        if (error instanceof TurnUnwanted) return 'held' as const;
        throw error;
      });
    if (all === 'held') return all;
    // What has come since then has woken the conversation: it is run again.
    return all && !resumed ? 'none' : 'more';
  }

  /** True when none of the entries is left to be answered. */
  async function answer(
    key: string,
    entries: InboxEntry[],
    record: TurnRecord,
    lease: Lease,
    { telemetry, running, patient }: { telemetry: TurnTelemetry; running: RunningTurn; patient: boolean },
  ): Promise<boolean> {
    const messages = entries.map(entry => entry.message);
    const last = messages.at(-1);
    if (last === undefined) return true;
    const { conversation } = last;
    const adapter = deps.adapterOf(conversation.person.platform);
    if (adapter === undefined) {
      log.error({ event: 'turn.no_adapter', conversation: key }, 'no adapter for a pending message');
      throw new Error(`no adapter for ${conversation.person.platform}`);
    }
    const kept = keepRecord(records, key, record, () => lease.check());
    const turn: OngoingTurn = {
      key,
      conversation,
      messages,
      last,
      record,
      telemetry,
      check: () => lease.check(),
      save: () => kept.save(),
      isWanted: () => isWanted(key, record, patient),
      interrupt: running.interrupt.signal,
      withdrawn: running.withdrawn,
      shutdown: running.leave.signal,
    };
    let sink: ReplySink | undefined;
    try {
      if (record.replied === null) {
        let opening: Json = null;
        const keep = async (handle: Json) => {
          if (handle !== null && handle === opening) return kept.saved();
          opening = null;
          record.handle = handle;
          await turn.save();
        };
        const posting = adapter.openReply(last, record.handle, keep, () => telemetry.mark('text'));
        if (record.handle === null) record.handle = opening = posting.handle ?? null;
        telemetry.mark('sign');
        sink = guarded(posting, lease, telemetry);
        await deps.late.before(last, record.sessionId);
        await reply(turn, sink);
      }
      await settle(turn, adapter);
      turn.check();
      const done = entries.filter(entry => record.entries.includes(entry.id));
      await inbox.done(done);
      await kept.remove();
      return done.length === entries.length;
    } finally {
      await kept.end();
      sink?.close();
    }
  }

  async function isWanted(conversation: string, { entries }: TurnRecord, patient: boolean): Promise<boolean> {
    if (patient && (await deps.holds.isHeld(conversation))) return false;
    const pending = await inbox.pending(conversation);
    return pending.some(entry => entries.includes(entry.id));
  }

  /** What is left to do once the reply is posted. */
  async function settle(turn: OngoingTurn, adapter: ChatAdapter): Promise<void> {
    const { record, last, conversation, telemetry } = turn;
    const { replied } = record;
    if (replied === null) return;
    const { sentId, lastEventAt, usage } = replied;
    await deps.access.spent(last, record.sessionId, usage);
    if (sentId !== null) {
      const listCents = usage?.sessionCents ?? null;
      await deps.sessions.update(conversation, { lastSentId: sentId, lastEventAt, listCents });
    }
    await telemetry.step('notice', () => showNotices(deps, turn, adapter, replied));
  }

  function interruptPerson(person: string): RunningTurn[] {
    const turns = [...running].filter(([key]) => key.startsWith(`${person}/`)).map(([, turn]) => turn);
    for (const turn of turns) turn.interrupt.abort();
    return turns;
  }

  return {
    run,
    interrupt(conversation) {
      const turn = running.get(conversation);
      turn?.interrupt.abort();
      return turn !== undefined;
    },
    interruptEntry(conversation, entryId) {
      const turn = running.get(conversation);
      if (turn === undefined) return false;
      // Read a moment ago, it may still be there to be taken up.
      if (turn.entries === null) turn.withdrawn.add(entryId);
      if (turn.entries?.includes(entryId) !== true) return false;
      turn.withdrawn.add(entryId);
      turn.interrupt.abort();
      return true;
    },
    interruptPerson: person => interruptPerson(person).length > 0,
    async halt(person) {
      await Promise.all(interruptPerson(person).map(turn => turn.over));
    },
    drain() {
      draining = true;
    },
    abandon() {
      shutdown.abort(new Error('shutting down'));
      for (const { leave } of running.values()) leave.abort(shutdown.signal.reason);
    },
  };
}

/** Nothing more is shown once another process may be answering. */
function guarded(sink: ReplySink, lease: Lease, telemetry: TurnTelemetry): ReplySink {
  return {
    show(snapshot) {
      if (lease.isHeld()) sink.show(snapshot);
    },
    async finish(final) {
      lease.check();
      await telemetry.step('reply.finish', () => sink.finish(final));
    },
    ask: (question, signal) => sink.ask(question, signal),
    close: () => sink.close(),
  };
}
