// assistant.threads.* and agents.sessions.* (docs.slack.dev/reference/methods, docs.slack.dev/ai/agent-sessions).
// Under agent_view a thread_ts on setSuggestedPrompts makes the call do nothing while it answers ok. A status
// goes away after two minutes or with the app's next message in the thread.

import { z } from 'zod';
import { visibleChannel, writableChannel } from '../access.ts';
import { findMessage } from '../messages.ts';
import {
  ApiError,
  type BotCall,
  botMethod,
  json,
  type Method,
  name,
  needScope,
  optional,
} from '../method.ts';
import { type AgentSession, type Channel, threadKey } from '../world.ts';

function thread(channel: Channel, ts: string): void {
  if (findMessage(channel, ts) === undefined) throw new ApiError('invalid_thread_ts');
}

const setStatus = botMethod({
  name: 'assistant.threads.setStatus',
  tier: 'special',
  scopes: ['chat:write'],
  args: z.object({
    channel_id: name,
    thread_ts: name,
    status: z.string(),
    loading_messages: json(z.array(z.string().min(1).max(50)).min(1).max(10)).optional(),
  }),
  run({ core, installation }, args) {
    const channel = writableChannel(core, installation, args.channel_id);
    thread(channel, args.thread_ts);
    const key = threadKey(channel.id, args.thread_ts);
    if (args.status === '') core.world.statuses.delete(key);
    else {
      core.world.statuses.set(key, {
        status: args.status,
        loadingMessages: args.loading_messages ?? [],
        expiresAt: core.clock.now() + core.limits.statusMs,
      });
    }
    return {};
  },
});

const setSuggestedPrompts = botMethod({
  name: 'assistant.threads.setSuggestedPrompts',
  tier: 4,
  scopes: ['assistant:write'],
  args: z.object({
    channel_id: name,
    thread_ts: optional,
    title: optional,
    prompts: json(z.array(z.object({ title: name, message: name })).max(4)),
  }),
  run({ core, installation }, args) {
    const channel = visibleChannel(core, installation, args.channel_id);
    if (core.app.agentView && args.thread_ts !== undefined) return {};
    if (!core.app.agentView) {
      if (args.thread_ts === undefined) throw new ApiError('not_agent_app');
      thread(channel, args.thread_ts);
    }
    core.world.prompts.set(channel.id, { title: args.title, prompts: args.prompts });
    return {};
  },
});

const setTitle = botMethod({
  name: 'assistant.threads.setTitle',
  tier: 4,
  scopes: ['assistant:write'],
  args: z.object({ channel_id: name, thread_ts: name, title: name }),
  run({ core, installation }, args) {
    const channel = visibleChannel(core, installation, args.channel_id);
    thread(channel, args.thread_ts);
    core.world.titles.set(threadKey(channel.id, args.thread_ts), args.title);
    return {};
  },
});

function sessionChannel(call: BotCall, id: string): Channel {
  if (!call.core.app.agentView) throw new ApiError('feature_disabled');
  const channel = visibleChannel(call.core, call.installation, id);
  if (!channel.members.has(call.installation.bot.id)) throw new ApiError('not_authorized');
  return channel;
}

const STATUSES = ['active', 'processing', 'suspended', 'closed'];

/** Creates the session of a thread where there is none, and sets its status. */
export function applySessionStatus(
  call: BotCall,
  channel: Channel,
  threadTs: string,
  status: string,
  title: string | undefined,
): AgentSession {
  if (!STATUSES.includes(status)) throw new ApiError('invalid_status');
  const key = threadKey(channel.id, threadTs);
  const session = call.core.world.sessions.get(key) ?? { channel: channel.id, threadTs, status, title };
  session.status = status;
  call.core.world.sessions.set(key, session);
  return session;
}

const sessionSetStatus = botMethod({
  name: 'agents.sessions.setStatus',
  tier: 3,
  scopes: ['chat:write'],
  args: z.object({
    channel_id: name,
    status: name,
    thread_ts: optional,
    title: z.string().max(200).optional(),
    initiator_user_id: optional,
    icon_emoji: optional,
    icon_url: optional,
    username: optional,
  }),
  run(call, args) {
    const { core } = call;
    const channel = sessionChannel(call, args.channel_id);
    if (args.icon_emoji !== undefined || args.icon_url !== undefined || args.username !== undefined) {
      needScope(call, 'chat:write.customize');
    }
    if (args.thread_ts === undefined) throw new ApiError('thread_ts_required');
    if (args.initiator_user_id !== undefined && !channel.members.has(args.initiator_user_id)) {
      throw new ApiError('user_not_found');
    }
    const session = applySessionStatus(call, channel, args.thread_ts, args.status, args.title);
    const warning = 'missing_agent_session_stopped_event_subscription';
    const subscribed = core.app.events.includes('agent_session_stopped');
    return {
      status: session.status,
      agent_status: session.status,
      ...(session.title === undefined ? {} : { title: session.title }),
      ...(subscribed ? {} : { warning, response_metadata: { warnings: [warning] } }),
    };
  },
});

const sessionRename = botMethod({
  name: 'agents.sessions.rename',
  tier: 3,
  scopes: ['chat:write'],
  args: z.object({ channel_id: name, thread_ts: optional, title: z.string().min(1).max(200) }),
  run(call, args) {
    const channel = sessionChannel(call, args.channel_id);
    if (args.thread_ts === undefined) throw new ApiError('thread_ts_required');
    const session = call.core.world.sessions.get(threadKey(channel.id, args.thread_ts));
    if (session === undefined) throw new ApiError('session_not_found');
    session.title = args.title;
    return { title: session.title };
  },
});

export const agentMethods: readonly Method[] = [
  setStatus,
  setSuggestedPrompts,
  setTitle,
  sessionSetStatus,
  sessionRename,
];
