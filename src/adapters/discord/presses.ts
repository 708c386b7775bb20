import { type ButtonInteraction, MessageFlags, type StringSelectMenuInteraction } from 'discord.js';
import type { BotPort } from '../../core/adapter.ts';
import { type CommandAction, type Conversation, noticeChoice, type Person } from '../../core/message.ts';
import type { Notice } from '../../core/views.ts';
import type { Body, DiscordApi } from './connection/api.ts';
import type { Relays } from './connection/relays.ts';
import { commandOf, type PressedAction, readCustomId } from './custom-id.ts';
import { personBehind } from './inbound/people.ts';
import type { Dialogs } from './memory/dialogs.ts';
import { uploadForm } from './memory/memory-forms.ts';
import { PREFERENCES } from './memory/preferences-command.ts';
import type { Notices } from './notices.ts';
import type { Reasons } from './reasons.ts';
import type { Questions } from './reply/questions.ts';
import { answeredBody, noticeBodies, questionBody, settledBody } from './views.ts';

/** What buttons and menus do. Each works for one person, named in its custom id. */
export interface Presses {
  press(interaction: Pressing): Promise<void>;
}

type Pressing = ButtonInteraction | StringSelectMenuInteraction;
type Action<T extends PressedAction['type']> = Extract<PressedAction, { type: T }>;

const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

