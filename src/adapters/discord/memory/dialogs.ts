import { randomUUID } from 'node:crypto';
import {
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  type Interaction,
  InteractionContextType,
  type MessageContextMenuCommandInteraction,
  MessageFlags,
  type ModalSubmitInteraction,
  type StringSelectMenuInteraction,
} from 'discord.js';
import type { BotPort } from '../../../core/adapter.ts';
import { type CommandAction, type Conversation, onlyLooks, type Person } from '../../../core/message.ts';
import { panelOf } from '../../../core/panels.ts';
import type { PreferencesView } from '../../../core/views.ts';
import { personBehind } from '../inbound/people.ts';
import { askedIn, isInstalled } from '../inbound/places.ts';
import { button, type Panel, panel, plain, row, text } from '../parts.ts';
import { FOLLOW_UPS } from '../reply/outlet.ts';
import { attachPanel, conflictPanels, exportPanels } from './file-panels.ts';
import { editorModal, type Form, factsModal } from './memory-forms.ts';
import { factsPanel, notePanel } from './memory-panels.ts';
import { backButton } from './panel-buttons.ts';
import { type Part, panelsOf } from './panels.ts';

/** What can be answered with a view. */
export type Answerable =
  | ChatInputCommandInteraction
  | MessageContextMenuCommandInteraction
  | ButtonInteraction
  | StringSelectMenuInteraction
  | ModalSubmitInteraction;
/** What can be answered with a form: anything but another form. */
export type Opening = Exclude<Answerable, ModalSubmitInteraction>;

/** From what a person asks to what they see of it. */
export interface Dialogs {
  /** As the person who used the interaction, in the conversation they hold where they used it. */
  ask(interaction: Interaction, action: CommandAction, conversation?: Conversation): Promise<PreferencesView>;
  /** Shows a view to the person alone; the interaction is deferred by then. */
  show(interaction: Answerable, view: PreferencesView, part?: Part): Promise<void>;
  /** Shows what came of a change: what was done, above `then` as it now is; anything else speaks for itself. */
  settle(interaction: Answerable, view: PreferencesView, then?: CommandAction): Promise<void>;
  /** A view beside what the person sees, which stays as it is. */
  whisper(interaction: Answerable, view: PreferencesView): Promise<void>;
  /**
   * Answers with a form. What goes into it may take longer than Discord waits for one; then the answer is a button
   * that opens it. `at`: which form of the usual facts, or the one with this field.
   */
  open(interaction: Opening, asking: Promise<PreferencesView>, at?: number | string): Promise<void>;
  /** A form that was ready too late; false when it is no longer there. */
  reopen(interaction: ButtonInteraction, form: string): Promise<boolean>;
}

/** Discord waits three seconds for a form; getting it there takes some of them. */
const FORM_WAIT_MS = 1_800;
const MOST_READY = 500;
/** What can stand above a panel beside all else. */
const NOTE_CHARACTERS = 600;
const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

/** Actions that mean another thing from one conversation to the next. */
const OF_A_PLACE: readonly CommandAction['type'][] = ['view', 'private', 'why'];

