import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../log.ts';
import type { Access } from './access.ts';
import type { ChatAdapter, ReplySink } from './adapter.ts';
import type { AgentFile } from './agent-file.ts';
import type { CustomToolRegistry } from './custom-tools.ts';
import { failureOf, personSentence } from './errors.ts';
import { type ForeignText, foreignText } from './foreign-text.ts';
import type { Holds } from './holds.ts';
import type { Inbox, InboxEntry } from './inbox.ts';
import { type Lease, LeaseLost, type Leases } from './leases.ts';
import type { Memory } from './memory.ts';
import type { Conversation, Json, Message, Person } from './message.ts';
import { objectionTo } from './message-content.ts';
import type { Notices } from './notices.ts';
import type { ReplySources } from './reply-sources.ts';
import { backoff, pause } from './session-stream.ts';
import type { OpenSession, Sessions } from './sessions.ts';
import type { State } from './state.ts';
import type { Telemetry, TurnTelemetry } from './telemetry.ts';
import { joined, runTurn, type TurnInput, type TurnLimits, type TurnResult } from './turn.ts';
import { createTurnContent } from './turn-content.ts';
import { endsSession, finalText, MEMORY_LOST, stateOf } from './turn-ending.ts';
import type { TurnUsage } from './turn-state.ts';

/** What a later process needs to carry a turn on. Written before anything that must not happen twice. */
interface TurnRecord {
  /** The inbox entries this turn answers; what arrives later is for the next one. */
  entries: string[];
  /** Set just before the message is sent for the first time. */
  sessionId: string | null;
  sentId: string | null;
  /** The platform's reply, as its sink saved it. */
  handle: Json;
  /** The reply is posted in full; what may be left is the cursor and the notice. */
  replied: Replied | null;
}

interface Replied {
  /** Whose memory it could write, and in which stores: none in a private conversation, of which nothing is kept. */
  owner: Person;
  storeIds: string[];
  sentId: string | null;
  lastEventAt: string | null;
  /** From when on the session's writes belong to this turn (the server's time); null: it never began. */
  begunAt: string | null;
  foreign: ForeignText | null;
  /** Null: the agent never got the message. */
  usage: TurnUsage | null;
  /** Set before the notice is shown, so that it is shown at most once. */
  noticed: boolean;
}

/** A turn whose own bookkeeping fails (a full disk, a dead platform) is tried this often, then left for the next start. */
const MAX_ATTEMPTS = 5;
const STUCK_PAUSE_MS = 2_000;

interface RunningTurn {
  interrupt: AbortController;
  entries: string[];
  over: Promise<void>;
}

/** A turn that ran, the text of its reply, and the session it ran in. */
interface Conversed {
  result: TurnResult;
  final: string;
  session: OpenSession;
}

export interface Turns {
  /** Answers everything pending in a conversation, in order. Does not reject. */
  run(conversation: string): Promise<void>;
  interrupt(conversation: string): boolean;
  /** The turn that answers this inbox entry is interrupted; false when none does. */
  interruptEntry(conversation: string, entryId: string): boolean;
  /** Interrupts every turn of a person (by their key) and resolves when none is running. */
  halt(person: string): Promise<void>;
  /** Begins no further turn; running ones go on. */
  drain(): void;
  /** Lets go of running turns as they are; a later process carries them on. */
  abandon(): void;
}

export interface TurnsDeps {
  client: Anthropic;
  state: State;
  inbox: Inbox;
  sessions: Sessions;
  memory: Memory;
  access: Access;
  tools: CustomToolRegistry;
  file: AgentFile;
  adapterOf(platform: string): ChatAdapter | undefined;
  notices: Notices;
  sources: ReplySources;
  holds: Holds;
  leases: Leases;
  limits: TurnLimits;
  telemetry: Telemetry;
  log: Log;
  now?: () => number;
}

