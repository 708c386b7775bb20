import type { Client } from 'discord.js';
import type { BotPort } from '../../core/adapter.ts';
import { type Conversation, conversationKey, type Quote } from '../../core/message.ts';
import type { State } from '../../core/state/state.ts';
import type { Log } from '../../log.ts';
import type { DiscordApi } from './api.ts';
import { type Intake, intakeOf, isWithheld, messageOf, type Place, readableText } from './inbound.ts';
import { type Incoming, readIncoming } from './incoming.ts';
import { before, compareIds, type LiveChannels } from './live-channels.ts';
import { nonceOf } from './nonce.ts';
import { outletOf } from './outlet.ts';
import { personOf } from './people.ts';
import { placeOf, threadName } from './places.ts';
import type { ReplyTarget } from './reply-target.ts';

export interface Deliveries {
  /** Hands a message over, unless it is none of the bot's business. Rejects when that could not be done. */
  deliver(message: Incoming): Promise<void>;
  /** Whether the bot would take it, and has not. */
  misses(message: Incoming): Promise<boolean>;
  /** A message that was edited: its running turn stops, and the new text is answered. */
  edited(message: Incoming): Promise<void>;
  deleted(messageId: string): Promise<void>;
}

/** A message the bot took, so that its edits and deletions find their turn. */
interface Taken {
  conversation: Conversation;
  /** The id under which the core has it. */
  id: string;
  replyTo: ReplyTarget;
  /** The person's message before, if any: what others said after it is context. */
  since: string | null;
  /** The id of a wording that is being taken in place of this one. */
  pending?: string | null;
  /** False until it has been handed over. */
  isHanded?: boolean;
}

const TAKEN_MS = 24 * 3600_000;
const SPOKE_MS = 90 * 24 * 3600_000;
const HINTED_MS = 30 * 24 * 3600_000;
const CONTEXT_MESSAGES = 50;
/** Before somebody first speaks to the bot in a thread, nothing is "since": this much is enough to get the drift. */
const FIRST_CONTEXT_MESSAGES = 20;

