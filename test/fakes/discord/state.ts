// What the fake remembers: users, servers, channels, messages with their edits, interactions, commands. Plain
// records in maps; the rules live in the modules that change them. Snowflakes keep messages in order.

import {
  ChannelType,
  type ComponentType,
  type InteractionType,
  type MessageType,
} from 'discord-api-types/v10';
import { unknownChannel, unknownMessage } from './api-error.ts';
import type { Json } from './form.ts';

export interface User {
  id: string;
  username: string;
  globalName: string | null;
  bot: boolean;
  /** Whether this person takes direct messages from the bot (50007 otherwise). */
  acceptsDms: boolean;
}

export interface Role {
  id: string;
  name: string;
  permissions: bigint;
  mentionable: boolean;
  position: number;
  managed: boolean;
}

export interface Member {
  userId: string;
  roles: Set<string>;
  nick: string | null;
  joinedAt: number;
}

export interface Guild {
  id: string;
  name: string;
  ownerId: string;
  roles: Map<string, Role>;
  members: Map<string, Member>;
  unavailable: boolean;
}

export interface Overwrite {
  id: string;
  type: 'role' | 'member';
  allow: bigint;
  deny: bigint;
}

export interface Thread {
  ownerId: string;
  archived: boolean;
  locked: boolean;
  autoArchiveMinutes: number;
  archiveChangedAt: number;
  createdAt: number;
  lastActivityAt: number;
  members: Map<string, number>;
  messageCount: number;
  totalMessageSent: number;
}

export interface Channel {
  id: string;
  type: ChannelType;
  guildId: string | null;
  parentId: string | null;
  name: string | null;
  topic: string | null;
  position: number;
  overwrites: Overwrite[];
  /** Users of a DM or group DM, the bot included when it takes part. */
  recipients: string[];
  /** Seconds between two messages of one member, 0 for none. */
  slowmodeSeconds: number;
  lastMessageId: string | null;
  thread: Thread | null;
  messages: Map<string, Message>;
}

export interface Attachment {
  id: string;
  filename: string;
  contentType: string | null;
  description: string | null;
  data: Buffer;
  ephemeral: boolean;
}

export interface Mentions {
  users: string[];
  roles: string[];
  everyone: boolean;
}

export interface Revision {
  at: number;
  content: string;
  embeds: Json[];
  components: Json[];
  flags: number;
}

export interface InteractionMetadata {
  id: string;
  type: InteractionType;
  userId: string;
  name: string | null;
  owners: Record<string, string>;
  originalResponseId: string | null;
  interactedMessageId: string | null;
  targetMessageId: string | null;
  triggering: InteractionMetadata | null;
}

/** A subset of a message (docs, resources/message, "Message Snapshot Object"); it names no author. */
export type Snapshot = Pick<
  Message,
  | 'type'
  | 'channelId'
  | 'content'
  | 'embeds'
  | 'components'
  | 'attachments'
  | 'stickers'
  | 'flags'
  | 'mentions'
  | 'createdAt'
  | 'editedAt'
>;

export interface Message {
  id: string;
  channelId: string;
  type: MessageType;
  authorId: string;
  webhook: { id: string; name: string } | null;
  /** Set on messages that answer an interaction. */
  applicationId: string | null;
  content: string;
  embeds: Json[];
  /** Link previews Discord added by itself. */
  unfurled: Json[];
  components: Json[];
  attachments: Attachment[];
  poll: Json | null;
  stickers: Json[];
  flags: number;
  tts: boolean;
  nonce: string | number | null;
  reference: { messageId: string | null; channelId: string; guildId: string | null } | null;
  /** The message it forwards, as that was when it was forwarded. */
  snapshot: Snapshot | null;
  mentions: Mentions;
  createdAt: number;
  editedAt: number | null;
  deletedAt: number | null;
  /** The only person who sees an ephemeral message; null for everybody. */
  ephemeralFor: string | null;
  hasThread: boolean;
  interaction: InteractionMetadata | null;
  reactions: Map<string, Set<string>>;
  /** Every text this message has had, the first one first. */
  history: Revision[];
}

