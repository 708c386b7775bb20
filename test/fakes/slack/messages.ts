// Messages: storing, changing, deleting them, their shape in API answers and events, and the events that follow
// (docs.slack.dev/reference/events/message and its subtypes; @slack/types events/message.d.ts). A bot's own
// traffic comes back to it as events too, as on the real one.

import { randomUUID } from 'node:crypto';
import { withIds } from './blocks.ts';
import type { Core } from './core.ts';
import type { Delivery } from './deliveries.ts';
import { emit, MESSAGE_SUBSCRIPTION } from './events.ts';
import { fileObject } from './files.ts';
import { blocksOf, bodyOf } from './rendering.ts';
import {
  type Author,
  authorId,
  type Channel,
  type Json,
  type Message,
  type SlackFile,
  type Team,
  threadKey,
} from './world.ts';

export interface Draft {
  readonly author: Author;
  readonly text: string;
  readonly threadTs?: string | undefined;
  readonly ephemeralTo?: string | undefined;
  readonly subtype?: string | undefined;
  readonly markup?: 'mrkdwn' | 'markdown';
  readonly blocks?: readonly Json[] | undefined;
  readonly attachments?: readonly Json[] | undefined;
  readonly files?: readonly SlackFile[];
  readonly metadata?: unknown;
  readonly unfurl?: Message['unfurl'];
  readonly parsesNames?: boolean;
  readonly broadcast?: boolean;
  readonly stream?: Message['stream'];
  readonly appContext?: Json | undefined;
}

/** Adds a message, without telling anyone. */
export function addMessage(core: Core, channel: Channel, draft: Draft): Message {
  const message: Message = {
    channel,
    ts: core.world.ts(core.clock.now()),
    author: draft.author,
    threadTs: draft.threadTs,
    clientMsgId: draft.author.type === 'person' ? randomUUID() : undefined,
    ephemeralTo: draft.ephemeralTo,
    subtype: draft.subtype,
    text: draft.text,
    markup: draft.markup ?? 'mrkdwn',
    blocks: withIds(draft.blocks ?? [], () => core.world.id('b')),
    attachments: [...(draft.attachments ?? [])],
    files: [...(draft.files ?? [])],
    edited: undefined,
    metadata: draft.metadata,
    unfurl: draft.unfurl ?? { links: undefined, media: undefined },
    parsesNames: draft.parsesNames ?? false,
    broadcast: draft.broadcast ?? false,
    // "Ephemeral messages in threads are only shown if there is already an active thread" (chat.postEphemeral).
    unseen:
      draft.ephemeralTo !== undefined && draft.threadTs !== undefined && !channel.threads.has(draft.threadTs),
    stream: draft.stream,
    versions: [],
    reactions: new Map(),
    appContext: draft.appContext,
  };
  channel.messages.set(message.ts, message);
  for (const file of message.files) file.channels.add(channel.id);
  if (message.threadTs !== undefined && message.ephemeralTo === undefined) {
    const replies = channel.threads.get(message.threadTs);
    if (replies === undefined) channel.threads.set(message.threadTs, [message]);
    else replies.push(message);
  }
  // "The status is cleared when the app sends a reply" (assistant.threads.setStatus).
  if (message.author.type === 'app' && message.ephemeralTo === undefined) {
    core.world.statuses.delete(threadKey(channel.id, message.threadTs ?? message.ts));
  }
  return message;
}

/** A message others can refer to; ephemeral ones cannot be. */
export function findMessage(channel: Channel, ts: string): Message | undefined {
  const message = channel.messages.get(ts);
  return message?.ephemeralTo === undefined ? message : undefined;
}

export function rememberVersion(core: Core, message: Message): void {
  message.versions.push({ at: core.clock.now(), text: bodyOf(message), blocks: blocksOf(message) });
}

export function removeMessage(message: Message): void {
  const { channel } = message;
  channel.messages.delete(message.ts);
  const replies = channel.threads.get(message.threadTs ?? '');
  const index = replies?.indexOf(message) ?? -1;
  if (index >= 0) replies?.splice(index, 1);
}

