// The life of an interaction, from Discord's interactions/receiving-and-responding: one first answer within
// three seconds (10062 after that, 40060 for a second one), a token that lasts fifteen minutes (50027), answers
// that fit the kind of interaction, @original and follow-ups, ephemeral messages that stay so, five follow-ups
// for apps that only the user installed (40094). `allowed_mentions` defaults to users here.

import {
  ApplicationCommandType,
  InteractionResponseType,
  InteractionType,
  MessageFlags,
  MessageType,
} from 'discord-api-types/v10';
import {
  ApiError,
  alreadyAcknowledged,
  emptyMessage,
  unknownInteraction,
  unknownMessage,
  unknownWebhook,
} from './api-error.ts';
import type { UploadedFile } from './body.ts';
import { bodyObject, Form, isJson, type Json } from './form.ts';
import type { Kernel } from './kernel.ts';
import { type MessageDraft, readMessageDraft, readMessagePatch } from './limits/message-body.ts';
import { readModal } from './limits/modals.ts';
import { PARSE_USERS } from './mentions.ts';
import { messagePayload } from './message-payload.ts';
import { edit, isEmpty, post, remove } from './messages.ts';
import { can, PermissionFlagsBits } from './permissions.ts';
import { makeWritable } from './sending.ts';
import { type Channel, channelOf, type Interaction, type Message } from './state.ts';

const DEADLINE_MS = 3_000;
const TOKEN_MS = 15 * 60_000;

/** POST /interactions/:id/:token/callback; the body of a with_response answer. */
export function answerInteraction(
  kernel: Kernel,
  id: string,
  token: string,
  body: unknown,
  files: readonly UploadedFile[],
): Json {
  const interaction = kernel.state.interactions.get(id);
  if (!interaction || interaction.token !== token) throw unknownInteraction();
  if (interaction.answer) throw alreadyAcknowledged();
  if (kernel.clock.now() - interaction.createdAt > DEADLINE_MS) throw unknownInteraction();
  const given = bodyObject(body);
  const type = readType(given, interaction);
  const data = isJson(given.data) ? given.data : {};
  const channel = channelOf(kernel.state, interaction.channelId);
  const answer = { type, at: kernel.clock.now(), messageId: null, modal: null, choices: null };

  switch (type) {
    case InteractionResponseType.ChannelMessageWithSource: {
      const draft = readMessageDraft(data, files, kernel.fileLimit, MessageFlags.Ephemeral);
      if (isEmpty(draft)) throw emptyMessage();
      const message = postAnswer(kernel, channel, interaction, draft, 0);
      interaction.answer = { ...answer, messageId: message.id };
      break;
    }
    case InteractionResponseType.DeferredChannelMessageWithSource: {
      const draft = readMessageDraft(
        { flags: data.flags },
        [],
        kernel.fileLimit,
        MessageFlags.Ephemeral | MessageFlags.Loading,
      );
      draft.flags &= MessageFlags.Ephemeral;
      const message = postAnswer(kernel, channel, interaction, draft, MessageFlags.Loading);
      interaction.answer = { ...answer, messageId: message.id };
      break;
    }
    case InteractionResponseType.DeferredMessageUpdate:
      interaction.answer = { ...answer, messageId: interaction.sourceMessageId };
      break;
    case InteractionResponseType.UpdateMessage: {
      const message = ownMessage(channel, interaction.sourceMessageId ?? '');
      const patch = readMessagePatch(data, files, kernel.fileLimit, message);
      edit(kernel, channel, message, patch, PARSE_USERS);
      interaction.answer = { ...answer, messageId: message.id };
      break;
    }
    case InteractionResponseType.ApplicationCommandAutocompleteResult:
      interaction.answer = { ...answer, choices: readChoices(data) };
      break;
    default:
      interaction.answer = { ...answer, modal: readModal(data, ['data']) };
  }
  kernel.journal.touch();
  return callbackResponse(kernel, interaction, type);
}

