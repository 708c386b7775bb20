import { z } from 'zod';
import type { Question } from '../../core/adapter.ts';
import { backoff, pause } from '../../core/patience.ts';
import type { Log } from '../../log.ts';
import { type SlackApi, SlackRefusal, SlackUnreachable } from './connection/web-client.ts';
import { type ReplyTo, writtenAt } from './inbound.ts';
import { answeredQuestion, detailMessage, questionMessage } from './notices.ts';
import { findMarked } from './reply/find-posted.ts';
import { questionKey, questionMark } from './reply/marks.ts';
import { QUIET } from './reply/reply-blocks.ts';

/** Yes/no questions that are open, in this process. */
export interface Asks {
  /**
   * Posts the question and resolves with the answer; false when there is none in time. One that an earlier process
   * has asked about this message is asked on where it stands.
   */
  ask(api: SlackApi, about: Asking, question: Question, signal: AbortSignal): Promise<boolean>;
  /** Somebody pressed a button: a sentence for them when it is not theirs to press; null when nobody asks that here. */
  press(pressed: Pressed): { sentence: string | null } | null;
}

export interface Asking {
  place: ReplyTo;
  /** The message that is being answered. */
  messageId: string;
}

export interface Pressed {
  /** Names the question. */
  key: string;
  tenant: string;
  user: string;
  allow: boolean;
}

interface Open {
  tenant: string;
  user: string;
  settle(allow: boolean): void;
}

const answered = z.object({ ts: z.string() });

export function createAsks(deps: {
  /** The process is going down: what is asked stays for a later one. */
  closing(): boolean;
  log: Log;
}): Asks {
  const { closing, log } = deps;
  const open = new Map<string, Open>();

  function notShown(method: string, err: unknown): null {
    log.warn({ event: 'slack.ask_failed', method, err }, 'a question could not be shown');
    return null;
  }

  async function tell(method: string, api: SlackApi, args: Record<string, unknown>): Promise<void> {
    await api.call(method, args).catch(error => notShown(method, error));
  }

  /**
   * Posts it, however long Slack does not answer: it may stand there all the same, and be answered meanwhile. Returns
   * its timestamp; null when nobody waits for it any more (`over`) and it is not to be found.
   */
  async function post(
    api: SlackApi,
    { place, messageId }: Asking,
    key: string,
    content: Record<string, unknown>,
    over: AbortSignal,
  ): Promise<string | null> {
    const mark = questionMark(key);
    const message = { channel: place.channel, thread_ts: place.thread, ...content, ...QUIET, metadata: mark };
    const find = () => findMarked(api, place, writtenAt(messageId), mark, log);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const there = await find().catch(error => {
          // Where it cannot be looked for, it is better asked twice than not at all.
          if (!(error instanceof SlackRefusal)) throw error;
          return notShown('conversations.replies', error);
        });
        if (there !== null) {
          // An earlier process may have had an answer, and ended before it could pass it on.
          if (attempt === 1) await tell('chat.update', api, { ...message, ts: there });
          return there;
        }
        if (over.aborted) return null;
        const { data } = answered.safeParse(await api.call('chat.postMessage', message));
        return data?.ts ?? (await find().catch(() => null));
      } catch (error) {
        if (!(error instanceof SlackUnreachable)) throw error;
        if (over.aborted && attempt > 1) return null;
        if (attempt === 1) notShown(error.method, error);
        await pause(backoff(attempt), over);
      }
    }
  }

  return {
    async ask(api, about, question, signal) {
      if (signal.aborted) return false;
      const { place, messageId } = about;
      const key = questionKey(place.tenant, messageId, question.id);
      const over = new AbortController();
      let outcome: string | null = 'No answer, so not allowed.';
      const answer = new Promise<boolean>(resolve => {
        const settle = (allow: boolean) => {
          if (!open.delete(key)) return;
          signal.removeEventListener('abort', onAbort);
          over.abort();
          resolve(allow);
        };
        const onAbort = () => {
          if (closing()) outcome = null;
          settle(false);
        };
        open.set(key, {
          tenant: place.tenant,
          user: place.user,
          settle(allow) {
            outcome = allow ? 'Allowed.' : 'Not allowed.';
            settle(allow);
          },
        });
        signal.addEventListener('abort', onAbort, { once: true });
      });
      const content = questionMessage(question, place.tenant, key, place.private);
      const posted = post(api, about, key, { ...content }, over.signal).catch(error => {
        // What nobody can see nobody will answer.
        open.get(key)?.settle(false);
        return notShown('chat.postMessage', error);
      });
      // What exactly it is about may be private, and a thread has other readers.
      const detailed = posted.then(async ts => {
        if (ts === null || over.signal.aborted || place.private || question.detail === '') return;
        await tell('chat.postEphemeral', api, {
          channel: place.channel,
          thread_ts: place.thread,
          user: place.user,
          ...detailMessage(question.detail),
        });
      });
      const allowed = await answer;
      void detailed.then(async () => {
        const ts = await posted;
        if (outcome === null) return;
        const done = { channel: place.channel, ts, ...answeredQuestion(question, outcome) };
        if (ts !== null) await tell('chat.update', api, done);
      });
      return allowed;
    },

    press({ key, tenant, user, allow }) {
      const asked = open.get(key);
      if (asked === undefined || asked.tenant !== tenant) return null;
      if (asked.user !== user) return { sentence: 'Only the person I asked can answer that.' };
      asked.settle(allow);
      return { sentence: null };
    },
  };
}
