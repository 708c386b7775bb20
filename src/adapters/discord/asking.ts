import {
  ApplicationIntegrationType,
  type ChatInputCommandInteraction,
  InteractionContextType,
  type MessageContextMenuCommandInteraction,
  MessageFlags,
  type ModalSubmitInteraction,
} from 'discord.js';
import type { BotPort } from '../../core/adapter.ts';
import type { Attachment, Message, Quote } from '../../core/message.ts';
import type { State } from '../../core/state.ts';
import { readCustomId } from './custom-id.ts';
import { attachmentOf, readableText } from './inbound.ts';
import type { IncomingAttachment } from './incoming.ts';
import { personBehind } from './people.ts';
import { askedIn } from './places.ts';
import type { ReplyTarget } from './reply-target.ts';
import { askForm, QUESTION_FIELD } from './views.ts';

/** Messages to the bot that come by command: usable everywhere by people who installed it for themselves. */
export interface Asking {
  ask(interaction: ChatInputCommandInteraction): Promise<void>;
  /** The message command: opens a form for the question. */
  openForm(interaction: MessageContextMenuCommandInteraction): Promise<void>;
  submitForm(interaction: ModalSubmitInteraction): Promise<void>;
}

/** A message that somebody wants to ask about: kept until they have written their question. */
interface About {
  quote: Quote | null;
  attachments: Attachment[];
}

/** How long the token of an interaction lasts (Discord, interactions/receiving-and-responding). */
const TOKEN_MS = 15 * 60_000;
const ABOUT_MS = 3600_000;
const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

export function createAsking(deps: {
  bot: BotPort;
  state: State;
  botId(): string;
  now: () => number;
}): Asking {
  const { bot } = deps;
  const abouts = deps.state.table<About>('discord-about');

  async function ask(interaction: ChatInputCommandInteraction): Promise<void> {
    const shared = interaction.options.getBoolean('share') ?? false;
    await interaction.deferReply(shared ? {} : EPHEMERAL);
    const file = interaction.options.getAttachment('file');
    const from = { id: interaction.id, channelId: interaction.channelId ?? '' };
    await receive(interaction, {
      text: interaction.options.getString('question', true),
      attachments: file === null ? [] : [attachmentOf(shapeOf(file), from)],
      context: [],
      shared,
    });
  }

  async function openForm(interaction: MessageContextMenuCommandInteraction): Promise<void> {
    const { targetMessage: target } = interaction;
    const mentioned = target.mentions.users.map(user => ({ id: user.id, name: user.displayName }));
    const text = readableText(target.content, mentioned, deps.botId());
    const about: About = {
      quote: text === '' ? null : { author: target.member?.displayName ?? target.author.displayName, text },
      attachments: target.attachments.map(it => attachmentOf(shapeOf(it), target)),
    };
    await abouts.set(interaction.id, about, ABOUT_MS);
    await interaction.showModal(askForm(interaction.user.id, interaction.id));
  }

  async function submitForm(interaction: ModalSubmitInteraction): Promise<void> {
    const form = readCustomId(interaction.customId);
    if (form?.action.type !== 'ask') return;
    await interaction.deferReply(EPHEMERAL);
    const about = await abouts.get(form.action.about);
    if (about === undefined) {
      await interaction.editReply('That form was open for too long. Please choose the message again.');
      return;
    }
    await receive(interaction, {
      text: interaction.fields.getTextInputValue(QUESTION_FIELD),
      attachments: about.attachments,
      context: about.quote === null ? [] : [about.quote],
      shared: false,
    });
  }

  async function receive(
    interaction: ChatInputCommandInteraction | ModalSubmitInteraction,
    asked: { text: string; attachments: Attachment[]; context: Quote[]; shared: boolean },
  ): Promise<void> {
    const channelId = interaction.channelId ?? interaction.user.id;
    const replyTo: ReplyTarget = {
      type: 'interaction',
      token: interaction.token,
      until: deps.now() + TOKEN_MS,
      ephemeral: !asked.shared,
      channelId,
      installed:
        interaction.authorizingIntegrationOwners[ApplicationIntegrationType.GuildInstall] !== undefined,
    };
    const message: Message = {
      id: interaction.id,
      conversation: {
        person: personBehind(interaction),
        // In the bot's own DM this is the conversation that is held there anyway; elsewhere what only the
        // person sees must not come up again where others read along.
        channel:
          asked.shared || interaction.context === InteractionContextType.BotDM
            ? channelId
            : askedIn(channelId),
        thread: null,
        audience: asked.shared && interaction.context !== InteractionContextType.BotDM ? 'shared' : 'private',
      },
      text: asked.text,
      attachments: asked.attachments,
      context: asked.context,
      replyTo,
    };
    const receipt = await bot.receive(message);
    if (typeof receipt === 'object') await interaction.editReply(receipt.refused);
  }

  return { ask, openForm, submitForm };
}

/** A file as discord.js has it. */
export function shapeOf(it: {
  id: string;
  name: string;
  contentType: string | null;
  size: number;
  url: string;
}): IncomingAttachment {
  return {
    id: it.id,
    filename: it.name,
    mediaType: it.contentType?.split(';')[0]?.trim() ?? 'application/octet-stream',
    size: it.size,
    url: it.url,
  };
}
