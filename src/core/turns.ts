import type { ChatAdapter, ReplySink } from './adapter.ts';
import type { AgentFile } from './agent-file.ts';
import type { Holds } from './holds.ts';
import type { Inbox, InboxEntry } from './inbox.ts';
import type { Lease, Leases } from './leases.ts';
import type { Json } from './message.ts';
import type { Notices } from './notices.ts';
import { pause } from './session-stream.ts';
import type { State } from './state.ts';
import type { Telemetry, TurnTelemetry } from './telemetry.ts';
import { createTurnContent } from './turn-content.ts';
import { showNotices } from './turn-notice.ts';
import { keepRecord, type OngoingTurn, type TurnRecord } from './turn-record.ts';
import { createTurnReply, type ReplyEnding, type TurnReplyDeps } from './turn-reply.ts';

/** A turn whose own bookkeeping fails (a full disk, a dead platform) is tried this often, then left for the next start. */
const MAX_ATTEMPTS = 5;
const STUCK_PAUSE_MS = 2_000;

interface RunningTurn {
  interrupt: AbortController;
  entries: string[];
  /** Entries that the person took back while they were being answered. */
  withdrawn: Set<string>;
  over: Promise<void>;
}

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
  const records = deps.state.table<TurnRecord>('turn');
  const running = new Map<string, RunningTurn>();
  const reply = createTurnReply({ ...deps, contents: createTurnContent(deps) });
  const shutdown = new AbortController();
  let draining = false;

  async function run(conversation: string): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      let lease: Lease | null = null;
      try {
        lease = await deps.leases.take(conversation, shutdown.signal);
        if (lease === null) return;
        return await answerAll(conversation, lease);
      } catch (error) {
        if (shutdown.signal.aborted) return;
        const again = attempt + 1 < MAX_ATTEMPTS;
        log.error(
          { event: 'turn.stuck', conversation, attempt, again, err: error },
          'a turn could not be run; its messages stay in the inbox',
        );
        if (again) await pause(STUCK_PAUSE_MS * 2 ** attempt, shutdown.signal);
      } finally {
        await lease?.release();
      }
    }
  }

  async function answerAll(conversation: string, lease: Lease): Promise<void> {
    while (!draining && !shutdown.signal.aborted) {
      const free = await deps.holds.free(conversation);
      const pending = await inbox.pending(conversation);
      const saved = await records.get(conversation);
      const entries =
        saved === undefined ? pending : pending.filter(entry => saved.entries.includes(entry.id));
      if (entries.length === 0) {
        if (saved === undefined) return;
        lease.check();
        await records.delete(conversation);
        continue;
      }
      const record = saved ?? {
        entries: entries.map(entry => entry.id),
        sessionId: null,
        sentId: null,
        handle: null,
        replied: null,
      };
      const platform = entries[0]?.message.conversation.person.platform ?? 'unknown';
      const resumed = saved !== undefined;
      const all = await deps.telemetry.turn({ platform, origins: entries, resumed }, telemetry =>
        answer(conversation, entries, record, lease, { telemetry, free }),
      );
      // What has come since then has woken the conversation: it is run again.
      if (all && !resumed) return;
    }
  }

  /** True when none of the entries is left to be answered. */
  async function answer(
    key: string,
    entries: InboxEntry[],
    record: TurnRecord,
    lease: Lease,
    { telemetry, free }: { telemetry: TurnTelemetry; free: boolean },
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
    const interrupt = new AbortController();
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
      interrupt: interrupt.signal,
      shutdown: AbortSignal.any([shutdown.signal, lease.lost]),
    };
    let finished = () => {};
    const over = new Promise<void>(resolve => {
      finished = resolve;
    });
    const withdrawn = new Set<string>();
    running.set(key, { interrupt, entries: record.entries, withdrawn, over });
    let sink: ReplySink | undefined;
    let ending: ReplyEnding = 'complete';
    try {
      // Whoever is removing what there is of the person may have looked for running turns a moment too early for this one.
      if (free && (await deps.holds.isHeld(key))) {
        telemetry.ended('left');
        return false;
      }
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
        ending = await reply(turn, sink);
      }
      await settle(turn, adapter);
      turn.check();
      // Stopped for the sake of some, it has not answered the others.
      const some = ending === 'stopped' ? entries.filter(entry => withdrawn.has(entry.id)) : [];
      await inbox.done(some.length > 0 ? some : entries);
      await kept.remove();
      return some.length === 0 || some.length === entries.length;
    } finally {
      await kept.end();
      running.delete(key);
      sink?.close();
      finished();
    }
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
      if (turn?.entries.includes(entryId) !== true) return false;
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
