// Channels, threads and their members (Discord's resources/channel and topics/threads).

import {
  cannotExecuteOnChannel,
  emptyMessage,
  missingAccess,
  missingPermissions,
  threadArchived,
  unknownMember,
} from '../api-error.ts';
import { channelEvent, threadDeleted } from '../events.ts';
import { bodyObject, Form, isJson } from '../form.ts';
import type { Kernel } from '../kernel.ts';
import { readMessageDraft } from '../limits/message-body.ts';
import { PARSE_ALL } from '../mentions.ts';
import { messagePayload } from '../message-payload.ts';
import { isEmpty, post } from '../messages.ts';
import { channelPayload, threadMemberPayload } from '../payloads.ts';
import { can, PermissionFlagsBits, requirePermissions, requireView } from '../permissions.ts';
import { bucket, type Route } from '../router.ts';
import { type Channel, channelOf, isDm, isForum, messageOf } from '../state.ts';
import { joinThread, leaveThread, refreshThread } from '../thread-state.ts';
import {
  modifyThread,
  readThreadRequest,
  startForumThread,
  startThread,
  startThreadFromMessage,
} from '../threads.ts';

export const channelRoutes: Route[] = [
  {
    method: 'GET',
    path: '/channels/:channel',
    auth: 'bot',
    bucket: bucket('get channel', 50, 5),
    handle({ kernel, id }) {
      const channel = visibleChannel(kernel, id('channel'));
      refreshThread(kernel, channel);
      return { status: 200, body: channelPayload(kernel.state, channel, kernel.state.app.botId) };
    },
  },
  {
    method: 'PATCH',
    path: '/channels/:channel',
    auth: 'bot',
    bucket: bucket('edit channel', 2, 600),
    handle({ kernel, id, body }) {
      const { state } = kernel;
      const channel = visibleChannel(kernel, id('channel'));
      const given = bodyObject(body);
      if (channel.thread) modifyThread(kernel, channel, state.app.botId, given);
      else {
        requirePermissions(state, channel, state.app.botId, PermissionFlagsBits.ManageChannels);
        const form = new Form();
        channel.name = form.string(given, 'name', [], { min: 1, max: 100 }) ?? channel.name;
        channel.topic = form.string(given, 'topic', [], { max: 1024 }) ?? channel.topic;
        form.check();
        kernel.emit(channelEvent(state, 'CHANNEL_UPDATE', channel));
      }
      return { status: 200, body: channelPayload(state, channel, state.app.botId) };
    },
  },
  {
    method: 'DELETE',
    path: '/channels/:channel',
    auth: 'bot',
    bucket: bucket('delete channel', 5, 5),
    handle({ kernel, id }) {
      const { state } = kernel;
      const channel = visibleChannel(kernel, id('channel'));
      if (!isDm(channel)) {
        const needed = channel.thread
          ? PermissionFlagsBits.ManageThreads
          : PermissionFlagsBits.ManageChannels;
        requirePermissions(state, channel, state.app.botId, needed);
        kernel.emit(
          channel.thread ? threadDeleted(state, channel) : channelEvent(state, 'CHANNEL_DELETE', channel),
        );
        state.channels.delete(channel.id);
      }
      return { status: 200, body: channelPayload(state, channel, state.app.botId) };
    },
  },
  {
    method: 'POST',
    path: '/channels/:channel/messages/:message/threads',
    auth: 'bot',
    bucket: bucket('create thread', 50, 300),
    handle({ kernel, id, body }) {
      const { state } = kernel;
      const channel = visibleChannel(kernel, id('channel'));
      const message = messageOf(channel, id('message'));
      const request = readThreadRequest(body);
      const thread = startThreadFromMessage(kernel, channel, message, state.app.botId, request);
      return { status: 201, body: channelPayload(state, thread, state.app.botId) };
    },
  },
  {
    method: 'POST',
    path: '/channels/:channel/threads',
    auth: 'bot',
    bucket: bucket('create thread', 50, 300),
    handle({ kernel, id, body, files }) {
      const { state } = kernel;
      const { botId } = state.app;
      const parent = visibleChannel(kernel, id('channel'));
      const request = readThreadRequest(body);
      const given = bodyObject(body);
      if (!isForum(parent)) {
        // Discord's default for a thread without a type is a private one (type 12).
        const thread = startThread(kernel, parent, botId, request, (given.type ?? 12) === 12);
        return { status: 201, body: channelPayload(state, thread, botId) };
      }
      if (!isJson(given.message)) {
        const form = new Form();
        form.required(['message']);
        form.check();
      }
      const draft = readMessageDraft(bodyObject(given.message), files, kernel.fileLimit);
      if (isEmpty(draft)) throw emptyMessage();
      const thread = startForumThread(kernel, parent, botId, request);
      const message = post(kernel, thread, {
        ...draft,
        id: thread.id,
        authorId: botId,
        allowed: draft.allowed ?? PARSE_ALL,
      });
      const body201 = channelPayload(state, thread, botId);
      return { status: 201, body: { ...body201, message: messagePayload(kernel, message, true) } };
    },
  },
  {
    method: 'PUT',
    path: '/channels/:channel/thread-members/@me',
    auth: 'bot',
    bucket: bucket('thread members', 5, 5),
    handle({ kernel, id }) {
      const thread = activeThread(kernel, id('channel'));
      joinThread(kernel, thread, kernel.state.app.botId);
      return { status: 204 };
    },
  },
  {
    method: 'DELETE',
    path: '/channels/:channel/thread-members/@me',
    auth: 'bot',
    bucket: bucket('thread members', 5, 5),
    handle({ kernel, id }) {
      leaveThread(kernel, activeThread(kernel, id('channel')), kernel.state.app.botId);
      return { status: 204 };
    },
  },
  {
    method: 'PUT',
    path: '/channels/:channel/thread-members/:user',
    auth: 'bot',
    bucket: bucket('thread members', 5, 5),
    handle({ kernel, id }) {
      const { state } = kernel;
      const thread = activeThread(kernel, id('channel'));
      requirePermissions(state, thread, state.app.botId, PermissionFlagsBits.SendMessagesInThreads);
      const guild = state.guilds.get(thread.guildId ?? '');
      if (!guild?.members.has(id('user'))) throw unknownMember();
      joinThread(kernel, thread, id('user'));
      return { status: 204 };
    },
  },
  {
    method: 'DELETE',
    path: '/channels/:channel/thread-members/:user',
    auth: 'bot',
    bucket: bucket('thread members', 5, 5),
    handle({ kernel, id }) {
      const { state } = kernel;
      const thread = activeThread(kernel, id('channel'));
      const isModerator = can(state, thread, state.app.botId, PermissionFlagsBits.ManageThreads);
      // discord.js leaves a thread by its own id.
      if (id('user') !== state.app.botId && !isModerator) throw missingPermissions();
      leaveThread(kernel, thread, id('user'));
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: '/channels/:channel/thread-members/:user',
    auth: 'bot',
    bucket: bucket('thread members', 5, 5),
    handle({ kernel, id }) {
      const thread = threadOnly(visibleChannel(kernel, id('channel')));
      const userId = id('user') === '@me' ? kernel.state.app.botId : id('user');
      const joinedAt = thread.thread?.members.get(userId);
      if (joinedAt === undefined) throw unknownMember();
      return { status: 200, body: threadMemberPayload(thread.id, userId, joinedAt) };
    },
  },
  {
    method: 'GET',
    path: '/channels/:channel/thread-members',
    auth: 'bot',
    bucket: bucket('thread members', 5, 5),
    handle({ kernel, id }) {
      const channel = threadOnly(visibleChannel(kernel, id('channel')));
      if (!kernel.state.app.privileged.guildMembers) throw missingAccess();
      const members = [...(channel.thread?.members ?? [])];
      return {
        status: 200,
        body: members.map(([userId, joinedAt]) => threadMemberPayload(channel.id, userId, joinedAt)),
      };
    },
  },
  {
    method: 'GET',
    path: '/channels/:channel/threads/archived/public',
    auth: 'bot',
    bucket: bucket('archived threads', 5, 5),
    handle({ kernel, id }) {
      const { state } = kernel;
      const parent = visibleChannel(kernel, id('channel'));
      requirePermissions(state, parent, state.app.botId, PermissionFlagsBits.ReadMessageHistory);
      const threads = [...state.channels.values()].filter(
        channel => channel.parentId === parent.id && channel.thread?.archived,
      );
      return {
        status: 200,
        body: {
          threads: threads.map(thread => channelPayload(state, thread, state.app.botId)),
          members: [],
          has_more: false,
        },
      };
    },
  },
];

function visibleChannel(kernel: Kernel, channelId: string): Channel {
  const channel = channelOf(kernel.state, channelId);
  requireView(kernel.state, channel, kernel.state.app.botId);
  return channel;
}

function threadOnly(channel: Channel): Channel {
  if (!channel.thread) throw cannotExecuteOnChannel();
  return channel;
}

function activeThread(kernel: Kernel, channelId: string): Channel {
  const channel = threadOnly(visibleChannel(kernel, channelId));
  refreshThread(kernel, channel);
  if (channel.thread?.archived) throw threadArchived();
  return channel;
}