export function createDialogs(deps: {
  bot: BotPort;
  /** The person's memory may be another from now on. */
  changed(person: Person): void;
  formWaitMs?: number;
}): Dialogs {
  const { bot } = deps;
  const waitMs = deps.formWaitMs ?? FORM_WAIT_MS;
  const ready = new Map<string, { owner: string; form: Form }>();

  async function ask(
    interaction: Interaction,
    action: CommandAction,
    conversation?: Conversation,
  ): Promise<PreferencesView> {
    const person = personBehind(interaction);
    const where =
      conversation ?? (OF_A_PLACE.includes(action.type) ? await placeOf(interaction, person) : null);
    try {
      return await bot.command({ person, action, ...(where === null ? {} : { conversation: where }) });
    } finally {
      if (!onlyLooks(action)) deps.changed(person);
    }
  }

  /** The conversation that the person holds where they are; null where they hold none. */
  async function placeOf(interaction: Interaction, person: Person): Promise<Conversation | null> {
    const { channelId } = interaction;
    if (channelId === null) return null;
    const at = (channel: string, audience: Conversation['audience']) => ({
      person,
      channel,
      thread: null,
      audience,
    });
    if (interaction.context === InteractionContextType.BotDM) return at(channelId, 'private');
    // In a thread they may say how they want to be heard before they say anything else.
    const here = at(channelId, 'shared');
    if (interaction.channel?.isThread() === true || (await bot.knows(here))) return here;
    const asked = at(askedIn(channelId), 'private');
    return (await bot.knows(asked)) ? asked : null;
  }

  function panelsFor(interaction: Answerable, view: PreferencesView, part: Part): Panel[] {
    const owner = interaction.user.id;
    switch (view.type) {
      case 'form':
        return [factsPanel(view, owner, part.note)];
      case 'editor':
        return [attachPanel(view, owner)];
      case 'conflict':
        return conflictPanels(view, owner);
      case 'export':
        return exportPanels(view, owner, interaction.attachmentSizeLimit);
      case 'file':
        return [notePanel(panelOf(view), view.section, owner, part)];
      default:
        return panelsOf(panelOf(view), owner, part);
    }
  }

  async function show(interaction: Answerable, view: PreferencesView, part: Part = {}): Promise<void> {
    await answer(interaction, panelsFor(interaction, view, part));
  }

  async function settle(
    interaction: Answerable,
    view: PreferencesView,
    then: CommandAction = { type: 'view' },
  ): Promise<void> {
    if (view.type !== 'outcome') return show(interaction, view);
    const now = await ask(interaction, then);
    const next = now.type === 'outcome' ? await ask(interaction, { type: 'view' }) : now;
    if (plain(view.sentence).length <= NOTE_CHARACTERS)
      return show(interaction, next, { note: view.sentence });
    await answer(interaction, [...panelsFor(interaction, view, {}), ...panelsFor(interaction, next, {})]);
  }

  async function open(
    interaction: Opening,
    asking: Promise<PreferencesView>,
    at: number | string = 0,
  ): Promise<void> {
    const inTime = await Promise.race([asking, later(waitMs)]);
    const form = inTime === null ? null : formOf(inTime, interaction.user.id, at);
    if (form !== null) {
      await interaction.showModal(form);
      return;
    }
    if (interaction.isMessageComponent()) await interaction.deferUpdate();
    else await interaction.deferReply(EPHEMERAL);
    const view = await asking;
    const late = inTime === null ? formOf(view, interaction.user.id, at) : null;
    if (late === null) await (view.type === 'editor' ? show(interaction, view) : settle(interaction, view));
    else await answer(interaction, [readyPanel(interaction.user.id, late)]);
  }

  function readyPanel(owner: string, form: Form): Panel {
    const id = randomUUID();
    ready.set(id, { owner, form });
    for (const old of ready.keys()) {
      if (ready.size <= MOST_READY) break;
      ready.delete(old);
    }
    return panel([
      text('Your form is ready.'),
      row(button(owner, { type: 'open', form: id }, 'Open it'), backButton(owner)),
    ]);
  }

  return {
    ask,
    show,
    settle,
    async whisper(interaction, view) {
      const panels = within(interaction, panelsFor(interaction, view, {}), FOLLOW_UPS);
      for (const panel of panels) await below(interaction, panel);
    },
    open,
    async reopen(interaction, id) {
      const kept = ready.get(id);
      if (kept === undefined || kept.owner !== interaction.user.id) return false;
      await interaction.showModal(kept.form);
      return true;
    },
  };
}

/** The first panel where the answer belongs, any others below it. */
async function answer(interaction: Answerable, panels: readonly Panel[]): Promise<void> {
  for (const [index, it] of within(interaction, panels, 1 + FOLLOW_UPS).entries()) {
    if (index === 0) await interaction.editReply(it);
    else await below(interaction, it);
  }
}

/** As many as may be sent there, the last of which says where all of them are to be had. */
function within(interaction: Answerable, panels: readonly Panel[], most: number): readonly Panel[] {
  if (panels.length <= most || isInstalled(interaction)) return panels;
  const left = panels.length - most + 1;
  const rest = `Discord lets me send you no more here: ${left} of ${panels.length} messages are missing. Ask me the same in a direct message, and you get them all.`;
  return [...panels.slice(0, most - 1), panel([text(rest)])];
}

async function below(interaction: Answerable, { flags, ...content }: Panel): Promise<void> {
  await interaction.followUp({ ...content, flags: flags | MessageFlags.Ephemeral });
}

/** Null for what no form shows. */
function formOf(view: PreferencesView, owner: string, at: number | string): Form | null {
  if (view.type === 'form') return factsModal(view, owner, at);
  return view.type === 'editor' ? editorModal(view.draft, owner) : null;
}

function later(ms: number): Promise<null> {
  return new Promise(resolve => {
    setTimeout(resolve, ms, null).unref();
  });
}
