import { DiscordAPIError } from 'discord.js';
import type { Log } from '../../../log.ts';
import type { DiscordApi } from '../connection/api.ts';
import { nonceOf } from '../connection/nonce.ts';
import type { Deliveries } from './deliveries.ts';
import { type Incoming, readIncoming } from './incoming.ts';
import { compareIds, idAt, type LiveChannel, type LiveChannels, timeOf } from './live-channels.ts';

const PAGE = 100;
/** Channels that are looked through at the same time; replies go on meanwhile and need requests too. */
const AT_ONCE = 8;
/** A channel that cannot be read for so long is given up. */
const GONE_MS = 24 * 3600_000;

export interface CatchUp {
  /** Fetches what a channel missed and hands it over, oldest first. Rejects when that is to be done again. */
  channel(channelId: string): Promise<void>;
  /** Somebody waits for this channel: where it still waits for others, it comes next. */
  hurry(channelId: string): void;
}

/**
 * Discord delivers nothing that was said while the bot was away. For every channel with a live conversation the
 * messages after the last one dealt with are fetched; those that are too old are only mentioned, in one note.
 */
export function createCatchUp(deps: {
  api: DiscordApi;
  channels: LiveChannels;
  deliveries: Deliveries;
  /** The id of a channel's last message, where the gateway has said it. */
  newest(channelId: string): string | null;
  /** How far back messages are answered. */
  maxAgeMs: number;
  stopped: AbortSignal;
  now: () => number;
  log: Log;
}): CatchUp {
  const { api, channels, deliveries, log } = deps;
  const slots = createSlots(AT_ONCE);

  async function fetch(channelId: string, range: { before?: string; after?: string }): Promise<unknown[]> {
    return api.messages(channelId, { ...range, limit: PAGE });
  }

  async function catchUp({ channelId, guildId, lastId }: LiveChannel): Promise<void> {
    const read = (raws: readonly unknown[]) =>
      raws
        .map(raw => readIncoming(raw, guildId))
        .filter(message => message !== null)
        .sort((a, b) => compareIds(a.id, b.id));
    const oldest = deps.now() - deps.maxAgeMs;
    let after = lastId;
    let answered = 0;
    const deliver = async (messages: readonly Incoming[]) => {
      for (const message of messages) {
        await deliveries.deliver(message, { isLate: true });
        answered += 1;
      }
    };
    if (compareIds(idAt(oldest), lastId) > 0) {
      const found = read(await fetch(channelId, { before: idAt(oldest) }));
      const missed = found.filter(({ id }) => compareIds(id, lastId) > 0);
      // Discord's ids tell the time; those of other servers with its API may not, and then a young message is here too.
      const old = missed.filter(({ sentAt }) => sentAt < oldest);
      await skip(old);
      after = missed.at(-1)?.id ?? lastId;
      await channels.handled({ channelId, guildId, id: old.at(-1)?.id ?? lastId });
      await deliver(missed.filter(({ sentAt }) => sentAt >= oldest));
    }
    while (!deps.stopped.aborted) {
      const page = read(await fetch(channelId, { after }));
      await deliver(page);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = last.id;
    }
    if (answered > 0) {
      log.info(
        { event: 'discord.caught_up', channel: channelId, messages: answered },
        'looked through missed messages',
      );
    }
  }

  /** One note for all that is too old to answer, under the last of it. */
  async function skip(old: readonly Incoming[]): Promise<void> {
    const missed: Incoming[] = [];
    for (const message of old) if (await deliveries.misses(message)) missed.push(message);
    const last = missed.at(-1);
    if (last === undefined) return;
    const count = missed.length === 1 ? 'a message' : `${missed.length} messages`;
    const them = missed.length === 1 ? 'it' : 'them';
    const content = `-# I was offline and missed ${count} sent more than ${minutes(deps.maxAgeMs)} ago. If ${them === 'it' ? 'it still matters' : 'they still matter'}, please send ${them} again.`;
    log.info(
      { event: 'discord.skipped', channel: last.channelId, messages: missed.length },
      'missed messages were too old to answer',
    );
    const nonce = nonceOf('skipped', last.id);
    try {
      await api.post(last.channelId, { content, components: [] }, { nonce, replyTo: last.id });
    } catch (error) {
      // Where nothing may be said, e.g. in a locked thread, what came after is looked through all the same.
      if (!(error instanceof DiscordAPIError)) throw error;
      log.warn({ event: 'discord.hint_failed', err: error }, 'a hint could not be posted');
    }
  }

  return {
    hurry: slots.hurry,
    channel: channelId =>
      slots.run(channelId, async () => {
        const live = channels.get(channelId);
        if (live === undefined) return channels.release(channelId);
        // What the bot says itself comes by the same lane: it must not stand for what was never looked through.
        if (deps.stopped.aborted) return channels.hold(channelId);
        const newest = deps.newest(channelId);
        if (newest !== null && compareIds(newest, live.lastId) <= 0) return channels.release(channelId);
        channels.release(channelId);
        try {
          await catchUp(live);
        } catch (error) {
          if (deps.stopped.aborted) return;
          if (!(error instanceof DiscordAPIError) || (error.status !== 403 && error.status !== 404))
            throw error;
          // A thread that a crash kept from being made will be made when its message is answered.
          if (deps.now() - timeOf(live.lastId) > GONE_MS) await channels.forget(channelId);
        } finally {
          if (deps.stopped.aborted) channels.hold(channelId);
        }
      }),
  };
}

function minutes(ms: number): string {
  const count = Math.round(ms / 60_000);
  return count === 1 ? 'a minute' : `${count} minutes`;
}

function createSlots(count: number) {
  let free = count;
  const waiting: { key: string; begin: () => void }[] = [];
  return {
    hurry(key: string): void {
      const at = waiting.findIndex(it => it.key === key);
      if (at > 0) waiting.unshift(...waiting.splice(at, 1));
    },
    async run<T>(key: string, work: () => Promise<T>): Promise<T> {
      if (free === 0) await new Promise<void>(begin => waiting.push({ key, begin }));
      else free -= 1;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next.begin();
      }
    },
  };
}