const homeOf = (author: Author): Team | undefined => {
  switch (author.type) {
    case 'person':
      return author.person.team;
    case 'other_bot':
      return author.bot.team;
    case 'app':
      return author.installation.target.type === 'team' ? author.installation.target.team : undefined;
  }
};

/** A message object as the Web API and events carry it. */
export function messageObject(core: Core, message: Message): Json {
  const { author, channel } = message;
  const blocks = author.type === 'person' ? richText(message.text) : blocksOf(message);
  const team = homeOf(author) ?? channel.host;
  const object: Json = {
    type: 'message',
    user: authorId(author),
    ts: message.ts,
    text: textOf(message),
    ...(author.type === 'person' && message.files.length > 0 ? {} : { team: team.id }),
  };
  if (message.clientMsgId !== undefined) object.client_msg_id = message.clientMsgId;
  if (message.subtype !== undefined) object.subtype = message.subtype;
  if (author.type === 'app') {
    object.bot_id = author.installation.botId;
    object.app_id = core.app.id;
    object.bot_profile = {
      id: author.installation.botId,
      app_id: core.app.id,
      name: core.app.name,
      team_id: team.id,
      icons: {},
      updated: 0,
      deleted: false,
    };
  }
  if (author.type === 'other_bot') {
    object.bot_id = author.bot.botId;
    if (message.subtype === 'bot_message') delete object.user;
  }
  if (blocks.length > 0) object.blocks = blocks;
  if (message.attachments.length > 0) object.attachments = message.attachments;
  if (message.files.length > 0) object.files = message.files.map(file => fileObject(core, file, 'event'));
  if (message.edited !== undefined) object.edited = message.edited;
  if (message.metadata !== undefined) object.metadata = message.metadata;
  if (message.stream !== undefined) {
    object.streaming_state = message.stream.state === 'streaming' ? 'in_progress' : 'completed';
  }
  if (message.reactions.size > 0) {
    object.reactions = [...message.reactions].map(([name, users]) => ({
      name,
      users: [...users],
      count: users.size,
    }));
  }
  const replies = channel.threads.get(message.ts) ?? [];
  if (message.threadTs !== undefined) {
    object.thread_ts = message.threadTs;
    const root = channel.messages.get(message.threadTs);
    if (root !== undefined) object.parent_user_id = authorId(root.author);
  } else if (replies.length > 0) {
    object.thread_ts = message.ts;
    object.reply_count = replies.length;
    object.reply_users = [...new Set(replies.map(reply => authorId(reply.author)))];
    object.latest_reply = replies.at(-1)?.ts;
  }
  return object;
}

/** A message that is passed on: Slack does not document it; this is what it sends. Files of the message are in there. */
export function sharedAttachment(core: Core, message: Message): Json {
  const { author, channel, ts } = message;
  const name = author.type === 'person' ? author.person.displayName : nameOfBot(core, author);
  const text = textOf(message);
  return {
    id: 1,
    ts,
    from_url: `${core.origin}/archives/${channel.id}/p${ts.replace('.', '')}`,
    author_id: authorId(author),
    author_name: name,
    author_subname: name,
    author_link: `${core.origin}/team/${authorId(author)}`,
    channel_id: channel.id,
    channel_team: channel.host.id,
    channel_name: channel.name,
    is_msg_unfurl: true,
    is_share: true,
    message_blocks: [
      { team: channel.host.id, channel: channel.id, ts, message: { blocks: richText(message.text) } },
    ],
    color: 'D0D0D0',
    fallback: `[November 1st, 2026 4:04 PM] ${name}: ${text}`,
    text,
    mrkdwn_in: ['text'],
    footer: `Posted in #${channel.name}`,
    ...(message.files.length === 0
      ? {}
      : { files: message.files.map(file => fileObject(core, file, 'event')) }),
  };
}

const nameOfBot = (core: Core, author: Exclude<Author, { type: 'person' }>): string =>
  author.type === 'app' ? core.app.name : author.bot.name;

/** The `text` of a message object; Markdown content arrives there as plain fallback text. */
function textOf(message: Message): string {
  return message.stream === undefined ? message.text : bodyOf(message);
}

