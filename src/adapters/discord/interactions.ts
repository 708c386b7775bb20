import {
  ApplicationIntegrationType,
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  GuildMember,
  type Interaction,
  InteractionContextType,
  type MessageComponentInteraction,
  type MessageContextMenuCommandInteraction,
  MessageFlags,
  type ModalSubmitInteraction,
  type RepliableInteraction,
  type StringSelectMenuInteraction,
} from 'discord.js';
import type { BotPort } from '../../core/adapter.ts';
import { personSentence } from '../../core/errors.ts';
import type {
  Attachment,
  CommandAction,
  Conversation,
  Message,
  NoticeMode,
  Person,
  Quote,
} from '../../core/message.ts';
import type { State } from '../../core/state.ts';
import type { PreferencesView } from '../../core/views.ts';
import type { Log } from '../../log.ts';
import { ASK, ASK_ABOUT, PREFERENCES } from './commands.ts';
import { type PressedAction, readCustomId } from './custom-id.ts';
import { attachmentOf, type IncomingAttachment, personOf, readableText } from './inbound.ts';
import type { Notices } from './notices.ts';
import type { Questions } from './questions.ts';
import type { ReplyTarget } from './reply-target.ts';
import {
  askForm,
  filePanel,
  forgetPanel,
  memoryPanel,
  noticeBody,
  type Panel,
  QUESTION_FIELD,
  sentencePanel,
  undoneBody,
} from './views.ts';

export interface Interactions {
  /** Answers or defers within the three seconds Discord gives. Never rejects. */
  handle(interaction: Interaction): Promise<void>;
}

/** A message that somebody wants to ask about: kept until they have written their question. */
interface About {
  quote: Quote | null;
  attachments: Attachment[];
}

const TOKEN_MS = 15 * 60_000;
const ABOUT_MS = 3600_000;
const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

