import { z } from 'zod';
import type { Activity, Question, Reply, ReplySink } from '../../core/adapter.ts';
import type { Json } from '../../core/message.ts';
import { createPaced, RetryLater, type SetTimer } from '../../core/paced.ts';
import type { Log } from '../../log.ts';
import { findPosted, fingerprintOf } from './find-posted.ts';
import type { ReplyTo } from './inbound.ts';
import { isInstallationGone, isPlaceGone, isTooLong } from './refusals.ts';
import { type Block, feedbackBlock, replyContent } from './reply-blocks.ts';
import { type Layout, layOut, type Room, type Start } from './reply-layout.ts';
import type { StatusLine } from './status.ts';
import { type SlackApi, SlackRefusal, SlackUnreachable } from './web-client.ts';

/** One Slack message that holds a part of the reply. */
interface Part extends Start {
  ts: string;
  /** `stream`: text is appended. `post`: the whole text is written each time, which also mends what is in doubt. */
  kind: 'stream' | 'post';
  /** What it shows; null when that is not known. */
  shown: string | null;
  /** What it shows of the tools used, where it is posted; as JSON. */
  cards: string;
  /** Offset in the source up to which it speaks. */
  end: number;
  /** Where the next message begins; null while this one may still grow. */
  next: Start | null;
  startedAt: number;
}

const start = z.object({ from: z.number(), opened: z.string() });
/** What another process needs to carry on: the messages there are, and one that may be there. */
const handleSchema = z.object({
  parts: z.array(start.extend({ ts: z.string() })),
  posting: start.extend({ after: z.string(), fingerprint: z.string() }).nullable(),
});

export interface ReplyDeps {
  api: SlackApi;
  place: ReplyTo;
  botUser(): Promise<string>;
  /** The id of the message that is answered; it marks what is posted, so that it can be found again. */
  messageId: string;
  status: StatusLine;
  knowsHost(host: string): boolean;
  ask(question: Question, signal: AbortSignal): Promise<boolean>;
  /** Slack says that the person pressed its stop button. */
  onStopped(): void;
  /** The process is going down: what cannot be written now is left to a later one. */
  closing(): boolean;
  /** As saved by an earlier process. */
  resume: Json;
  save(handle: Json): Promise<void>;
  now: () => number;
  setTimer: SetTimer;
  log: Log;
}

interface Snapshot {
  reply: Reply;
  /** What is said after this belongs into a new message. */
  seal: boolean;
}

const MIN_INTERVAL_MS = 1_000;
/** Slack ends a stream five minutes after its start. */
const STREAM_MAX_AGE_MS = 4.5 * 60_000;
/** Measured: a streamed message holds about 10,500 bytes of UTF-8, task cards included. */
const STREAM_BYTES = 9_500;
const TASK_BYTES = 40;
const MAX_TASKS = 30;
/** A markdown block takes 12,000 characters. */
const POST_CHARACTERS = 11_000;
/** Of each budget, what is left to the calls that end a reply. */
const RESERVE = 10;
const GIVE_UP_MS = 10 * 60_000;
const RETRY_MS = 2_000;
/** Slack's clock and ours may differ. */
const CLOCK_SKEW_MS = 60_000;

/**
 * One reply in one thread: streamed where Slack allows it, posted and updated otherwise, in as many messages as
 * it takes. What was posted, joined, is what the agent said.
 */
