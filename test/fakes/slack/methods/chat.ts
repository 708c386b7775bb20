// chat.postMessage, chat.postEphemeral, chat.update, chat.delete, chat.getPermalink, as their pages under
// docs.slack.dev/reference/methods describe them. From the pages: `text` without `blocks` on an update removes
// the blocks and marks the message edited; an ephemeral message cannot be updated or deleted by the API.

import { z } from 'zod';
import { memberChannel, threadRoot, visibleChannel, writableChannel } from '../access.ts';
import { withIds } from '../blocks.ts';
import { type Content, checkContent, contentArgs, contentErrors } from '../content.ts';
import {
  addMessage,
  announce,
  announceChange,
  announceDeletion,
  findMessage,
  messageObject,
  rememberVersion,
  removeMessage,
} from '../messages.ts';
import {
  ApiError,
  type BotCall,
  botMethod,
  flag,
  json,
  type Method,
  name,
  needScope,
  optional,
} from '../method.ts';
import { streamState } from '../streaming.ts';
import type { Channel, Message } from '../world.ts';

const authorship = { username: optional, icon_emoji: optional, icon_url: optional };
const metadata = json(z.record(z.string(), z.unknown())).optional();

/** "Authorship" arguments need a scope of their own. */
function checkAuthorship(
  call: BotCall,
  args: { username?: string | undefined; icon_emoji?: string | undefined; icon_url?: string | undefined },
): void {
  if (args.username !== undefined || args.icon_emoji !== undefined || args.icon_url !== undefined) {
    needScope(call, 'chat:write.customize');
  }
}

/** A message the app itself posted. `foreign` is the error for anyone else's. */
export function ownMessage(call: BotCall, channel: Channel, ts: string, foreign: string): Message {
  const message = findMessage(channel, ts);
  if (message === undefined) throw new ApiError('message_not_found');
  if (message.author.type !== 'app' || message.author.installation !== call.installation)
    throw new ApiError(foreign);
  return message;
}

const postMessage = botMethod({
  name: 'chat.postMessage',
  tier: 'post',
  scopes: ['chat:write'],
  args: z.object({
    channel: name,
    ...contentArgs,
    ...authorship,
    thread_ts: optional,
    reply_broadcast: flag,
    unfurl_links: flag,
    unfurl_media: flag,
    parse: optional,
    link_names: flag,
    mrkdwn: flag,
    metadata,
  }),
  errors: contentErrors,
  run(call, args) {
    const { core, installation } = call;
    checkAuthorship(call, args);
    const channel = writableChannel(
      core,
      installation,
      args.channel,
      call.token.scopes.has('chat:write.public'),
    );
    if (args.thread_ts !== undefined) threadRoot(channel, args.thread_ts);
    const content = checkContent(core, args);
    const long = content.text.length > core.limits.text;
    const message = addMessage(core, channel, {
      ...content,
      text: content.text.slice(0, core.limits.text),
      author: { type: 'app', installation },
      threadTs: args.thread_ts,
      metadata: args.metadata,
      unfurl: { links: args.unfurl_links, media: args.unfurl_media },
      parsesNames: args.parse === 'full' || args.link_names === true,
      broadcast: args.reply_broadcast === true,
    });
    announce(core, message);
    const warning = { warning: 'message_truncated', response_metadata: { warnings: ['message_truncated'] } };
    return {
      channel: channel.id,
      ts: message.ts,
      message: messageObject(core, message),
      ...(long ? warning : {}),
    };
  },
});

const postEphemeral = botMethod({
  name: 'chat.postEphemeral',
  tier: 4,
  scopes: ['chat:write'],
  args: z.object({
    channel: name,
    user: name,
    ...contentArgs,
    ...authorship,
    thread_ts: optional,
    parse: optional,
    link_names: flag,
  }),
  errors: contentErrors,
  run(call, args) {
    const { core, installation } = call;
    checkAuthorship(call, args);
    const channel = writableChannel(core, installation, args.channel);
    if (!channel.members.has(args.user)) throw new ApiError('user_not_in_channel');
    if (args.thread_ts !== undefined) threadRoot(channel, args.thread_ts);
    const content = checkContent(core, args);
    if (content.markup === 'mrkdwn' && content.text.length > core.limits.ephemeralText)
      throw new ApiError('msg_too_long');
    const message = addMessage(core, channel, {
      ...content,
      author: { type: 'app', installation },
      threadTs: args.thread_ts,
      ephemeralTo: args.user,
      parsesNames: args.parse === 'full' || args.link_names === true,
    });
    return { message_ts: message.ts };
  },
});