export function createInteractions(deps: {
  bot: BotPort;
  state: State;
  questions: Questions;
  notices: Notices;
  botId(): string;
  now: () => number;
  log: Log;
}): Interactions {
  const { bot, questions, log } = deps;
  const abouts = deps.state.table<About>('discord-about');

  async function route(interaction: Interaction): Promise<void> {
    if (interaction.isChatInputCommand()) {
      if (interaction.commandName === PREFERENCES) await preferences(interaction);
      else if (interaction.commandName === ASK) await ask(interaction);
    } else if (interaction.isMessageContextMenuCommand()) {
      if (interaction.commandName === ASK_ABOUT) await openAskForm(interaction);
    } else if (interaction.isModalSubmit()) {
      await askAbout(interaction);
    } else if (interaction.isButton() || interaction.isStringSelectMenu()) {
      await pressed(interaction);
    }
  }

  async function preferences(interaction: ChatInputCommandInteraction): Promise<void> {
    await interaction.deferReply(EPHEMERAL);
    const mode = interaction.options.getString('notices');
    const person = personBehind(interaction);
    const note = isMode(mode) ? await sentenceOf(person, { type: 'notices', mode }) : undefined;
    await interaction.editReply(await memory(person, 0, note));
  }

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

  async function openAskForm(interaction: MessageContextMenuCommandInteraction): Promise<void> {
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

  async function askAbout(interaction: ModalSubmitInteraction): Promise<void> {
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
            : `ask-${channelId}`,
        thread: null,
        audience: asked.shared && interaction.context !== InteractionContextType.BotDM ? 'shared' : 'private',
      },
      text: asked.text,
      attachments: asked.attachments,
      context: asked.context,
      replyTo,
    };
    await bot.receive(message);
  }

  async function pressed(interaction: ButtonInteraction | StringSelectMenuInteraction): Promise<void> {
    const press = readCustomId(interaction.customId);
    if (press === null) {
      await interaction.reply({ content: 'This button is from an earlier version of me.', ...EPHEMERAL });
      return;
    }
    if (press.owner !== interaction.user.id) {
      await interaction.reply({
        content: `This is for <@${press.owner}> alone. With /${PREFERENCES} you see what I remember about you.`,
        allowedMentions: { parse: [] },
        ...EPHEMERAL,
      });
      return;
    }
    await act(interaction, press.action, personBehind(interaction));
  }

  async function act(
    interaction: ButtonInteraction | StringSelectMenuInteraction,
    action: PressedAction,
    person: Person,
  ): Promise<void> {
    switch (action.type) {
      case 'stop': {
        await interaction.deferUpdate();
        if (!(await bot.interrupt(conversationOf(person, action.channel)))) {
          await interaction.followUp({ content: 'That reply is already complete.', ...EPHEMERAL });
        }
        return;
      }
      case 'answer':
        if (questions.answer(action.question, action.allow)) await interaction.deferUpdate();
        else await interaction.reply({ content: 'This question is not open any more.', ...EPHEMERAL });
        return;
      case 'undo':
        return undo(interaction, action, person);
      case 'notice': {
        await interaction.deferReply(EPHEMERAL);
        const notice = deps.notices.recall(action.noticeId);
        if (notice === undefined) await interaction.editReply(await memory(person));
        else {
          const { content, components } = noticeBody(notice, person.id);
          await interaction.editReply({ content, components });
        }
        return;
      }
      case 'memory':
        if (action.fresh) await interaction.deferReply(EPHEMERAL);
        else await interaction.deferUpdate();
        await interaction.editReply(await memory(person, action.page));
        return;
      case 'file':
        await interaction.deferUpdate();
        await interaction.editReply(
          await file(person, action.memoryId, section => filePanel(section, person.id, action.page)),
        );
        return;
      case 'forget': {
        await interaction.deferUpdate();
        const { memoryId } = action;
        if (!action.confirmed) {
          await interaction.editReply(
            await file(person, memoryId, section => forgetPanel(section, person.id)),
          );
          return;
        }
        const note = await sentenceOf(person, { type: 'forget', memoryId });
        await interaction.editReply(await memory(person, 0, note));
        return;
      }
      case 'notices': {
        await interaction.deferUpdate();
        const mode = interaction.isStringSelectMenu() ? interaction.values[0] : undefined;
        const note = isMode(mode) ? await sentenceOf(person, { type: 'notices', mode }) : undefined;
        await interaction.editReply(await memory(person, 0, note));
        return;
      }
      case 'ask':
        return;
    }
  }

  async function undo(
    interaction: MessageComponentInteraction,
    { noticeId, quiet }: Extract<PressedAction, { type: 'undo' }>,
    person: Person,
  ): Promise<void> {
    await interaction.deferUpdate();
    const view = await bot.command({ person, action: { type: 'undo', noticeId } });
    if (view.type !== 'outcome') return;
    if (view.ok) {
      // Others read a quiet line as well: what exactly came of it is for the person.
      const { content, components } = undoneBody(quiet ? 'Undone' : view.sentence, person.id);
      await interaction.editReply({ content, components });
    }
    if (quiet || !view.ok) await interaction.followUp({ content: view.sentence, ...EPHEMERAL });
  }

  async function memory(person: Person, page = 0, note?: string): Promise<Panel> {
    const view = await bot.command({ person, action: { type: 'view' } });
    return view.type === 'memory'
      ? memoryPanel(view, person.id, page, note)
      : sentencePanel(wordsOf(view), person.id);
  }

  async function file(
    person: Person,
    memoryId: string,
    show: (section: Extract<PreferencesView, { type: 'file' }>['section']) => Panel,
  ): Promise<Panel> {
    const view = await bot.command({ person, action: { type: 'show', memoryId } });
    return view.type === 'file' ? show(view.section) : sentencePanel(wordsOf(view), person.id);
  }

  async function sentenceOf(person: Person, action: CommandAction): Promise<string> {
    return wordsOf(await bot.command({ person, action }));
  }

  /** Tells the person what went wrong, in whatever way the interaction still allows. */
  async function apologise(interaction: Interaction, error: unknown): Promise<void> {
    if (!interaction.isRepliable()) return;
    const sentence = personSentence(error);
    try {
      await answer(interaction, sentence);
    } catch (again) {
      log.warn(
        { event: 'discord.interaction_unanswered', err: again },
        'an interaction could not be answered',
      );
    }
  }

  return {
    async handle(interaction) {
      try {
        await route(interaction);
      } catch (error) {
        log.error(
          { event: 'discord.interaction_failed', kind: interaction.type, err: error },
          'an interaction failed',
        );
        await apologise(interaction, error);
      }
    },
  };
}

async function answer(interaction: RepliableInteraction, sentence: string): Promise<void> {
  if (!interaction.deferred && !interaction.replied) {
    await interaction.reply({ content: sentence, ...EPHEMERAL });
  } else if (interaction.isMessageComponent() && interaction.ephemeral === null) {
    // A component whose message stays as it is.
    await interaction.followUp({ content: sentence, ...EPHEMERAL });
  } else {
    await interaction.editReply(sentencePanel(sentence, interaction.user.id));
  }
}

function wordsOf(view: PreferencesView): string {
  return view.type === 'outcome' ? view.sentence : '';
}

function personBehind(interaction: Interaction): Person {
  const { member, user } = interaction;
  const nick = member instanceof GuildMember ? member.nickname : member?.nick;
  return personOf({ id: user.id, name: nick ?? user.displayName });
}

/** Enough of a conversation to name it. */
function conversationOf(person: Person, channel: string): Conversation {
  return { person, channel, thread: null, audience: 'shared' };
}

function isMode(value: string | null | undefined): value is NoticeMode | 'default' {
  return value === 'thread' || value === 'private' || value === 'off' || value === 'default';
}

function shapeOf(it: {
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