export function createDeliveries(deps: {
  bot: BotPort;
  state: State;
  api: DiscordApi;
  channels: LiveChannels;
  client(): Client;
  botId(): string;
  readsContent(): boolean;
  log: Log;
}): Deliveries {
  const { bot, api, channels, log } = deps;
  const takens = deps.state.table<Taken>('discord-taken');
  /** The last message of a person in a conversation. */
  const spoke = deps.state.table<string>('discord-spoke');
  const hinted = deps.state.table<true>('discord-hinted');

  /** The conversation that a message belongs to; null when it is not for the bot. */
  async function find(
    message: Incoming,
  ): Promise<{ intake: Intake; place: Place; conversation: Conversation } | null> {
    // Sparing the lookup of the place for most of what a busy server says.
    if (!message.author.isPerson || !message.isOrdinary) return null;
    const place = await placeOf(message, deps.client());
    const intake = intakeOf(message, place, deps.botId());
    const at = (channel: string): Conversation => ({
      person: personOf(message.author),
      channel,
      thread: null,
      audience: place.type === 'dm' ? 'private' : 'shared',
    });
    switch (intake.type) {
      case 'ignore':
        return null;
      case 'answer':
        return { intake, place, conversation: at(intake.channel) };
      case 'follow':
        for (const channel of intake.channels) {
          if (await talksIn(at(channel))) return { intake, place, conversation: at(channel) };
        }
        return null;
    }
  }

  async function talksIn(conversation: Conversation): Promise<boolean> {
    // Sparing the state for the threads of others, which are most of them.
    if (channels.get(conversation.channel) === undefined) return false;
    // The core knows a conversation from its first turn on; this one knows it from its first message on.
    return (await spoke.get(conversationKey(conversation))) !== undefined || bot.knows(conversation);
  }

  async function deliver(message: Incoming): Promise<void> {
    const found = await find(message);
    if (found === null) {
      channels.seen(message.channelId, message.id);
      return;
    }
    const { intake, place, conversation } = found;
    if (message.guildId !== null && isWithheld(message) && !deps.readsContent()) {
      channels.seen(message.channelId, message.id);
      await hint(message, conversation);
      return;
    }
    // Should it not get further than this: a channel that is not known yet is looked through as well.
    if (channels.get(message.channelId) === undefined) {
      const { channelId, guildId, id } = message;
      await channels.handled({ channelId, guildId, id: before(id) });
    }
    const key = conversationKey(conversation);
    const since = (await spoke.get(key)) ?? null;
    const startsThread = intake.type === 'answer' && intake.startsThread;
    const replyTo: ReplyTarget = {
      type: 'channel',
      channelId: message.channelId,
      messageId: message.id,
      thread: startsThread
        ? threadName(readableText(message.content, message.mentioned, deps.botId()), message.author.name)
        : null,
      quotes: place.type !== 'dm',
    };
    // Before the message is handed over: what follows it in its new thread comes by another lane, and may be quick.
    const earlier = await takens.get(message.id);
    const taken: Taken = earlier ?? { conversation, id: message.id, replyTo, since };
    const isHanded = earlier !== undefined && earlier.isHanded !== false;
    if (!isHanded) {
      await takens.set(message.id, { ...taken, isHanded }, TAKEN_MS);
      if (since === null || compareIds(message.id, since) > 0) await spoke.set(key, message.id, SPOKE_MS);
      // What is said in the new thread is missed as much as what is said here.
      if (startsThread) {
        await channels.handled({ channelId: message.id, guildId: message.guildId, id: message.id });
      }
    }
    await hand(message, { conversation, id: message.id, replyTo, since: taken.since }, place);
    await Promise.all([
      isHanded ? null : takens.set(message.id, { ...taken, isHanded: true }, TAKEN_MS),
      channels.handled(message),
    ]);
  }

  async function hand(message: Incoming, taken: Taken, place: Place): Promise<void> {
    const receipt = await bot.receive(
      messageOf(message, {
        id: taken.id,
        channel: taken.conversation.channel,
        audience: taken.conversation.audience,
        context: place.type === 'thread' ? await saidSince(message, taken.since) : [],
        replyTo: taken.replyTo,
        botId: deps.botId(),
      }),
    );
    if (typeof receipt === 'object') await refuse(taken, receipt.refused);
  }

  /** Says where the answer would be why there is none. */
  async function refuse(taken: Taken, sentence: string): Promise<void> {
    const outlet = outletOf(taken.replyTo, api, Date.now);
    try {
      await outlet.post({ content: sentence, components: [] }, nonceOf('refused', taken.id));
    } catch (error) {
      log.warn({ event: 'discord.refusal_failed', err: error }, 'a refusal could not be posted');
    }
  }

  /** What other people said in the thread since this person last spoke to the bot. Without it the answer still works. */
  async function saidSince(message: Incoming, since: string | null): Promise<Quote[]> {
    try {
      const limit = since === null ? FIRST_CONTEXT_MESSAGES : CONTEXT_MESSAGES;
      const earlier = await api.messages(message.channelId, { before: message.id, limit });
      return earlier
        .map(raw => readIncoming(raw, message.guildId))
        .filter(it => it !== null)
        .filter(it => it.author.isPerson && it.isOrdinary && it.author.id !== message.author.id)
        .filter(it => (since === null || compareIds(it.id, since) > 0) && it.content.trim() !== '')
        .reverse()
        .map(it => ({
          author: it.author.name,
          text: readableText(it.content, it.mentioned, deps.botId()),
        }));
    } catch (error) {
      log.warn(
        { event: 'discord.context_failed', err: error },
        'what others said in a thread could not be read',
      );
      return [];
    }
  }

  /** Said once in a conversation: without the intent Discord hides from the bot what does not mention it. */
  async function hint(message: Incoming, conversation: Conversation): Promise<void> {
    if (!(await hinted.insert(conversationKey(conversation), true, HINTED_MS))) return;
    const content = `-# In servers I can only read messages that mention me (<@${deps.botId()}>) or reply to me. In direct messages I read everything.`;
    try {
      const nonce = nonceOf(conversationKey(conversation), 'hint', message.id);
      await api.post(message.channelId, { content, components: [] }, { nonce, replyTo: message.id });
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

  return {
    deliver,
    async misses(message) {
      if ((await find(message)) === null) return false;
      const taken = await takens.get(message.id);
      return taken === undefined || taken.isHanded === false;
    },

    async edited(message) {
      const taken = await takens.get(message.id);
      if (taken === undefined || message.editedAt === null) return;
      // Previews of links and the like arrive as updates too, with the time of an edit that was dealt with.
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
      const again: Taken = { ...taken, id, pending: null, isHanded: true };
      await hand(message, again, await placeOf(message, deps.client()));
      await takens.set(message.id, again, TAKEN_MS);
    },

    async deleted(messageId) {
      const taken = await takens.get(messageId);
      if (taken === undefined) return;
      await takens.delete(messageId);
      await takeBack(taken);
    },
  };
}
