import type { Client } from 'discord.js';
import type { BotPort } from '../../../core/adapter.ts';
import { personSentence } from '../../../core/errors.ts';
import { type Conversation, conversationKey } from '../../../core/message.ts';
import type { State } from '../../../core/state/state.ts';
import type { Log } from '../../../log.ts';
import type { DiscordApi } from '../connection/api.ts';
import { nonceOf } from '../connection/nonce.ts';
import { retryLater } from '../connection/patience.ts';
import { outletOf } from '../reply/outlet.ts';
import type { ReplyTarget } from '../reply/reply-target.ts';
import type { Typing } from '../reply/typing.ts';
import { createAddressing } from './addressing.ts';
import type { DeliveryRetries } from './delivery-retries.ts';
import { messageOf, namesBot, type Place, readableText } from './inbound.ts';
import type { Incoming } from './incoming.ts';
import { before, compareIds, type LiveChannels } from './live-channels.ts';
import { placeOf, threadName } from './places.ts';
import { createThreadContext } from './thread-context.ts';

export interface Deliveries {
  /** Hands a message over, unless it is none of the bot's business. Rejects when that could not be done. */
  deliver(message: Incoming, how?: { isLate: boolean }): Promise<void>;
  /** Whether the bot would take it, and has not. */
  misses(message: Incoming): Promise<boolean>;
  /** A message that was edited: its running turn stops, and the new text is answered if it still is for the bot. */
  edited(message: Incoming): Promise<void>;
  deleted(channelId: string, messageId: string): Promise<void>;
}

/** A message that was handed over, so that its edits and deletions find their turn. */
interface Taken {
  conversation: Conversation;
  /** The id under which the core has it. */
  id: string;
  replyTo: ReplyTarget;
  /** The person's message before, if any: what others said after it is context. */
  since: string | null;
  /** It is for the bot because it names it, and for nothing else. */
  byName?: true;
  /** The id of a wording that is being taken in place of this one. */
  pending?: string | null;
}

const TAKEN_MS = 24 * 3600_000;
const SPOKE_MS = 90 * 24 * 3600_000;
/** So long a sentence waits for Discord; what else is said in its channel waits with it. */
const PATIENCE_MS = 10_000;
const HINTED_MS = 30 * 24 * 3600_000;

