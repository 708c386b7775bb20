import type Anthropic from '@anthropic-ai/sdk';
import type { Log } from '../../log.ts';
import type { ReplySink } from '../adapter.ts';
import { failureOf, personSentence, unlessGone } from '../errors.ts';
import { foreignText, type SourceOf } from '../memory/foreign-text.ts';
import { BEGINNING, type LateNotices } from '../memory/late-notices.ts';
import { retryTransient } from '../patience.ts';
import type { Access } from '../people/access.ts';
import type { KeptStreams } from '../session/kept-streams.ts';
import type { OpenSession, Sessions } from '../session/sessions.ts';
import type { SetTimer } from '../timer.ts';
import type { CustomToolRegistry } from './custom-tools.ts';
import { objectionTo } from './message-content.ts';
import type { ReplySources } from './reply-sources.ts';
import { joined, runTurn, type TurnLimits, type TurnResult, UNREACHED } from './turn.ts';
import type { TurnContent } from './turn-content.ts';
import { endsSession, finalText, MEMORY_LOST, stateOf } from './turn-ending.ts';
import { type OngoingTurn, TurnUnwanted } from './turn-record.ts';
import type { TrackedUse, TurnUsage } from './turn-state.ts';

export interface TurnReplyDeps {
  client: Anthropic;
  sessions: Sessions;
  access: Access;
  tools: CustomToolRegistry;
  sourceOf: SourceOf;
  sources: ReplySources;
  late: LateNotices;
  /** Streams of sessions between two turns. */
  kept: KeptStreams;
  limits: TurnLimits;
  log: Log;
  now: () => number;
  setTimer: SetTimer;
}

/** A turn that ran, the text of its reply, and the session it ran in. */
interface Conversed {
  result: TurnResult;
  final: string;
  session: OpenSession;
}

/** Where a turn's message is sent, and whether the session may have it without anybody knowing its id. */
interface Sending {
  session: OpenSession | null;
  inDoubt: boolean;
}

/**
 * Answers what a turn is about, up to the posted reply and the record that says so. Rejects when the process goes
 * down, when the platform cannot be written to, or when the bookkeeping fails: then it can be repeated.
 */
