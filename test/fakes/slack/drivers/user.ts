// A person at their Slack client: writing, editing, deleting, sharing files, opening the app, commands, buttons,
// forms. Each thing they do reaches the app as the real one would send it; nothing they could not do on the
// real one works here (pressing what is not on their screen throws).

import { openDirect, personSees } from '../access.ts';
import type { Core } from '../core.ts';
import type { Delivery } from '../deliveries.ts';
import { emit } from '../events.ts';
import {
  addMessage,
  announce,
  announceChange,
  announceDeletion,
  messageObject,
  rememberVersion,
  removeMessage,
  sharedAttachment,
} from '../messages.ts';
import { viewObject } from '../modals.ts';
import { streamState } from '../streaming.ts';
import {
  type Channel,
  type Installation,
  installationFor,
  type Json,
  type Message,
  type Person,
  type SlackFile,
  type SuggestedPrompts,
  threadKey,
  type View,
} from '../world.ts';
import { type Forms, forms } from './forms.ts';
import { type Seen, visibleTo } from './screen.ts';
import { type Posted, posted } from './sent.ts';

export interface SharedFile {
  readonly name: string;
  readonly mimetype: string;
  readonly content?: Buffer | string;
  /** Hosted elsewhere, e.g. a Google Doc. */
  readonly externalUrl?: string;
  /** From another organisation: the event names its id only. */
  readonly stub?: boolean;
}

export interface Writing {
  /** The root of the thread to write in. */
  readonly threadTs?: string;
  /** Also send to the channel. */
  readonly broadcast?: boolean;
  readonly files?: readonly SharedFile[];
  /** What the person is looking at, as agents get it with a DM. */
  readonly appContext?: Json;
}

type Place = Channel | { readonly id: string } | string;

export interface User extends Forms {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly person: Person;
  /** The DM with the app; opened if need be. */
  readonly dmChannel: string;
  dm(text: string, writing?: Writing): Posted;
  /** Writes `@app text` in a channel. */
  mention(channel: Place, text: string, writing?: Writing): Posted;
  post(channel: Place, text: string, writing?: Writing): Posted;
  /** Passes a message on with Slack's share button, with a text of one's own, if any. */
  share(what: Posted | Seen, to: Place, text?: string, writing?: Writing): Posted;
  edit(what: Posted | Seen, text: string): Posted;
  delete(what: Posted | Seen): Posted;
  /** Clicks into the app: its Messages tab, or its Home tab. */
  openApp(tab: 'messages' | 'home'): Delivery | undefined;
  /** Looks at something else while the app is open beside it. */
  changeContext(entities: readonly Json[]): Delivery | undefined;
  /** Presses Slack's own stop button, shown while the session of a thread is processing. */
  stop(channel: Place, threadTs: string): Delivery;
  /** What they see in a channel, or in one thread of it. */
  sees(channel: Place, threadTs?: string): Seen[];
  /** The Home tab as published, the modal on top, the prompts in the DM, the status line of a thread. */
  readonly home: Json | undefined;
  readonly modal: Json | undefined;
  readonly prompts: SuggestedPrompts | undefined;
  status(channel: Place, threadTs: string): string | undefined;
}

