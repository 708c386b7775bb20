import type { Client } from 'discord.js';
import type { BotPort } from '../../../core/adapter.ts';
import { type Conversation, conversationKey } from '../../../core/message.ts';
import type { Table } from '../../../core/state/state.ts';
import { continuedBy, type Intake, intakeOf, isWithheld, type Place } from './inbound.ts';
import type { Incoming } from './incoming.ts';
import type { LiveChannels } from './live-channels.ts';
import { personOf } from './people.ts';
import { placeOf } from './places.ts';

/** A message for the bot. */
export interface Addressed {
  intake: Intake;
  place: Place;
  conversation: Conversation;
}

/** Which messages are for the bot. */
export interface Addressing {
  /** The conversation that a message belongs to; null when it is not for the bot. */
  find(message: Incoming): Promise<Addressed | null>;
  /** Whether it would be none of the bot's business if it did not name it. */
  isByName(message: Incoming, addressed: Addressed): Promise<boolean>;
  /** Discord has kept back what it says, so that it is not known whether it is for the bot at all. */
  isHidden(message: Incoming): boolean;
}

export function createAddressing(deps: {
  bot: Pick<BotPort, 'knows'>;
  channels: LiveChannels;
  /** The last message of a person in a conversation. */
  spoke: Table<string>;
  client(): Client;
  botId(): string;
  readsContent(): boolean;
}): Addressing {
  const { bot, channels, spoke } = deps;

  async function find(message: Incoming): Promise<Addressed | null> {
    // Sparing the lookup of the place for most of what a busy server says.
    if (!message.author.isPerson || !message.isOrdinary) return null;
    const place = await placeOf(message, deps.client());
    const intake = intakeOf(message, place, deps.botId());
    switch (intake.type) {
      case 'ignore':
        return null;
      case 'answer':
        return { intake, place, conversation: conversationIn(intake.channel, message, place) };
      case 'follow': {
        const conversation = await firstHeld(intake.channels, message, place);
        return conversation === null ? null : { intake, place, conversation };
      }
    }
  }

  async function firstHeld(
    inChannels: readonly string[],
    message: Incoming,
    place: Place,
  ): Promise<Conversation | null> {
    for (const channel of inChannels) {
      const conversation = conversationIn(channel, message, place);
      if (await talksIn(conversation)) return conversation;
    }
    return null;
  }

  async function isByName(message: Incoming, { intake, place }: Addressed): Promise<boolean> {
    if (intake.type !== 'answer' || place.type === 'dm') return false;
    return (await firstHeld(continuedBy(message, place, deps.botId()), message, place)) === null;
  }

  function isHidden(message: Incoming): boolean {
    return message.guildId !== null && isWithheld(message) && !deps.readsContent();
  }

  async function talksIn(conversation: Conversation): Promise<boolean> {
    // Sparing the state for the threads of others, which are most of them.
    if (channels.get(conversation.channel) === undefined) return false;
    // The core knows a conversation from its first turn on; this one knows it from its first message on.
    return (await spoke.get(conversationKey(conversation))) !== undefined || bot.knows(conversation);
  }

  return { find, isByName, isHidden };
}

function conversationIn(channel: string, { author }: Incoming, place: Place): Conversation {
  return {
    person: personOf(author),
    channel,
    thread: null,
    audience: place.type === 'dm' ? 'private' : 'shared',
  };
}
