import {
  type ButtonInteraction,
  type Interaction,
  InteractionContextType,
  MessageFlags,
  type StringSelectMenuInteraction,
} from 'discord.js';
import type { BotPort } from '../../core/adapter.ts';
import type { CommandAction, Conversation, NoticeMode, Person } from '../../core/message.ts';
import type { MemorySection, PreferencesView } from '../../core/views.ts';
import type { Body } from './api.ts';
import { PREFERENCES } from './commands.ts';
import { type PressedAction, readCustomId } from './custom-id.ts';
import { filePanel, forgetPanel, memoryPanel, type Panel, sentencePanel } from './memory-panels.ts';
import type { Notices } from './notices.ts';
import { personBehind } from './people.ts';
import type { Questions } from './questions.ts';
import { answeredBody, noticeBody, questionBody, undoneBody } from './views.ts';

/** What buttons and menus do. Each works for one person, named in its custom id. */
export interface Presses {
  press(interaction: ButtonInteraction | StringSelectMenuInteraction): Promise<void>;
  /** The memory as a panel; `change` is made first, and what came of it said above. */
  memory(interaction: Interaction, page?: number, change?: CommandAction): Promise<Panel>;
}

const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

export function createPresses(deps: { bot: BotPort; questions: Questions; notices: Notices }): Presses {
  const { bot, questions, notices } = deps;

  async function press(interaction: ButtonInteraction | StringSelectMenuInteraction): Promise<void> {
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
    await act(interaction, press.action);
  }

  async function act(
    interaction: ButtonInteraction | StringSelectMenuInteraction,
    action: PressedAction,
  ): Promise<void> {
    const owner = interaction.user.id;
    switch (action.type) {
      case 'stop': {
        await interaction.deferUpdate();
        if (!(await bot.interrupt(conversationOf(personBehind(interaction), action.channel)))) {
          await interaction.followUp({ content: 'That reply is already complete.', ...EPHEMERAL });
        }
        return;
      }
      case 'answer':
        if (questions.answer(action.question, action.allow)) await interaction.deferUpdate();
        else await interaction.reply({ content: 'This question is not open any more.', ...EPHEMERAL });
        return;
      case 'details':
        return details(interaction, action.question);
      case 'undo':
        return undo(interaction, action);
      case 'notice': {
        await interaction.deferReply(EPHEMERAL);
        const notice = notices.recall(action.noticeId);
        if (notice === undefined) await interaction.editReply(await memory(interaction));
        else {
          await interaction.editReply(editOf(noticeBody(notice, owner)));
        }
        return;
      }
      case 'memory':
        if (action.fresh) await interaction.deferReply(EPHEMERAL);
        else await interaction.deferUpdate();
        await interaction.editReply(await memory(interaction, action.page));
        return;
      case 'file':
        await interaction.deferUpdate();
        await interaction.editReply(
          await file(interaction, action.memoryId, section => filePanel(section, owner, action.page)),
        );
        return;
      case 'forget': {
        await interaction.deferUpdate();
        const { memoryId } = action;
        if (!action.confirmed) {
          await interaction.editReply(
            await file(interaction, memoryId, section => forgetPanel(section, owner)),
          );
          return;
        }
        await interaction.editReply(await memory(interaction, 0, { type: 'forget', memoryId }));
        return;
      }
      case 'notices': {
        await interaction.deferUpdate();
        const mode = interaction.isStringSelectMenu() ? interaction.values[0] : undefined;
        const change = isMode(mode) ? ({ type: 'notices', mode } as const) : undefined;
        await interaction.editReply(await memory(interaction, 0, change));
        return;
      }
      case 'ask':
        return;
    }
  }

  /** Stays open beside the question and is settled with it. */
  async function details(
    interaction: ButtonInteraction | StringSelectMenuInteraction,
    key: string,
  ): Promise<void> {
    const open = questions.open(key);
    if (open === undefined) {
      await interaction.reply({ content: 'This question is not open any more.', ...EPHEMERAL });
      return;
    }
    const { content, components } = questionBody(open.question, interaction.user.id, key, true);
    await interaction.reply({ content, components, ...EPHEMERAL });
    await interaction.editReply(editOf(answeredBody(open.question, await open.outcome, true)));
  }

  async function undo(
    interaction: ButtonInteraction | StringSelectMenuInteraction,
    { noticeId, quiet }: Extract<PressedAction, { type: 'undo' }>,
  ): Promise<void> {
    await interaction.deferUpdate();
    const view = await command(interaction, { type: 'undo', noticeId });
    if (view.type !== 'outcome') return;
    if (view.ok) {
      // Others read a quiet line as well: what exactly came of it is for the person.
      await interaction.editReply(editOf(undoneBody(quiet ? 'Undone' : view.sentence, interaction.user.id)));
    }
    if (quiet || !view.ok) await interaction.followUp({ content: view.sentence, ...EPHEMERAL });
  }

  async function memory(interaction: Interaction, page = 0, change?: CommandAction): Promise<Panel> {
    const owner = interaction.user.id;
    const note = change === undefined ? undefined : wordsOf(await command(interaction, change));
    const view = await command(interaction, { type: 'view' });
    return view.type === 'memory'
      ? memoryPanel(view, owner, page, note)
      : sentencePanel(wordsOf(view), owner);
  }

  async function file(
    interaction: Interaction,
    memoryId: string,
    show: (section: MemorySection) => Panel,
  ): Promise<Panel> {
    const view = await command(interaction, { type: 'show', memoryId });
    return view.type === 'file' ? show(view.section) : sentencePanel(wordsOf(view), interaction.user.id);
  }

  /** The person is whoever used it, never whom a button was made for. */
  async function command(interaction: Interaction, action: CommandAction): Promise<PreferencesView> {
    const person = personBehind(interaction);
    const { channelId, context } = interaction;
    const conversation: Conversation = {
      ...conversationOf(person, channelId ?? ''),
      audience: context === InteractionContextType.BotDM ? 'private' : 'shared',
    };
    const talksHere =
      OF_A_PLACE.includes(action.type) && channelId !== null && (await bot.knows(conversation));
    return bot.command({ person, action, ...(talksHere ? { conversation } : {}) });
  }

  return { press, memory };
}

/** Actions that mean another thing from one conversation to the next. */
const OF_A_PLACE: readonly CommandAction['type'][] = ['view', 'private', 'why'];

/** Edits take fewer flags than posts; a link in a memory unfolds in neither. */
function editOf({ content, components }: Body) {
  return { content, components, flags: MessageFlags.SuppressEmbeds } as const;
}

function wordsOf(view: PreferencesView): string {
  return view.type === 'outcome' ? view.sentence : '';
}

/** Enough of a conversation to name it. */
function conversationOf(person: Person, channel: string): Conversation {
  return { person, channel, thread: null, audience: 'shared' };
}

export function isMode(value: string | null | undefined): value is NoticeMode | 'default' {
  return value === 'thread' || value === 'private' || value === 'off' || value === 'default';
}
