import { z } from 'zod';
import type { Reply } from '../../core/adapter.ts';
import type { Json } from '../../core/message.ts';
import { RetryLater } from '../../core/paced.ts';
import type { Log } from '../../log.ts';
import { findPosted, fingerprintOf } from './find-posted.ts';
import type { ReplyTo } from './inbound.ts';
import { escapeMrkdwn } from './markdown.ts';
import { isGone, isTooLong } from './refusals.ts';
import {
  type Feedback,
  feedbackBlock,
  plainContent,
  QUIET,
  REPLY_EVENT,
  replyContent,
} from './reply-blocks.ts';
import { createReplyCards } from './reply-cards.ts';
import { type Layout, layOut, POST_CHARACTERS, type Room, type Start } from './reply-layout.ts';
import { type SlackApi, SlackRefusal, SlackUnreachable } from './web-client.ts';

/** The Slack messages that one reply is written into, one after the other. */
export interface ReplyMessages {
  /**
   * Writes what is new in a snapshot. `seal`: what is said after it belongs into a new message. Rejects with
   * RetryLater, SlackUnreachable, or a SlackRefusal that concerns the place or the installation.
   */
  write(reply: Reply, seal: boolean): Promise<void>;
  /** Their timestamps, also of those of an earlier process. */
  readonly timestamps: readonly string[];
  /** Slack shows by itself that there is more to come. */
  readonly streaming: boolean;
  /** The person pressed Slack's stop button. */
  readonly stopped: boolean;
  /** Ending the reply has also ended the agent session's "processing". */
  readonly sessionEnded: boolean;
}

export interface ReplyMessagesDeps {
  api: SlackApi;
  place: ReplyTo;
  botUser(): Promise<string>;
  /** The id of the message that is answered; it marks what is posted, so that it can be found again. */
  messageId: string;
  knowsHost(host: string): boolean;
  /** A message was posted, which removes the status. */
  onPosted(): void;
  /** A stream has begun, and must end in `STREAM_MAX_AGE_MS`. */
  onStream(): void;
  onStopped(): void;
  resume: Json;
  save(handle: Json): Promise<void>;
  now: () => number;
  log: Log;
}

