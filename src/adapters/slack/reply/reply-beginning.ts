import { z } from 'zod';
import type { Reply } from '../../../core/adapter.ts';
import type { Json } from '../../../core/message.ts';
import { RetryLater } from '../../../core/reply/paced.ts';
import type { Log } from '../../../log.ts';
import { isGone, isTooLong } from '../connection/refusals.ts';
import { type SlackApi, SlackRefusal, SlackUnreachable } from '../connection/web-client.ts';
import type { ReplyTo } from '../inbound.ts';
import { findPosted, fingerprintOf, slackTimeBefore } from './find-posted.ts';
import { replyMark } from './marks.ts';
import { QUIET } from './reply-blocks.ts';
import type { ReplyCards } from './reply-cards.ts';
import { RESERVE } from './reply-growth.ts';
import type { Start } from './reply-layout.ts';
import { isBlank, type ReplyLook, textChunk, type Writing } from './reply-look.ts';
import {
  handleOf,
  type Part,
  type Posting,
  type Progress,
  shrinkPosts,
  unknownPart,
} from './reply-progress.ts';

/** Begins another message of a reply, so that a later process finds it whatever happens. */
export interface ReplyBeginning {
  /** False when there is nothing to say in it yet. */
  begin(writing: Writing): Promise<boolean>;
  /** Looks for a message that was being posted when the answer, or the process, was lost. */
  recover(): Promise<void>;
}

export interface ReplyBeginningDeps {
  api: SlackApi;
  place: ReplyTo;
  progress: Progress;
  cards: ReplyCards;
  look: ReplyLook;
  botUser(): Promise<string>;
  /** The id of the message that is answered; it marks what is posted, so that it can be found again. */
  messageId: string;
  /** A message was posted, which removes the status. */
  onPosted(): void;
  /** A stream has begun, and must end in `STREAM_MAX_AGE_MS`. */
  onStream(): void;
  save(handle: Json): Promise<void>;
  /** Of a new reply, what `save` was promised long before there is something to say: see `expectedReply`. */
  ahead: Json;
  now: () => number;
  log: Log;
}

const answered = z.object({ ts: z.string() });
/** The server has posted it, and neither says where nor has it in the thread: it stays as it is, and the rest comes at the end. */
const UNNAMED = '';

export function createReplyBeginning(deps: ReplyBeginningDeps): ReplyBeginning {
  const { api, place, progress, cards, look, log, now } = deps;
  const target = { channel: place.channel, thread_ts: place.thread };
  const where = { tenant: place.tenant, channel: place.channel, thread: place.thread };
  let { ahead } = deps;

  async function begin(writing: Writing): Promise<boolean> {
    const at = progress.parts[progress.cursor - 1]?.next ?? { from: 0, opened: '' };
    const streams =
      !writing.final && !writing.seal && progress.mayStream && api.hasRoom('chat.stopStream', 2);
    const begun = streams ? await beginStream(at, writing) : 'no room';
    return begun === 'no room' ? beginPost(at, writing) : begun;
  }

  /** Without room in the budget a message is better posted than waited for. */
  async function beginStream(at: Start, writing: Writing): Promise<boolean | 'no room'> {
    const { reply } = writing;
    const layout = look.lay({ ...at, end: at.from }, 'stream', writing);
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
    return begun || (progress.mayStream ? 'no room' : true);
  }

  async function beginPost(at: Start, writing: Writing): Promise<boolean> {
    const { reply, final } = writing;
    const layout = look.lay({ ...at, end: at.from }, 'post', writing);
    if (isBlank(layout.text.slice(at.opened.length))) return false;
    const full = final || layout.next !== null;
    if (!full && progress.parts.some(part => part.ts === UNNAMED)) return false;
    // A message that will be updated needs room for that, or it had better be posted when it is complete.
    if (!full && !api.hasRoom('chat.update', RESERVE)) throw new RetryLater(5_000, { binding: false });
    const above = look.cardsAbove(null, reply, final);
    const content = look.contentOf(layout.text, above, look.buttonsFor(layout, reply));
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
        { ...target, ...content, ...QUIET, metadata: replyMark(deps.messageId, at.from) },
        full ? {} : { now: { reserve: RESERVE } },
      ),
    );
    if (!begun) return true;
    const current = progress.parts[progress.cursor];
    if (current !== undefined) current.next ??= layout.next;
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
    const after = slackTimeBefore(startedAt);
    const posting = { from, opened, after, fingerprint: fingerprintOf(part.shown ?? '') };
    await intend(posting);
    let ts: string;
    try {
      const answer = answered.safeParse(await call());
      // A server may say yes to a method that it does not know.
      if (!answer.success && kind === 'stream') throw new SlackRefusal('chat.startStream', 'unknown_method');
      ts = answer.data?.ts ?? (await find(posting).catch(() => null)) ?? UNNAMED;
    } catch (error) {
      if (error instanceof SlackUnreachable) throw error;
      await keep(null);
      refusedToBegin(kind, error);
      return false;
    }
    deps.onPosted();
    const next = ts === UNNAMED ? { from: end, opened: '' } : null;
    progress.parts.push({ ...part, ts, next, startedAt });
    if (end > progress.source.length) progress.source = reply.text.slice(0, end);
    await keep(null);
    return true;
  }

  /** Decides on another way, or throws when there is none. */
  function refusedToBegin(kind: Part['kind'], error: unknown): void {
    if (kind === 'stream' && error instanceof RetryLater) return;
    if (!(error instanceof SlackRefusal)) throw error;
    const { code } = error;
    if (kind === 'stream' && (!isGone(code) || code === 'missing_scope')) progress.mayStream = false;
    else if (isGone(code)) throw error;
    else if (!(isTooLong(code) && shrinkPosts(progress))) {
      if (progress.plain) throw error;
      progress.plain = true;
    }
    log.info({ event: 'slack.another_way', code, kind, ...where }, 'Slack wants this message otherwise');
  }

  async function intend(posting: Posting): Promise<void> {
    if (ahead === null) return keep(posting);
    // It is kept by now, so that the first words wait for no disk.
    progress.posting = posting;
    await deps.save(ahead);
    ahead = null;
  }

  async function keep(next: Posting | null): Promise<void> {
    progress.posting = next;
    await deps.save(handleOf(progress));
  }

  async function find(posting: Posting): Promise<string | null> {
    const known = progress.parts.map(part => part.ts);
    const wanted = { ...posting, botUser: await deps.botUser(), messageId: deps.messageId, known };
    return findPosted(api, place, wanted, log);
  }

  async function recover(): Promise<void> {
    if (progress.posting === null) return;
    const ts = await find(progress.posting);
    if (ts !== null) {
      const { from, opened } = progress.posting;
      const before = progress.parts.at(-1);
      if (before !== undefined) Object.assign(before, { next: { from, opened }, end: from });
      progress.parts.push(unknownPart({ from, opened }, ts, now()));
      progress.cursor = progress.parts.length - 1;
      deps.onPosted();
    }
    await keep(null);
  }

  return { begin, recover };
}