export function createTurns(deps: TurnsDeps): Turns {
  const { client, inbox, sessions, memory, log } = deps;
  const now = deps.now ?? Date.now;
  const records = deps.state.table<TurnRecord>('turn');
  const running = new Map<string, RunningTurn>();
  const leases = new Map<string, Lease>();
  const contents = createTurnContent(deps);
  const shutdown = new AbortController();
  let draining = false;

  async function run(conversation: string): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      let lease: Lease | null = null;
      try {
        lease = await deps.leases.take(conversation, shutdown.signal);
        if (lease === null) return;
        leases.set(conversation, lease);
        return await answerAll(conversation);
      } catch (error) {
        if (shutdown.signal.aborted) return;
        const again = attempt + 1 < MAX_ATTEMPTS;
        log.error(
          { event: 'turn.stuck', conversation, attempt, again, err: error },
          'a turn could not be run; its messages stay in the inbox',
        );
        if (again) await pause(STUCK_PAUSE_MS * 2 ** attempt, shutdown.signal);
      } finally {
        leases.delete(conversation);
        await lease?.release();
      }
    }
  }

  /** Throws when another process may be answering this conversation by now: nothing more must come from here. */
  function stillOurs(key: string): void {
    const lease = leases.get(key);
    if (lease === undefined) throw new LeaseLost();
    lease.check();
  }

  function lostOf(key: string): AbortSignal[] {
    const lease = leases.get(key);
    return lease === undefined ? [] : [lease.lost];
  }

  async function save(key: string, record: TurnRecord): Promise<void> {
    stillOurs(key);
    await records.set(key, record);
  }

  function guarded(key: string, sink: ReplySink, telemetry: TurnTelemetry): ReplySink {
    return {
      show(snapshot) {
        if (leases.get(key)?.isHeld() === true) sink.show(snapshot);
      },
      async finish(final) {
        stillOurs(key);
        await telemetry.step('reply.finish', () => sink.finish(final));
      },
      ask: (question, signal) => sink.ask(question, signal),
      close: () => sink.close(),
    };
  }

  async function answerAll(conversation: string): Promise<void> {
    while (!draining && !shutdown.signal.aborted) {
      await deps.holds.free(conversation);
      const pending = await inbox.pending(conversation);
      const saved = await records.get(conversation);
      const entries =
        saved === undefined ? pending : pending.filter(entry => saved.entries.includes(entry.id));
      if (entries.length === 0) {
        if (saved === undefined) return;
        stillOurs(conversation);
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
      await deps.telemetry.turn({ platform, origins: entries, resumed: saved !== undefined }, telemetry =>
        answer(conversation, entries, record, telemetry),
      );
    }
  }

  async function answer(
    key: string,
    entries: InboxEntry[],
    record: TurnRecord,
    telemetry: TurnTelemetry,
  ): Promise<void> {
    const messages = entries.map(entry => entry.message);
    const last = messages.at(-1);
    if (last === undefined) return;
    const adapter = deps.adapterOf(last.conversation.person.platform);
    if (adapter === undefined) {
      log.error({ event: 'turn.no_adapter', conversation: key }, 'no adapter for a pending message');
      throw new Error(`no adapter for ${last.conversation.person.platform}`);
    }
    const interrupt = new AbortController();
    let finished = () => {};
    const over = new Promise<void>(resolve => {
      finished = resolve;
    });
    running.set(key, { interrupt, entries: record.entries, over });
    let open = true;
    let sink: ReplySink | undefined;
    try {
      if (record.replied === null) {
        const keep = async (handle: Json) => {
          record.handle = handle;
          if (open) await save(key, record);
        };
        const posting = adapter.openReply(last, record.handle, keep, () => telemetry.mark('text'));
        telemetry.mark('sign');
        sink = guarded(key, posting, telemetry);
        await reply(key, messages, last, record, sink, interrupt.signal, telemetry);
      }
      if (record.replied !== null) {
        const { replied } = record;
        const { sentId, lastEventAt, usage } = replied;
        await deps.access.spent(last, record.sessionId, usage);
        if (sentId !== null) {
          const listCents = usage?.sessionCents ?? null;
          await sessions.update(last.conversation, { lastSentId: sentId, lastEventAt, listCents });
        }
        await telemetry.step('notice', () => notify(key, adapter, last, record, replied, telemetry));
      }
      stillOurs(key);
      await inbox.done(entries);
      open = false;
      await records.delete(key);
    } finally {
      open = false;
      running.delete(key);
      sink?.close();
      finished();
    }
  }

  async function reply(
    key: string,
    messages: Message[],
    last: Message,
    record: TurnRecord,
    sink: ReplySink,
    interrupt: AbortSignal,
    telemetry: TurnTelemetry,
  ): Promise<void> {
    const objection = record.sessionId === null ? objectionTo(messages) : null;
    if (objection !== null) {
      await sink.finish({ state: 'done', text: objection, status: null, activities: [] });
      telemetry.ended('turned_away');
      return;
    }
    const { conversation } = last;
    let said = '';
    const shown: ReplySink = {
      show(snapshot) {
        said = snapshot.text;
        sink.show(snapshot);
      },
      finish: final => sink.finish(final),
      ask: (question, signal) => sink.ask(question, signal),
      close: () => sink.close(),
    };
    let turn: Conversed | { refusal: string };
    try {
      const refusal =
        record.sessionId === null ? await patiently(sink, interrupt, () => refusalFor(last)) : null;
      if (refusal === null) {
        const session = await telemetry.step('session.open', async () => {
          const opened = await patiently(sink, interrupt, () =>
            sessions.open(conversation, record.sessionId),
          );
          telemetry.session(opened.sessionId, opened.lastSentId === null);
          return opened;
        });
        turn = await converse(key, messages, conversation, session, record, shown, interrupt, telemetry);
      } else turn = { refusal };
    } catch (error) {
      if (shutdown.signal.aborted) throw error;
      stillOurs(key);
      log.error(
        { event: 'turn.failed', conversation: key, session: record.sessionId, err: error },
        'turn failed',
      );
      const sentence = interrupt.aborted ? 'Stopped.' : personSentence(error);
      await sink.finish({ state: 'failed', text: joined([said], sentence), status: null, activities: [] });
      telemetry.ended(interrupt.aborted ? 'stopped' : 'failed');
      if (record.sentId !== null) await sessions.update(conversation, { lastSentId: record.sentId });
      else {
        // Nobody knows whether this session has the message: the next one starts in a session where that is no question.
        if (record.sessionId !== null) await sessions.drop(conversation);
        await deps.access.spent(last, null, null);
      }
      return;
    }
    if ('refusal' in turn) {
      await sink.finish({ state: 'done', text: turn.refusal, status: null, activities: [] });
      telemetry.ended('turned_away');
      return;
    }
    const { result, final, session } = turn;
    await sink.finish({ state: stateOf(result), text: final, status: null, activities: [] });
    telemetry.ended(result.end.type);
    telemetry.used(result.counts, centsSince(session, result.usage));
    record.replied = {
      owner: session.owner,
      storeIds: session.mounts.map(mount => mount.storeId),
      sentId: result.sentId,
      lastEventAt: result.lastAt,
      begunAt: result.begunAt,
      foreign:
        result.begunAt === null ? null : foreignText(messages, result.uses, deps.tools, result.begunAt),
      usage: result.sentId === null ? null : result.usage,
      noticed: false,
    };
    await save(key, record);
    await recordSources(conversation, messages, result, session);
    if (session.memoryLost) await sessions.told(session.owner);
    if (endsSession(result)) await sessions.drop(conversation);
    if (result.memoryTrouble) await checkStores(session);
  }

  async function refusalFor(message: Message): Promise<string | null> {
    const admission = await deps.access.admit(message);
    return admission.allowed ? null : admission.sentence;
  }

  /** So that the person can ask what a reply was based on. In a private conversation there is nothing, and no trace. */
  async function recordSources(
    conversation: Conversation,
    messages: readonly Message[],
    { sentId, begunAt, lastAt }: TurnResult,
    { sessionId, mounts, commonPath }: OpenSession,
  ): Promise<void> {
    if (mounts.length === 0 || sentId === null || begunAt === null) return;
    const mountPaths = mounts.map(mount => mount.path);
    const trace = { sessionId, sentId, begunAt, endedAt: lastAt ?? begunAt, mountPaths, commonPath };
    await deps.sources.record(
      conversation,
      messages.map(message => message.id),
      trace,
    );
  }

  /** A tool failed on the person's memory: find out whether it is still there. */
  async function checkStores({ owner, mounts }: OpenSession): Promise<void> {
    for (const { storeId } of mounts) {
      try {
        if (!(await memory.isLive(storeId))) await sessions.memoryLost(owner, storeId);
      } catch (error) {
        log.warn({ event: 'store.unchecked', store: storeId, err: error }, 'could not check a memory store');
      }
    }
  }

  /** Runs the turn in the conversation's session; one that was removed meanwhile is replaced once. */
  async function converse(
    key: string,
    messages: Message[],
    conversation: Conversation,
    session: OpenSession,
    record: TurnRecord,
    sink: ReplySink,
    interrupt: AbortSignal,
    telemetry: TurnTelemetry,
  ): Promise<Conversed> {
    for (let replaced = false; ; replaced = true) {
      const attempted = record.sessionId === session.sessionId;
      if (!attempted) record.sentId = null;
      const preface = session.memoryLost ? [MEMORY_LOST] : [];
      try {
        if (!attempted) {
          record.sessionId = session.sessionId;
          await save(key, record);
        }
        const input: TurnInput = {
          client,
          sessionId: session.sessionId,
          mountPaths: session.mounts.map(mount => mount.path),
          person: conversation.person,
          content: async () => {
            const { blocks, refusals } = await contents.of(messages, conversation, session, shutdown.signal);
            preface.push(...refusals);
            stillOurs(key);
            return { type: 'user.message', content: blocks };
          },
          sentId: record.sentId,
          attempted,
          previousSentId: session.lastSentId,
          since: session.lastEventAt,
          preface,
          sink,
          tools: deps.tools,
          limits: deps.limits,
          telemetry,
          log,
          onSent: id => {
            record.sentId = id;
          },
          shutdown: AbortSignal.any([shutdown.signal, ...lostOf(key)]),
          interrupt,
        };
        const result = await telemetry.step('stream', () => runTurn(input));
        if (result.end.type === 'deleted' && result.text === '' && !replaced) throw new SessionGone();
        log.info(
          {
            event: 'turn.done',
            conversation: key,
            session: session.sessionId,
            end: result.end.type,
            messages: messages.length,
          },
          'turn done',
        );
        return { result, final: finalText(preface, result), session };
      } catch (error) {
        if (replaced || !isSessionGone(error)) throw error;
        log.warn(
          { event: 'session.replaced', session: session.sessionId },
          'the session was removed from outside; starting another',
        );
        await sessions.drop(conversation);
        session = await patiently(sink, interrupt, () => sessions.open(conversation, null));
      }
    }
  }

  async function notify(
    key: string,
    adapter: ChatAdapter,
    last: Message,
    record: TurnRecord,
    replied: Replied,
    telemetry: TurnTelemetry,
  ): Promise<void> {
    const { owner, storeIds } = replied;
    if (replied.noticed || replied.begunAt === null || record.sessionId === null || storeIds.length === 0)
      return;
    const { conversation } = last;
    try {
      const notices = await deps.notices.of({
        person: owner,
        storeIds,
        sessionId: record.sessionId,
        since: replied.begunAt,
        foreign: replied.foreign,
      });
      if (notices.length === 0) return;
      replied.noticed = true;
      await save(key, record);
      const mode = await deps.notices.modeFor(owner, conversation.audience);
      for (const notice of notices) {
        // A question about held changes is asked even of those who want no notices.
        if (notice.heldBecauseOf !== undefined)
          await adapter.notify(last, notice, mode === 'off' ? 'private' : mode);
        else if (mode !== 'off') await adapter.notify(last, notice, mode);
        else continue;
        telemetry.noticed(notice.heldBecauseOf === undefined ? 'told' : 'held');
      }
    } catch (error) {
      log.error(
        { event: 'notice.failed', conversation: key, err: error },
        'the memory notice could not be shown',
      );
    }
  }

  /** Waits out an outage before the turn proper, with a status the person can see. */
  async function patiently<T>(sink: ReplySink, interrupt: AbortSignal, work: () => Promise<T>): Promise<T> {
    const since = now();
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        const failure = failureOf(error);
        const patience = failure.type === 'retry' && now() - since < deps.limits.outageMs;
        if (!patience || interrupt.aborted || shutdown.signal.aborted) throw error;
        sink.show({
          state: 'working',
          text: '',
          status: "Can't reach my agent service, still trying",
          activities: [],
        });
        await pause(failure.afterMs ?? backoff(attempt), AbortSignal.any([interrupt, shutdown.signal]));
      }
    }
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
      turn.interrupt.abort();
      return true;
    },
    async halt(person) {
      const turns = [...running].filter(([key]) => key.startsWith(`${person}/`));
      for (const [, turn] of turns) turn.interrupt.abort();
      await Promise.all(turns.map(([, turn]) => turn.over));
    },
    drain() {
      draining = true;
    },
    abandon() {
      shutdown.abort(new Error('shutting down'));
    },
  };
}

/** What the turn has cost, of what the session has cost since it began; null where that cannot be told apart. */
function centsSince(before: OpenSession, { sessionCents }: TurnUsage): number | null {
  if (sessionCents === null || before.lastSentId === null) return sessionCents;
  return before.listCents == null ? null : Math.max(0, sessionCents - before.listCents);
}

class SessionGone extends Error {}

/** A deleted session answers 404; an archived or ended one refuses messages with 400. */
function isSessionGone(error: unknown): boolean {
  if (error instanceof SessionGone) return true;
  const failure = failureOf(error);
  return failure.type === 'gone' || (failure.type === 'refused' && failure.reason === 'request');
}