export function createUser(core: Core, person: Person): User {
  const { world } = core;

  function installation(): Installation {
    const found = installationFor(world, person.team);
    if (found !== undefined) return found;
    // A guest from elsewhere meets the app in a shared channel.
    for (const channel of world.channels.values()) {
      if (!channel.members.has(person.id)) continue;
      for (const other of world.installations.values())
        if (other.active && channel.members.has(other.bot.id)) return other;
    }
    throw new Error(`the app is not installed for ${person.name}`);
  }

  const direct = () => openDirect(core, installation(), person);

  function channelOf(place: Place): Channel {
    const id = typeof place === 'string' ? place : place.id;
    const channel = world.channels.get(id);
    if (channel === undefined) throw new Error(`no channel ${id}`);
    if (!personSees(channel, person)) throw new Error(`${person.name} cannot see ${channel.name}`);
    return channel;
  }

  function share(file: SharedFile): SlackFile {
    const added: SlackFile = {
      id: world.id('F'),
      team: person.team,
      name: file.name,
      title: file.name,
      mimetype: file.mimetype,
      user: person.id,
      content: Buffer.from(file.content ?? ''),
      created: core.clock.now(),
      externalUrl: file.externalUrl,
      stub: file.stub ?? false,
      channels: new Set(),
      uploaded: true,
      length: undefined,
    };
    world.files.set(added.id, added);
    return added;
  }

  function write(channel: Channel, text: string, writing: Writing = {}, shared?: Message): Posted {
    if (!channel.members.has(person.id)) channel.members.add(person.id);
    if (writing.threadTs !== undefined && !channel.messages.has(writing.threadTs))
      throw new Error(`no thread ${writing.threadTs}`);
    const files = (writing.files ?? []).map(share);
    const broadcast = writing.broadcast === true;
    const message = addMessage(core, channel, {
      author: { type: 'person', person },
      text: typed(text),
      threadTs: writing.threadTs,
      broadcast,
      subtype: files.length > 0 ? 'file_share' : broadcast ? 'thread_broadcast' : undefined,
      files,
      attachments: shared === undefined ? [] : [sharedAttachment(core, shared)],
      appContext: writing.appContext,
    });
    return posted(message, announce(core, message));
  }

  function own(what: Posted | Seen): Message {
    if (what.message.author.type !== 'person' || what.message.author.person !== person)
      throw new Error('only your own messages');
    return what.message;
  }

  return {
    id: person.id,
    name: person.name,
    displayName: person.displayName,
    person,
    get dmChannel() {
      return direct().id;
    },
    dm: (text, writing) => write(direct(), text, writing),
    mention(place, text, writing) {
      const channel = channelOf(place);
      return write(channel, `<@${botIn(core, channel, installation()).bot.id}> ${text}`, writing);
    },
    post: (place, text, writing) => write(channelOf(place), text, writing),
    share({ message }, place, text = '', writing = {}) {
      if (!personSees(message.channel, person)) throw new Error('not a message they see');
      const channel = channelOf(place);
      for (const file of message.files) file.channels.add(channel.id);
      return write(channel, text, writing, message);
    },
    edit(what, text) {
      const message = own(what);
      const previous = messageObject(core, message);
      rememberVersion(core, message);
      message.text = typed(text);
      message.edited = { user: person.id, ts: world.ts(core.clock.now()) };
      return posted(message, announceChange(core, message, previous));
    },
    delete(what) {
      const message = own(what);
      const previous = messageObject(core, message);
      removeMessage(message);
      return posted(message, announceDeletion(core, message, previous));
    },
    openApp(tab) {
      const view = world.homes.get(person.id);
      const event = {
        type: 'app_home_opened',
        user: person.id,
        channel: direct().id,
        tab,
        ...(tab === 'home' && view !== undefined ? { view: viewObject(core, view) } : {}),
        event_ts: world.ts(core.clock.now()),
      };
      return emit(core, event, { subscription: 'app_home_opened', team: person.team });
    },
    changeContext(entities) {
      const event = {
        type: 'app_context_changed',
        channel: direct().id,
        user: person.id,
        context: { entities },
        event_ts: world.ts(core.clock.now()),
      };
      return emit(core, event, { subscription: 'app_context_changed', team: person.team });
    },
    stop(place, threadTs) {
      const channel = channelOf(place);
      if (world.sessions.get(threadKey(channel.id, threadTs))?.status !== 'processing') {
        throw new Error('no stop button: the session of this thread is not processing');
      }
      const streams = (channel.threads.get(threadTs) ?? []).filter(
        message => streamState(core, message) === 'streaming',
      );
      for (const { stream } of streams) if (stream !== undefined) stream.state = 'stopped_by_user';
      const event = {
        type: 'agent_session_stopped',
        channel: channel.id,
        user: person.id,
        thread_ts: threadTs,
        streaming_message_ts: streams.map(({ ts }) => ts),
        event_ts: world.ts(core.clock.now()),
      };
      const delivery = emit(core, event, {
        subscription: 'agent_session_stopped',
        team: person.team,
        channel,
      });
      if (delivery === undefined)
        throw new Error('no stop button: the app is not subscribed to agent_session_stopped');
      return delivery;
    },
    sees: (place, threadTs) => {
      const channel = world.channels.get(typeof place === 'string' ? place : place.id);
      return channel === undefined ? [] : visibleTo(core, person, channel, threadTs);
    },
    get home() {
      return world.homes.get(person.id)?.content;
    },
    get modal() {
      return topModal(core, person)?.content;
    },
    get prompts() {
      return world.prompts.get(direct().id);
    },
    status(place, threadTs) {
      const status = world.statuses.get(threadKey(typeof place === 'string' ? place : place.id, threadTs));
      return status !== undefined && core.clock.now() < status.expiresAt ? status.status : undefined;
    },
    ...forms(core, person, installation, channelOf, direct),
  };
}

/** The installation a mention in a channel means: the one whose bot is there, else the person's own. */
function botIn(core: Core, channel: Channel, own: Installation): Installation {
  if (channel.members.has(own.bot.id)) return own;
  return (
    [...core.world.installations.values()].find(({ active, bot }) => active && channel.members.has(bot.id)) ??
    own
  );
}

function topModal(core: Core, person: Person): View | undefined {
  return core.world.modals.get(person.id)?.at(-1);
}

const CONTROL = /(<[@#!][^>\s]+>)/;
const BARE_LINK = /https?:\/\/[^\s<>]+/g;

/** Typed text as Slack stores it: `& < >` escaped except in mentions, addresses in angle brackets. */
function typed(text: string): string {
  return text
    .split(CONTROL)
    .map(part => {
      if (CONTROL.test(part)) return part;
      const escaped = part.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
      return escaped.replace(BARE_LINK, link => `<${link}>`);
    })
    .join('');
}
