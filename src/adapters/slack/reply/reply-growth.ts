import { RetryLater } from '../../../core/reply/paced.ts';
import type { Log } from '../../../log.ts';
import { isGone, isTooLong } from '../connection/refusals.ts';
import { type SlackApi, SlackRefusal, SlackUnreachable } from '../connection/web-client.ts';
import type { ReplyTo } from '../inbound.ts';
import { feedbackBlock } from './reply-blocks.ts';
import type { ReplyCards } from './reply-cards.ts';
import { type Layout, layOut } from './reply-layout.ts';
import { isBlank, type ReplyLook, textChunk, type Writing } from './reply-look.ts';
import { LEAST_ROOM, type Part, type Progress, shrinkPosts } from './reply-progress.ts';

/** Slack ends a stream five minutes after its start. */
export const STREAM_MAX_AGE_MS = 4.5 * 60_000;
/** Of each budget, what is left to the calls that end a reply. */
export const RESERVE = 10;

/** Grows a message that is there. */
export interface ReplyGrowth {
  /** Writes what a message has room for. True when it is full and the rest goes into another. */
  extend(part: Part, writing: Writing): Promise<boolean>;
}

export interface ReplyGrowthDeps {
  api: SlackApi;
  place: ReplyTo;
  progress: Progress;
  cards: ReplyCards;
  look: ReplyLook;
  knowsHost(host: string): boolean;
  onStopped(): void;
  now: () => number;
  log: Log;
}

export function createReplyGrowth(deps: ReplyGrowthDeps): ReplyGrowth {
  const { api, place, progress, cards, look, log, now } = deps;
  const where = { tenant: place.tenant, channel: place.channel, thread: place.thread };

  async function extend(part: Part, writing: Writing): Promise<boolean> {
    const old = part.kind === 'stream' && now() - part.startedAt >= STREAM_MAX_AGE_MS;
    const layout = look.lay(part, part.kind, { ...writing, seal: writing.seal || old });
    if (part.shown === null && isBlank(layout.text) && layout.next === null) return false;
    try {
      if (part.kind === 'stream') await append(part, layout, writing);
      else await rewrite(part, layout, writing);
    } catch (error) {
      return failed(part, error, writing.final);
    }
    reached(part, layout, writing);
    part.next = layout.next;
    return part.next !== null;
  }

  /** What follows, in whichever message, begins there. */
  function reached(part: Part, layout: Layout, { reply }: Writing): void {
    part.end = Math.max(part.end, layout.end);
    if (layout.end > progress.source.length) progress.source = reply.text.slice(0, layout.end);
  }

  async function append(part: Part, layout: Layout, writing: Writing): Promise<void> {
    const { reply, final } = writing;
    const shown = part.shown ?? '';
    if (!layout.text.startsWith(shown) && !shown.startsWith(layout.text)) throw new Doubtful();
    const closes = final || layout.next !== null;
    const stream = { channel: place.channel, ts: part.ts };
    const chunks = [...cards.chunks(reply, closes), ...textChunk(layout.text.slice(shown.length))];
    const appended = () => {
      if (layout.text.length > shown.length) part.shown = layout.text;
      cards.note(reply, closes);
      // Also where closing is refused afterwards: Slack may have closed it by then.
      reached(part, layout, writing);
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
    const buttons = look.buttonsFor(layout, reply);
    await api.call('chat.stopStream', {
      ...stream,
      ...(ahead || chunks.length === 0 ? {} : { chunks }),
      ...(ended ? { session_status: 'active' } : {}),
      ...(buttons === null ? {} : { blocks: [feedbackBlock(buttons)] }),
    });
    appended();
    part.kind = 'post';
    part.cards = JSON.stringify(look.cardsAbove(part, reply, final));
    progress.sessionEnded ||= ended;
  }

  async function rewrite(part: Part, layout: Layout, { reply, final }: Writing): Promise<void> {
    const above = look.cardsAbove(part, reply, final);
    const buttons = look.buttonsFor(layout, reply);
    const same = part.shown === layout.text;
    if (same && part.cards === JSON.stringify(above) && (buttons === null || progress.sessionEnded)) return;
    const message = { channel: place.channel, ts: part.ts };
    const content = look.contentOf(layout.text, above, buttons);
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
      progress.stopped = true;
      part.kind = 'post';
      deps.onStopped();
      return final;
    }
    if (isTooLong(error.code) && part.kind === 'post' && shrinkPosts(progress)) return true;
    if (isTooLong(error.code)) {
      progress.streamLimit = Math.max(LEAST_ROOM, Math.floor(Buffer.byteLength(part.shown ?? '') * 0.9));
      await tolerantly(api.call('chat.stopStream', { channel: place.channel, ts: part.ts }));
    }
    log.info({ event: 'slack.message_closed', code: error.code, ...where }, 'a message takes no more text');
    endWhereItIs(part);
    return true;
  }

  /** The message stays as it is; what it does not show yet goes into the next one. */
  function endWhereItIs(part: Part): void {
    const { from, opened, end } = part;
    const shownSource = { source: progress.source.slice(0, end), from, opened, shown: end };
    const room = { measure: () => 0, limit: 1 };
    const layout = layOut({ ...shownSource, room, seal: true, final: true, knowsHost: deps.knowsHost });
    part.kind = 'post';
    part.next = layout.next ?? { from: end, opened: '' };
  }

  return { extend };
}

/** What a streamed message shows no longer fits what it should. */
class Doubtful extends Error {}

/** Slack may say no to it. */
export async function tolerantly(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof SlackRefusal)) throw error;
  }
}
