/**
 * What a button, menu or form says when it is used: an action, whom it is for, and what it is about. Discord keeps
 * at most 100 characters and hands them back as they are, also from messages of an earlier process.
 */

import { z } from 'zod';
import type { CommandAction } from '../../core/message.ts';

const text = z.string();
const flag = z.enum(['y', 'n']).transform(value => value === 'y');
const count = z.coerce.number().int().nonnegative();
const action = <Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) =>
  z.object({ type: z.literal(type), ...fields });

/** The fields of each action, in the order in which they are written; what is absent is left empty. */
const ACTIONS = z.discriminatedUnion('type', [
  /** Stop the reply that is being written in a conversation. */
  action('stop', { channel: text }),
  /** Answer a question of the agent. */
  action('answer', { question: text, allow: flag }),
  /** What exactly a question is about, for its owner's eyes. */
  action('details', { question: text }),
  /** `quiet`: from a line that others see, which must not tell what it is about. */
  action('undo', { noticeId: text, quiet: flag }),
  action('keep', { noticeId: text, quiet: flag }),
  /** What a notice on a public line is about, for its owner's eyes. */
  action('notice', { noticeId: text }),
  /** The form of the message command; `about` names the message. */
  action('ask', { about: text }),

  // Looking. `page` counts from 0.
  action('memory', { page: count, fresh: flag }),
  action('file', { memoryId: text, page: count, stored: flag }),
  /** Of a page of the history as the core gives it, which may take several of ours, the `part`-th. */
  action('history', { page: count, part: count, memoryId: text.exactOptional() }),
  /** `reply`: the message of the bot that it is about. */
  action('why', { page: count, reply: text.exactOptional() }),
  action('facts', {}),

  // Forms: opening them, and what they are when they come back.
  /** One half of the usual facts. */
  action('fill', { half: count }),
  action('editor', { memoryId: text.exactOptional() }),
  /** A form that took longer to get ready than Discord waits. */
  action('open', { form: text }),
  /** A text as a file, for what no form can hold. */
  action('attach', { memoryId: text, revision: text }),
  action('set', { formId: text }),
  action('write', { memoryId: text.exactOptional(), revision: text.exactOptional() }),

  // Doing: as the core's commands; `page` of what is asked first.
  action('forget', {
    memoryId: text,
    factId: text.exactOptional(),
    revision: text.exactOptional(),
    confirmed: flag.exactOptional(),
    page: count.exactOptional(),
  }),
  action('forget-past', {
    memoryId: text.exactOptional(),
    factId: text.exactOptional(),
    confirmed: flag.exactOptional(),
    page: count.exactOptional(),
  }),
  action('forget-since', {
    since: text,
    until: text.exactOptional(),
    confirmed: flag.exactOptional(),
    page: count.exactOptional(),
  }),
  action('forget-me', { confirmed: flag.exactOptional(), page: count.exactOptional() }),
  action('link', {
    code: text.exactOptional(),
    confirmed: flag.exactOptional(),
    page: count.exactOptional(),
  }),
  action('unlink', { confirmed: flag.exactOptional(), page: count.exactOptional() }),
  action('restore', { versionId: text, revision: text.exactOptional() }),
  action('resolve', { conflictId: text, choice: z.enum(['mine', 'theirs', 'again']) }),
  action('share', {
    memoryId: text,
    on: flag,
    confirmed: flag.exactOptional(),
    page: count.exactOptional(),
  }),
  action('private', { on: flag }),
  action('pause', {}),
  action('resume', {}),
  action('export', { format: z.enum(['json', 'markdown']) }),

  // Menus: what is chosen comes beside them.
  action('notices', {}),
  action('pick-fact', { memoryId: text, revision: text }),
]);

export type PressedAction = z.infer<typeof ACTIONS>;
type Doing = Extract<
  PressedAction,
  {
    type:
      | 'forget'
      | 'forget-past'
      | 'forget-since'
      | 'forget-me'
      | 'link'
      | 'unlink'
      | 'restore'
      | 'share'
      | 'private'
      | 'pause'
      | 'resume'
      | 'export';
  }
>;

export interface Pressed {
  /** The only person who may use it. */
  owner: string;
  action: PressedAction;
}

const MAX_LENGTH = 100;
const FIELDS = new Map(
  ACTIONS.options.map(({ shape }) => [
    shape.type.value as string,
    Object.keys(shape).filter(key => key !== 'type'),
  ]),
);

export function customId(owner: string, pressed: PressedAction): string {
  const given = new Map<string, unknown>(Object.entries(pressed));
  const fields = (FIELDS.get(pressed.type) ?? []).map(name => written(given.get(name)));
  const id = [owner, pressed.type, ...fields].join(':').replace(/:+$/, '');
  if (id.length > MAX_LENGTH) throw new Error(`a custom id of ${id.length} characters`);
  return id;
}

/** Null for what is not ours, or from a version that said it differently. */
export function readCustomId(id: string): Pressed | null {
  const [owner, type, ...fields] = id.split(':');
  if (owner === undefined || type === undefined) return null;
  const names = FIELDS.get(type) ?? [];
  const given = fields.flatMap((value, index) => {
    const name = names[index];
    return name === undefined || value === '' ? [] : [[name, read(value)] as const];
  });
  const parsed = ACTIONS.safeParse({ type, ...Object.fromEntries(given) });
  return parsed.success ? { owner, action: parsed.data } : null;
}

/** The command that a button for doing something stands for. */
export function commandOf(doing: Doing): CommandAction {
  const { page: _, ...command } = { page: undefined, ...doing };
  return command;
}

/** Times have colons; a tilde in their place takes less room than an escape. */
function written(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'boolean') return value ? 'y' : 'n';
  return String(value).replace(/[%~]/g, encodeEach).replaceAll(':', '~');
}

function encodeEach(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}

function read(value: string): string {
  return value
    .replaceAll('~', ':')
    .replace(/%(7e|25)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