function readType(body: Json, interaction: Interaction): InteractionResponseType {
  const form = new Form();
  const allowed = allowedAnswers(interaction);
  const type = form.integer(body, 'type', [], { among: allowed, required: true });
  form.check();
  return type ?? InteractionResponseType.ChannelMessageWithSource;
}

/** docs: 6 and 7 only from a component (or a modal opened by one), 9 not from a modal, 8 for autocomplete. */
function allowedAnswers(interaction: Interaction): number[] {
  if (interaction.type === InteractionType.ApplicationCommandAutocomplete) return [8];
  const answers = [4, 5];
  if (interaction.sourceMessageId !== null) answers.push(6, 7);
  if (interaction.type !== InteractionType.ModalSubmit) answers.push(9);
  return answers;
}

function readChoices(data: Json): Json[] {
  const form = new Form();
  const choices = form.list(data, 'choices', ['data'], { max: 25, required: true }) ?? [];
  const read = choices.map((raw, index) => {
    const at = ['data', 'choices', index];
    const choice = form.object(raw, at) ?? {};
    form.string(choice, 'name', at, { min: 1, max: 100, required: true });
    if (typeof choice.value === 'string') form.string(choice, 'value', at, { max: 100 });
    return choice;
  });
  form.check();
  return read;
}

function postAnswer(
  kernel: Kernel,
  channel: Channel,
  interaction: Interaction,
  draft: MessageDraft,
  extraFlags: number,
): Message {
  // discord-api-docs issue 5517: a callback in a locked, archived thread gets 50083.
  makeWritable(kernel, channel, kernel.state.app.botId);
  const ephemeral = (draft.flags & MessageFlags.Ephemeral) !== 0 || mustBeEphemeral(kernel, interaction);
  const flags = (draft.flags & ~MessageFlags.Ephemeral) | (ephemeral ? MessageFlags.Ephemeral : 0);
  return post(kernel, channel, {
    authorId: kernel.state.app.botId,
    content: draft.content,
    embeds: draft.embeds,
    components: draft.components,
    files: draft.files,
    flags: flags | extraFlags,
    tts: draft.tts,
    allowed: draft.allowed ?? PARSE_USERS,
    ephemeralFor: ephemeral ? interaction.userId : null,
    ...placement(interaction, channel),
  });
}

/** A user-installed app where the member may not use external apps in public answers for their eyes only. */
function mustBeEphemeral(kernel: Kernel, interaction: Interaction): boolean {
  if (interaction.guildId === null || interaction.owners['0'] !== undefined) return false;
  const channel = channelOf(kernel.state, interaction.channelId);
  return !can(kernel.state, channel, interaction.userId, PermissionFlagsBits.UseExternalApps);
}

function placement(interaction: Interaction, channel: Channel) {
  const original = interaction.answer?.messageId ?? null;
  const to = (messageId: string) => ({ messageId, channelId: channel.id, guildId: channel.guildId });
  if (original !== null) {
    return {
      type: MessageType.Reply,
      reference: to(original),
      interaction: { ...interaction.metadata, originalResponseId: original },
    };
  }
  if (interaction.sourceMessageId !== null) {
    return {
      type: MessageType.Reply,
      reference: to(interaction.sourceMessageId),
      interaction: interaction.metadata,
    };
  }
  const isMenu =
    interaction.commandType === ApplicationCommandType.Message ||
    interaction.commandType === ApplicationCommandType.User;
  if (!isMenu) return { type: MessageType.ChatInputCommand, interaction: interaction.metadata };
  return {
    type: MessageType.ContextMenuCommand,
    interaction: interaction.metadata,
    ...(interaction.targetMessageId === null ? {} : { reference: to(interaction.targetMessageId) }),
  };
}