export function createDeliveries(deps: {
  bot: BotPort;
  state: State;
  api: DiscordApi;
  channels: LiveChannels;
  typing: Pick<Typing, 'show'>;
  retries: Pick<DeliveryRetries, 'contain'>;
  client(): Client;
  botId(): string;
  readsContent(): boolean;
  log: Log;
}): Deliveries {
  const { bot, api, channels, retries, log } = deps;
  const takens = deps.state.table<Taken>('discord-taken');
  /** The last message of a person in a conversation. */
  const spoke = deps.state.table<string>('discord-spoke');
  const hinted = deps.state.table<true>('discord-hinted');
  const { find, isByName, isHidden } = createAddressing({ ...deps, spoke });
  const context = createThreadContext({ api, botId: deps.botId, isTaken, log });

  async function deliver(message: Incoming, { isLate }: { isLate: boolean }): Promise<void> {
    const found = await find(message);
    if (found === null) {
      channels.seen(message.channelId, message.id);
      return;
    }
    const { intake, place, conversation } = found;
    if (isHidden(message)) {
      channels.seen(message.channelId, message.id);
      await hint(message, conversation);
      return;
    }
    const startsThread = intake.type === 'answer' && intake.startsThread;
    // What comes late may have been answered. And what is answered in a thread gets its sign there, once that is made.
    if (!isLate && !startsThread) deps.typing.show(message.channelId, message.id);
    // Before anything is noted: what is noted of this message is no earlier conversation.
    const byName = await isByName(message, found);
    const key = conversationKey(conversation);
    const { channelId, guildId, id } = message;
    const [last] = await Promise.all([
      spoke.get(key),
      // Should it not get further than this: a channel that is not known yet is looked through as well.
      channels.get(channelId) === undefined ? channels.handled({ channelId, guildId, id: before(id) }) : null,
    ]);
    const isNewest = last === undefined || compareIds(id, last) > 0;
    const replyTo: ReplyTarget = {
      type: 'channel',
      channelId,
      messageId: id,
      thread: startsThread
        ? threadName(readableText(message.content, message.mentioned, deps.botId()), message.author.name)
        : null,
      quotes: place.type !== 'dm',
    };
    const since = isNewest ? (last ?? null) : null;
    const taken: Taken = { conversation, id, replyTo, since, ...(byName ? { byName } : {}) };
    const noteSpoke = async () => {
      if (isNewest) await spoke.set(key, id, SPOKE_MS);
    };
    // Before the message is handed over: what follows it in its new thread comes by another lane, and may be quick.
    // And what is said there is missed as much as what is said here.
    if (startsThread) await Promise.all([noteSpoke(), channels.handled({ channelId: id, guildId, id })]);
    await hand(message, taken, place);
    // The place in the channel last: until then it comes again after a crash, and what is missing here is made good.
    // What was taken before and edited since stays as it is.
    await Promise.all([takens.insert(id, taken, TAKEN_MS), startsThread ? null : noteSpoke()]);
    await channels.handled(message);
  }

  async function hand(message: Incoming, taken: Taken, place: Place): Promise<void> {
    const receipt = await bot.receive(
      messageOf(message, {
        id: taken.id,
        channel: taken.conversation.channel,
        audience: taken.conversation.audience,
        before: place.type === 'thread' ? await context.before(message, taken.since) : { context: [] },
        repliesToTaken: await repliesToTaken(message, place),
        replyTo: taken.replyTo,
        botId: deps.botId(),
      }),
    );
    if (typeof receipt === 'object') await refuse(taken, receipt.refused);
  }

  async function isTaken(messageId: string): Promise<boolean> {
    return (await takens.get(messageId)) !== undefined;
  }

  /** What the person said to the bot themself needs no quoting, and of what is too long ago the mention says it. */
  async function repliesToTaken({ author, repliesTo }: Incoming, place: Place): Promise<boolean> {
    const own = repliesTo?.message;
    if (own?.authorId !== author.id) return false;
    return place.type === 'dm' || namesBot(own, deps.botId()) || isTaken(repliesTo?.messageId ?? '');
  }

  /** Says where the answer would be why there is none. */
  async function refuse(taken: Taken, sentence: string): Promise<void> {
    const outlet = outletOf(taken.replyTo, api, Date.now);
    try {
      const body = { content: sentence, components: [] };
      await patiently(() => outlet.post(body, nonceOf('refused', taken.id)));
    } catch (error) {
      log.warn({ event: 'discord.refusal_failed', err: error }, 'a refusal could not be posted');
    }
  }

  /** What is the bot's own trouble with one message; it counts as dealt with. */
  async function setAside(message: Incoming, error: unknown): Promise<void> {
    log.error(
      { event: 'discord.delivery_failed', channel: message.channelId, message: message.id, err: error },
      'a message could not be taken in; its author is asked to send it again',
    );
    const isForBot = (await find(message).catch(() => null)) !== null;
    if (isForBot) await say(message, `-# ${personSentence(error)}`, nonceOf('set-aside', message.id));
    await channels.handled(message);
  }

  /** Said once in a conversation: without the intent Discord hides from the bot what does not mention it. */
  async function hint(message: Incoming, conversation: Conversation): Promise<void> {
    if (!(await hinted.insert(conversationKey(conversation), true, HINTED_MS))) return;
    const content = `-# In servers I can only read messages that mention me (<@${deps.botId()}>) or reply to me. In direct messages I read everything.`;
    await say(message, content, nonceOf(conversationKey(conversation), 'hint', message.id));
  }

  async function say({ channelId, id }: Incoming, content: string, nonce: string): Promise<void> {
    try {
      await patiently(() => api.post(channelId, { content, components: [] }, { nonce, replyTo: id }));
    } catch (error) {
      log.warn({ event: 'discord.hint_failed', err: error }, 'a hint could not be posted');
    }
  }

  /** In whichever wording the core has it. */
  async function takeBack({ conversation, id, pending }: Taken): ReturnType<BotPort['withdraw']> {
    const state = await bot.withdraw(conversation, id);
    if (pending != null && pending !== id) await bot.withdraw(conversation, pending);
    return state;
  }

  async function edit(message: Incoming): Promise<void> {
    // Previews of links arrive as updates too, as does what other bots do all day long.
    if (message.editedAt === null || !message.author.isPerson) return;
    const taken = await takenIn(message.channelId, message.id);
    if (taken === undefined) return;
    const hidden = isHidden(message);
    if (hidden || (taken.byName === true && !namesBot(message, deps.botId()))) {
      await forgo(message.id, taken);
      if (hidden && taken.byName !== true) await hint(message, taken.conversation);
      return;
    }
    // A preview that comes later has the time of an edit that was dealt with.
    const id = `${message.id}:edited-${message.editedAt}`;
    if (taken.id === id) return;
    // The intention first: should anything fail in between, the edit is tried again, and it is known that the old
    // wording was already taken back.
    const earlier = taken.pending ?? null;
    if (earlier !== id) await takens.set(message.id, { ...taken, pending: id }, TAKEN_MS);
    const state = await takeBack({ ...taken, pending: earlier === id ? null : earlier });
    if (state === 'answered' && earlier === null) {
      await takens.set(message.id, { ...taken, pending: null }, TAKEN_MS);
      return;
    }
    const again: Taken = { ...taken, id, pending: null };
    await hand(message, again, await placeOf(message, deps.client()));
    await takens.set(message.id, again, TAKEN_MS);
  }

  async function forgo(messageId: string, taken: Taken): Promise<void> {
    await takeBack(taken);
    // Afterwards, so that it is found again if that has failed.
    await takens.delete(messageId);
  }

  /** Sparing the state for most of what is edited and deleted: where nobody talks to the bot, nothing was taken. */
  async function takenIn(channelId: string, messageId: string): Promise<Taken | undefined> {
    return channels.get(channelId) === undefined ? undefined : takens.get(messageId);
  }

  return {
    deliver: (message, how = { isLate: false }) =>
      retries.contain(message, () => deliver(message, how), setAside),
    async misses(message) {
      return !isHidden(message) && (await find(message)) !== null && !(await isTaken(message.id));
    },

    edited: message => retries.contain(message, () => edit(message), setAside),

    async deleted(channelId, messageId) {
      const taken = await takenIn(channelId, messageId);
      if (taken !== undefined) await forgo(messageId, taken);
    },
  };
}

function patiently<T>(work: () => Promise<T>): Promise<T> {
  return retryLater(work, AbortSignal.timeout(PATIENCE_MS));
}
