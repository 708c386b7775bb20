import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  DiscordAPIError,
  InteractionContextType,
  type RESTPutAPIApplicationCommandsJSONBody,
} from 'discord.js';
import type { AgentFile } from '../../core/agent-file.ts';
import { fieldsOf } from '../../core/preferences/field-rules.ts';
import type { FormField } from '../../core/views.ts';
import type { Log } from '../../log.ts';
import type { DiscordApi } from './connection/api.ts';
import { PREFERENCES, preferencesOptions } from './memory/preferences-command.ts';

export const ASK = 'ask';
export const WHY_THIS = 'Why this?';

const EVERYWHERE = [
  InteractionContextType.Guild,
  InteractionContextType.BotDM,
  InteractionContextType.PrivateChannel,
];
const BOTH = [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall];

/** What of the persona people see in the commands. */
export interface Persona {
  /** As agent.yml has it. */
  name: string;
  /** What the form of usual facts asks for. */
  fields: readonly Pick<FormField, 'name' | 'label'>[];
}

export function personaOf(file: AgentFile): Persona {
  return { name: file.name, fields: fieldsOf(file.memory.form) };
}

/** A command's name has 32 characters at most. */
const NAME_CHARACTERS = 32;

function askAbout(name: string): string {
  const said = `Ask ${name.replace(/[-_\s]+/g, ' ')} about this`;
  return said.length <= NAME_CHARACTERS ? said : 'Ask me about this';
}

export function commandsOf({ name, fields }: Persona): RESTPutAPIApplicationCommandsJSONBody {
  return [
    {
      type: ApplicationCommandType.ChatInput,
      name: PREFERENCES,
      description: 'See and change what I remember about you',
      contexts: EVERYWHERE,
      integration_types: BOTH,
      options: preferencesOptions(fields),
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
          description: 'What you want to ask',
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
      name: askAbout(name),
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
}

/**
 * Registers the commands when Discord has others: creating is limited to 200 a day, and people would see them
 * flicker. A failure is logged and leaves the commands that are registered already.
 */
export async function registerCommands(api: DiscordApi, persona: Persona, log: Log): Promise<void> {
  try {
    const wanted = commandsOf(persona);
    if (sameCommands(await registered(api), wanted)) return;
    await api.setCommands(wanted);
    log.info({ event: 'discord.commands_registered' }, 'registered the commands');
  } catch (error) {
    log.error({ event: 'discord.commands_failed', err: error }, 'the commands could not be registered');
  }
}

/** Null where that cannot be asked; then they are set anew. */
async function registered(api: DiscordApi): Promise<unknown> {
  try {
    return await api.commands();
  } catch (error) {
    if (!(error instanceof DiscordAPIError)) throw error;
    return null;
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
