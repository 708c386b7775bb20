import { DiscordAPIError, MessageFlags } from 'discord.js';
import type { Message, NoticeMode } from '../../core/message.ts';
import { RetryLater } from '../../core/paced.ts';
import type { Notice } from '../../core/views.ts';
import type { Body, DiscordApi } from './api.ts';
import { nonceOf } from './nonce.ts';
import { dmOutlet, type Outlet, outletOf } from './outlet.ts';
import { patiently } from './patience.ts';
import { type ReplyTarget, replyTarget } from './reply-target.ts';
import type { DiscordSettings } from './settings.ts';
import { lineBody, noticeBody } from './views.ts';

export interface Notices {
  show(message: Message, notice: Notice, mode: Exclude<NoticeMode, 'off'>): Promise<void>;
  /** What a line said that something changed is about; undefined once that is long ago. */
  recall(noticeId: string): Notice | undefined;
}

const PATIENCE_MS = 60_000;
/** Texts of memory are not written down here; after a restart the line opens all of the person's memory instead. */
const REMEMBERED = 1_000;

export function createNotices(deps: {
  api: DiscordApi;
  privately: DiscordSettings['privateNotices'];
  now: () => number;
}): Notices {
  const { api } = deps;
  const recent = new Map<string, Notice>();

  function remember(notice: Notice): void {
    recent.set(notice.id, notice);
    for (const id of recent.keys()) {
      if (recent.size <= REMEMBERED) break;
      recent.delete(id);
    }
  }

  /** Where the reply stands, which for a thread made from the message is that thread, if it could be made. */
  function place(message: Message, target: ReplyTarget): Outlet[] {
    const { person } = message.conversation;
    if (target.type === 'interaction') {
      const after = outletOf(target, api, deps.now);
      after.adopt(1);
      const ephemeral = target.ephemeral ? [dmOutlet(person.id, api)] : [];
      return after.hasRoom() ? [after, ...ephemeral] : [dmOutlet(person.id, api)];
    }
    return [outletOf({ ...target, quotes: false }, api, deps.now)];
  }

  async function postTo(outlets: readonly Outlet[], body: Body, noticeId: string): Promise<void> {
    const limit = AbortSignal.timeout(PATIENCE_MS);
    let refusal: unknown = new Error('there is no place for a notice');
    for (const outlet of outlets) {
      try {
        await patiently(async () => {
          if (!outlet.isOpen()) throw new Error('the place for the notice is closed');
          await outlet.post(body, nonceOf('notice', noticeId));
        }, limit);
        return;
      } catch (error) {
        if (error instanceof RetryLater) throw error;
        refusal = error;
      }
    }
    throw refusal;
  }

  return {
    recall: noticeId => recent.get(noticeId),

    async show(message, notice, mode) {
      const { person, audience } = message.conversation;
      const target = replyTarget.parse(message.replyTo);
      const full = noticeBody(notice, person.id);
      if (mode === 'thread' || audience === 'private') {
        await postTo(place(message, target), full, notice.id);
        return;
      }
      if (target.type === 'interaction') {
        const hidden = { ...full, flags: (full.flags ?? 0) | MessageFlags.Ephemeral };
        await postTo(place(message, target), hidden, notice.id);
        return;
      }
      remember(notice);
      if (deps.privately === 'dm') {
        try {
          await postTo([dmOutlet(person.id, api)], full, notice.id);
          return;
        } catch (error) {
          // They take no messages from people they do not know.
          if (!(error instanceof DiscordAPIError)) throw error;
        }
      }
      await postTo(place(message, target), lineBody(notice, person), notice.id);
    },
  };
}