/** What the composer makes of typed text. */
function richText(text: string): Json[] {
  if (text === '') return [];
  const elements = text
    .split(/(<@[UW][A-Z0-9]+>)/)
    .filter(part => part !== '')
    .map(part => {
      const user = /^<@([UW][A-Z0-9]+)>$/.exec(part)?.[1];
      return user === undefined ? { type: 'text', text: unescaped(part) } : { type: 'user', user_id: user };
    });
  return [{ type: 'rich_text', block_id: 'typed', elements: [{ type: 'rich_text_section', elements }] }];
}

const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

const inChannel = (channel: Channel, ts: string): Json => ({
  channel: channel.id,
  channel_type: channel.kind,
  event_ts: ts,
});

/**
 * The fields an event adds about a speaker: on Slack Connect they tell whose colleague it is, by the organisation where
 * there is one (extract_actor_team_id in bolt-python's slack_bolt/request/internals.py). With files Slack leaves out `team`
 * (bolt-js issue 435), and nothing says that it gives these.
 */
function speaker(message: Message): Json {
  if (message.author.type !== 'person' || message.channel.teams.size < 2 || message.files.length > 0)
    return {};
  const { team } = message.author.person;
  const home = team.enterprise?.id ?? team.id;
  return { user_team: home, source_team: home };
}

/** Tells the app about a new message: a `message` event, and an `app_mention` with another event_id. */
export function announce(core: Core, message: Message): Delivery[] {
  const { channel, author } = message;
  if (message.ephemeralTo !== undefined) return [];
  const team = homeOf(author) ?? channel.host;
  const event: Json = { ...messageObject(core, message), ...speaker(message) };
  if (message.appContext !== undefined) event.app_context = message.appContext;
  const deliveries = [
    emit(
      core,
      { ...event, ...inChannel(channel, message.ts) },
      { subscription: MESSAGE_SUBSCRIPTION[channel.kind], team, channel },
    ),
  ];
  const mentioned = [...core.world.installations.values()].some(
    ({ active, bot }) => active && message.text.includes(`<@${bot.id}>`) && channel.members.has(bot.id),
  );
  // "Messages sent to your app in direct message conversations are not dispatched via app_mention."
  if (mentioned && author.type !== 'app' && channel.kind !== 'im') {
    const { subtype: _, ...mention } = event;
    deliveries.push(
      emit(
        core,
        { ...mention, type: 'app_mention', channel: channel.id, event_ts: message.ts },
        { subscription: 'app_mention', team, channel },
      ),
    );
  }
  return deliveries.filter(delivery => delivery !== undefined);
}

/** Tells the app that a message changed; `previous` is its object from before. */
export function announceChange(core: Core, message: Message, previous: Json): Delivery[] {
  const ts = core.world.ts(core.clock.now());
  return hidden(core, message, {
    subtype: 'message_changed',
    ts,
    message: messageObject(core, message),
    previous_message: previous,
  });
}

/** Tells the app that a message is gone. Call after removing it. */
export function announceDeletion(core: Core, message: Message, previous: Json): Delivery[] {
  const ts = core.world.ts(core.clock.now());
  const hasReplies = (message.channel.threads.get(message.ts) ?? []).length > 0;
  if (!hasReplies) {
    return hidden(core, message, {
      subtype: 'message_deleted',
      ts,
      deleted_ts: message.ts,
      previous_message: previous,
    });
  }
  // A deleted root with replies stays as a tombstone, and the event says "changed".
  const tombstone = {
    type: 'message',
    subtype: 'tombstone',
    text: 'This message was deleted.',
    user: 'USLACKBOT',
    hidden: true,
    ts: message.ts,
    thread_ts: message.ts,
  };
  return hidden(core, message, {
    subtype: 'message_changed',
    ts,
    message: tombstone,
    previous_message: previous,
  });
}

function hidden(core: Core, message: Message, change: Json & { ts: string }): Delivery[] {
  const { channel, author } = message;
  if (message.ephemeralTo !== undefined) return [];
  const event = { type: 'message', hidden: true, ...change, ...inChannel(channel, change.ts) };
  const scope = {
    subscription: MESSAGE_SUBSCRIPTION[channel.kind],
    team: homeOf(author) ?? channel.host,
    channel,
  };
  const delivery = emit(core, event, scope);
  return delivery === undefined ? [] : [delivery];
}