export interface Command {
  id: string;
  guildId: string | null;
  type: number;
  name: string;
  version: string;
  /** The command as registered, without the fields above. */
  definition: Json;
}

/** What the bot answered first: the callback, and where it led. */
export interface InteractionAnswer {
  type: number;
  at: number;
  /** The message that @original means; null for modals and autocomplete. */
  messageId: string | null;
  modal: Json | null;
  choices: Json[] | null;
}

export interface Interaction {
  id: string;
  token: string;
  type: InteractionType;
  userId: string;
  guildId: string | null;
  channelId: string;
  createdAt: number;
  context: 0 | 1 | 2;
  owners: Record<string, string>;
  metadata: InteractionMetadata;
  commandType: number | null;
  /** The message whose component was used, also behind a modal opened from it. */
  sourceMessageId: string | null;
  targetMessageId: string | null;
  componentType: ComponentType | null;
  answer: InteractionAnswer | null;
  followUpIds: string[];
}

export interface Application {
  id: string;
  name: string;
  token: string;
  botId: string;
  ownerId: string;
  privileged: { messageContent: boolean; guildMembers: boolean; presences: boolean };
  verified: boolean;
  /** Set: interactions are posted there, and the gateway has none of them. */
  interactionsEndpointUrl: string | null;
  requireCodeGrant: boolean;
  /** Users who installed the app for themselves. */
  userInstalls: Set<string>;
  commands: Map<string, Command>;
  /** Creates of commands in the current day, by scope (`global` or a guild id). */
  commandCreates: Map<string, { day: number; count: number }>;
}

export interface State {
  app: Application;
  users: Map<string, User>;
  guilds: Map<string, Guild>;
  channels: Map<string, Channel>;
  attachments: Map<string, { channelId: string; attachment: Attachment }>;
  interactions: Map<string, Interaction>;
  interactionsByToken: Map<string, Interaction>;
  /** Recent nonces of one author: what enforce_nonce compares with. */
  nonces: Map<string, { message: Message; at: number }>;
  /** The last message of each member in each channel, for slow mode. */
  lastSent: Map<string, number>;
}

export function createState(app: Application): State {
  return {
    app,
    users: new Map(),
    guilds: new Map(),
    channels: new Map(),
    attachments: new Map(),
    interactions: new Map(),
    interactionsByToken: new Map(),
    nonces: new Map(),
    lastSent: new Map(),
  };
}

export function channelOf(state: State, id: string): Channel {
  const channel = state.channels.get(id);
  if (!channel) throw unknownChannel();
  return channel;
}

/** A message that still exists, in that channel. */
export function messageOf(channel: Channel, id: string): Message {
  const message = channel.messages.get(id);
  if (!message || message.deletedAt !== null) throw unknownMessage();
  return message;
}

export function findMessage(state: State, id: string): Message | undefined {
  for (const channel of state.channels.values()) {
    const message = channel.messages.get(id);
    if (message) return message;
  }
  return undefined;
}

export function userOf(state: State, id: string): User {
  const user = state.users.get(id);
  if (!user) throw new Error(`the fake knows no user ${id}`);
  return user;
}

export function isDm(channel: Channel): boolean {
  return channel.type === ChannelType.DM || channel.type === ChannelType.GroupDM;
}

export function isForum(channel: Channel): boolean {
  return channel.type === ChannelType.GuildForum || channel.type === ChannelType.GuildMedia;
}

/** The DM of exactly these people, if they have one. */
export function findDm(state: State, userIds: readonly string[]): Channel | undefined {
  const wanted = [...userIds].sort().join();
  for (const channel of state.channels.values()) {
    if (isDm(channel) && [...channel.recipients].sort().join() === wanted) return channel;
  }
  return undefined;
}
