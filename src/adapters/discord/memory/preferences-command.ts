/** /preferences as Discord is told of it. */

import {
  type APIApplicationCommandBasicOption,
  type APIApplicationCommandSubcommandOption,
  ApplicationCommandOptionType,
} from 'discord.js';
import type { FormField } from '../../../core/views.ts';

export const PREFERENCES = 'preferences';

type Option = APIApplicationCommandBasicOption;

export const NOTE_OPTION = 'note';
export const FACT_OPTION = 'fact';
export const VERSION_OPTION = 'version';
export const DATE_OPTION = 'date';

const note = (description: string, required: boolean) => named(NOTE_OPTION, description, required);

/** With suggestions while the person types. */
function named(name: string, description: string, required: boolean): Option {
  return { type: ApplicationCommandOptionType.String, name, description, required, autocomplete: true };
}

function written(name: string, description: string, maxLength: number, required = false): Option {
  return {
    type: ApplicationCommandOptionType.String,
    name,
    description,
    required,
    max_length: maxLength,
  };
}

function chosen(
  name: string,
  description: string,
  required: boolean,
  choices: readonly (readonly [value: string, name: string])[],
): Option {
  return {
    type: ApplicationCommandOptionType.String,
    name,
    description,
    required,
    choices: choices.map(([value, label]) => ({ name: label, value })),
  };
}

function subcommand(
  name: string,
  description: string,
  ...options: Option[]
): APIApplicationCommandSubcommandOption {
  return { type: ApplicationCommandOptionType.Subcommand, name, description, options };
}

/** `fields`: what the form of usual facts asks for; without any there is nothing to set. */
export function preferencesOptions(fields: readonly Pick<FormField, 'name' | 'label'>[]) {
  return [
    subcommand(
      'view',
      'See what I remember about you',
      note('One note, and where each fact came from', false),
    ),
    ...(fields.length === 0
      ? []
      : [
          subcommand(
            'set',
            'Your usual facts, all of them or one',
            chosen(
              'field',
              'Which one',
              false,
              fields.map(({ name, label }) => [name, label]),
            ),
            written('value', 'Its value, or one more for a list; a dash clears it', 1_000),
          ),
        ]),
    subcommand('edit', 'Edit a note yourself', note('Which note', true)),
    subcommand('new', 'Start a note of your own', written('title', 'What it is about', 100)),
    {
      type: ApplicationCommandOptionType.SubcommandGroup as const,
      name: 'forget',
      description: 'Have me forget something for good; I ask first',
      options: [
        subcommand('fact', 'One fact', named(FACT_OPTION, 'Which fact', true)),
        subcommand('note', 'A whole note', note('Which note', true)),
        subcommand(
          'since',
          'Everything I learned since a certain day',
          named(DATE_OPTION, 'The day, such as 2026-03-14', true),
        ),
        subcommand('me', 'Everything I have about you'),
      ],
    },
    subcommand(
      'history',
      'See what changed, when and by whom, and bring things back',
      note('For one note only', false),
      {
        type: ApplicationCommandOptionType.Integer,
        name: 'page',
        description: 'Which page; 1 is the newest',
        min_value: 1,
        max_value: 10_000,
      },
    ),
    subcommand('restore', 'Bring back what a note said before', named(VERSION_OPTION, 'Which version', true)),
    subcommand('undo', 'Take back the last change, mine or yours; repeat for the one before'),
    subcommand('keep', 'Accept the last change I held back'),
    subcommand('pause', 'Have me save nothing new'),
    subcommand('resume', 'Have me remember new things again'),
    subcommand(
      'private',
      'Talk to me without memory: I know nothing about you and keep nothing',
      chosen('mode', 'For the conversation you are in', true, [
        ['on', 'on: From your next message on, this conversation is private'],
        ['off', 'off: delete what was said, and know me again'],
      ]),
    ),
    subcommand(
      'notices',
      'Where I tell you about changes to my memory of you',
      chosen('mode', 'Where', true, [
        ['on', 'on'],
        ['thread', 'below the reply'],
        ['private', 'only to me'],
        ['off', 'off'],
        ['default', 'the default here'],
      ]),
    ),
    subcommand(
      'export',
      'Everything I remember about you, as a file',
      chosen('format', 'For reading or for machines', false, [
        ['markdown', 'Markdown, for reading'],
        ['json', 'JSON, for machines'],
      ]),
    ),
    subcommand('share', 'Let me use a note where others can read what I say', note('Which note', true)),
    subcommand('unshare', 'Use a note in private only', note('Which note', true)),
    subcommand(
      'link',
      'Share one memory across your accounts',
      written('code', 'The code from your other account; leave it out to get one', 100),
    ),
    subcommand('unlink', 'Give this account a memory of its own again'),
    subcommand('why', 'What I used for my last reply to you here'),
    subcommand('help', 'What you can do with your memory'),
  ];
}

/** As a person reads it; a command a line, short enough for a phone. */
export const HELP = [
  '## Your memory is yours',
  'All of these come after `/preferences`.',
  '### See it',
  '- `view` – all of it, or one note with its sources',
  '- `why` – what I used for my last reply; for another, choose *Apps → Why this?* on it',
  '- `history` – what changed, when and by whom',
  '- `export` – all of it as a file',
  '### Change it',
  '- `set` – your usual facts, or one field and its value (where I have a form)',
  '- `edit`, `new` – a note, in your own words',
  '- `undo` – take back the last change, mine or yours',
  '- `keep` – accept a change I held back',
  '- `restore` – what a note said before',
  '### Forget it',
  '- `forget` – a fact, a note, everything since a day, or all of it; I ask first',
  '### Say how I remember',
  '- `pause`, `resume` – save nothing new; save again',
  '- `private` – no memory in this conversation',
  '- `notices` – where I tell you about changes',
  '- `share`, `unshare` – use a note where others can read, or stop that',
  '- `link`, `unlink` – one memory on all your accounts',
].join('\n');
