// What makes interactions: commands, buttons, selects and modals, with the payloads of Discord's
// interactions/receiving-and-responding. Context and authorizing owners follow from where the person is and
// how the app is installed: "0" for the server that has the app (or "0" in the bot's DM), "1" for a user
// install, each only when the command supports it.

import { ApplicationCommandType, ComponentType, InteractionType } from 'discord-api-types/v10';
import { isJson, type Json } from '../form.ts';
import type { Kernel } from '../kernel.ts';
import { modalInputs } from '../limits/modals.ts';
import { attachmentPayload, messagePayload } from '../message-payload.ts';
import { keepFiles } from '../messages.ts';
import { userById } from '../payloads.ts';
import { can, canView, PermissionFlagsBits } from '../permissions.ts';
import {
  type Channel,
  type Command,
  channelOf,
  findMessage,
  type Interaction,
  type Message,
} from '../state.ts';
import { fillModal, type ModalFiles, type ModalValues, newFile } from './modal-form.ts';
import { type InteractionSeed, raise } from './raise.ts';

export interface SlashOptions {
  /** Names of subcommand group and subcommand, outermost first. */
  path?: readonly string[];
  values?: Record<string, string | number | boolean>;
}

export interface Acts {
  slash(channelId: string, name: string, options?: SlashOptions): Interaction;
  autocomplete(
    channelId: string,
    name: string,
    focused: string,
    typed: string,
    options?: SlashOptions,
  ): Interaction;
  messageCommand(name: string, messageId: string): Interaction;
  press(messageId: string, customId: string): Interaction;
  select(messageId: string, customId: string, values: readonly string[]): Interaction;
  /** `files`: for its file uploads. */
  submit(opened: Interaction, values: ModalValues, files?: ModalFiles): Interaction;
}

