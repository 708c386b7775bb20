import type { Question, Reply, ReplySink } from '../../../core/adapter.ts';
import { createPaced, RetryLater } from '../../../core/reply/paced.ts';
import type { SetTimer } from '../../../core/timer.ts';
import { isInstallationGone, isPlaceGone } from '../connection/refusals.ts';
import { SlackRefusal, SlackUnreachable } from '../connection/web-client.ts';
import { QUIET, replyContent } from './reply-blocks.ts';
import { STREAM_MAX_AGE_MS } from './reply-growth.ts';
import { postPieces } from './reply-layout.ts';
import { createReplyMessages, type ReplyMessagesDeps } from './reply-messages.ts';
import type { StatusLine } from './status.ts';

export interface ReplyDeps extends Omit<ReplyMessagesDeps, 'onPosted' | 'onStream'> {
  status: StatusLine;
  /** Text of the reply stands there. */
  seen?: () => void;
  ask(question: Question, signal: AbortSignal): Promise<boolean>;
  /** The process is going down: what cannot be written now is left to a later one. */
  closing(): boolean;
  setTimer: SetTimer;
}

const MIN_INTERVAL_MS = 1_000;
const GIVE_UP_MS = 10 * 60_000;
const RETRY_MS = 2_000;
const MOVED = 'I can no longer write where you asked me, so here is my answer:';

/**
 * One reply in one thread: streamed where Slack allows it, posted and updated otherwise, in as many messages as
 * it takes. What was posted, joined, is what the agent said.
 */
export function createReply(deps: ReplyDeps): ReplySink & { readonly messages: readonly string[] } {
  const { api, place, status, log, now } = deps;
  const where = { tenant: place.tenant, channel: place.channel, thread: place.thread };
  let lost: 'place' | 'installation' | null = null;
  let troubleSince: number | null = null;
  let latest: Reply = { state: 'working', text: '', status: null, activities: [] };
  let sealing = false;
  let cancelEnd = () => {};

  const messages = createReplyMessages({
    ...deps,
    onPosted: () => status.replaced(),
    onStream() {
      // Also when nothing is said for long, the bot ends the stream, and not Slack: with its cards as they are to stay.
      cancelEnd();
      cancelEnd = deps.setTimer(() => paced.push({ reply: latest, seal: false }), STREAM_MAX_AGE_MS);
    },
  });
  const paced = createPaced<{ reply: Reply; seal: boolean }>({
    write,
    minIntervalMs: MIN_INTERVAL_MS,
    // A status before it must not hold the first words back.
    isUrgent: ({ reply }) => reply.text !== '' && !messages.begun,
    now,
    setTimer: deps.setTimer,
    onError: notShown,
  });

  function notShown(error: unknown): void {
    log.warn({ event: 'slack.reply_failed', err: error, ...where }, 'a reply could not be shown');
  }

  /** Rejects only with RetryLater, or with what lasts: a fault of the bot, or an outage. */
  async function write({ reply, seal }: { reply: Reply; seal: boolean }): Promise<void> {
    const final = reply.state !== 'working';
    try {
      if (lost === null) {
        await messages.write(reply, seal);
        if (reply.text !== '') deps.seen?.();
      } else if (final) await writeElsewhere(reply);
      troubleSince = null;
    } catch (error) {
      if (error instanceof SlackRefusal && (isPlaceGone(error.code) || isInstallationGone(error.code))) {
        lost = isPlaceGone(error.code) ? 'place' : 'installation';
        log.warn(
          { event: 'slack.place_lost', code: error.code, err: error, ...where },
          'cannot write there any more',
        );
        if (final) await writeElsewhere(reply);
        return;
      }
      if (!(error instanceof SlackUnreachable)) throw error;
      troubleSince ??= now();
      if (deps.closing() || now() - troubleSince > GIVE_UP_MS) throw error;
      throw new RetryLater(RETRY_MS, { cause: error });
    } finally {
      const waiting = !final && !messages.streaming && !messages.stopped && lost === null;
      if (waiting) await status.show(reply.status ?? 'Writing');
    }
  }

  /** Where the question was asked cannot be written to; the person still can be. */
  async function writeElsewhere(reply: Reply): Promise<void> {
    if (reply.state === 'stopped') return;
    try {
      if (lost === 'place') return await writeToPerson(reply.text);
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      log.warn(
        { event: 'slack.person_lost', code: error.code, err: error, ...where },
        'the person cannot be written to',
      );
    }
    const characters = reply.text.length;
    log.error({ event: 'slack.reply_undeliverable', characters, ...where }, 'a reply could not be delivered');
  }

  async function writeToPerson(text: string): Promise<void> {
    const channel = place.private ? place.channel : place.user;
    const whole = place.private ? text : `${MOVED}\n\n${text}`;
    for (const piece of postPieces(whole, deps.knowsHost)) {
      await api.call('chat.postMessage', { channel, ...replyContent(piece), ...QUIET });
    }
  }

  return {
    get messages() {
      return messages.timestamps;
    },
    show(reply) {
      latest = reply;
      paced.push({ reply, seal: sealing });
    },
    async finish(reply) {
      // The end of a reply need not repeat which tools were used for it.
      const activities = reply.activities.length === 0 ? latest.activities : reply.activities;
      latest = { ...reply, activities };
      paced.push({ reply: latest, seal: false });
      await paced.flush();
      await status.end(messages.sessionEnded);
    },
    async ask(question, signal) {
      // What is said after the question is to stand below it.
      sealing = true;
      paced.push({ reply: latest, seal: true });
      await paced.flush().catch(notShown);
      sealing = false;
      return deps.ask(question, signal);
    },
    close() {
      cancelEnd();
      paced.stop();
      status.stop();
    },
  };
}
