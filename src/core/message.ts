/** What every platform's payload becomes. Plain data: it is stored in the inbox and may outlive the process. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Someone the bot can know. `workspace` is the scope in which the platform's user ids are unique
 * (a Slack workspace; one constant on Discord, where ids are global). `name` is for display only.
 */
export interface Person {
  platform: string;
  workspace: string;
  id: string;
  name: string;
}

/**
 * One person talking in one place. Each speaker in a shared thread has a conversation of their own, and so
 * a session and a memory of their own.
 */
export interface Conversation {
  person: Person;
  channel: string;
  /** A thread inside the channel, or null where the channel itself is the conversation. */
  thread: string | null;
  /** `private`: only this person reads it. `shared`: others can. */
  audience: 'private' | 'shared';
}

/** A file the person shared. Bytes stay at the platform until the turn runs. */
export interface Attachment {
  name: string;
  /** e.g. "image/png", "application/pdf" */
  mediaType: string;
  sizeBytes: number;
  /** Where the adapter finds the bytes; opaque to the core. */
  source: Json;
}

/** Something another person said in the same thread, since this person last spoke to the bot. */
export interface Quote {
  author: string;
  text: string;
}

export interface Message {
  /** The platform's own id of this message, unique within the conversation; deliveries are deduplicated by it. */
  id: string;
  conversation: Conversation;
  text: string;
  attachments: Attachment[];
  context: Quote[];
  /** Where the adapter answers; opaque to the core. */
  replyTo: Json;
}

/** What a person asks about their own memory, by command, button or form. */
export interface Command {
  person: Person;
  action: CommandAction;
}

export type CommandAction =
  | { type: 'view' }
  | { type: 'show'; memoryId: string }
  | { type: 'forget'; memoryId: string }
  | { type: 'undo'; noticeId: string }
  | { type: 'notices'; mode: NoticeMode | 'default' };

/** Where memory-update notices go: under the reply, to the person alone, or nowhere. */
export type NoticeMode = 'thread' | 'private' | 'off';

/** Stable, collision-free key of a person; also what makes two people two. */
export function personKey(person: Person): string {
  return [person.platform, person.workspace, person.id].map(encodeURIComponent).join('/');
}

/** Stable, collision-free key of a conversation; starts with its person's key. */
export function conversationKey(conversation: Conversation): string {
  const place = [conversation.channel, conversation.thread ?? ''].map(encodeURIComponent).join('/');
  return `${personKey(conversation.person)}/${place}`;
}
