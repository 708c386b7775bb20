// Makes an interaction: the record the callback endpoint looks up, and INTERACTION_CREATE for the shard of its
// server, or shard 0 (docs, interactions/receiving-and-responding, "Interaction Structure").

import { randomBytes } from 'node:crypto';
import type { ApplicationCommandType, ComponentType, InteractionType } from 'discord-api-types/v10';
import type { Json } from '../form.ts';
import type { Kernel } from '../kernel.ts';
import { messagePayload } from '../message-payload.ts';
import { channelPayload, memberPayload, userById } from '../payloads.ts';
import { PermissionFlagsBits, permissionsIn } from '../permissions.ts';
import type { Channel, Interaction, InteractionMetadata, Message, State } from '../state.ts';

export interface InteractionSeed {
  type: InteractionType;
  userId: string;
  channel: Channel;
  owners: Record<string, string>;
  data: Json;
  commandType?: ApplicationCommandType;
  commandName?: string;
  componentType?: ComponentType;
  /** The message whose component was used. */
  source?: Message;
  /** The message a message command was used on. */
  target?: Message;
  /** The interaction that opened the modal. */
  opener?: Interaction;
}

export function raise(kernel: Kernel, seed: InteractionSeed): Interaction {
  const { state, ids, clock } = kernel;
  const { channel, userId } = seed;
  const id = ids.next();
  const metadata: InteractionMetadata = {
    id,
    type: seed.type,
    userId,
    name: seed.commandName ?? null,
    owners: seed.owners,
    originalResponseId: null,
    interactedMessageId: seed.opener ? null : (seed.source?.id ?? null),
    targetMessageId: seed.target?.id ?? null,
    triggering: seed.opener?.metadata ?? null,
  };
  const interaction: Interaction = {
    id,
    token: randomBytes(48).toString('base64url'),
    type: seed.type,
    userId,
    guildId: channel.guildId,
    channelId: channel.id,
    createdAt: clock.now(),
    context: channel.guildId !== null ? 0 : channel.recipients.includes(state.app.botId) ? 1 : 2,
    owners: seed.owners,
    metadata,
    commandType: seed.commandType ?? null,
    sourceMessageId: seed.source?.id ?? null,
    targetMessageId: seed.target?.id ?? null,
    componentType: seed.componentType ?? null,
    answer: null,
    followUpIds: [],
  };
  state.interactions.set(id, interaction);
  state.interactionsByToken.set(interaction.token, interaction);
  const payload = interactionPayload(kernel, interaction, seed);
  // docs, interactions/overview: through the gateway or to an endpoint, never both.
  if (state.app.interactionsEndpointUrl !== null) return interaction;
  kernel.emit({
    name: 'INTERACTION_CREATE',
    intents: 0,
    guildId: channel.guildId,
    render: () => payload,
  });
  return interaction;
}

function interactionPayload(kernel: Kernel, interaction: Interaction, seed: InteractionSeed): Json {
  const { state } = kernel;
  const { channel, userId } = seed;
  const guild = channel.guildId === null ? undefined : state.guilds.get(channel.guildId);
  const member = guild?.members.get(userId);
  const user = userById(state, userId);
  const permissions = String(permissionsIn(state, channel, userId));
  return {
    id: interaction.id,
    application_id: state.app.id,
    type: interaction.type,
    token: interaction.token,
    version: 1,
    data: seed.data,
    channel_id: channel.id,
    channel: { ...channelPayload(state, channel, state.app.botId), permissions },
    ...(guild
      ? {
          guild_id: guild.id,
          guild: { id: guild.id, locale: 'en-US', features: [] },
          guild_locale: 'en-US',
        }
      : {}),
    ...(member ? { member: { ...memberPayload(member), permissions, user } } : { user }),
    ...(seed.source ? { message: messagePayload(kernel, seed.source, true) } : {}),
    app_permissions: String(appPermissions(state, channel)),
    locale: 'en-US',
    entitlements: [],
    authorizing_integration_owners: interaction.owners,
    context: interaction.context,
    attachment_size_limit: kernel.fileLimit,
  };
}

/** docs: in DMs of other people the app has these three; the same is assumed for servers without the bot. */
function appPermissions(state: State, channel: Channel): bigint {
  return (
    permissionsIn(state, channel, state.app.botId) ||
    PermissionFlagsBits.AttachFiles | PermissionFlagsBits.EmbedLinks | PermissionFlagsBits.MentionEveryone
  );
}
