import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  type RESTPutAPIApplicationCommandsJSONBody,
} from 'discord.js';
import type { Log } from '../../log.ts';
import type { DiscordApi } from './api.ts';
import { PREFERENCES, PREFERENCES_OPTIONS } from './preferences-command.ts';

export const ASK = 'ask';
export const ASK_ABOUT = 'Ask the shopper about this';
export const WHY_THIS = 'Why this?';

const EVERYWHERE = [
  InteractionContextType.Guild,
  InteractionContextType.BotDM,
  InteractionContextType.PrivateChannel,
];
const BOTH = [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall];

export const COMMANDS: RESTPutAPIApplicationCommandsJSONBody = [
  {
    type: ApplicationCommandType.ChatInput,
    name: PREFERENCES,
    description: 'See and change what I remember about you',
    contexts: EVERYWHERE,
    integration_types: BOTH,
    options: PREFERENCES_OPTIONS,
  },
  {
    type: ApplicationCommandType.ChatInput,
    name: ASK,
    description: 'Ask me anywhere; only you see the answer',
    contexts: EVERYWHERE,
    integration_types: [ApplicationIntegrationType.UserInstall],
    options: [
      {
        type: ApplicationCommandOptionType.String,
        name: 'question',
        description: 'What are you looking for?',
        required: true,
        max_length: 6_000,
      },
      {
        type: ApplicationCommandOptionType.Attachment,
        name: 'file',
        description: 'A picture, a PDF or a text file',
      },
      {
        type: ApplicationCommandOptionType.Boolean,
        name: 'share',
        description: 'Let everyone here see the answer',
      },
    ],
  },
  {
    type: ApplicationCommandType.Message,
    name: ASK_ABOUT,
    contexts: EVERYWHERE,
    integration_types: BOTH,
  },
  {
    type: ApplicationCommandType.Message,
    name: WHY_THIS,
    contexts: EVERYWHERE,
    integration_types: BOTH,
  },
];

/**
 * Registers the commands when Discord has others: creating is limited to 200 a day, and people would see them
 * flicker. A failure is logged and leaves the commands that are registered already.
 */
export async function registerCommands(api: DiscordApi, log: Log): Promise<void> {
  try {
    if (sameCommands(await api.commands(), COMMANDS)) return;
    await api.setCommands(COMMANDS);
    log.info({ event: 'discord.commands_registered' }, 'registered the commands');
  } catch (error) {
    log.error({ event: 'discord.commands_failed', err: error }, 'the commands could not be registered');
  }
}

/** Whether Discord has exactly these commands; what it adds by itself (ids, versions, empty fields) does not count. */
export function sameCommands(registered: unknown, wanted: RESTPutAPIApplicationCommandsJSONBody): boolean {
  if (!Array.isArray(registered)) return false;
  const fingerprint = (commands: readonly unknown[]) =>
    commands.map(command => JSON.stringify(essence(command, COMMAND_FIELDS))).sort();
  return JSON.stringify(fingerprint(registered)) === JSON.stringify(fingerprint(wanted));
}

const OPTION_FIELDS = [
  'type',
  'name',
  'description',
  'required',
  'choices',
  'options',
  'min_length',
  'max_length',
  'min_value',
  'max_value',
  'autocomplete',
];
const COMMAND_FIELDS = ['type', 'name', 'description', 'contexts', 'integration_types', 'options'];

function essence(value: unknown, fields: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const given = new Map(Object.entries(value));
  return fields.flatMap(field => {
    const it = given.get(field);
    const isEmpty =
      it === undefined || it === null || it === false || it === '' || (Array.isArray(it) && it.length === 0);
    if (isEmpty) return [];
    if (field === 'options' && Array.isArray(it))
      return [[field, it.map(option => essence(option, OPTION_FIELDS))]];
    if (field === 'choices' && Array.isArray(it)) {
      return [[field, it.map(choice => essence(choice, ['name', 'value']))]];
    }
    const isSet = field === 'contexts' || field === 'integration_types';
    return [[field, isSet && Array.isArray(it) ? [...it].sort() : it]];
  });
}
