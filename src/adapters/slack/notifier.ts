import type { Message, NoticeMode } from '../../core/message.ts';
import type { SetTimer } from '../../core/timer.ts';
import type { Notice } from '../../core/views.ts';
import type { Log } from '../../log.ts';
import { type SlackApi, SlackRefusal, SlackUnreachable } from './connection/web-client.ts';
import { type ReplyTo, replyToSchema } from './inbound.ts';
import type { HomeTabs } from './memory/home-tabs.ts';
import { sentenceMessage } from './memory/views.ts';
import { noticeMessage } from './notices.ts';
import { findMarked, slackTimeBefore } from './reply/find-posted.ts';
import { type Mark, noticeMark } from './reply/marks.ts';
import { QUIET } from './reply/reply-blocks.ts';

/** What is said to a person besides replies. */
export interface Notifier {
  /** What changed in their memory: below the reply, or to them alone. */
  notify(message: Message, notice: Notice, mode: Exclude<NoticeMode, 'off'>): Promise<void>;
  /** The bot takes no more for now; the sentence goes where the answer would. */
  refused(message: Message, sentence: string): Promise<void>;
}

/** While Slack does not answer; some eight seconds where it says so at once. */
const TRIES = 6;
const RETRY_MS = 500;
/**
 * Of what is shown to the person alone nobody can find out whether it was. Better twice than not at all: held changes wait for the
 * answer to it, its buttons do the same from either copy, and nobody else sees them. But not often.
 */
const WHISPER_TRIES = 3;

export function createNotifier(deps: {
  apiOf(tenant: string): SlackApi;
  homes: HomeTabs;
  closing(): boolean;
  now: () => number;
  background(work: Promise<unknown>): void;
  setTimer: SetTimer;
  log: Log;
}): Notifier {
  const post = (place: ReplyTo, content: Record<string, unknown>) =>
    deps.apiOf(place.tenant).call('chat.postMessage', {
      channel: place.channel,
      thread_ts: place.thread,
      ...content,
      ...QUIET,
    });

  /** To the person alone. Where that cannot be shown, in their DM with the bot. */
  async function whisper(place: ReplyTo, content: Record<string, unknown>): Promise<void> {
    const api = deps.apiOf(place.tenant);
    const target = { channel: place.channel, thread_ts: place.thread, user: place.user };
    try {
      await api.call('chat.postEphemeral', { ...target, ...content });
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      await api.call('chat.postMessage', { channel: place.user, ...content, ...QUIET });
    }
  }

  const pause = (ms: number) => new Promise<void>(resolve => deps.setTimer(resolve, ms));

  async function untilAnswered(work: () => Promise<unknown>, tries = TRIES): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work();
        return;
      } catch (error) {
        if (!(error instanceof SlackUnreachable) || attempt === tries || deps.closing()) throw error;
        await pause(RETRY_MS * attempt);
      }
    }
  }

  /** After a try of which nobody knows what came of it: only where its mark is not to be found. */
  async function postAgain(place: ReplyTo, content: Record<string, unknown>, mark: Mark): Promise<void> {
    const after = slackTimeBefore(deps.now());
    await pause(RETRY_MS);
    await untilAnswered(async () => {
      const there = await findMarked(deps.apiOf(place.tenant), place, after, mark, deps.log);
      if (there === null) await post(place, content);
    });
  }

  async function whisperAgain(place: ReplyTo, content: Record<string, unknown>): Promise<void> {
    await pause(RETRY_MS);
    await untilAnswered(() => whisper(place, content), WHISPER_TRIES - 1);
  }

  return {
    async notify(message, notice, mode) {
      const { person } = message.conversation;
      const place = replyToSchema.parse(message.replyTo);
      const content = { ...noticeMessage(notice, place.tenant, place.user) };
      // A thread in a DM has no other readers.
      const alone = mode === 'private' && !place.private;
      const mark = noticeMark(notice.id);
      const marked = { ...content, metadata: mark };
      try {
        await (alone ? whisper(place, content) : post(place, marked));
      } catch (error) {
        if (!(error instanceof SlackUnreachable)) throw error;
        // What the person says next need not wait for it.
        deps.background(alone ? whisperAgain(place, content) : postAgain(place, marked, mark));
      }
      deps.homes.refresh({ tenant: place.tenant, user: place.user, person });
    },
    async refused(message, sentence) {
      const place = replyToSchema.parse(message.replyTo);
      // Better said twice than not at all: whoever is not told waits for an answer that will not come.
      await untilAnswered(() => post(place, { ...sentenceMessage(sentence) }));
    },
  };
}
