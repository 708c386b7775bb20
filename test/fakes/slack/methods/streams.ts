// chat.startStream, chat.appendStream, chat.stopStream (their pages under docs.slack.dev/reference/methods, and
// ChatStreamer in @slack/web-api, which starts and stops with no content at all). markdown_text and chunks never
// go together, in one call or in one stream: cannot_provide_both_markdown_text_and_chunks, and
// streaming_mode_mismatch (NousResearch/hermes-agent pull request 104173).

import { z } from 'zod';
import { knows, memberChannel, threadRoot, writableChannel } from '../access.ts';
import { withIds } from '../blocks.ts';
import { checkMessageBlocks } from '../content.ts';
import { addMessage, announce, announceChange, messageObject, rememberVersion } from '../messages.ts';
import { ApiError, type BotCall, botMethod, json, type Method, name, objects, optional } from '../method.ts';
import { feedStream, readFeed, streamState } from '../streaming.ts';
import type { Channel, Message, Stream } from '../world.ts';
import { applySessionStatus } from './agents.ts';
import { ownMessage } from './chat.ts';

const feed = { markdown_text: optional, chunks: objects.optional() };
const feedErrors = { chunks: 'invalid_chunks' } as const;

/** Outside a DM a stream names its reader, with the workspace that reader belongs to. */
function checkRecipient(
  call: BotCall,
  channel: Channel,
  user: string | undefined,
  team: string | undefined,
): void {
  if (channel.kind === 'im' && user === undefined) return;
  if (team === undefined) throw new ApiError('missing_recipient_team_id');
  if (user === undefined) throw new ApiError('missing_recipient_user_id');
  const person = call.core.world.people.get(user);
  if (person === undefined || person.team.id !== team || !knows(call.core, call.installation, person)) {
    throw new ApiError('user_not_found');
  }
}

const startStream = botMethod({
  name: 'chat.startStream',
  tier: 2,
  scopes: ['chat:write'],
  args: z.object({
    channel: name,
    thread_ts: name,
    ...feed,
    recipient_user_id: optional,
    recipient_team_id: optional,
    task_display_mode: z.enum(['timeline', 'plan']).optional(),
  }),
  errors: feedErrors,
  run(call, args) {
    const { core, installation } = call;
    const channel = writableChannel(core, installation, args.channel);
    threadRoot(channel, args.thread_ts);
    checkRecipient(call, channel, args.recipient_user_id, args.recipient_team_id);
    const stream: Stream = {
      state: 'streaming',
      startedAt: core.clock.now(),
      recipient: args.recipient_user_id,
      taskDisplayMode: args.task_display_mode ?? 'timeline',
      mode: undefined,
      parts: [],
      planTitle: undefined,
    };
    feedStream(core, stream, readFeed(core, args));
    const message = addMessage(core, channel, {
      author: { type: 'app', installation },
      text: '',
      markup: 'markdown',
      threadTs: args.thread_ts,
      stream,
    });
    announce(core, message);
    return { channel: channel.id, ts: message.ts };
  },
});

function streamOf(
  call: BotCall,
  channel: string,
  ts: string,
): { message: Message; stream: Stream; state: Stream['state'] } {
  const message = ownMessage(
    call,
    memberChannel(call.core, call.installation, channel),
    ts,
    'message_not_owned_by_app',
  );
  const state = streamState(call.core, message);
  if (message.stream === undefined || state === undefined)
    throw new ApiError('message_not_in_streaming_state');
  return { message, stream: message.stream, state };
}

const appendStream = botMethod({
  name: 'chat.appendStream',
  tier: 4,
  scopes: ['chat:write'],
  args: z.object({ channel: name, ts: name, ...feed }),
  errors: feedErrors,
  run(call, args) {
    const { message, stream, state } = streamOf(call, args.channel, args.ts);
    if (state === 'stopped_by_user') throw new ApiError('stopped_by_user');
    if (state !== 'streaming') throw new ApiError('message_not_in_streaming_state');
    const fed = readFeed(call.core, args);
    if (fed.mode === undefined || args.markdown_text === '') throw new ApiError('no_text');
    feedStream(call.core, stream, fed);
    return { channel: message.channel.id, ts: message.ts };
  },
});

const stopStream = botMethod({
  name: 'chat.stopStream',
  tier: 2,
  scopes: ['chat:write'],
  args: z.object({
    channel: name,
    ts: name,
    ...feed,
    blocks: objects.optional(),
    metadata: json(z.record(z.string(), z.unknown())).optional(),
    session_status: optional,
  }),
  errors: { ...feedErrors, blocks: 'invalid_blocks_format' },
  run(call, args) {
    const { core } = call;
    const { message, stream, state } = streamOf(call, args.channel, args.ts);
    const fed = readFeed(core, args);
    if (state !== 'streaming' && state !== 'stopped_by_user')
      throw new ApiError('message_not_in_streaming_state');
    // After the stop button the app may still close the message, but not add words to it.
    if (state === 'stopped_by_user' && fed.mode !== undefined) throw new ApiError('stopped_by_user');
    const blocks = args.blocks ?? [];
    checkMessageBlocks(core, blocks);
    const previous = messageObject(core, message);
    feedStream(core, stream, fed);
    rememberVersion(core, message);
    stream.state = 'stopped';
    message.blocks = withIds(blocks, () => core.world.id('b'));
    if (args.metadata !== undefined) message.metadata = args.metadata;
    if (args.session_status !== undefined && message.threadTs !== undefined) {
      applySessionStatus(call, message.channel, message.threadTs, args.session_status, undefined);
    }
    announceChange(core, message, previous);
    return { channel: message.channel.id, ts: message.ts, message: messageObject(core, message) };
  },
});

export const streamMethods: readonly Method[] = [startStream, appendStream, stopStream];