export function createReply(deps: ReplyDeps): ReplySink & { readonly messages: readonly string[] } {
  const { api, place, status, log, now } = deps;
  const resumed = handleSchema.safeParse(deps.resume).data ?? { parts: [], posting: null };
  const parts: Part[] = resumed.parts.map((part, index) => ({
    ...part,
    kind: 'post',
    shown: null,
    cards: '',
    end: resumed.parts[index + 1]?.from ?? part.from,
    next: resumed.parts[index + 1] ?? null,
    startedAt: now(),
  }));
  let posting = resumed.posting;
  /** Index of the message that is being written. */
  let cursor = Math.max(0, parts.length - 1);
  /** What of the reply's source has been shown. */
  let source = '';
  /** The state in which each activity was last shown. */
  const cards = new Map<string, string>();
  let mayStream = true;
  let streamLimit = STREAM_BYTES;
  let postLimit = POST_CHARACTERS;
  let stoppedByPerson = false;
  let sessionEnded = false;
  let lost: 'place' | 'installation' | null = null;
  let troubleSince: number | null = null;
  let cancelEnd = () => {};
  let latest: Reply = { state: 'working', text: '', status: null, activities: [] };
  const feedback = { tenant: place.tenant, messageId: deps.messageId };
  const where = { tenant: place.tenant, channel: place.channel, thread: place.thread };

  const paced = createPaced<Snapshot>({
    write,
    minIntervalMs: MIN_INTERVAL_MS,
    now,
    setTimer: deps.setTimer,
    onError: error =>
      log.warn({ event: 'slack.reply_failed', err: error, ...where }, 'a reply could not be shown'),
  });

  /** Rejects only with RetryLater, or with what lasts: a fault of the bot, or an outage. */
  async function write(snapshot: Snapshot): Promise<void> {
    const final = snapshot.reply.state !== 'working';
    try {
      if (lost === null) await writeParts(snapshot.reply, final, snapshot.seal);
      else if (final) await writeElsewhere(snapshot.reply);
      troubleSince = null;
    } catch (error) {
      if (error instanceof SlackRefusal && (isPlaceGone(error.code) || isInstallationGone(error.code))) {
        lost = isPlaceGone(error.code) ? 'place' : 'installation';
        log.warn({ event: 'slack.place_lost', code: error.code, ...where }, 'cannot write there any more');
        if (final) await writeElsewhere(snapshot.reply);
        return;
      }
      if (!(error instanceof SlackUnreachable)) throw error;
      troubleSince ??= now();
      if (deps.closing() || now() - troubleSince > GIVE_UP_MS) throw error;
      throw new RetryLater(RETRY_MS, { cause: error });
    } finally {
      const streaming = parts[cursor]?.kind === 'stream';
      if (!final && !streaming && !stoppedByPerson && lost === null)
        await status.show(snapshot.reply.status ?? 'Writing');
    }
  }

  async function writeParts(reply: Reply, final: boolean, seal: boolean): Promise<void> {
    if (stoppedByPerson && !final) return;
    await recoverPosting();
    if (!reply.text.startsWith(source)) {
      // A snapshot that says less is one that is still being put together again.
      if (!final && source.startsWith(reply.text)) return;
      startOver();
    }
    for (;;) {
      const part = parts[cursor];
      const goesOn =
        part === undefined
          ? await begin(reply, final, seal)
          : part.next === null
            ? await extend(part, reply, final, seal)
            : moveOn(part.next);
      if (!goesOn) break;
    }
    if (final) await removeSpare();
  }

  function moveOn(to: Start): true {
    cursor += 1;
    const part = parts[cursor];
    if (part !== undefined) Object.assign(part, to);
    return true;
  }

  /** Writes what a message has room for. True when it is full and the rest goes into another. */
  async function extend(part: Part, reply: Reply, final: boolean, seal: boolean): Promise<boolean> {
    const old = part.kind === 'stream' && now() - part.startedAt >= STREAM_MAX_AGE_MS;
    const layout = lay(part, part.kind, reply, final, seal || old);
    if (part.shown === null && isBlank(layout.text) && layout.next === null) return false;
    try {
      if (part.kind === 'stream') await append(part, layout, reply, final);
      else await rewrite(part, layout, reply, final);
    } catch (error) {
      return settle(part, error, final);
    }
    advance(part, layout, reply);
    return part.next !== null;
  }

  function advance(part: Part, layout: Layout, reply: Reply): void {
    part.end = Math.max(part.end, layout.end);
    part.next = layout.next;
    if (layout.end > source.length) source = reply.text.slice(0, layout.end);
  }

  /** What a failure on one message means for it. True: write on, now in another way. */
  function settle(part: Part, error: unknown, final: boolean): boolean {
    if (error instanceof SlackUnreachable) {
      // Nobody knows what it shows now; written whole, it does not matter.
      part.kind = 'post';
      part.shown = null;
      throw error;
    }
    if (error instanceof Doubtful) {
      part.kind = 'post';
      part.shown = null;
      return true;
    }
    if (!(error instanceof SlackRefusal) || isPlaceGone(error.code) || isInstallationGone(error.code))
      throw error;
    if (error.code === 'stopped_by_user') {
      stoppedByPerson = true;
      part.kind = 'post';
      deps.onStopped();
      return final;
    }
    if (isTooLong(error.code) && part.kind === 'post') {
      postLimit = Math.floor(postLimit * 0.8);
      return postLimit > 500 || rethrow(error);
    }
    if (isTooLong(error.code))
      streamLimit = Math.max(1_000, Math.floor(Buffer.byteLength(part.shown ?? '') * 0.9));
    else
      log.info({ event: 'slack.message_closed', code: error.code, ...where }, 'a message takes no more text');
    endWhereItIs(part);
    return true;
  }

  /** The message stays as it is; what it does not show yet goes into the next one. */
  function endWhereItIs(part: Part): void {
    const { from, opened, end } = part;
    const layout = layOut({
      source: source.slice(0, end),
      from,
      opened,
      room: { measure: () => 0, limit: 1 },
      shown: end,
      seal: true,
      final: true,
      knowsHost: deps.knowsHost,
    });
    part.kind = 'post';
    part.next = layout.next ?? { from: end, opened: '' };
  }

  function lay(
    part: Start & { end: number },
    kind: Part['kind'],
    reply: Reply,
    final: boolean,
    seal: boolean,
  ): Layout {
    return layOut({
      source: reply.text,
      from: part.from,
      opened: part.opened,
      room:
        kind === 'stream' ? streamRoom(reply.activities) : { measure: text => text.length, limit: postLimit },
      shown: kind === 'stream' ? part.end : part.from,
      seal,
      // While the agent does something else, its last word is a whole one.
      final: final || reply.status !== null,
      knowsHost: deps.knowsHost,
    });
  }

  function streamRoom(activities: readonly Activity[]): Room {
    const labels = activities.slice(0, MAX_TASKS).map(({ label }) => TASK_BYTES + Buffer.byteLength(label));
    const taken = labels.reduce((sum, bytes) => sum + bytes, 0);
    return { measure: text => Buffer.byteLength(text), limit: Math.max(1_000, streamLimit - taken) };
  }

  async function append(part: Part, layout: Layout, reply: Reply, final: boolean): Promise<void> {
    const shown = part.shown ?? '';
    if (!layout.text.startsWith(shown) && !shown.startsWith(layout.text)) throw new Doubtful();
    const closes = final || layout.next !== null;
    const target = { channel: place.channel, ts: part.ts };
    const chunks = [...taskChunks(reply, closes), ...textChunk(layout.text.slice(shown.length))];
    const appended = () => {
      if (layout.text.length > shown.length) part.shown = layout.text;
      noteTasks(reply, closes);
    };
    if (!closes) {
      if (chunks.length === 0) return;
      await api.call('chat.appendStream', { ...target, chunks }, { now: { reserve: RESERVE } });
      appended();
      return;
    }
    // Closing may have to wait for its turn; the words need not.
    const ahead = chunks.length > 0 && !api.hasRoom('chat.stopStream', 0);
    if (ahead) {
      await api.call('chat.appendStream', { ...target, chunks });
      appended();
    }
    const ended = final && layout.next === null;
    await api.call('chat.stopStream', {
      ...target,
      ...(ahead || chunks.length === 0 ? {} : { chunks }),
      ...(ended ? { session_status: 'active' } : {}),
      ...(buttonsFor(layout, reply, final) === null ? {} : { blocks: [feedbackBlock(feedback)] }),
    });
    appended();
    part.kind = 'post';
    part.cards = JSON.stringify(part === parts[0] ? postedCards(reply, final) : []);
    sessionEnded ||= ended;
  }

  function taskChunks(reply: Reply, closes: boolean): Record<string, unknown>[] {
    return reply.activities
      .slice(0, MAX_TASKS)
      .filter(activity => cards.get(activity.id) !== cardState(activity, reply, closes))
      .map(activity => ({
        type: 'task_update',
        id: activity.id,
        title: activity.label,
        status: cardState(activity, reply, closes),
      }));
  }

  function noteTasks(reply: Reply, closes: boolean): void {
    for (const activity of reply.activities) {
      // One that still runs when its message is full is shown again in the next.
      if (closes && activity.state === 'running') cards.delete(activity.id);
      else cards.set(activity.id, cardState(activity, reply, closes));
    }
  }

  async function rewrite(part: Part, layout: Layout, reply: Reply, final: boolean): Promise<void> {
    const buttons = buttonsFor(layout, reply, final);
    const shownCards = part === parts[0] ? postedCards(reply, final) : [];
    const cardsNow = JSON.stringify(shownCards);
    const same = part.shown === layout.text;
    if (same && part.cards === cardsNow && (buttons === null || sessionEnded)) return;
    const content = replyContent(layout.text, { cards: shownCards, feedback: buttons });
    const args = { channel: place.channel, ts: part.ts, ...content };
    const hurry = (!final && layout.next === null) || same ? { now: { reserve: RESERVE } } : {};
    try {
      await api.call('chat.update', args, hurry);
    } catch (error) {
      // Only what is around the text is missing: not worth waiting for.
      if (same && error instanceof RetryLater) return;
      if (!(error instanceof SlackRefusal && error.code === 'streaming_state_conflict')) throw error;
      await api.call('chat.stopStream', { channel: place.channel, ts: part.ts });
      await api.call('chat.update', args);
    }
    part.shown = layout.text;
    part.cards = cardsNow;
  }

  /** Where text is not streamed, the cards stand above it. */
  function postedCards(reply: Reply, final: boolean): Block[] {
    return reply.activities.slice(0, MAX_TASKS).map(activity => ({
      type: 'task_card',
      task_id: activity.id,
      title: activity.label,
      status: cardState(activity, reply, final),
    }));
  }

  /** Begins the next message. False when there is nothing to say in it yet. */
  async function begin(reply: Reply, final: boolean, seal: boolean): Promise<boolean> {
    const at = parts[cursor - 1]?.next ?? { from: 0, opened: '' };
    const streams = !final && !seal && mayStream && api.hasRoom('chat.stopStream', 2);
    const begun = streams ? await beginStream(at, reply) : 'no room';
    return begun === 'no room' ? beginPost(at, reply, final, seal) : begun;
  }

  /** Without room in the budget the message is better posted than waited for. */
  async function beginStream(at: Start, reply: Reply): Promise<boolean | 'no room'> {
    const layout = lay({ ...at, end: at.from }, 'stream', reply, false, false);
    const blank = isBlank(layout.text.slice(at.opened.length));
    const shown = blank ? '' : layout.text;
    const chunks = [...taskChunks(reply, false), ...textChunk(shown)];
    if (chunks.length === 0) return false;
    const args = { ...target(), ...recipient(), chunks, task_display_mode: 'timeline' };
    const part = { ...at, kind: 'stream' as const, shown, cards: '', end: blank ? at.from : layout.end };
    const begun = await beginWith(part, reply, () =>
      api.call('chat.startStream', args, { now: { reserve: 0 } }),
    );
    if (begun) {
      noteTasks(reply, false);
      endInTime();
    }
    return begun || (mayStream ? 'no room' : true);
  }

  async function beginPost(at: Start, reply: Reply, final: boolean, seal: boolean): Promise<boolean> {
    const layout = lay({ ...at, end: at.from }, 'post', reply, final, seal);
    if (isBlank(layout.text.slice(at.opened.length))) return false;
    const full = final || layout.next !== null;
    // A message that will be updated needs room for that, or it had better be posted when it is complete.
    if (!full && !api.hasRoom('chat.update', RESERVE)) throw new RetryLater(5_000, { binding: false });
    const cardsAbove = cursor === 0 ? postedCards(reply, final) : [];
    const content = replyContent(layout.text, {
      cards: cardsAbove,
      feedback: buttonsFor(layout, reply, final),
    });
    const args = { ...target(), ...content, ...QUIET, metadata: mark(at) };
    const part = {
      ...at,
      kind: 'post' as const,
      shown: layout.text,
      cards: JSON.stringify(cardsAbove),
      end: layout.end,
    };
    const begun = await beginWith(part, reply, () =>
      api.call('chat.postMessage', args, full ? {} : { now: { reserve: RESERVE } }),
    );
    const current = parts[cursor];
    if (begun && current !== undefined) current.next = layout.next;
    return begun ? layout.next !== null : true;
  }

  const target = () => ({ channel: place.channel, thread_ts: place.thread });
  const recipient = () =>
    place.private ? {} : { recipient_user_id: place.user, recipient_team_id: place.team };
  const mark = ({ from }: Start) => ({
    event_type: REPLY_EVENT,
    event_payload: { message: deps.messageId, from },
  });
  const buttonsFor = (layout: Layout, reply: Reply, final: boolean) =>
    final && layout.next === null && reply.state === 'done' ? feedback : null;

  /** True when it was posted; false when another way is to be tried. */
  async function beginWith(
    part: Omit<Part, 'ts' | 'next' | 'startedAt'>,
    reply: Reply,
    call: () => Promise<Record<string, unknown>>,
  ): Promise<boolean> {
    // The intention is kept first: whoever carries on can look whether the message came to be.
    const { from, opened, kind, end } = part;
    const after = ((now() - CLOCK_SKEW_MS) / 1_000).toFixed(6);
    await keep({ from, opened, after, fingerprint: fingerprintOf(part.shown ?? '') });
    const startedAt = now();
    let ts: string;
    try {
      ({ ts } = posted.parse(await call()));
    } catch (error) {
      if (error instanceof SlackUnreachable) throw error;
      await keep(null);
      return refusedToBegin(kind, error);
    }
    status.replaced();
    parts.push({ ...part, ts, next: null, startedAt });
    if (end > source.length) source = reply.text.slice(0, end);
    await keep(null);
    return true;
  }

  /** Also when nothing is said for long: the message is ended by the bot, with its cards as they are to stay. */
  function endInTime(): void {
    cancelEnd();
    cancelEnd = deps.setTimer(() => paced.push({ reply: latest, seal: false }), STREAM_MAX_AGE_MS);
  }

  function refusedToBegin(kind: Part['kind'], error: unknown): false {
    if (kind === 'stream' && error instanceof RetryLater) return false;
    if (!(error instanceof SlackRefusal) || isPlaceGone(error.code) || isInstallationGone(error.code))
      throw error;
    if (isTooLong(error.code) && kind === 'post' && postLimit > 500) postLimit = Math.floor(postLimit * 0.8);
    else if (kind === 'stream') {
      mayStream = false;
      log.info(
        { event: 'slack.no_stream', code: error.code, ...where },
        'no streaming here; posting instead',
      );
    } else throw error;
    return false;
  }

  async function keep(next: typeof posting): Promise<void> {
    posting = next;
    await deps.save({ parts: parts.map(({ ts, from, opened }) => ({ ts, from, opened })), posting });
  }

  /** A message that was being posted when the answer, or the process, was lost. */
  async function recoverPosting(): Promise<void> {
    if (posting === null) return;
    const { from, opened } = posting;
    const known = parts.map(part => part.ts);
    const ts = await findPosted(api, place, {
      ...posting,
      botUser: await deps.botUser(),
      messageId: deps.messageId,
      known,
    });
    if (ts !== null) {
      const before = parts.at(-1);
      if (before !== undefined) {
        before.next = { from, opened };
        before.end = from;
      }
      parts.push({
        ts,
        from,
        opened,
        kind: 'post',
        shown: null,
        cards: '',
        end: from,
        next: null,
        startedAt: now(),
      });
      cursor = parts.length - 1;
      status.replaced();
    }
    await keep(null);
  }

  /** The agent took back what was shown: every message is written again. */
  function startOver(): void {
    for (const part of parts) Object.assign(part, { kind: 'post', shown: null, next: null, end: part.from });
    cursor = 0;
    source = '';
  }

  async function removeSpare(): Promise<void> {
    for (const part of parts.splice(cursor + 1)) {
      await api.call('chat.delete', { channel: place.channel, ts: part.ts }).catch((error: unknown) => {
        if (!(error instanceof SlackRefusal)) throw error;
      });
    }
  }

  /** Where the question was asked cannot be written to; the person still can be. */
  async function writeElsewhere(reply: Reply): Promise<void> {
    if (lost === 'place' && reply.state !== 'stopped') {
      try {
        const text = place.private ? reply.text : `${MOVED}\n\n${reply.text}`;
        for (let at: Start | null = { from: 0, opened: '' }; at !== null; ) {
          const layout: Layout = lay({ ...at, end: at.from }, 'post', { ...reply, text }, true, false);
          if (isBlank(layout.text)) break;
          const channel = place.private ? place.channel : place.user;
          await api.call('chat.postMessage', { channel, ...replyContent(layout.text), ...QUIET });
          at = layout.next;
        }
        return;
      } catch (error) {
        if (!(error instanceof SlackRefusal)) throw error;
        log.warn(
          { event: 'slack.person_lost', code: error.code, ...where },
          'cannot write to the person either',
        );
      }
    }
    if (reply.state !== 'stopped') {
      log.error(
        { event: 'slack.reply_undeliverable', characters: reply.text.length, ...where },
        'a reply could not be delivered',
      );
    }
  }

  return {
    get messages() {
      return parts.map(part => part.ts);
    },
    show(reply) {
      latest = reply;
      paced.push({ reply, seal: false });
    },
    async finish(reply) {
      // The end of a reply need not repeat which tools were used for it.
      const activities = reply.activities.length === 0 ? latest.activities : reply.activities;
      latest = { ...reply, activities };
      paced.push({ reply: latest, seal: false });
      await paced.flush();
      await status.end(sessionEnded);
    },
    async ask(question, signal) {
      // What is said after the question is to stand below it.
      paced.push({ reply: latest, seal: true });
      await paced
        .flush()
        .catch((error: unknown) =>
          log.warn({ event: 'slack.reply_failed', err: error, ...where }, 'a reply could not be shown'),
        );
      return deps.ask(question, signal);
    },
    close() {
      cancelEnd();
      paced.stop();
      status.stop();
    },
  };
}

export const REPLY_EVENT = 'shopper_reply';
const MOVED = 'I can no longer write where you asked me, so here is my answer:';
const QUIET = { unfurl_links: false, unfurl_media: false };
const posted = z.object({ ts: z.string() });

/** What a streamed message shows no longer fits what it should. */
class Doubtful extends Error {}

function rethrow(error: unknown): never {
  throw error;
}

function textChunk(text: string): Record<string, unknown>[] {
  return text === '' ? [] : [{ type: 'markdown_text', text }];
}

function cardState(activity: Activity, reply: Reply, closes: boolean): string {
  switch (activity.state) {
    case 'done':
      return 'complete';
    case 'failed':
      return 'error';
    case 'running':
      if (reply.state === 'failed' || reply.state === 'stopped') return 'error';
      return closes ? 'complete' : 'in_progress';
  }
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}
