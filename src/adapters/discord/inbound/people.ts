import { GuildMember, type Interaction } from 'discord.js';
import type { Person } from '../../../core/message.ts';

export const PLATFORM = 'discord';

/** Discord's user ids hold everywhere, so that one person in two servers is one person. */
const WORKSPACE = 'discord';

export function personOf(author: { id: string; name: string }): Person {
  return { platform: PLATFORM, workspace: WORKSPACE, id: author.id, name: author.name };
}

/** Who used a command, a button or a form. */
export function personBehind(interaction: Interaction): Person {
  const { member, user } = interaction;
  const nick = member instanceof GuildMember ? member.nickname : member?.nick;
  return personOf({ id: user.id, name: nick ?? user.displayName });
}
