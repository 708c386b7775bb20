import { type ChatInputCommandInteraction, MessageFlags } from 'discord.js';
import { z } from 'zod';
import type { CommandAction, FieldName } from '../../core/message.ts';
import type { PreferencesView } from '../../core/views.ts';
import type { Choices } from './choices.ts';
import type { Dialogs } from './dialogs.ts';
import { HALVES } from './memory-forms.ts';
import type { Notices } from './notices.ts';
import { panel, text } from './parts.ts';
import { personBehind } from './people.ts';
import { DATE_OPTION, FACT_OPTION, HELP, NOTE_OPTION, VERSION_OPTION } from './preferences-command.ts';
import type { Reasons } from './reasons.ts';

/** /preferences with its subcommands. Whatever it shows, the person alone sees it. */
export interface Preferences {
  run(interaction: ChatInputCommandInteraction): Promise<void>;
}

const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;
const noticeMode = z.enum(['thread', 'private', 'off', 'default']);
const fieldName: z.ZodType<FieldName> = z.enum([
  'shoe_size',
  'clothing_sizes',
  'budget',
  'brands_liked',
  'brands_avoided',
  'materials_avoided',
  'colours_liked',
  'style',
]);

export function createPreferences(deps: {
  dialogs: Dialogs;
  choices: Choices;
  reasons: Reasons;
  notices: Notices;
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
    const field = fieldName.safeParse(options.getString('field')).data;
    const value = options.getString('value');
    if (verb === 'set' && field !== undefined && value === null) {
      const half = HALVES.findIndex(names => names.includes(field));
      return dialogs.open(interaction, dialogs.ask(interaction, { type: 'form' }), half);
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
        return decide(interaction, verb);
      case 'pause':
      case 'resume':
        return settle(interaction, { type: verb });
      case 'private':
        return settle(interaction, { type: 'private', on: options.getString('mode', true) === 'on' });
      case 'notices':
        return dialogs.settle(interaction, await setNotices(interaction, options.getString('mode', true)));
      case 'export': {
        const format = options.getString('format') === 'json' ? 'json' : 'markdown';
        return show(interaction, { type: 'export', format });
      }
      case 'share':
      case 'unshare':
        return share(interaction, verb === 'share');
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
        return say(interaction, 'I do not know that. /preferences help shows what there is.');
    }
  }

  const show = async (interaction: ChatInputCommandInteraction, action: CommandAction) =>
    dialogs.show(interaction, await dialogs.ask(interaction, action));
  const settle = async (interaction: ChatInputCommandInteraction, action: CommandAction) =>
    dialogs.settle(interaction, await dialogs.ask(interaction, action));
  const say = (interaction: ChatInputCommandInteraction, sentence: string) =>
    dialogs.show(interaction, { type: 'outcome', ok: false, sentence });

  async function view(interaction: ChatInputCommandInteraction): Promise<void> {
    const typed = interaction.options.getString(NOTE_OPTION);
    if (typed === null) return show(interaction, { type: 'view' });
    const note = await choices.note(interaction, typed);
    if (typeof note === 'string') return say(interaction, note);
    return show(interaction, { type: 'show', memoryId: note.memoryId });
  }

  async function set(interaction: ChatInputCommandInteraction): Promise<void> {
    const { options } = interaction;
    const field = fieldName.safeParse(options.getString('field')).data;
    const value = options.getString('value');
    if (value !== null && field === undefined) {
      return say(interaction, 'Which fact is that? Choose a field with it.');
    }
    if (value === null || field === undefined) return show(interaction, { type: 'form' });
    const values = { [field]: /^[-–—]$/.test(value.trim()) ? '' : value.trim() };
    return settle(interaction, { type: 'set', values });
  }

  async function editor(interaction: ChatInputCommandInteraction): Promise<PreferencesView> {
    const note = await choices.note(interaction, interaction.options.getString(NOTE_OPTION, true));
    if (typeof note === 'string') return { type: 'outcome', ok: false, sentence: note };
    return dialogs.ask(interaction, { type: 'editor', memoryId: note.memoryId });
  }

  async function forget(interaction: ChatInputCommandInteraction, what: string): Promise<void> {
    const { options } = interaction;
    switch (what) {
      case 'fact': {
        const fact = await choices.fact(interaction, options.getString(FACT_OPTION, true));
        if (typeof fact === 'string') return say(interaction, fact);
        const { memoryId, factId } = fact;
        return settle(interaction, { type: 'forget', memoryId, factId, confirmed: false });
      }
      case 'note': {
        const note = await choices.note(interaction, options.getString(NOTE_OPTION, true));
        if (typeof note === 'string') return say(interaction, note);
        const { memoryId, revision } = note;
        return settle(interaction, { type: 'forget', memoryId, revision, confirmed: false });
      }
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
    const page = (options.getInteger('page') ?? 1) - 1;
    const typed = options.getString(NOTE_OPTION);
    if (typed === null) return show(interaction, { type: 'history', page });
    const note = await choices.note(interaction, typed);
    if (typeof note === 'string') return say(interaction, note);
    return show(interaction, { type: 'history', page, memoryId: note.memoryId });
  }

  /** What `undo` and `keep` are about is the change that was shown last. */
  async function decide(interaction: ChatInputCommandInteraction, verb: 'undo' | 'keep'): Promise<void> {
    const which = verb === 'keep' ? 'held' : 'any';
    const noticeId = await deps.notices.latest(personBehind(interaction), which);
    if (noticeId !== null) return settle(interaction, { type: verb, noticeId });
    return say(
      interaction,
      verb === 'keep'
        ? 'There is no change that waits for you.'
        : 'There is no change of late to take back. /preferences history shows all of them.',
    );
  }

  /** `on`: as it was set up here; where that is off, to the person alone. */
  async function setNotices(
    interaction: ChatInputCommandInteraction,
    mode: string,
  ): Promise<PreferencesView> {
    const known = noticeMode.safeParse(mode).data;
    if (known !== undefined) return dialogs.ask(interaction, { type: 'notices', mode: known });
    const outcome = await dialogs.ask(interaction, { type: 'notices', mode: 'default' });
    const now = await dialogs.ask(interaction, { type: 'view' });
    const stillOff = now.type === 'memory' && now.notices === 'off';
    return stillOff ? dialogs.ask(interaction, { type: 'notices', mode: 'private' }) : outcome;
  }

  async function share(interaction: ChatInputCommandInteraction, on: boolean): Promise<void> {
    const note = await choices.note(interaction, interaction.options.getString(NOTE_OPTION, true));
    if (typeof note === 'string') return say(interaction, note);
    const { memoryId } = note;
    const view = await dialogs.ask(interaction, { type: 'share', memoryId, on });
    return dialogs.settle(interaction, view, { type: 'show', memoryId });
  }

  return { run };
}