export function createPresses(deps: {
  bot: BotPort;
  api: DiscordApi;
  questions: Questions;
  notices: Notices;
  relays: Relays;
  dialogs: Dialogs;
  reasons: Reasons;
}): Presses {
  const { bot, questions, notices, relays, dialogs } = deps;

  async function press(interaction: Pressing): Promise<void> {
    const pressed = readCustomId(interaction.customId);
    if (pressed === null) {
      await interaction.reply({ content: 'This button is from an earlier version of me.', ...EPHEMERAL });
      return;
    }
    if (pressed.owner !== interaction.user.id) {
      await interaction.reply({
        content: `This is only for <@${pressed.owner}>. Use /${PREFERENCES} view to see what I remember about you.`,
        ...EPHEMERAL,
      });
      return;
    }
    await act(interaction, pressed.action);
  }

  async function act(interaction: Pressing, action: PressedAction): Promise<void> {
    switch (action.type) {
      case 'stop':
        return stop(interaction, action.channel);
      case 'answer':
        return answer(interaction, action);
      case 'details':
        return details(interaction, action.question);
      case 'undo':
      case 'keep':
        return decide(interaction, action);
      case 'notice':
        return notice(interaction, action.noticeId);

      case 'memory':
        if (action.fresh) await interaction.deferReply(EPHEMERAL);
        else await interaction.deferUpdate();
        return dialogs.show(interaction, await dialogs.ask(interaction, { type: 'view' }), action);
      case 'file':
        return look(interaction, { type: 'show', memoryId: action.memoryId }, action);
      case 'history': {
        const { page, memoryId } = action;
        const of = memoryId === undefined ? {} : { memoryId };
        return look(interaction, { type: 'history', page, ...of }, action);
      }
      case 'why':
        await interaction.deferUpdate();
        return deps.reasons.show(interaction, action.reply, action.page);
      case 'facts':
        return look(interaction, { type: 'form' });
      case 'export':
        return look(interaction, { type: 'export', format: action.format });

      case 'fill':
        return dialogs.open(interaction, dialogs.ask(interaction, { type: 'form' }), action.half);
      case 'editor': {
        const of = action.memoryId === undefined ? {} : { memoryId: action.memoryId };
        return dialogs.open(interaction, dialogs.ask(interaction, { type: 'editor', ...of }));
      }
      case 'attach':
        await interaction.showModal(uploadForm(action.memoryId, action.revision, interaction.user.id));
        return;
      case 'open':
        if (!interaction.isButton() || (await dialogs.reopen(interaction, action.form))) return;
        await interaction.reply({
          content: 'That form is no longer open. Please open it again.',
          ...EPHEMERAL,
        });
        return;

      case 'resolve': {
        const { type, conflictId, choice } = action;
        if (choice !== 'again') return change(interaction, { type, conflictId, choice });
        return dialogs.open(interaction, dialogs.ask(interaction, { type, conflictId, choice }));
      }
      case 'forget':
      case 'forget-past':
      case 'forget-since':
      case 'forget-me':
      case 'link':
      case 'unlink':
        return change(interaction, commandOf(action), undefined, action.page);
      case 'private':
      case 'pause':
      case 'resume':
        return change(interaction, commandOf(action));
      case 'restore':
        return change(interaction, commandOf(action), { type: 'history' });
      case 'share': {
        const { memoryId, confirmed = false, page } = action;
        return change(interaction, commandOf({ ...action, confirmed }), { type: 'show', memoryId }, page);
      }
      case 'notices': {
        const mode = noticeChoice.safeParse(chosen(interaction)).data;
        return mode === undefined
          ? look(interaction, { type: 'view' })
          : change(interaction, { type: 'notices', mode });
      }
      case 'pick-fact': {
        const { memoryId } = action;
        const factId = chosen(interaction);
        return factId === undefined
          ? look(interaction, { type: 'show', memoryId })
          : change(interaction, { type: 'forget', memoryId, factId, confirmed: false });
      }

      // Forms, which are not pressed.
      case 'ask':
      case 'set':
      case 'write':
        return;
    }
  }

  async function look(
    interaction: Pressing,
    action: CommandAction,
    part: Parameters<Dialogs['show']>[2] = {},
  ): Promise<void> {
    await interaction.deferUpdate();
    await dialogs.show(interaction, await dialogs.ask(interaction, action), part);
  }

  async function change(
    interaction: Pressing,
    action: CommandAction,
    then?: CommandAction,
    page?: number,
  ): Promise<void> {
    await interaction.deferUpdate();
    const view = await dialogs.ask(interaction, action);
    if (view.type === 'confirm') await dialogs.show(interaction, view, { page: page ?? 0 });
    else await dialogs.settle(interaction, view, then);
  }

  async function stop(interaction: Pressing, channel: string): Promise<void> {
    await interaction.deferUpdate();
    if (await bot.interrupt(conversationOf(personBehind(interaction), channel))) return;
    await interaction.followUp({ content: 'That reply is already complete.', ...EPHEMERAL });
  }

  /** The question may be one that another process asks. */
  async function answer(interaction: Pressing, { question, allow }: Action<'answer'>): Promise<void> {
    const isHere = questions.answer(question, allow);
    await interaction.deferUpdate();
    if (isHere) return;
    if (!(await relays.answer(question, allow))) {
      await interaction.followUp({ content: NOT_OPEN, ...EPHEMERAL });
      return;
    }
    // The question itself is settled where it is asked, what was shown of it beside is not.
    if (!isForOne(interaction)) return;
    const words = allow ? 'Approved' : 'Denied';
    await interaction.editReply({
      content: `${interaction.message.content}\n-# ${words}.`,
      components: [],
    });
  }

  /** Stays open beside the question and is settled with it. */
  async function details(interaction: Pressing, key: string): Promise<void> {
    await interaction.deferReply(EPHEMERAL);
    const open = questions.open(key);
    const question = open?.question ?? (await relays.question(key));
    if (question === null) {
      await interaction.editReply(NOT_OPEN);
      return;
    }
    await interaction.editReply(editOf(questionBody(question, interaction.user.id, key, true)));
    if (open === undefined) return;
    const settled = answeredBody(question, await open.outcome, true);
    // Only shows what was decided, and by then the fifteen minutes in which it can be shown may be over.
    await interaction.editReply(editOf(settled)).catch(() => {});
  }

  /** What a notice said; after a restart what the history says of the same notes. */
  async function notice(interaction: Pressing, noticeId: string): Promise<void> {
    await interaction.deferReply(EPHEMERAL);
    const found = notices.recall(noticeId) ?? (await relays.notice(noticeId));
    if (found !== null) return whisperNotice(interaction, found);
    const shown = await notices.find(personBehind(interaction), noticeId);
    if (shown === null) {
      return dialogs.show(interaction, await dialogs.ask(interaction, { type: 'view' }));
    }
    const [memoryId, ...others] = shown.memoryIds;
    const of = memoryId === undefined || others.length > 0 ? {} : { memoryId };
    const history = await dialogs.ask(interaction, { type: 'history', ...of });
    const about = { id: noticeId, ...(shown.held ? { heldBecauseOf: [] } : {}) };
    await dialogs.show(interaction, history, { notice: about });
  }

  async function whisperNotice(interaction: Pressing, found: Notice): Promise<void> {
    for (const [index, body] of noticeBodies(found, interaction.user.id).entries()) {
      if (index === 0) await interaction.editReply(editOf(body));
      else await interaction.followUp({ ...body, ...EPHEMERAL });
    }
  }

  async function decide(
    interaction: Pressing,
    { type, noticeId, quiet }: Action<'undo' | 'keep'>,
  ): Promise<void> {
    await interaction.deferUpdate();
    const owner = interaction.user.id;
    const held = (await notices.find(personBehind(interaction), noticeId))?.held === true;
    const view = await dialogs.ask(interaction, { type, noticeId });
    const isPanel = interaction.message.flags.has(MessageFlags.IsComponentsV2);
    // Others read a public line as well: what exactly came of it is for the person.
    const short = type === 'keep' ? 'Kept' : held ? 'Left out' : 'Undone';
    if (view.type !== 'outcome' || !view.ok) return dialogs.whisper(interaction, view);
    if (isPanel) await dialogs.settle(interaction, view);
    else await interaction.editReply(editOf(settledBody(quiet ? short : view.sentence, owner)));
    if (quiet) await interaction.followUp({ content: view.sentence, ...EPHEMERAL });
    if (isForOne(interaction)) await settleLine(interaction, short);
  }

  /** The line that this was opened from, if that can still be changed. */
  async function settleLine(interaction: Pressing, words: string): Promise<void> {
    const line = interaction.message.reference;
    if (line?.messageId === undefined) return;
    const body = settledBody(words, interaction.user.id);
    await deps.api.edit(line.channelId, line.messageId, body).catch(() => {});
  }

  return { press };
}

const NOT_OPEN = 'This question is no longer open.';

/** Edits take fewer flags than posts; a link in a memory unfolds in neither. */
function editOf({ content, components }: Body) {
  return { content, components, flags: MessageFlags.SuppressEmbeds } as const;
}

function isForOne(interaction: Pressing): boolean {
  return interaction.message.flags.has(MessageFlags.Ephemeral);
}

function chosen(interaction: Pressing): string | undefined {
  return interaction.isStringSelectMenu() ? interaction.values[0] : undefined;
}

/** Enough of a conversation to name it. */
function conversationOf(person: Person, channel: string): Conversation {
  return { person, channel, thread: null, audience: 'shared' };
}