interface Part extends Start {
  ts: string;
  /** `stream`: text is appended. `post`: the whole text is written each time, which also mends what is in doubt. */
  kind: 'stream' | 'post';
  /** What it shows; null when that is not known. */
  shown: string | null;
  /** The cards above a posted text, as JSON. */
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

/** Slack ends a stream five minutes after its start. */
export const STREAM_MAX_AGE_MS = 4.5 * 60_000;
/** Measured: a streamed message holds about 10,500 bytes of UTF-8, cards included. */
const STREAM_BYTES = 9_500;
const PLAIN_CHARACTERS = 3_000;
const LEAST_ROOM = 500;
/** Of each budget, what is left to the calls that end a reply. */
const RESERVE = 10;
/** Slack's clock and ours may differ. */
const CLOCK_SKEW_MS = 60_000;

interface Writing {
  reply: Reply;
  final: boolean;
  seal: boolean;
}

export function createReplyMessages(deps: ReplyMessagesDeps): ReplyMessages {
  const { api, place, log, now } = deps;
  const resumed = handleSchema.safeParse(deps.resume).data ?? { parts: [], posting: null };
  const parts: Part[] = resumed.parts.map((part, index) => ({
    ...posted(part, part.ts, now()),
    end: resumed.parts[index + 1]?.from ?? part.from,
    next: resumed.parts[index + 1] ?? null,
  }));
  const cards = createReplyCards();
  const target = { channel: place.channel, thread_ts: place.thread };
  const where = { tenant: place.tenant, channel: place.channel, thread: place.thread };
  let posting = resumed.posting;
  /** Index of the message that is being written. */
  let cursor = Math.max(0, parts.length - 1);
  /** What of the reply's source has been shown. */
  let source = '';
  let mayStream = true;
  let streamLimit = STREAM_BYTES;
  let postLimit = POST_CHARACTERS;
  /** Slack did not take the blocks; as bare text it may. */
  let plain = false;
  let stopped = false;
  let sessionEnded = false;

  async function write(reply: Reply, seal: boolean): Promise<void> {
    const final = reply.state !== 'working';
    if (stopped && !final) return;
    await recoverPosting();
    if (!reply.text.startsWith(source)) {
      // A snapshot that says less is one that is still being put together again.
      if (!final && source.startsWith(reply.text)) return;
      startOver();
    }
    const writing = { reply, final, seal };
    for (let more = true; more; ) {
      const part = parts[cursor];
      if (part === undefined) more = await begin(writing);
      else if (part.next === null) more = await extend(part, writing);
      else moveOn(part.next);
    }
    if (final) await removeSpare();
  }

  function moveOn(to: Start): void {
    cursor += 1;
    const part = parts[cursor];
    if (part !== undefined) Object.assign(part, to);
  }

  /** The agent took back what was shown: every message is written again. */
  function startOver(): void {
    for (const part of parts) Object.assign(part, { kind: 'post', shown: null, next: null, end: part.from });
    cursor = 0;
    source = '';
  }

  // Growing a message that is there.

  /** Writes what a message has room for. True when it is full and the rest goes into another. */
  async function extend(part: Part, writing: Writing): Promise<boolean> {
    const old = part.kind === 'stream' && now() - part.startedAt >= STREAM_MAX_AGE_MS;
    const layout = lay(part, part.kind, { ...writing, seal: writing.seal || old });
    if (part.shown === null && isBlank(layout.text) && layout.next === null) return false;
    try {
      if (part.kind === 'stream') await append(part, layout, writing);
      else await rewrite(part, layout, writing);
    } catch (error) {
      return failed(part, error, writing.final);
    }
    part.end = Math.max(part.end, layout.end);
    part.next = layout.next;
    if (layout.end > source.length) source = writing.reply.text.slice(0, layout.end);
    return part.next !== null;
  }

  async function append(part: Part, layout: Layout, { reply, final }: Writing): Promise<void> {
    const shown = part.shown ?? '';
    if (!layout.text.startsWith(shown) && !shown.startsWith(layout.text)) throw new Doubtful();
    const closes = final || layout.next !== null;
    const stream = { channel: place.channel, ts: part.ts };
    const chunks = [...cards.chunks(reply, closes), ...textChunk(layout.text.slice(shown.length))];
    const appended = () => {
      if (layout.text.length > shown.length) part.shown = layout.text;
      cards.note(reply, closes);
    };
    if (!closes) {
      if (chunks.length === 0) return;
      await api.call('chat.appendStream', { ...stream, chunks }, { now: { reserve: RESERVE } });
      appended();
      return;
    }
    // Closing may have to wait for its turn; the words need not.
    const ahead = chunks.length > 0 && !api.hasRoom('chat.stopStream', 0);
    if (ahead) {
      await api.call('chat.appendStream', { ...stream, chunks });
      appended();
    }
    const ended = final && layout.next === null;
    const buttons = buttonsFor(layout, reply);
    await api.call('chat.stopStream', {
      ...stream,
      ...(ahead || chunks.length === 0 ? {} : { chunks }),
      ...(ended ? { session_status: 'active' } : {}),
      ...(buttons === null ? {} : { blocks: [feedbackBlock(buttons)] }),
    });
    appended();
    part.kind = 'post';
    part.cards = JSON.stringify(cardsAbove(part, reply, final));
    sessionEnded ||= ended;
  }

  async function rewrite(part: Part, layout: Layout, { reply, final }: Writing): Promise<void> {
    const above = cardsAbove(part, reply, final);
    const buttons = buttonsFor(layout, reply);
    const same = part.shown === layout.text;
    if (same && part.cards === JSON.stringify(above) && (buttons === null || sessionEnded)) return;
    const message = { channel: place.channel, ts: part.ts };
    const content = contentOf(layout.text, above, buttons);
    const hurry = (!final && layout.next === null) || same ? { now: { reserve: RESERVE } } : {};
    try {
      await api.call('chat.update', { ...message, ...content }, hurry);
    } catch (error) {
      // Only what is around the text is missing: not worth waiting for.
      if (same && error instanceof RetryLater) return;
      if (!(error instanceof SlackRefusal && error.code === 'streaming_state_conflict')) throw error;
      await api.call('chat.stopStream', message);
      await api.call('chat.update', { ...message, ...content });
    }
    part.shown = layout.text;
    part.cards = JSON.stringify(above);
  }

  /** What a failure on one message means for it. True: write on, in another way. */
  async function failed(part: Part, error: unknown, final: boolean): Promise<boolean> {
    if (error instanceof SlackUnreachable || error instanceof Doubtful) {
      // Nobody knows what it shows now; written whole, it does not matter.
      part.kind = 'post';
      part.shown = null;
      if (error instanceof SlackUnreachable) throw error;
      return true;
    }
    if (!(error instanceof SlackRefusal) || isGone(error.code)) throw error;
    if (error.code === 'stopped_by_user') {
      stopped = true;
      part.kind = 'post';
      deps.onStopped();
      return final;
    }
    if (isTooLong(error.code) && part.kind === 'post' && postLimit > LEAST_ROOM) {
      postLimit = Math.floor(postLimit * 0.8);
      return true;
    }
    if (isTooLong(error.code)) {
      streamLimit = Math.max(LEAST_ROOM, Math.floor(Buffer.byteLength(part.shown ?? '') * 0.9));
      await tolerantly(api.call('chat.stopStream', { channel: place.channel, ts: part.ts }));
    }
    log.info({ event: 'slack.message_closed', code: error.code, ...where }, 'a message takes no more text');
    endWhereItIs(part);
    return true;
  }

  /** The message stays as it is; what it does not show yet goes into the next one. */
  function endWhereItIs(part: Part): void {
    const { from, opened, end } = part;
    const shownSource = { source: source.slice(0, end), from, opened, shown: end };
    const room = { measure: () => 0, limit: 1 };
    const layout = layOut({ ...shownSource, room, seal: true, final: true, knowsHost: deps.knowsHost });
    part.kind = 'post';
    part.next = layout.next ?? { from: end, opened: '' };
  }

  // Beginning another message.

  /** False when there is nothing to say in it yet. */
  async function begin(writing: Writing): Promise<boolean> {
    const at = parts[cursor - 1]?.next ?? { from: 0, opened: '' };
    const streams = !writing.final && !writing.seal && mayStream && api.hasRoom('chat.stopStream', 2);
    const begun = streams ? await beginStream(at, writing) : 'no room';
    return begun === 'no room' ? beginPost(at, writing) : begun;
  }

  /** Without room in the budget a message is better posted than waited for. */
  async function beginStream(at: Start, writing: Writing): Promise<boolean | 'no room'> {
    const { reply } = writing;
    const layout = lay({ ...at, end: at.from }, 'stream', writing);
    const blank = isBlank(layout.text.slice(at.opened.length));
    const shown = blank ? '' : layout.text;
    const chunks = [...cards.chunks(reply, false), ...textChunk(shown)];
    if (chunks.length === 0) return false;
    const recipient = place.private ? {} : { recipient_user_id: place.user, recipient_team_id: place.team };
    const args = { ...target, ...recipient, chunks, task_display_mode: 'timeline' };
    const part = { ...at, kind: 'stream' as const, shown, cards: '', end: blank ? at.from : layout.end };
    const begun = await beginWith(part, reply, () =>
      api.call('chat.startStream', args, { now: { reserve: 0 } }),
    );
    if (begun) {
      cards.note(reply, false);
      deps.onStream();
    }
    return begun || (mayStream ? 'no room' : true);
  }

  async function beginPost(at: Start, writing: Writing): Promise<boolean> {
    const { reply, final } = writing;
    const layout = lay({ ...at, end: at.from }, 'post', writing);
    if (isBlank(layout.text.slice(at.opened.length))) return false;
    const full = final || layout.next !== null;
    // A message that will be updated needs room for that, or it had better be posted when it is complete.
    if (!full && !api.hasRoom('chat.update', RESERVE)) throw new RetryLater(5_000, { binding: false });
    const above = cursor === 0 ? cards.blocks(reply, final) : [];
    const content = contentOf(layout.text, above, buttonsFor(layout, reply));
    const mark = { event_type: REPLY_EVENT, event_payload: { message: deps.messageId, from: at.from } };
    const part = {
      ...at,
      kind: 'post' as const,
      shown: layout.text,
      cards: JSON.stringify(above),
      end: layout.end,
    };
    const begun = await beginWith(part, reply, () =>
      api.call(
        'chat.postMessage',
        { ...target, ...content, ...QUIET, metadata: mark },
        full ? {} : { now: { reserve: RESERVE } },
      ),
    );
    if (!begun) return true;
    const current = parts[cursor];
    if (current !== undefined) current.next = layout.next;
    return layout.next !== null;
  }

  /** True when it was posted; false when another way is to be tried. */
  async function beginWith(
    part: Omit<Part, 'ts' | 'next' | 'startedAt'>,
    reply: Reply,
    call: () => Promise<Record<string, unknown>>,
  ): Promise<boolean> {
    // The intention is kept first: whoever carries on can look whether the message came to be.
    const { from, opened, kind, end } = part;
    const startedAt = now();
    const after = ((startedAt - CLOCK_SKEW_MS) / 1_000).toFixed(6);
    await keep({ from, opened, after, fingerprint: fingerprintOf(part.shown ?? '') });
    let ts: string;
    try {
      ({ ts } = answered.parse(await call()));
    } catch (error) {
      if (error instanceof SlackUnreachable) throw error;
      await keep(null);
      refusedToBegin(kind, error);
      return false;
    }
    deps.onPosted();
    parts.push({ ...part, ts, next: null, startedAt });
    if (end > source.length) source = reply.text.slice(0, end);
    await keep(null);
    return true;
  }

  /** Decides on another way, or throws when there is none. */
  function refusedToBegin(kind: Part['kind'], error: unknown): void {
    if (kind === 'stream' && error instanceof RetryLater) return;
    if (!(error instanceof SlackRefusal)) throw error;
    const { code } = error;
    if (kind === 'stream' && (!isGone(code) || code === 'missing_scope')) mayStream = false;
    else if (isGone(code)) throw error;
    else if (isTooLong(code) && postLimit > LEAST_ROOM) postLimit = Math.floor(postLimit * 0.8);
    else if (!plain) plain = true;
    else throw error;
    log.info({ event: 'slack.another_way', code, kind, ...where }, 'Slack wants this message otherwise');
  }

  async function keep(next: typeof posting): Promise<void> {
    posting = next;
    await deps.save({ parts: parts.map(({ ts, from, opened }) => ({ ts, from, opened })), posting });
  }

  /** A message that was being posted when the answer, or the process, was lost. */
  async function recoverPosting(): Promise<void> {
    if (posting === null) return;
    const known = parts.map(part => part.ts);
    const wanted = { ...posting, botUser: await deps.botUser(), messageId: deps.messageId, known };
    const ts = await findPosted(api, place, wanted);
    if (ts !== null) {
      const { from, opened } = posting;
      const before = parts.at(-1);
      if (before !== undefined) Object.assign(before, { next: { from, opened }, end: from });
      parts.push(posted({ from, opened }, ts, now()));
      cursor = parts.length - 1;
      deps.onPosted();
    }
    await keep(null);
  }

  async function removeSpare(): Promise<void> {
    for (const part of parts.splice(cursor + 1)) {
      await tolerantly(api.call('chat.delete', { channel: place.channel, ts: part.ts }));
    }
  }

  // What a message looks like.

  function lay(at: Start & { end: number }, kind: Part['kind'], { reply, final, seal }: Writing): Layout {
    return layOut({
      source: reply.text,
      from: at.from,
      opened: at.opened,
      room: roomFor(kind, reply),
      shown: kind === 'stream' ? at.end : at.from,
      seal,
      // While the agent does something else, its last word is a whole one.
      final: final || reply.status !== null,
      knowsHost: deps.knowsHost,
    });
  }

  function roomFor(kind: Part['kind'], reply: Reply): Room {
    if (kind === 'post' && plain)
      return { measure: text => escapeMrkdwn(text).length, limit: PLAIN_CHARACTERS };
    if (kind === 'post') return { measure: text => text.length, limit: postLimit };
    const limit = Math.max(LEAST_ROOM, streamLimit - cards.weight(reply));
    return { measure: text => Buffer.byteLength(text), limit };
  }

  function contentOf(text: string, above: Record<string, unknown>[], feedback: Feedback | null) {
    return plain ? plainContent(text) : replyContent(text, { cards: above, feedback });
  }

  /** Where text is not streamed, the cards stand above it. */
  function cardsAbove(part: Part, reply: Reply, final: boolean): Record<string, unknown>[] {
    return part === parts[0] ? cards.blocks(reply, final) : [];
  }

  /** Buttons stand below the end of a complete answer. */
  function buttonsFor(layout: Layout, reply: Reply): Feedback | null {
    const complete = reply.state === 'done' && layout.next === null;
    return complete ? { tenant: place.tenant, messageId: deps.messageId } : null;
  }

  return {
    write,
    get timestamps() {
      return parts.map(part => part.ts);
    },
    get streaming() {
      return parts[cursor]?.kind === 'stream';
    },
    get stopped() {
      return stopped;
    },
    get sessionEnded() {
      return sessionEnded;
    },
  };
}

const answered = z.object({ ts: z.string() });

/** What a streamed message shows no longer fits what it should. */
class Doubtful extends Error {}

/** A message that is there, and of which nothing more is known. */
function posted({ from, opened }: Start, ts: string, startedAt: number): Part {
  return { ts, from, opened, kind: 'post', shown: null, cards: '', end: from, next: null, startedAt };
}

function textChunk(text: string): Record<string, unknown>[] {
  return text === '' ? [] : [{ type: 'markdown_text', text }];
}

/** Slack may say no to it. */
async function tolerantly(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof SlackRefusal)) throw error;
  }
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}
