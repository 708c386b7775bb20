import {
  type ChatInputCommandInteraction,
  type Attachment as DiscordFile,
  type Message as DiscordMessage,
  InteractionContextType,
  type MessageContextMenuCommandInteraction,
  MessageFlags,
  type ModalSubmitInteraction,
  type Poll,
} from 'discord.js';
import type { BotPort, Receipt } from '../../core/adapter.ts';
import type { Attachment, Message, Quote } from '../../core/message.ts';
import type { State } from '../../core/state/state.ts';
import type { Log } from '../../log.ts';
import type { DiscordApi } from './connection/api.ts';
import { readCustomId } from './custom-id.ts';
import { attachmentOf, quotesOf } from './inbound/inbound.ts';
import { fileOf, filesOf, type IncomingAttachment, type Passage, passageOf } from './inbound/incoming.ts';
import { personBehind } from './inbound/people.ts';
import { askedIn, isInstalled } from './inbound/places.ts';
import type { ReplyTarget } from './reply/reply-target.ts';
import { askForm, QUESTION_FIELD } from './views.ts';

/** Messages to the bot that come by command: usable everywhere by people who installed it for themselves. */
export interface Asking {
  ask(interaction: ChatInputCommandInteraction): Promise<void>;
  /** The message command: opens a form for the question. */
  openForm(interaction: MessageContextMenuCommandInteraction): Promise<void>;
  submitForm(interaction: ModalSubmitInteraction): Promise<void>;
}

type Asked = ChatInputCommandInteraction | ModalSubmitInteraction;

/** A message that somebody wants to ask about: kept until they have written their question. */
interface About {
  quotes: Quote[];
  attachments: Attachment[];
}

/** How long the token of an interaction lasts (Discord, interactions/receiving-and-responding). */
const TOKEN_MS = 15 * 60_000;
const ABOUT_MS = 3600_000;
const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

export function createAsking(deps: {
  bot: BotPort;
  state: State;
  api: DiscordApi;
  botId(): string;
  now: () => number;
  log: Log;
}): Asking {
  const { bot, api, log } = deps;
  const abouts = deps.state.table<About>('discord-about');

  async function ask(interaction: ChatInputCommandInteraction): Promise<void> {
    const shared = interaction.options.getBoolean('share') ?? false;
    const file = interaction.options.getAttachment('file');
    const from = { id: interaction.id, channelId: interaction.channelId ?? '' };
    await take(interaction, shared, () =>
      receive(interaction, {
        text: interaction.options.getString('question', true),
        attachments: file === null ? [] : [attachmentOf(uploaded(file), from)],
        context: [],
        shared,
      }),
    );
  }

  async function openForm(interaction: MessageContextMenuCommandInteraction): Promise<void> {
    const { targetMessage: target } = interaction;
    const message = {
      ...writtenIn(target),
      author: target.member?.displayName ?? target.author.displayName,
      forwarded: target.messageSnapshots.map(writtenIn),
    };
    const about: About = {
      quotes: quotesOf(message, deps.botId(), target.author.id === interaction.user.id),
      attachments: filesOf(message).map(it => attachmentOf(it, target)),
    };
    await abouts.set(interaction.id, about, ABOUT_MS);
    await interaction.showModal(askForm(interaction.user.id, interaction.id));
  }

  async function submitForm(interaction: ModalSubmitInteraction): Promise<void> {
    const form = readCustomId(interaction.customId);
    if (form?.action.type !== 'ask') return;
    const { about: key } = form.action;
    await take(interaction, false, async () => {
      const about = await abouts.get(key);
      // Without them, an earlier version opened it.
      if (about?.quotes === undefined) {
        return { refused: 'That form was open for too long. Please choose the message again.' };
      }
      return receive(interaction, {
        text: interaction.fields.getTextInputValue(QUESTION_FIELD),
        attachments: about.attachments,
        context: about.quotes,
        shared: false,
      });
    });
  }

  /**
   * Acknowledges and keeps at the same time: Discord gives three seconds and delivers no interaction again, so what
   * was acknowledged first would be lost with the process.
   */
  async function take(interaction: Asked, shared: boolean, keep: () => Promise<Receipt>): Promise<void> {
    const deferring = interaction.deferReply(shared ? {} : EPHEMERAL);
    api.answering(interaction.token, deferring);
    const [deferred, kept] = await Promise.allSettled([deferring, keep()]);
    if (kept.status === 'rejected') throw kept.reason;
    const receipt = kept.value;
    if (typeof receipt === 'object') {
      await interaction.editReply(receipt.refused);
    } else if (deferred.status === 'rejected') {
      // It will be answered all the same, in the person's DMs.
      log.warn(
        { event: 'discord.interaction_unanswered', err: deferred.reason },
        'an interaction could not be answered',
      );
    }
  }

  async function receive(
    interaction: Asked,
    asked: { text: string; attachments: Attachment[]; context: Quote[]; shared: boolean },
  ): Promise<Receipt> {
    const channelId = interaction.channelId ?? interaction.user.id;
    const replyTo: ReplyTarget = {
      type: 'interaction',
      token: interaction.token,
      until: deps.now() + TOKEN_MS,
      ephemeral: !asked.shared,
      channelId,
      installed: isInstalled(interaction),
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
    return bot.receive(message);
  }

  return { ask, openForm, submitForm };
}

type Shown = 'content' | 'mentions' | 'attachments' | 'embeds' | 'components' | 'stickers';

/** discord.js keeps a message in words of its own. */
function writtenIn(it: Pick<DiscordMessage, Shown> & { poll?: Poll | null }): Passage {
  const { content, mentions, attachments, embeds, components, stickers, poll = null } = it;
  return passageOf({
    content,
    mentions: mentions.users.map(({ id, displayName }) => ({ id, username: displayName })),
    attachments: attachments.map(rawFile),
    embeds: embeds.map(({ data }) => data),
    components: components.map(each => each.toJSON()),
    poll: poll && {
      question: poll.question,
      answers: poll.answers.map(({ text }) => ({ poll_media: { text } })),
    },
    sticker_items: [...stickers.values()],
  });
}

export function uploaded(file: DiscordFile): IncomingAttachment {
  return fileOf(rawFile(file));
}

function rawFile({ id, name, contentType, size, url }: DiscordFile) {
  return { id, filename: name, content_type: contentType, size, url };
}
