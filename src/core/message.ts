/** What every platform's payload becomes. Plain data: it is stored in the inbox and may outlive the process. */

import { z } from 'zod';

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

/** Something that was said in the same thread, not to the bot, since this person last spoke to it. */
export interface Quote {
  author: string;
  text: string;
  /** This person wrote it themself, as the platform says; never what they only passed on. Everything else is by others. */
  own?: true;
}

export interface Message {
  /** The platform's own id of this message, unique within the conversation; deliveries are deduplicated by it. */
  id: string;
  conversation: Conversation;
  text: string;
  attachments: Attachment[];
  /** In the order in which it was said. */
  context: Quote[];
  /** What `context` lacks of the thread: what came before it, what came after it, or all there was. Left out: nothing. */
  unquoted?: 'earlier' | 'later' | 'all';
  /** Where the adapter answers; opaque to the core. */
  replyTo: Json;
}

/** What a person asks about their own memory, by command, button or form. */
export interface Command {
  person: Person;
  /** Where it was given, if that is a place where the person talks with the bot: what `private` and `why` are about. */
  conversation?: Conversation;
  action: CommandAction;
}

/** Fields that are known by all the words people and agents have for them; see `memory.form` of agent.yml. */
export const FIELD_NAMES = [
  'shoe_size',
  'clothing_sizes',
  'budget',
  'brands_liked',
  'brands_avoided',
  'materials_avoided',
  'colours_liked',
  'style',
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];

/** Where memory-update notices go: under the reply, to the person alone, or nowhere. */
export const NOTICE_MODES = ['thread', 'private', 'off'] as const;

export type NoticeMode = (typeof NOTICE_MODES)[number];

/** What a person may choose: `on` is as it was set up here, or where that is off, to them alone. */
export const noticeChoice = z.enum([...NOTICE_MODES, 'default', 'on']);

export type NoticeChoice = z.infer<typeof noticeChoice>;

const text = z.string();
const confirmed = z.boolean().exactOptional();
const action = <Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) =>
  z.object({ type: z.literal(type), ...fields });

/**
 * Ids and revisions are short (a button may carry them) and come from a view. A `revision` names the text the
 * person saw: when another stands there by now, nothing is overwritten and a conflict comes back.
 */
export const commandActionSchema = z.discriminatedUnion('type', [
  action('view', {}),
  action('show', { memoryId: text }),
  /** The usual facts as a form. */
  action('form', {}),
  /** Fields left out stay as they are; an empty one is forgotten. `formId`: as the form said, if there was one. */
  action('set', { values: z.record(text, text), formId: text.exactOptional() }),
  /** A field and its value as they were typed: "shoe size 9"; a dash as the value forgets it. */
  action('set-typed', { words: text }),
  /** A file to be changed freely, or (without an id) a new one. */
  action('editor', { memoryId: text.exactOptional(), title: text.exactOptional() }),
  action('edit', { memoryId: text, revision: text, content: text }),
  action('create', { title: text, content: text }),
  /** What to keep after a conflict: the person's text, what is there now, or neither yet. */
  action('resolve', { conflictId: text, choice: z.enum(['mine', 'theirs', 'again']) }),
  /** One file, or with `factId` one fact. Without `confirmed` the platform has asked already; false: asks. */
  action('forget', {
    memoryId: text,
    factId: text.exactOptional(),
    revision: text.exactOptional(),
    confirmed,
  }),
  /** What was learned since a moment (ISO 8601), up to `until`, which the confirmation sets. */
  action('forget-since', { since: text, until: text.exactOptional(), confirmed }),
  /**
   * What no note says any more, out of earlier versions: looked for by its `words`, which always asks; then one fact,
   * or a note that says nothing now.
   */
  action('forget-past', {
    words: text.exactOptional(),
    memoryId: text.exactOptional(),
    factId: text.exactOptional(),
    confirmed,
  }),
  action('forget-me', { confirmed }),
  /** `page` counts from 0, newest first; `memoryId`: of one file. */
  action('history', { page: z.number().exactOptional(), memoryId: text.exactOptional() }),
  action('restore', { versionId: text, revision: text.exactOptional() }),
  /** Of a notice whose changes are held: they are dropped. Without a notice: the last change, whoever made it. */
  action('undo', { noticeId: text.exactOptional() }),
  /** Makes changes that are held until the person has agreed. Without a notice: those that were asked about last. */
  action('keep', { noticeId: text.exactOptional() }),
  action('pause', {}),
  action('resume', {}),
  action('private', { on: z.boolean() }),
  action('notices', { mode: noticeChoice }),
  /** `on`: one file may be used where others can read what I say, `confirmed` as in `forget`; off: in private only, as at first. */
  action('share', { memoryId: text, on: z.boolean(), confirmed }),
  /** Without a code: gives one, for the person to use from their account elsewhere. With one: asks, then links. */
  action('link', { code: text.exactOptional(), confirmed }),
  /** This account gets a copy of the memory and goes its own way. */
  action('unlink', { confirmed }),
  action('export', { format: z.enum(['json', 'markdown']) }),
  /** Which memories a reply used; without `messageId` (the message it answered) the latest in the conversation. */
  action('why', { messageId: text.exactOptional() }),
]);

export type CommandAction = z.infer<typeof commandActionSchema>;

export type Action<T extends CommandAction['type']> = Extract<CommandAction, { type: T }>;

const LOOKING: readonly CommandAction['type'][] = [
  'view',
  'show',
  'form',
  'editor',
  'history',
  'export',
  'why',
];

/** True for what leaves everything as it is. */
export function onlyLooks(action: CommandAction): boolean {
  return LOOKING.includes(action.type);
}

/** Stable, collision-free key of a person; also what makes two people two. */
export function personKey(person: Person): string {
  return [person.platform, person.workspace, person.id].map(encodeURIComponent).join('/');
}

export function isSamePerson(one: Person, other: Person): boolean {
  return personKey(one) === personKey(other);
}

/** "Slack" of "slack", as people read it. */
export function platformName(platform: string): string {
  return platform.charAt(0).toUpperCase() + platform.slice(1);
}

/** Stable, collision-free key of a conversation; starts with its person's key. */
export function conversationKey(conversation: Conversation): string {
  const place = [conversation.channel, conversation.thread ?? ''].map(encodeURIComponent).join('/');
  return `${personKey(conversation.person)}/${place}`;
}

/** The key of the person whose conversation this is the key of. */
export function personKeyOf(conversation: string): string {
  return conversation.split('/').slice(0, 3).join('/');
}
