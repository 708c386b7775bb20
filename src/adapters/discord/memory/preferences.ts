import { type ChatInputCommandInteraction, MessageFlags } from 'discord.js';
import { type CommandAction, noticeChoice } from '../../../core/message.ts';
import type { PreferencesView } from '../../../core/views.ts';
import { panel, text } from '../parts.ts';
import type { Reasons } from '../reasons.ts';
import type { Choices, Verb } from './choices.ts';
import type { Dialogs } from './dialogs.ts';
import { DATE_OPTION, FACT_OPTION, HELP, NOTE_OPTION, VERSION_OPTION } from './preferences-command.ts';

/** /preferences with its subcommands. Whatever it shows, the person alone sees it. */
export interface Preferences {
  run(interaction: ChatInputCommandInteraction): Promise<void>;
}

const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

export function createPreferences(deps: {
  dialogs: Dialogs;
  choices: Choices;
  reasons: Reasons;
}): Preferences {
  const { dialogs, choices } = deps;

  async function run(interaction: ChatInputCommandInteraction): Promise<void> {
    const { options } = interaction;
    const verb = options.getSubcommand();
    // A form has to be the first answer.
    if (verb === 'edit') return dialogs.open(interaction, editor(interaction));
    if (verb === 'new') {
      const title = options.getString('title') ?? undefined;
      const action: CommandAction = { type: 'editor', ...(title === undefined ? {} : { title }) };
      return dialogs.open(interaction, dialogs.ask(interaction, action));
    }
    const field = options.getString('field');
    if (verb === 'set' && field !== null && options.getString('value') === null) {
      return dialogs.open(interaction, dialogs.ask(interaction, { type: 'form' }), field);
    }
    await interaction.deferReply(EPHEMERAL);
    if (verb === 'help') {
      await interaction.editReply(panel([text(HELP)]));
      return;
    }
    if (verb === 'why') return deps.reasons.show(interaction, undefined);
    await (options.getSubcommandGroup() === 'forget'
      ? forget(interaction, verb)
      : carryOut(interaction, verb));
  }

  async function carryOut(interaction: ChatInputCommandInteraction, verb: string): Promise<void> {
    const { options } = interaction;
    switch (verb) {
      case 'view':
        return view(interaction);
      case 'set':
        return set(interaction);
      case 'history':
        return history(interaction);
      case 'restore': {
        const version = choices.version(options.getString(VERSION_OPTION, true));
        if (typeof version === 'string') return say(interaction, version);
        return settle(interaction, { type: 'restore', ...version });
      }
      case 'undo':
      case 'keep':
      case 'pause':
      case 'resume':
        return settle(interaction, { type: verb });
      case 'private':
        return settle(interaction, { type: 'private', on: options.getString('mode', true) === 'on' });
      case 'notices':
        return settle(interaction, { type: 'notices', mode: noticeChoice.parse(options.getString('mode')) });
      case 'export': {
        const format = options.getString('format') === 'json' ? 'json' : 'markdown';
        return show(interaction, { type: 'export', format });
      }
      case 'share':
      case 'unshare':
        return settleNamed(interaction, verb, NOTE_OPTION);
      case 'link': {
        const code = options.getString('code')?.trim();
        return settle(interaction, {
          type: 'link',
          ...(code === undefined ? {} : { code, confirmed: false }),
        });
      }
      case 'unlink':
        return settle(interaction, { type: 'unlink', confirmed: false });
      default:
        return say(interaction, "I don't know that. /preferences help shows what you can do.");
    }
  }

  const show = async (interaction: ChatInputCommandInteraction, action: CommandAction) =>
    dialogs.show(interaction, await dialogs.ask(interaction, action));
  const settle = async (interaction: ChatInputCommandInteraction, action: CommandAction) =>
    dialogs.settle(interaction, await dialogs.ask(interaction, action));
  const say = (interaction: ChatInputCommandInteraction, sentence: string) =>
    dialogs.show(interaction, { type: 'outcome', ok: false, sentence });

  async function settleNamed(
    interaction: ChatInputCommandInteraction,
    verb: Verb,
    option: string,
  ): Promise<void> {
    const found = await choices.named(interaction, verb, interaction.options.getString(option, true));
    if (typeof found === 'string') return say(interaction, found);
    if (found.type !== 'share') return settle(interaction, found);
    const { memoryId } = found;
    const view = await dialogs.ask(interaction, { ...found, confirmed: false });
    await dialogs.settle(interaction, view, { type: 'show', memoryId });
  }

  async function view(interaction: ChatInputCommandInteraction): Promise<void> {
    const typed = interaction.options.getString(NOTE_OPTION);
    if (typed === null) return show(interaction, { type: 'view' });
    const found = await choices.named(interaction, 'show', typed);
    return typeof found === 'string' ? say(interaction, found) : show(interaction, found);
  }

  async function set(interaction: ChatInputCommandInteraction): Promise<void> {
    const { options } = interaction;
    const field = options.getString('field');
    const value = options.getString('value');
    if (value !== null && field === null) {
      return say(interaction, 'Which field is that for? Please choose one.');
    }
    if (value === null || field === null) return show(interaction, { type: 'form' });
    const values = { [field]: /^[-–—]$/.test(value.trim()) ? '' : value.trim() };
    return settle(interaction, { type: 'set', values });
  }

  async function editor(interaction: ChatInputCommandInteraction): Promise<PreferencesView> {
    const found = await choices.named(interaction, 'edit', interaction.options.getString(NOTE_OPTION, true));
    if (typeof found === 'string') return { type: 'outcome', ok: false, sentence: found };
    return dialogs.ask(interaction, found);
  }

  async function forget(interaction: ChatInputCommandInteraction, what: string): Promise<void> {
    const { options } = interaction;
    switch (what) {
      case 'fact':
        return settleNamed(interaction, 'forget', FACT_OPTION);
      case 'note':
        return settleNamed(interaction, 'forget', NOTE_OPTION);
      case 'since': {
        const since = options.getString(DATE_OPTION, true).trim();
        return settle(interaction, { type: 'forget-since', since, confirmed: false });
      }
      default:
        return settle(interaction, { type: 'forget-me', confirmed: false });
    }
  }

  async function history(interaction: ChatInputCommandInteraction): Promise<void> {
    const { options } = interaction;
    const page = options.getInteger('page');
    const typed = options.getString(NOTE_OPTION);
    if (typed === null) return show(interaction, { type: 'history', page: (page ?? 1) - 1 });
    const found = await choices.named(interaction, 'history', typed);
    if (typeof found === 'string') return say(interaction, found);
    const turned = found.type === 'history' && page !== null ? { ...found, page: page - 1 } : found;
    return show(interaction, turned);
  }

  return { run };
}
