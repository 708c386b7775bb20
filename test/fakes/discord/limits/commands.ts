// Application commands, from Discord's interactions/application-commands: names, descriptions, options and
// choices with their limits, unique names per type and scope, 100 slash commands and 15 of each context menu,
// and 8,000 characters for a whole command.

import { ApplicationCommandType } from 'discord-api-types/v10';
import { ApiError } from '../api-error.ts';
import { type Form, isJson, type Json, type Path } from '../form.ts';

const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
const SUB_COMMAND = 1;
const SUB_COMMAND_GROUP = 2;
const WITH_CHOICES = [3, 4, 10];

export interface CommandDraft {
  name: string;
  type: number;
  definition: Json;
}

export function readCommand(raw: unknown, form: Form, path: Path, scope: 'global' | 'guild'): CommandDraft {
  const body = form.object(raw, path) ?? {};
  const type = form.integer(body, 'type', path, { among: [1, 2, 3, 4] }) ?? ApplicationCommandType.ChatInput;
  const name = form.string(body, 'name', path, { min: 1, max: 32, required: true }) ?? '';
  if (type === ApplicationCommandType.ChatInput) {
    readName(name, form, [...path, 'name']);
    form.string(body, 'description', path, { min: 1, max: 100, required: true });
    readOptions(body, form, path);
    if (commandSize(body) > 8_000) {
      form.fail(path, 'APPLICATION_COMMAND_TOO_LARGE', 'Command exceeds maximum size (8000)');
    }
  } else {
    if (body.description) {
      form.fail(
        [...path, 'description'],
        'APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID',
        'Context menu commands cannot have description',
      );
    }
    if (Array.isArray(body.options) && body.options.length > 0) {
      form.fail(
        [...path, 'options'],
        'APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_INVALID',
        'Context menu commands cannot have options',
      );
    }
  }
  const global = scope === 'global';
  readNumbers(body, 'contexts', [0, 1, 2], form, path, global);
  readNumbers(body, 'integration_types', [0, 1], form, path, global);
  return { name, type, definition: definitionOf(body, type, global) };
}

/** Every problem that only shows over the whole list. */
export function checkCommandList(drafts: readonly CommandDraft[], form: Form): void {
  const seen = new Set<string>();
  for (const [index, draft] of drafts.entries()) {
    const key = `${draft.type}:${draft.name}`;
    if (seen.has(key)) {
      form.fail(
        [index, 'name'],
        'APPLICATION_COMMANDS_DUPLICATE_NAME',
        'Application command names must be unique',
      );
    }
    seen.add(key);
  }
}

export function checkCommandCount(drafts: readonly { type: number }[]): void {
  for (const [type, max] of [
    [ApplicationCommandType.ChatInput, 100],
    [ApplicationCommandType.User, 15],
    [ApplicationCommandType.Message, 15],
  ] as const) {
    if (drafts.filter(draft => draft.type === type).length > max) {
      throw new ApiError(400, 30032, `Maximum number of application commands reached (${max}).`);
    }
  }
}

function readName(name: string, form: Form, path: Path): void {
  if (name === '') return;
  if (!NAME.test(name) || name !== name.toLowerCase()) {
    form.fail(path, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
  }
}

function readOptions(body: Json, form: Form, path: Path): void {
  const names = new Set<string>();
  let sawOptional = false;
  for (const [index, raw] of (form.list(body, 'options', path, { max: 25 }) ?? []).entries()) {
    const at = [...path, 'options', index];
    const option = form.object(raw, at);
    if (!option) continue;
    const type = form.integer(option, 'type', at, {
      among: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
      required: true,
    });
    const name = form.string(option, 'name', at, { min: 1, max: 32, required: true }) ?? '';
    readName(name, form, [...at, 'name']);
    form.string(option, 'description', at, { min: 1, max: 100, required: true });
    if (names.has(name)) {
      form.fail(
        [...at, 'name'],
        'APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS',
        'Option name already exists',
      );
    }
    names.add(name);
    if (type === SUB_COMMAND || type === SUB_COMMAND_GROUP) {
      readOptions(option, form, at);
      continue;
    }
    if (option.required === true && sawOptional) {
      form.fail(
        at,
        'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
        'Required options must be placed before non-required options',
      );
    }
    if (option.required !== true) sawOptional = true;
    readChoices(option, type ?? 0, form, at);
    form.integer(option, 'min_length', at, { min: 0, max: 6_000 });
    form.integer(option, 'max_length', at, { min: 1, max: 6_000 });
  }
}

function readChoices(option: Json, type: number, form: Form, path: Path): void {
  const choices = form.list(option, 'choices', path, { max: 25 }) ?? [];
  if (choices.length === 0) return;
  if (!WITH_CHOICES.includes(type) || option.autocomplete === true) {
    form.fail(
      [...path, 'choices'],
      'APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID',
      'Choices are not allowed here',
    );
  }
  for (const [index, raw] of choices.entries()) {
    const at = [...path, 'choices', index];
    const choice = form.object(raw, at);
    if (!choice) continue;
    form.string(choice, 'name', at, { min: 1, max: 100, required: true });
    if (typeof choice.value === 'string') form.string(choice, 'value', at, { max: 100 });
  }
}

function readNumbers(
  body: Json,
  key: string,
  among: readonly number[],
  form: Form,
  path: Path,
  allowed: boolean,
): void {
  const values = form.list(body, key, path);
  if (values === undefined) return;
  if (!allowed) {
    form.fail(
      [...path, key],
      'APPLICATION_COMMAND_GUILD_SCOPE_INVALID',
      `${key} is for global commands only`,
    );
  }
  for (const [index, value] of values.entries()) {
    if (!among.some(option => option === value)) form.choices([...path, key, index], among);
  }
}

function definitionOf(body: Json, type: number, global: boolean): Json {
  return {
    name_localizations: body.name_localizations ?? null,
    description: type === ApplicationCommandType.ChatInput ? (body.description ?? '') : '',
    description_localizations: body.description_localizations ?? null,
    options: Array.isArray(body.options) ? body.options : [],
    default_member_permissions: body.default_member_permissions ?? null,
    nsfw: body.nsfw === true,
    ...(global
      ? {
          dm_permission: body.dm_permission ?? true,
          contexts: body.contexts ?? null,
          integration_types: body.integration_types ?? [0],
        }
      : {}),
  };
}

/** docs: the names, descriptions and values of a command and all its options, added up. */
function commandSize(value: unknown): number {
  if (!isJson(value)) return 0;
  let size = 0;
  for (const key of ['name', 'description', 'value']) {
    const text = value[key];
    if (typeof text === 'string') size += text.length;
  }
  for (const key of ['options', 'choices']) {
    const list = value[key];
    if (Array.isArray(list)) size += list.reduce((sum: number, entry) => sum + commandSize(entry), 0);
  }
  return size;
}
