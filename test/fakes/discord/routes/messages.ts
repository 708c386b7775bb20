// Messages, typing and reactions of a channel (Discord's resources/message and resources/channel).

import { ApiError, missingPermissions, unknownMessage } from '../api-error.ts';
import { reactionEvent, typingEvent } from '../events.ts';
import { bodyObject, Form } from '../form.ts';
import type { Kernel } from '../kernel.ts';
import { readMessageDraft, readMessagePatch } from '../limits/message-body.ts';
import { PARSE_ALL } from '../mentions.ts';
import { messagePayload } from '../message-payload.ts';
import { edit, remove } from '../messages.ts';
import { userById } from '../payloads.ts';
import {
  can,
  PermissionFlagsBits,
  requirePermissions,
  requireView,
  sendingPermission,
} from '../permissions.ts';
import { bucket, type Route } from '../router.ts';
import { makeWritable, requireEditable, requireSending, sendAsBot } from '../sending.ts';
import { compareIds } from '../snowflakes.ts';
import { type Channel, channelOf, isDm, type Message, messageOf } from '../state.ts';

export const messageRoutes: Route[] = [
  {
    method: 'GET',
    path: '/channels/:channel/messages',
    auth: 'bot',
    bucket: bucket('list messages', 50, 5),
    handle({ kernel, id, query }) {
      const channel = channelOf(kernel.state, id('channel'));
      const botId = kernel.state.app.botId;
      requireView(kernel.state, channel, botId);
      if (!can(kernel.state, channel, botId, PermissionFlagsBits.ReadMessageHistory)) {
        return { status: 200, body: [] };
      }
      const page = pageOf(persistent(channel), query);
      return { status: 200, body: page.map(message => readable(kernel, message)) };
    },
  },
  {
    method: 'GET',
    path: '/channels/:channel/messages/:message',
    auth: 'bot',
    bucket: bucket('get message', 50, 5),
    handle({ kernel, id }) {
      const channel = channelOf(kernel.state, id('channel'));
      const { botId } = kernel.state.app;
      requirePermissions(kernel.state, channel, botId, PermissionFlagsBits.ReadMessageHistory);
      const message = messageOf(channel, id('message'));
      if (message.ephemeralFor !== null) throw unknownMessage();
      return { status: 200, body: readable(kernel, message) };
    },
  },
  {
    method: 'POST',
    path: '/channels/:channel/messages',
    auth: 'bot',
    bucket: bucket('create message', 5, 5),
    handle({ kernel, id, body, files }) {
      const channel = channelOf(kernel.state, id('channel'));
      requireSending(kernel, channel);
      const draft = readMessageDraft(bodyObject(body), files, kernel.fileLimit);
      const message = sendAsBot(kernel, channel, draft);
      const nonce = message.nonce === null ? {} : { nonce: message.nonce };
      return { status: 200, body: { ...readable(kernel, message), ...nonce } };
    },
  },
  {
    method: 'PATCH',
    path: '/channels/:channel/messages/:message',
    auth: 'bot',
    bucket: bucket('edit message', 5, 5),
    handle({ kernel, id, body, files }) {
      const channel = channelOf(kernel.state, id('channel'));
      requireView(kernel.state, channel, kernel.state.app.botId);
      const message = messageOf(channel, id('message'));
      if (message.ephemeralFor !== null) throw unknownMessage();
      requireEditable(kernel, channel, message);
      const patch = readMessagePatch(bodyObject(body), files, kernel.fileLimit, message);
      edit(kernel, channel, message, patch, PARSE_ALL);
      return { status: 200, body: readable(kernel, message) };
    },
  },
  {
    method: 'DELETE',
    path: '/channels/:channel/messages/:message',
    auth: 'bot',
    bucket: bucket('delete message', 5, 1),
    handle({ kernel, id }) {
      const channel = channelOf(kernel.state, id('channel'));
      const { botId } = kernel.state.app;
      requireView(kernel.state, channel, botId);
      const message = messageOf(channel, id('message'));
      if (message.ephemeralFor !== null) throw unknownMessage();
      if (message.authorId !== botId) {
        if (isDm(channel)) throw new ApiError(403, 50003, 'Cannot execute action on a DM channel');
        if (!can(kernel.state, channel, botId, PermissionFlagsBits.ManageMessages))
          throw missingPermissions();
      }
      remove(kernel, channel, message);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/channels/:channel/typing',
    auth: 'bot',
    bucket: bucket('typing', 5, 5),
    handle({ kernel, id }) {
      const channel = channelOf(kernel.state, id('channel'));
      requirePermissions(kernel.state, channel, kernel.state.app.botId, sendingPermission(channel));
      kernel.emit(typingEvent(kernel, channel, kernel.state.app.botId));
      return { status: 204 };
    },
  },
  {
    method: 'PUT',
    path: '/channels/:channel/messages/:message/reactions/:emoji/@me',
    auth: 'bot',
    bucket: bucket('reaction', 1, 0.25),
    handle({ kernel, id }) {
      const { state } = kernel;
      const channel = channelOf(state, id('channel'));
      const message = messageOf(channel, id('message'));
      requirePermissions(state, channel, state.app.botId, PermissionFlagsBits.ReadMessageHistory);
      makeWritable(kernel, channel, state.app.botId);
      const emoji = id('emoji');
      if (!/\p{Extended_Pictographic}|:\d{17,20}$/u.test(emoji)) {
        throw new ApiError(400, 10014, 'Unknown Emoji');
      }
      const users = message.reactions.get(emoji);
      if (!users) {
        requirePermissions(state, channel, state.app.botId, PermissionFlagsBits.AddReactions);
        message.reactions.set(emoji, new Set([state.app.botId]));
      } else users.add(state.app.botId);
      kernel.emit(reactionEvent(state, 'MESSAGE_REACTION_ADD', channel, message, state.app.botId, emoji));
      return { status: 204 };
    },
  },
  {
    method: 'DELETE',
    path: '/channels/:channel/messages/:message/reactions/:emoji/@me',
    auth: 'bot',
    bucket: bucket('reaction', 1, 0.25),
    handle({ kernel, id }) {
      const { state } = kernel;
      const channel = channelOf(state, id('channel'));
      requireView(state, channel, state.app.botId);
      const message = messageOf(channel, id('message'));
      const emoji = id('emoji');
      const users = message.reactions.get(emoji);
      if (users?.delete(state.app.botId)) {
        if (users.size === 0) message.reactions.delete(emoji);
        kernel.emit(
          reactionEvent(state, 'MESSAGE_REACTION_REMOVE', channel, message, state.app.botId, emoji),
        );
      }
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: '/channels/:channel/messages/:message/reactions/:emoji',
    auth: 'bot',
    bucket: bucket('list reactions', 5, 5),
    handle({ kernel, id }) {
      const channel = channelOf(kernel.state, id('channel'));
      requireView(kernel.state, channel, kernel.state.app.botId);
      const users = messageOf(channel, id('message')).reactions.get(id('emoji')) ?? [];
      return { status: 200, body: [...users].map(userId => userById(kernel.state, userId)) };
    },
  },
];

/** Over HTTP the content rule asks whether the app has the intent at all, not what a session identified with. */
function readable(kernel: Kernel, message: Message) {
  return messagePayload(kernel, message, kernel.state.app.privileged.messageContent);
}

function persistent(channel: Channel): Message[] {
  return [...channel.messages.values()].filter(
    message => message.deletedAt === null && message.ephemeralFor === null,
  );
}

/** Newest first, at most `limit`, around, before or after an id. */
function pageOf(messages: Message[], query: URLSearchParams): Message[] {
  const form = new Form();
  const given: Record<string, unknown> = {};
  for (const [key, value] of query) given[key] = key === 'limit' ? Number(value) : value;
  const limit = form.integer(given, 'limit', [], { min: 1, max: 100 }) ?? 50;
  const anchors = ['before', 'after', 'around'].filter(key => query.has(key));
  if (anchors.length > 1) {
    form.fail(anchors.slice(1), 'BASE_TYPE_EXCLUSIVE', 'before, after and around are mutually exclusive');
  }
  for (const key of anchors) {
    const value = query.get(key) ?? '';
    if (!/^\d{1,20}$/.test(value))
      form.fail([key], 'NUMBER_TYPE_COERCE', `Value "${value}" is not snowflake.`);
  }
  form.check();
  const [before, after, around] = [query.get('before'), query.get('after'), query.get('around')];
  if (after !== null) {
    return messages
      .filter(message => compareIds(message.id, after) > 0)
      .slice(0, limit)
      .reverse();
  }
  if (around !== null) {
    const older = messages.filter(message => compareIds(message.id, around) < 0);
    const rest = messages.filter(message => compareIds(message.id, around) >= 0);
    const half = Math.floor(limit / 2);
    return [...older.slice(-half), ...rest.slice(0, limit - Math.min(half, older.length))].reverse();
  }
  const older = before === null ? messages : messages.filter(message => compareIds(message.id, before) < 0);
  return older.slice(-limit).reverse();
}
