/**
 * What discord.js takes for granted in what is delivered, filled in before it looks: it throws where these are
 * missing, and other servers that speak Discord's API may leave them out. Fields as in Discord's
 * interactions/receiving-and-responding.
 */

import { ApplicationIntegrationType, ChannelType, InteractionContextType } from 'discord.js';
import { z } from 'zod';

/** What Discord takes of a file where nothing is said (Discord, reference, "Uploading Files"). */
const FILE_LIMIT = 10 * 1024 * 1024;

/** `applicationId` is the bot's own user id as well, but for older applications. */
export function fillInReady(raw: object, applicationId: string): void {
  fillIn(raw, { user: { id: applicationId }, guilds: [], application: { id: applicationId } });
}

const given = z.object({
  guild_id: z.string().nullish(),
  channel_id: z.string().nullish(),
  channel: z.object({ type: z.number().optional() }).nullish(),
  authorizing_integration_owners: z.record(z.string(), z.string()).nullish(),
});

export function fillInInteraction(raw: object): void {
  const it = given.safeParse(raw).data;
  if (it === undefined) return;
  const guildId = it.guild_id ?? undefined;
  const { GuildInstall } = ApplicationIntegrationType;
  // Where nothing is said of who installed the bot, there are no bots that one person alone has with them.
  const owners = it.authorizing_integration_owners ?? { [GuildInstall]: guildId ?? '0' };
  const isOwnDm = it.channel?.type !== ChannelType.GroupDM && owners[GuildInstall] === '0';
  fillIn(raw, {
    ...(it.channel_id == null ? {} : { channel: { id: it.channel_id } }),
    context:
      guildId !== undefined
        ? InteractionContextType.Guild
        : isOwnDm
          ? InteractionContextType.BotDM
          : InteractionContextType.PrivateChannel,
    authorizing_integration_owners: owners,
    entitlements: [],
    attachment_size_limit: FILE_LIMIT,
  });
}

function fillIn(raw: object, missing: object): void {
  for (const [field, value] of Object.entries(missing)) {
    if (Reflect.get(raw, field) == null) Reflect.set(raw, field, value);
  }
}
