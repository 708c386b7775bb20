// What a person has on screen: the messages of a channel or thread with the ephemeral ones meant for them, in
// order, as they read. Also their Home tab, their modal, and the status and prompts Slack shows.

import { personSees } from '../access.ts';
import type { Core } from '../core.ts';
import { blocksOf, bodyOf, type SeenTask, tasksOf } from '../rendering.ts';
import { streamState } from '../streaming.ts';
import { authorId, type Channel, type Json, type Message, type Person } from '../world.ts';

export interface Seen {
  readonly ts: string;
  readonly channel: string;
  readonly threadTs: string | undefined;
  /** The user id behind it; a bot's is its bot user's. */
  readonly from: string;
  readonly fromApp: boolean;
  /** The content as read: streamed text joined, blocks' text line by line, else the text. */
  readonly text: string;
  /** The fallback text notifications show. */
  readonly fallback: string;
  readonly blocks: readonly Json[];
  readonly ephemeral: boolean;
  readonly edited: boolean;
  readonly streaming: boolean;
  readonly tasks: readonly SeenTask[];
  readonly planTitle: string | undefined;
  readonly message: Message;
}

export function seen(core: Core, message: Message): Seen {
  return {
    ts: message.ts,
    channel: message.channel.id,
    threadTs: message.threadTs,
    from: authorId(message.author),
    fromApp: message.author.type === 'app',
    text: bodyOf(message),
    fallback: message.text,
    blocks: blocksOf(message),
    ephemeral: message.ephemeralTo !== undefined,
    edited: message.edited !== undefined,
    streaming: streamState(core, message) === 'streaming',
    tasks: tasksOf(message),
    planTitle: message.stream?.planTitle,
    message,
  };
}

/** What is shown to a person in a channel; `threadTs` narrows it to a thread with its root. */
export function visibleTo(core: Core, person: Person, channel: Channel, threadTs?: string): Seen[] {
  if (!personSees(channel, person)) return [];
  return [...channel.messages.values()]
    .filter(
      message => message.ephemeralTo === undefined || (message.ephemeralTo === person.id && !message.unseen),
    )
    .filter(message => threadTs === undefined || message.ts === threadTs || message.threadTs === threadTs)
    .map(message => seen(core, message));
}