export function createTurnReply(
  deps: TurnReplyDeps & { contents: TurnContent },
): (turn: OngoingTurn, sink: ReplySink) => Promise<void> {
  const { client, sessions, log, contents, now } = deps;

  async function reply(turn: OngoingTurn, sink: ReplySink): Promise<void> {
    const { record, messages, telemetry } = turn;
    const objection = record.sessionId === null ? objectionTo(messages) : null;
    if (objection !== null) return turnAway(turn, sink, objection);
    const heard = hearing(sink);
    const inDoubt = record.sessionId !== null && record.sentId === null;
    const sending: Sending = { session: null, inDoubt };
    let conversed: Conversed;
    try {
      const refusal = record.sessionId === null ? await outage(turn, sink, () => refusalFor(turn)) : null;
      if (refusal !== null) return await turnAway(turn, sink, refusal);
      conversed = await converse(turn, await openSession(turn, sink), heard.sink, sending);
    } catch (error) {
      return fail(turn, sink, heard.said(), sending, error);
    }
    const { result, final, session } = conversed;
    await sink.finish({ state: stateOf(result), text: final, status: null, activities: [] });
    telemetry.ended(result.end.type);
    telemetry.used(result.counts, centsSince(session, result.usage));
    await note(turn, conversed);
  }

  async function turnAway(turn: OngoingTurn, sink: ReplySink, sentence: string): Promise<void> {
    await sink.finish({ state: 'done', text: sentence, status: null, activities: [] });
    turn.telemetry.ended('turned_away');
  }

  async function refusalFor({ last }: OngoingTurn): Promise<string | null> {
    const admission = await deps.access.admit(last);
    return admission.allowed ? null : admission.sentence;
  }

  function openSession(turn: OngoingTurn, sink: ReplySink): Promise<OpenSession> {
    const { conversation, record, telemetry } = turn;
    return telemetry.step('session.open', async () => {
      const opened = await outage(turn, sink, () => sessions.open(conversation, record.sessionId));
      telemetry.session(opened.sessionId, opened.lastSentId === null);
      return opened;
    });
  }

  /** Runs the turn in the conversation's session; one that was removed meanwhile is replaced once. */
  async function converse(
    turn: OngoingTurn,
    session: OpenSession,
    sink: ReplySink,
    sending: Sending,
  ): Promise<Conversed> {
    const { key, conversation, messages, record, telemetry } = turn;
    for (let replaced = false; ; replaced = true) {
      sending.session = session;
      const attempted = record.sessionId === session.sessionId;
      if (!attempted) record.sentId = null;
      const preface = [
        ...(session.memoryLost ? [MEMORY_LOST] : []),
        ...(session.news === null ? [] : [session.news]),
      ];
      try {
        if (!attempted) {
          record.sessionId = session.sessionId;
          await turn.save();
        }
        const { sessionId } = session;
        let retold = false;
        const content = async (signal: AbortSignal) => {
          const said = await contents.of(messages, conversation, session, signal);
          preface.push(...said.refusals);
          retold = said.retold;
          turn.check();
          return { type: 'user.message' as const, content: said.blocks };
        };
        const result = await telemetry.step('stream', () =>
          runTurn({
            client,
            sessionId,
            mountPaths: session.mounts.map(mount => mount.path),
            person: conversation.person,
            content,
            sentId: record.sentId,
            attempted,
            previousSentId: session.lastSentId,
            since: session.lastEventAt,
            preface,
            sink,
            tools: deps.tools,
            kept: deps.kept,
            limits: deps.limits,
            now,
            setTimer: deps.setTimer,
            telemetry,
            log,
            onSent: id => {
              record.sentId = id;
              sending.inDoubt = false;
            },
            onDoubt: inDoubt => {
              sending.inDoubt = inDoubt;
            },
            shutdown: turn.shutdown,
            interrupt: turn.interrupt,
          }),
        );
        if (result.end.type === 'deleted' && result.text === '' && !replaced) throw new SessionGone();
        if (retold && result.sentId !== null) await sessions.update(conversation, session.heard);
        const { end } = result;
        if ('error' in end && end.error !== null)
          log.warn(
            { event: 'turn.model_failed', conversation: key, session: sessionId, err: end.error },
            'the model gave up, or the session did; the person read a sentence',
          );
        log.info(
          {
            event: 'turn.done',
            conversation: key,
            session: sessionId,
            end: end.type,
            messages: messages.length,
          },
          'turn done',
        );
        return { result, final: finalText(preface, result, messages), session };
      } catch (error) {
        if (replaced || !(await isSessionGone(session.sessionId, error))) throw error;
        log.warn(
          { event: 'session.replaced', session: session.sessionId },
          'the session was removed from outside; starting another',
        );
        sending.inDoubt = false;
        // It may have been removed with everything else there was of the person.
        if (!(await turn.isWanted())) throw new TurnUnwanted();
        await sessions.drop(conversation);
        session = await outage(turn, sink, () => sessions.open(conversation, null));
      }
    }
  }

  /** The person reads what happened, below what the agent had said by then. */
  async function fail(
    turn: OngoingTurn,
    sink: ReplySink,
    said: string,
    sending: Sending,
    error: unknown,
  ): Promise<void> {
    const { key, record, interrupt, telemetry } = turn;
    if (turn.shutdown.aborted || error instanceof TurnUnwanted) throw error;
    turn.check();
    log.error(
      { event: 'turn.failed', conversation: key, session: record.sessionId, err: error },
      'turn failed',
    );
    const state = interrupt.aborted ? 'stopped' : 'failed';
    const sentence = interrupt.aborted ? 'Stopped.' : personSentence(error);
    await sink.finish({ state, text: joined([said], sentence), status: null, activities: [] });
    telemetry.ended(state);
    if (record.sentId !== null || sending.inDoubt) {
      // Carried on from an earlier process, it may have failed before its session could be opened again.
      const left = sending.session ?? (await sessions.recorded(turn.conversation, record.sessionId));
      await leave(turn, left, []);
    }
    if (record.sentId === null) await deps.access.spent(turn.last, null, null);
    if (interrupt.aborted) onlyWithdrawn(turn);
  }

  /**
   * The session has the message, or nobody knows: what it still says and does is nobody's answer, so the next message starts in
   * another, and what it changes in memory is looked at when it is over.
   */
  async function leave(
    turn: OngoingTurn,
    session: Pick<OpenSession, 'owner' | 'sessionId' | 'mounts' | 'lastEventAt'> | null,
    uses: TrackedUse[],
  ): Promise<void> {
    const { conversation, messages, last } = turn;
    if (session !== null && session.mounts.length > 0) {
      const { owner, sessionId, lastEventAt: since } = session;
      await deps.late.add({
        message: last,
        owner,
        storeIds: session.mounts.map(mount => mount.storeId),
        sessionId,
        since,
        foreign: foreignText(messages, uses, deps.sourceOf, since ?? BEGINNING),
        leftOpen: true,
      });
    }
    await sessions.drop(conversation);
  }

  /** From here on the reply is never posted again. */
  async function note(turn: OngoingTurn, { result, session }: Conversed): Promise<void> {
    const { conversation, messages, record } = turn;
    // Left open, it is looked at when it is over.
    const begunAt = result.leftOpen ? null : result.begunAt;
    record.replied = {
      owner: session.owner,
      storeIds: session.mounts.map(mount => mount.storeId),
      sentId: result.sentId,
      lastEventAt: result.lastAt,
      begunAt,
      foreign: begunAt === null ? null : foreignText(messages, result.uses, deps.sourceOf, begunAt),
      usage: result.sentId === null ? null : result.usage,
      noticed: false,
    };
    if (result.end.type === 'stopped') onlyWithdrawn(turn);
    // First: where that is all that is known of this turn, nobody comes back to it.
    if (result.leftOpen) await leave(turn, session, result.uses);
    else if (endsSession(result, messages)) await sessions.drop(conversation);
    await Promise.all([turn.save(), recordSources(turn, result, session)]);
    await sessions.told(session, conversation.person);
    if (result.memoryTrouble) await checkStores(session);
  }

  /** So that the person can ask what a reply was based on. Off the record there is nothing, and no trace. */
  async function recordSources(
    { conversation, messages }: OngoingTurn,
    { sentId, begunAt, lastAt }: TurnResult,
    { sessionId, mounts, commonPath }: OpenSession,
  ): Promise<void> {
    if (mounts.length === 0 || sentId === null || begunAt === null) return;
    const mountPaths = mounts.map(mount => mount.path);
    const trace = { sessionId, sentId, begunAt, endedAt: lastAt ?? begunAt, mountPaths, commonPath };
    const ids = messages.map(message => message.id);
    await deps.sources.record(conversation, ids, trace);
  }

  /** A tool failed on the person's memory: find out whether it is still there. */
  async function checkStores({ owner, mounts }: OpenSession): Promise<void> {
    for (const { storeId } of mounts) {
      try {
        await sessions.checkStore(owner, storeId);
      } catch (error) {
        log.warn({ event: 'store.unchecked', store: storeId, err: error }, 'could not check a memory store');
      }
    }
  }

  /** Waits out an outage before the turn proper, with a status the person can see. */
  function outage<T>(turn: OngoingTurn, sink: ReplySink, work: () => Promise<T>): Promise<T> {
    let waits = false;
    return retryTransient(work, {
      limitMs: deps.limits.outageMs,
      signals: [turn.interrupt, turn.shutdown],
      now,
      onWait(error) {
        sink.show({ state: 'working', text: '', status: UNREACHED, activities: [] });
        if (waits) return;
        waits = true;
        log.warn(
          { event: 'turn.waits', conversation: turn.key, err: error },
          'the agent service cannot be reached; trying again',
        );
      },
    });
  }

  /** A deleted session answers 404; one that is archived, over or out of budget refuses what is sent to it like any bad request. */
  async function isSessionGone(sessionId: string, error: unknown): Promise<boolean> {
    if (error instanceof SessionGone) return true;
    const failure = failureOf(error);
    if (failure.type === 'gone') return true;
    if (failure.type !== 'refused' || failure.reason !== 'request') return false;
    const there = await unlessGone(client.beta.sessions.retrieve(sessionId)).catch(() => undefined);
    if (there == null) return there === null;
    return there.archived_at !== null || there.status === 'terminated' || there.budget !== null;
  }

  return reply;
}

/** The sink, and what went through it so far. */
function hearing(sink: ReplySink): { sink: ReplySink; said(): string } {
  let said = '';
  return {
    sink: {
      show(snapshot) {
        said = snapshot.text;
        sink.show(snapshot);
      },
      finish: final => sink.finish(final),
      ask: (question, signal) => sink.ask(question, signal),
      close: () => sink.close(),
    },
    said: () => said,
  };
}

/** The turn's part of what the session has cost so far; null where the two cannot be told apart. */
function centsSince(before: OpenSession, { sessionCents }: TurnUsage): number | null {
  if (sessionCents === null || before.lastSentId === null) return sessionCents;
  return before.listCents === null ? null : Math.max(0, sessionCents - before.listCents);
}

/** Stopped for the sake of what was taken back, a turn has not answered the others it was about. */
function onlyWithdrawn({ record, withdrawn }: OngoingTurn): void {
  const taken = record.entries.filter(id => withdrawn.has(id));
  if (taken.length > 0) record.entries = taken;
}

class SessionGone extends Error {}
