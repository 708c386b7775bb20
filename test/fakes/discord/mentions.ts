// Whom a message pings and which of its links unfold. Rules from Discord's resources/message, "Allowed
// Mentions": a ping needs the mention in the text (or in a Text Display of Components V2), the allowance, and
// for roles and @everyone the permission. Without allowed_mentions an ordinary message parses everything and
// pings the author it replies to; answers to interactions and webhooks parse users only. Text in code is not
// parsed. Links unfold unless the message carries SUPPRESS_EMBEDS, the author lacks EMBED_LINKS, or the link
// stands in angle brackets. Invite links are drawn by the apps from the text itself, so they are listed apart
// and whatever the flags say; no primary source tells whether SUPPRESS_EMBEDS hides them.

import { ComponentType, MessageFlags } from 'discord-api-types/v10';
import { type Form, isJson, type Json } from './form.ts';
import { audience, can, PermissionFlagsBits } from './permissions.ts';
import type { Channel, Mentions, Message, State } from './state.ts';

export interface AllowedMentions {
  parse: ('users' | 'roles' | 'everyone')[];
  users: string[];
  roles: string[];
  repliedUser: boolean;
}

export interface Ping extends Mentions {
  at: number;
  kind: 'create' | 'edit';
  messageId: string;
  channelId: string;
  authorId: string;
  /** The author of the message replied to, when the reply pings. */
  repliedUser: string | null;
  /** Everybody who would get a badge out of it, the author excepted. */
  notified: string[];
  /** SUPPRESS_NOTIFICATIONS: a badge, but no sound and no push. */
  silent: boolean;
  /** Links that unfold into an embed. */
  links: string[];
  /** Invite links that apps draw as a card. */
  invites: string[];
}

export const PARSE_ALL: AllowedMentions = {
  parse: ['users', 'roles', 'everyone'],
  users: [],
  roles: [],
  repliedUser: true,
};

export const PARSE_USERS: AllowedMentions = { parse: ['users'], users: [], roles: [], repliedUser: false };

/** Reads `allowed_mentions`; undefined when the body has none. */
export function readAllowedMentions(body: Json, form: Form): AllowedMentions | undefined {
  const raw = body.allowed_mentions;
  if (raw === undefined || raw === null) return undefined;
  const given = form.object(raw, ['allowed_mentions']);
  if (!given) return undefined;
  const at = ['allowed_mentions'];
  const parse: AllowedMentions['parse'] = [];
  for (const [index, kind] of (form.list(given, 'parse', at) ?? []).entries()) {
    if (kind === 'users' || kind === 'roles' || kind === 'everyone') parse.push(kind);
    else form.choices([...at, 'parse', index], ["'roles'", "'users'", "'everyone'"]);
  }
  const users = (form.list(given, 'users', at, { max: 100 }) ?? []).map(String);
  const roles = (form.list(given, 'roles', at, { max: 100 }) ?? []).map(String);
  for (const [kind, ids] of [
    ['users', users],
    ['roles', roles],
  ] as const) {
    if (parse.includes(kind) && ids.length > 0) {
      form.fail(
        at,
        'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE',
        `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`,
      );
    }
  }
  return { parse, users, roles, repliedUser: form.flag(given, 'replied_user', at) };
}

/** The text that is parsed for mentions: the content, or all Text Displays. */
export function visibleText(content: string, components: readonly Json[]): string {
  return [content, ...components.flatMap(textDisplays)].filter(text => text !== '').join('\n');
}

function textDisplays(component: unknown): string[] {
  if (!isJson(component)) return [];
  const own =
    component.type === ComponentType.TextDisplay && typeof component.content === 'string'
      ? [component.content]
      : [];
  const children = Array.isArray(component.components) ? component.components : [];
  return [...own, ...children.flatMap(textDisplays)];
}

export function resolveMentions(
  state: State,
  channel: Channel,
  authorId: string,
  text: string,
  allowed: AllowedMentions,
): Mentions {
  const plain = withoutCode(text);
  const everybody = can(state, channel, authorId, PermissionFlagsBits.MentionEveryone);
  const guild = channel.guildId === null ? undefined : state.guilds.get(channel.guildId);

  const users = idsIn(plain, /<@!?(\d{17,20})>/g).filter(
    id => state.users.has(id) && (allowed.parse.includes('users') || allowed.users.includes(id)),
  );
  const roles = idsIn(plain, /<@&(\d{17,20})>/g).filter(id => {
    const role = guild?.roles.get(id);
    if (!role || !(role.mentionable || everybody)) return false;
    return allowed.parse.includes('roles') || allowed.roles.includes(id);
  });
  const everyone =
    guild !== undefined &&
    everybody &&
    allowed.parse.includes('everyone') &&
    /@(everyone|here)\b/.test(plain);
  return { users, roles, everyone };
}

export function describePing(
  state: State,
  channel: Channel,
  message: Message,
  kind: Ping['kind'],
  repliedUser: string | null,
  at: number,
): Ping {
  const { mentions } = message;
  const guild = channel.guildId === null ? undefined : state.guilds.get(channel.guildId);
  const notified = audience(state, channel).filter(userId => {
    if (userId === message.authorId) return false;
    if (message.ephemeralFor !== null && message.ephemeralFor !== userId) return false;
    if (mentions.everyone || mentions.users.includes(userId)) return true;
    const member = guild?.members.get(userId);
    return mentions.roles.some(roleId => member?.roles.has(roleId));
  });
  const text = withoutCode(message.content);
  const unfolds =
    !(message.flags & (MessageFlags.SuppressEmbeds | MessageFlags.IsComponentsV2)) &&
    (message.applicationId !== null || can(state, channel, message.authorId, PermissionFlagsBits.EmbedLinks));
  const invites = matches(text, INVITE);
  return {
    ...mentions,
    at,
    kind,
    messageId: message.id,
    channelId: channel.id,
    authorId: message.authorId,
    repliedUser,
    notified,
    silent: Boolean(message.flags & MessageFlags.SuppressNotifications),
    links: unfolds ? matches(text, LINK) : [],
    invites,
  };
}

// A link in angle brackets is not preceded by anything else than its `<`, also inside [text](<link>).
const LINK = /(?<![<\w])https?:\/\/[^\s<>)\]]+/g;
const INVITE = /(?<![<\w/.])(?:https?:\/\/)?(?:www\.)?(?:discord\.gg|discord(?:app)?\.com\/invite)\/[\w-]+/g;

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?```/g, ' ').replace(/(`{1,2})(?!`)[^\n]*?\1/g, ' ');
}

function idsIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].flatMap(match => match[1] ?? []))];
}

function matches(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(match => match[0]))];
}
