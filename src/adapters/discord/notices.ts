import { DiscordAPIError, MessageFlags } from 'discord.js';
import { type Message, type NoticeMode, type Person, personKey } from '../../core/message.ts';
import type { State } from '../../core/state/state.ts';
import type { Notice } from '../../core/views.ts';
import type { Body, DiscordApi } from './connection/api.ts';
import { nonceOf } from './connection/nonce.ts';
import { retryLater } from './connection/patience.ts';
import type { DiscordSettings } from './connection/settings.ts';
import { dmOutlet, type Outlet, outletOf } from './reply/outlet.ts';
import { type ReplyTarget, replyTarget } from './reply/reply-target.ts';
import { lineBody, noticeBodies, noticeBody } from './views.ts';

export interface Notices {
  show(message: Message, notice: Notice, mode: Exclude<NoticeMode, 'off'>): Promise<void>;
  /** What a notice said, if this process showed it not long ago. */
  recall(noticeId: string): Notice | undefined;
  /** What is known of a notice that any process showed. */
  find(person: Person, noticeId: string): Promise<Shown | null>;
}

/** What is written down of a notice: where its changes are to be found, and nothing of what they say. */
export interface Shown {
  memoryIds: string[];
  held: boolean;
}

const PATIENCE_MS = 60_000;
/** Texts of memory stay in this process; a later one finds the changes in the history. */
const REMEMBERED = 1_000;
/** As long as the core knows the notice. */
const KEEP_MS = 30 * 24 * 3600_000;

export function createNotices(deps: {
  api: DiscordApi;
  state: State;
  privately: DiscordSettings['privateNotices'];
  now: () => number;
}): Notices {
  const { api } = deps;
  const recent = new Map<string, Notice>();

  const shown = deps.state.table<Shown>('discord-notice');

  async function remember(person: Person, notice: Notice): Promise<void> {
    recent.set(notice.id, notice);
    for (const id of recent.keys()) {
      if (recent.size <= REMEMBERED) break;
      recent.delete(id);
    }
    const owner = personKey(person);
    const held = notice.heldBecauseOf !== undefined;
    const memoryIds = [...new Set(notice.changes.map(change => change.memoryId))];
    await shown.set(`${owner}/${notice.id}`, { memoryIds, held }, KEEP_MS);
  }

  /** Where the reply stands, which for a thread made from the message is that thread, if it could be made. */
  function place(message: Message, target: ReplyTarget): Outlet[] {
    const { person } = message.conversation;
    if (target.type === 'interaction') {
      const after = outletOf(target, api, deps.now);
      // How many messages the reply took is not known here: where they were all there may be, Discord says so.
      after.adopt(1);
      return [after, dmOutlet(person.id, api, deps.now)];
    }
    return [outletOf({ ...target, quotes: false }, api, deps.now)];
  }

  async function postTo(
    outlets: readonly Outlet[],
    bodies: readonly Body[],
    noticeId: string,
  ): Promise<void> {
    for (const [index, body] of bodies.entries()) {
      await postOne(outlets, body, nonceOf('notice', noticeId, ...(index === 0 ? [] : [String(index)])));
    }
  }

  async function postOne(outlets: readonly Outlet[], body: Body, nonce: string): Promise<void> {
    let refusal: unknown = new Error('there is no place for a notice');
    for (const outlet of outlets) {
      try {
        await retryLater(async () => {
          if (!outlet.hasRoom()) throw new Error('the place for the notice is closed');
          await outlet.post(body, nonce);
        }, AbortSignal.timeout(PATIENCE_MS));
        return;
      } catch (error) {
        refusal = error;
      }
    }
    throw refusal;
  }

  return {
    recall: noticeId => recent.get(noticeId),
    find: async (person, noticeId) => (await shown.get(`${personKey(person)}/${noticeId}`)) ?? null,

    async show(message, notice, mode) {
      const { person, audience } = message.conversation;
      const target = replyTarget.parse(message.replyTo);
      await remember(person, notice);
      // What a person is to decide about they see in full.
      const full =
        notice.heldBecauseOf === undefined
          ? [noticeBody(notice, person.id)]
          : noticeBodies(notice, person.id);
      if (mode === 'thread' || audience === 'private') {
        await postTo(place(message, target), full, notice.id);
        return;
      }
      if (target.type === 'interaction') {
        const hidden = full.map(body => ({ ...body, flags: (body.flags ?? 0) | MessageFlags.Ephemeral }));
        await postTo(place(message, target), hidden, notice.id);
        return;
      }
      if (deps.privately === 'dm') {
        try {
          await postTo([dmOutlet(person.id, api, deps.now)], full, notice.id);
          return;
        } catch (error) {
          // They take no messages from people they do not know.
          if (!(error instanceof DiscordAPIError)) throw error;
        }
      }
      await postTo(place(message, target), [lineBody(notice, person)], notice.id);
    },
  };
}