export function createActs(kernel: Kernel, userId: string): Acts {
  const { state } = kernel;

  function useCommand(
    channel: Channel,
    type: ApplicationCommandType,
    name: string,
    data: (command: Command) => Json,
    more: Partial<InteractionSeed> = {},
  ): Interaction {
    const command = findCommand(channel, type, name);
    const owners = ownersFor(channel, command);
    if (Object.keys(owners).length === 0) throw new Error(`/${name} is not offered in this place`);
    return raise(kernel, {
      type: InteractionType.ApplicationCommand,
      userId,
      channel,
      owners,
      commandType: type,
      commandName: name,
      data: {
        id: command.id,
        name,
        type,
        ...(command.guildId === null ? {} : { guild_id: command.guildId }),
        ...data(command),
      },
      ...more,
    });
  }

  function findCommand(channel: Channel, type: ApplicationCommandType, name: string): Command {
    const mustSee = channel.guildId !== null || channel.recipients.length > 0;
    if (mustSee && !canView(state, channel, userId)) throw new Error('this person cannot see the channel');
    if (
      channel.guildId !== null &&
      !can(state, channel, userId, PermissionFlagsBits.UseApplicationCommands)
    ) {
      throw new Error('this person may not use commands here');
    }
    const found = [...state.app.commands.values()].filter(
      command =>
        command.name === name &&
        command.type === type &&
        (command.guildId === null || command.guildId === channel.guildId),
    );
    const command = found.find(candidate => candidate.guildId !== null) ?? found[0];
    if (!command) throw new Error(`the app has no command ${name} here`);
    const needed = command.definition.default_member_permissions;
    if (
      channel.guildId !== null &&
      typeof needed === 'string' &&
      !can(state, channel, userId, BigInt(needed))
    ) {
      throw new Error(`this person may not use ${name} here`);
    }
    const { contexts } = command.definition;
    if (Array.isArray(contexts) && !contexts.includes(contextOf(channel))) {
      throw new Error(`the command ${name} is not offered in this place`);
    }
    return command;
  }

  function contextOf(channel: Channel): 0 | 1 | 2 {
    if (channel.guildId !== null) return 0;
    return channel.recipients.includes(state.app.botId) ? 1 : 2;
  }

  function ownersFor(channel: Channel, command: Command | null): Record<string, string> {
    const given = command?.definition.integration_types;
    const types = Array.isArray(given) ? given : command ? [0] : [0, 1];
    const context = contextOf(channel);
    const owners: Record<string, string> = {};
    const guild = channel.guildId === null ? undefined : state.guilds.get(channel.guildId);
    if (types.includes(0) && guild?.members.has(state.app.botId)) owners['0'] = guild.id;
    if (types.includes(0) && context === 1) owners['0'] = '0';
    if (types.includes(1) && state.app.userInstalls.has(userId)) owners['1'] = userId;
    return owners;
  }

  function useComponent(messageId: string, customId: string, values?: readonly string[]): Interaction {
    const message = findMessage(state, messageId);
    if (!message || message.deletedAt !== null) throw new Error(`there is no message ${messageId}`);
    const channel = channelOf(state, message.channelId);
    if (message.ephemeralFor !== null ? message.ephemeralFor !== userId : !canView(state, channel, userId)) {
      throw new Error('this person cannot see the message');
    }
    const component = findComponent(message.components, customId);
    if (!component) throw new Error(`the message has no component ${customId}`);
    if (component.disabled === true) throw new Error(`the component ${customId} is disabled`);
    const isButton = component.type === ComponentType.Button;
    if (isButton !== (values === undefined))
      throw new Error(`${customId} is ${isButton ? 'a button' : 'a select'}`);
    const componentType = component.type as ComponentType;
    return raise(kernel, {
      type: InteractionType.MessageComponent,
      userId,
      channel,
      owners: message.interaction?.owners ?? ownersFor(channel, null),
      componentType,
      source: message,
      data: {
        id: component.id,
        custom_id: customId,
        component_type: componentType,
        ...(values === undefined ? {} : selection(component, values)),
      },
    });
  }

  function selection(component: Json, values: readonly string[]): Json {
    const max = typeof component.max_values === 'number' ? component.max_values : 1;
    const min = typeof component.min_values === 'number' ? component.min_values : 1;
    if (values.length < min || values.length > max) throw new Error(`choose ${min} to ${max} values`);
    if (component.type !== ComponentType.StringSelect) return { values, resolved: resolve(values) };
    const options = Array.isArray(component.options) ? component.options.filter(isJson) : [];
    for (const value of values) {
      if (!options.some(option => option.value === value))
        throw new Error(`no option has the value ${value}`);
    }
    return { values };
  }

  function resolve(ids: readonly string[]): Json {
    const users = ids.filter(id => state.users.has(id));
    return { users: Object.fromEntries(users.map(id => [id, userById(state, id)])) };
  }

  function commandOptions(command: Command, { path = [], values = {} }: SlashOptions): Json[] {
    const walk = (options: unknown, rest: readonly string[]): Json[] => {
      const list = Array.isArray(options) ? options.filter(isJson) : [];
      const [next, ...deeper] = rest;
      if (next !== undefined) {
        const sub = list.find(option => option.name === next);
        if (!sub) throw new Error(`the command has no part ${next}`);
        return [{ name: next, type: sub.type, options: walk(sub.options, deeper) }];
      }
      for (const option of list) {
        if (option.required === true && !(String(option.name) in values)) {
          throw new Error(`the option ${String(option.name)} is required`);
        }
      }
      return Object.entries(values).map(([name, value]) => {
        const option = list.find(candidate => candidate.name === name);
        if (!option) throw new Error(`the command has no option ${name}`);
        return { name, type: option.type, value };
      });
    };
    return walk(command.definition.options, path);
  }

  return {
    slash: (channelId, name, options = {}) =>
      useCommand(channelOf(state, channelId), ApplicationCommandType.ChatInput, name, command => ({
        options: commandOptions(command, options),
      })),
    autocomplete: (channelId, name, focused, typed, options = {}) =>
      useCommand(
        channelOf(state, channelId),
        ApplicationCommandType.ChatInput,
        name,
        command => {
          const filled = { ...options, values: { ...options.values, [focused]: typed } };
          return { options: markFocused(commandOptions(command, filled), focused) };
        },
        { type: InteractionType.ApplicationCommandAutocomplete },
      ),
    messageCommand(name, messageId) {
      const target = findMessage(state, messageId);
      if (!target) throw new Error(`there is no message ${messageId}`);
      const channel = channelOf(state, target.channelId);
      return useCommand(
        channel,
        ApplicationCommandType.Message,
        name,
        () => ({
          target_id: target.id,
          // The message a command is used on always comes with its content.
          resolved: { messages: { [target.id]: messagePayload(kernel, target, true) } },
        }),
        { target },
      );
    },
    press: (messageId, customId) => useComponent(messageId, customId),
    select: (messageId, customId, values) => useComponent(messageId, customId, values),
    submit(opened, values, files = {}) {
      const modal = opened.answer?.modal;
      if (!modal) throw new Error('this interaction was not answered with a modal');
      const channel = channelOf(state, opened.channelId);
      const source = opened.sourceMessageId === null ? undefined : findMessage(state, opened.sourceMessageId);
      const uploads = Object.entries(files).map(([customId, some]) => ({
        customId,
        attachments: keepFiles(kernel, channel, some.map(newFile), true),
      }));
      const chosen = uploads.map(it => [it.customId, it.attachments.map(({ id }) => id)] as const);
      const payloads = uploads
        .flatMap(it => it.attachments)
        .map(it => [it.id, attachmentPayload(kernel, channel.id, it)] as const);
      return raise(kernel, {
        type: InteractionType.ModalSubmit,
        userId,
        channel,
        owners: opened.owners,
        opener: opened,
        ...(source ? { source } : {}),
        data: {
          custom_id: modal.custom_id,
          components: fillModal(modal, modalInputs(modal), { ...values, ...Object.fromEntries(chosen) }),
          resolved: payloads.length === 0 ? {} : { attachments: Object.fromEntries(payloads) },
        },
      });
    },
  };
}

function markFocused(options: readonly Json[], focused: string): Json[] {
  return options.map(option => ({
    ...option,
    ...(option.name === focused && 'value' in option ? { focused: true } : {}),
    ...(Array.isArray(option.options)
      ? { options: markFocused(option.options.filter(isJson), focused) }
      : {}),
  }));
}

/** The component with that custom id, at any depth. */
export function findComponent(components: readonly unknown[], customId: string): Json | undefined {
  for (const component of components) {
    if (!isJson(component)) continue;
    if (component.custom_id === customId) return component;
    const children = Array.isArray(component.components) ? component.components : [];
    const found = findComponent([...children, component.accessory], customId);
    if (found) return found;
  }
  return undefined;
}

/** Custom ids of everything a message offers, in order: what a test can press. */
export function customIdsOf(message: Message): string[] {
  const walk = (component: unknown): string[] => {
    if (!isJson(component)) return [];
    const own = typeof component.custom_id === 'string' ? [component.custom_id] : [];
    const children = Array.isArray(component.components) ? component.components : [];
    return [...own, ...[...children, component.accessory].flatMap(walk)];
  };
  return message.components.flatMap(walk);
}
