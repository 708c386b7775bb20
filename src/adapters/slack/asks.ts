import { randomUUID } from 'node:crypto';
import type { Question } from '../../core/adapter.ts';
import type { Log } from '../../log.ts';
import type { ReplyTo } from './inbound.ts';
import { answeredQuestion, detailMessage, questionMessage } from './notices.ts';
import { QUIET } from './reply-blocks.ts';
import type { SlackApi } from './web-client.ts';

/** Yes/no questions that are open, in this process. */
export interface Asks {
  /** Posts the question and resolves with the answer; false when there is none in time. */
  ask(api: SlackApi, place: ReplyTo, question: Question, signal: AbortSignal): Promise<boolean>;
  /** Somebody pressed a button: a sentence for them when it is not theirs to press; null when nobody asks that here. */
  press(pressed: Pressed): { sentence: string | null } | null;
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

export function createAsks(log: Log): Asks {
  const open = new Map<string, Open>();

  async function tell(method: string, api: SlackApi, args: Record<string, unknown>): Promise<unknown> {
    try {
      return await api.call(method, args);
    } catch (error) {
      log.warn({ event: 'slack.ask_failed', method, err: error }, 'a question could not be shown');
      return null;
    }
  }

  return {
    async ask(api, place, question, signal) {
      if (signal.aborted) return false;
      const key = randomUUID();
      const target = { channel: place.channel, thread_ts: place.thread };
      let outcome = 'No answer, so not allowed.';
      const answer = new Promise<boolean>(resolve => {
        const settle = (allow: boolean) => {
          if (!open.delete(key)) return;
          signal.removeEventListener('abort', onAbort);
          resolve(allow);
        };
        const onAbort = () => settle(false);
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
      const posted = await tell('chat.postMessage', api, {
        ...target,
        ...questionMessage(question, place.tenant, key, place.private),
        ...QUIET,
      });
      if (posted === null) {
        open.get(key)?.settle(false);
        return false;
      }
      // What exactly it is about may be private, and a thread has other readers.
      if (!place.private && question.detail !== '') {
        await tell('chat.postEphemeral', api, {
          ...target,
          user: place.user,
          ...detailMessage(question.detail),
        });
      }
      const allowed = await answer;
      const content = answeredQuestion(question, outcome);
      const ts = typeof posted === 'object' && posted !== null && 'ts' in posted ? posted.ts : undefined;
      void tell('chat.update', api, { channel: place.channel, ts, ...content });
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
