// Trigger ids and response URLs (docs.slack.dev/interactivity/handling-user-interaction). A trigger opens one
// view within three seconds. A response URL takes five messages within thirty minutes; they are ephemeral
// unless in_channel, and can replace or delete the message the interaction came from, also an ephemeral one.

import { randomUUID } from 'node:crypto';
import { checkContent } from './content.ts';
import type { Core } from './core.ts';
import {
  addMessage,
  announce,
  announceChange,
  announceDeletion,
  messageObject,
  removeMessage,
} from './messages.ts';
import { ApiError, type BotCall } from './method.ts';
import { replaceContent } from './methods/chat.ts';
import type { Channel, Installation, Json, Message, Person, View } from './world.ts';

export interface Trigger {
  readonly installation: Installation;
  readonly user: Person;
  /** The view whose element or submission gave it; views.push goes on top of it. */
  readonly view: View | undefined;
  readonly expiresAt: number;
  used: boolean;
}

export interface ResponseTarget {
  readonly installation: Installation;
  readonly channel: Channel;
  readonly user: Person;
  readonly source: Message | undefined;
}

export interface Interactions {
  trigger(core: Core, installation: Installation, user: Person, view?: View): string;
  /** Uses a trigger up, or throws why it cannot be. */
  exchange(call: BotCall, id: string): Trigger;
  responseUrl(core: Core, target: ResponseTarget): string;
  /** A POST to a response URL: the status and the body of the answer. */
  respond(core: Core, path: string, body: unknown): { status: number; body: string };
}

interface ResponseUrl extends ResponseTarget {
  readonly expiresAt: number;
  uses: number;
}

const flagged = (value: unknown) => value === true || value === 'true';
const objectsIn = (value: unknown): Json[] | undefined =>
  Array.isArray(value)
    ? value.filter((item): item is Json => typeof item === 'object' && item !== null)
    : undefined;

export function createInteractions(): Interactions {
  const triggers = new Map<string, Trigger>();
  const urls = new Map<string, ResponseUrl>();

  return {
    trigger(core, installation, user, view) {
      const id = `${core.clock.now()}.${user.team.id}.${randomUUID().replaceAll('-', '')}`;
      const expiresAt = core.clock.now() + core.limits.triggerMs;
      triggers.set(id, { installation, user, view, expiresAt, used: false });
      return id;
    },
    exchange({ core, installation }, id) {
      const trigger = triggers.get(id);
      if (trigger === undefined || trigger.installation !== installation)
        throw new ApiError('invalid_trigger_id');
      if (trigger.used) throw new ApiError('exchanged_trigger_id');
      if (core.clock.now() >= trigger.expiresAt) throw new ApiError('expired_trigger_id');
      trigger.used = true;
      return trigger;
    },
    responseUrl(core, target) {
      const path = `/actions/${target.user.team.id}/${randomUUID()}`;
      urls.set(path, { ...target, expiresAt: core.clock.now() + core.limits.responseMs, uses: 0 });
      return `${core.origin}${path}`;
    },
    respond(core, path, body) {
      const url = urls.get(path);
      const args: Json = typeof body === 'object' && body !== null ? { ...body } : {};
      const entry = core.journal.add({
        at: core.clock.now(),
        method: 'response_url',
        team: url?.user.team.id,
        token: 'none',
        args,
      });
      const answer = answerTo(core, url, args);
      entry.response = answer.body;
      entry.status = answer.status;
      core.changes.notify();
      return answer;
    },
  };
}

function answerTo(core: Core, url: ResponseUrl | undefined, args: Json): { status: number; body: string } {
  const refuse = (status: number, error: string) => ({ status, body: JSON.stringify({ ok: false, error }) });
  if (url === undefined) return refuse(404, 'no_service');
  if (core.clock.now() >= url.expiresAt) return refuse(404, 'expired_url');
  if (url.uses >= core.limits.responseUses) return refuse(404, 'used_url');
  try {
    respondTo(core, url, args);
  } catch (error) {
    if (error instanceof ApiError) return refuse(400, error.code);
    throw error;
  }
  url.uses += 1;
  return { status: 200, body: 'ok' };
}

/** Shows a response: from a response URL, or from the body of a command's acknowledgement. */
export function respondTo(core: Core, target: ResponseTarget, args: Json): void {
  const { installation, channel, user, source } = target;
  if (flagged(args.delete_original)) {
    if (source === undefined) return;
    const previous = messageObject(core, source);
    removeMessage(source);
    announceDeletion(core, source, previous);
    return;
  }
  const text = typeof args.text === 'string' ? args.text : undefined;
  const blocks = objectsIn(args.blocks);
  const content = checkContent(core, { text, blocks, attachments: objectsIn(args.attachments) });
  if (flagged(args.replace_original) && source !== undefined) {
    const previous = messageObject(core, source);
    replaceContent({ core }, source, content, { text: text !== undefined, blocks: blocks !== undefined });
    announceChange(core, source, previous);
    return;
  }
  const message = addMessage(core, channel, {
    ...content,
    author: { type: 'app', installation },
    threadTs: typeof args.thread_ts === 'string' ? args.thread_ts : undefined,
    ephemeralTo: args.response_type === 'in_channel' ? undefined : user.id,
  });
  announce(core, message);
}