/** Puts new content into a message; shared with response_url's replace_original. */
export function replaceContent(
  call: Pick<BotCall, 'core'>,
  message: Message,
  content: Content,
  given: { text: boolean; blocks: boolean },
): void {
  rememberVersion(call.core, message);
  const { core } = call;
  if (given.text || given.blocks) message.stream = undefined;
  if (given.text || message.text === '') message.text = content.text;
  if (given.text || given.blocks) message.blocks = withIds(content.blocks, () => core.world.id('b'));
  message.markup = content.markup;
}

const update = botMethod({
  name: 'chat.update',
  tier: 3,
  scopes: ['chat:write'],
  args: z.object({
    channel: name,
    ts: name,
    ...contentArgs,
    parse: optional,
    link_names: flag,
    reply_broadcast: flag,
    metadata,
    file_ids: json(z.array(z.string())).optional(),
  }),
  errors: contentErrors,
  run(call, args) {
    const { core, installation } = call;
    const channel = visibleChannel(core, installation, args.channel);
    if (channel.archived) throw new ApiError('is_inactive');
    const message = ownMessage(call, channel, args.ts, 'cant_update_message');
    if (streamState(core, message) === 'streaming') throw new ApiError('streaming_state_conflict');
    const content = checkContent(core, args);
    if (content.markup === 'mrkdwn' && content.text.length > core.limits.updateText)
      throw new ApiError('msg_too_long');
    const previous = messageObject(core, message);
    const textual = args.text !== undefined || args.markdown_text !== undefined;
    replaceContent(call, message, content, { text: textual, blocks: args.blocks !== undefined });
    if (args.attachments !== undefined) message.attachments = content.attachments;
    if (args.metadata !== undefined) message.metadata = args.metadata;
    message.parsesNames = args.parse === 'full' || args.link_names === true;
    // Nothing on an update switches unfurling off, so what the post said no longer holds.
    message.unfurl = { links: undefined, media: undefined };
    if (args.blocks === undefined) {
      message.edited = { user: installation.bot.id, ts: core.world.ts(core.clock.now()) };
    }
    announceChange(core, message, previous);
    return { channel: channel.id, ts: message.ts, text: message.text, message: messageObject(core, message) };
  },
});

const remove = botMethod({
  name: 'chat.delete',
  tier: 3,
  scopes: ['chat:write'],
  args: z.object({ channel: name, ts: name }),
  run(call, args) {
    const { core, installation } = call;
    const channel = visibleChannel(core, installation, args.channel);
    const message = ownMessage(call, channel, args.ts, 'cant_delete_message');
    const previous = messageObject(core, message);
    removeMessage(message);
    announceDeletion(core, message, previous);
    return { channel: channel.id, ts: message.ts };
  },
});

const getPermalink = botMethod({
  name: 'chat.getPermalink',
  tier: 'special',
  args: z.object({ channel: name, message_ts: name }),
  run({ core, installation }, args) {
    const channel = memberChannel(core, installation, args.channel);
    const message = findMessage(channel, args.message_ts);
    if (message === undefined) throw new ApiError('message_not_found');
    const link = `https://${channel.host.domain}.slack.com/archives/${channel.id}/p${message.ts.replace('.', '')}`;
    const query = message.threadTs === undefined ? '' : `?thread_ts=${message.threadTs}&cid=${channel.id}`;
    return { channel: channel.id, permalink: `${link}${query}` };
  },
});

export const chatMethods: readonly Method[] = [postMessage, postEphemeral, update, remove, getPermalink];