function callbackResponse(kernel: Kernel, interaction: Interaction, type: InteractionResponseType): Json {
  const messageId = interaction.answer?.messageId ?? null;
  const channel = channelOf(kernel.state, interaction.channelId);
  const message = messageId === null ? undefined : channel.messages.get(messageId);
  const created =
    type === InteractionResponseType.ChannelMessageWithSource ||
    type === InteractionResponseType.DeferredChannelMessageWithSource;
  const showsMessage = created || type === InteractionResponseType.UpdateMessage;
  return {
    interaction: {
      id: interaction.id,
      type: interaction.type,
      ...(message && created
        ? {
            response_message_id: message.id,
            response_message_loading: (message.flags & MessageFlags.Loading) !== 0,
            response_message_ephemeral: message.ephemeralFor !== null,
          }
        : {}),
    },
    resource: {
      type,
      ...(message && showsMessage ? { message: messagePayload(kernel, message, true) } : {}),
    },
  };
}

/** The interaction behind a token that can still be used. */
export function liveInteraction(kernel: Kernel, applicationId: string, token: string): Interaction {
  const interaction = kernel.state.interactionsByToken.get(token);
  if (!interaction || applicationId !== kernel.state.app.id) throw unknownWebhook();
  if (kernel.clock.now() - interaction.createdAt > TOKEN_MS) {
    throw new ApiError(401, 50027, 'Invalid Webhook Token');
  }
  if (!interaction.answer) throw unknownWebhook();
  return interaction;
}

/** POST /webhooks/:application/:token */
export function followUp(
  kernel: Kernel,
  interaction: Interaction,
  body: unknown,
  files: readonly UploadedFile[],
): Message {
  const channel = channelOf(kernel.state, interaction.channelId);
  const original = channel.messages.get(interaction.answer?.messageId ?? '');
  if (original && original.deletedAt === null && original.flags & MessageFlags.Loading) {
    return editAnswer(kernel, interaction, '@original', body, files);
  }
  const onlyUserInstalled = interaction.owners['0'] === undefined;
  if (onlyUserInstalled && interaction.followUpIds.length >= 5) {
    throw new ApiError(400, 40094, 'This interaction has hit the maximum number of follow up messages.');
  }
  const given = bodyObject(body);
  const draft = readMessageDraft(given, files, kernel.fileLimit, MessageFlags.Ephemeral);
  if (isEmpty(draft)) throw emptyMessage();
  const message = postAnswer(kernel, channel, interaction, draft, 0);
  interaction.followUpIds.push(message.id);
  return message;
}

/** The message `@original` or a follow-up of this interaction. */
export function answerMessage(kernel: Kernel, interaction: Interaction, which: string): Message {
  const channel = channelOf(kernel.state, interaction.channelId);
  const original = interaction.answer?.messageId ?? null;
  const id = which === '@original' ? original : which;
  const isOurs = id !== null && (id === original || interaction.followUpIds.includes(id));
  if (!isOurs) throw unknownMessage();
  return ownMessage(channel, id);
}

/** PATCH /webhooks/:application/:token/messages/:message; the first edit ends the loading state. */
export function editAnswer(
  kernel: Kernel,
  interaction: Interaction,
  which: string,
  body: unknown,
  files: readonly UploadedFile[],
): Message {
  const channel = channelOf(kernel.state, interaction.channelId);
  const message = answerMessage(kernel, interaction, which);
  const patch = readMessagePatch(bodyObject(body), files, kernel.fileLimit, message);
  patch.flags &= ~MessageFlags.Loading;
  edit(kernel, channel, message, patch, PARSE_USERS);
  return message;
}

export function deleteAnswer(kernel: Kernel, interaction: Interaction, which: string): void {
  const channel = channelOf(kernel.state, interaction.channelId);
  remove(kernel, channel, answerMessage(kernel, interaction, which));
}

function ownMessage(channel: Channel, id: string): Message {
  const message = channel.messages.get(id);
  if (!message || message.deletedAt !== null) throw unknownMessage();
  return message;
}
