// A workspace: its people and channels, the app being installed and removed, other bots that talk too.

import type { Core } from '../core.ts';
import type { Delivery } from '../deliveries.ts';
import { emit } from '../events.ts';
import { install, revokeTokens, uninstall } from '../installations.ts';
import { addMessage, announce, announceChange, messageObject } from '../messages.ts';
import {
  type Channel,
  type ChannelKind,
  type Installation,
  installationFor,
  type Json,
  type Person,
  type Team,
} from '../world.ts';
import { type Seen, seen } from './screen.ts';
import { type Posted, posted } from './sent.ts';
import { createUser, type User } from './user.ts';

export interface Installed {
  readonly installation: Installation;
  readonly token: string;
  readonly refreshToken: string | undefined;
  readonly botUserId: string;
  readonly botId: string;
}

export interface UserOptions {
  readonly displayName?: string;
  readonly realName?: string;
  readonly tz?: string;
}

export interface ChannelOptions {
  readonly private?: boolean;
  readonly group?: boolean;
  readonly members?: readonly User[];
  /** Whether the app's bot is in it; true unless told, where the app is installed. */
  readonly withBot?: boolean;
  /** Workspaces of other organisations it is shared with (Slack Connect). */
  readonly sharedWith?: readonly Workspace[];
}

export interface ChannelDriver {
  readonly id: string;
  readonly name: string;
  readonly channel: Channel;
  /** Everything in it, ephemeral messages too, in order. */
  readonly messages: readonly Seen[];
  add(user: User): void;
  addBot(): void;
  /** Removes the app's bot, as a member of the channel can. */
  removeBot(): Delivery | undefined;
  remove(user: User): Delivery | undefined;
  archive(): void;
  /** A join or another notice Slack itself writes; bots must not answer those. */
  systemMessage(subtype: string, user: User, text: string): Posted;
}

export interface OtherBot {
  readonly person: Person;
  /** `classic` posts have the subtype bot_message and no user. */
  post(channel: string, text: string, options?: { threadTs?: string; classic?: boolean }): Posted;
}

export interface Workspace {
  readonly id: string;
  readonly team: Team;
  /** Installs the app here by an administrator's click, with a token to configure. */
  install(options?: { scopes?: readonly string[]; rotating?: boolean; orgWide?: boolean }): Installed;
  uninstall(): readonly Delivery[];
  revokeTokens(): readonly Delivery[];
  addUser(name: string, options?: UserOptions): User;
  addChannel(name: string, options?: ChannelOptions): ChannelDriver;
  addBot(name: string): OtherBot;
  /** Slack adds a preview to a message with a link: message_changed although nobody edited it. */
  unfurl(what: Posted): Posted;
}

export function createWorkspace(core: Core, team: Team): Workspace {
  const { world } = core;

  function current(): Installation {
    const installation = installationFor(world, team);
    if (installation === undefined) throw new Error(`the app is not installed in ${team.name}`);
    return installation;
  }

  return {
    id: team.id,
    team,
    install({ scopes = core.app.scopes, rotating = core.app.tokenRotation, orgWide = false } = {}) {
      if (orgWide && team.enterprise === undefined)
        throw new Error(`${team.name} belongs to no organisation`);
      const target: Installation['target'] =
        orgWide && team.enterprise !== undefined
          ? { type: 'org', enterprise: team.enterprise }
          : { type: 'team', team };
      const installation = install(core, target, scopes);
      const { token, refreshToken } = core.tokens.issue(installation, rotating);
      return {
        installation,
        token: token.value,
        refreshToken,
        botUserId: installation.bot.id,
        botId: installation.botId,
      };
    },
    uninstall: () => uninstall(core, current()),
    revokeTokens: () => revokeTokens(core, current()),
    addUser(name, options = {}) {
      const person = addPerson(core, team, name, undefined, options);
      return createUser(core, person);
    },
    addChannel(name, options = {}) {
      const kind: ChannelKind =
        options.group === true ? 'mpim' : options.private === true ? 'group' : 'channel';
      const channel: Channel = {
        id: world.id('C'),
        kind,
        name,
        host: team,
        teams: new Set([team.id, ...(options.sharedWith ?? []).map(({ id }) => id)]),
        members: new Set((options.members ?? []).map(({ id }) => id)),
        messages: new Map(),
        threads: new Map(),
        archived: false,
      };
      world.channels.set(channel.id, channel);
      const installation = installationFor(world, team);
      if (options.withBot !== false && installation !== undefined) channel.members.add(installation.bot.id);
      return channelDriver(core, channel, current);
    },
    addBot(name) {
      const person = addPerson(core, team, name, world.id('B'), {});
      return {
        person,
        post(place, text, { threadTs, classic = false } = {}) {
          const channel = world.channels.get(place);
          if (channel === undefined) throw new Error(`no channel ${place}`);
          channel.members.add(person.id);
          const subtype = classic ? 'bot_message' : undefined;
          const message = addMessage(core, channel, {
            author: { type: 'other_bot', bot: person },
            text,
            threadTs,
            subtype,
          });
          return posted(message, announce(core, message));
        },
      };
    },
    unfurl({ message }) {
      const previous = messageObject(core, message);
      message.attachments = [
        { id: 1, from_url: 'https://example.com', title: 'A page', fallback: 'A page' } satisfies Json,
      ];
      return posted(message, announceChange(core, message, previous));
    },
  };
}

function addPerson(
  core: Core,
  team: Team,
  name: string,
  botId: string | undefined,
  options: UserOptions,
): Person {
  const person: Person = {
    id: core.world.id('U'),
    team,
    name,
    realName: options.realName ?? name,
    displayName: options.displayName ?? name,
    tz: options.tz ?? 'America/Los_Angeles',
    botId,
    deleted: false,
  };
  core.world.people.set(person.id, person);
  return person;
}

function channelDriver(core: Core, channel: Channel, current: () => Installation): ChannelDriver {
  /** Told before the member is gone, so that the app still hears of its own removal. */
  function leave(id: string): Delivery | undefined {
    const event = {
      type: 'member_left_channel',
      user: id,
      channel: channel.id,
      channel_type: channel.kind === 'group' ? 'G' : 'C',
      team: channel.host.id,
      event_ts: core.world.ts(core.clock.now()),
    };
    const delivery = emit(core, event, { subscription: 'member_left_channel', team: channel.host, channel });
    channel.members.delete(id);
    return delivery;
  }
  return {
    id: channel.id,
    name: channel.name,
    channel,
    get messages() {
      return [...channel.messages.values()].map(message => seen(core, message));
    },
    add: user => void channel.members.add(user.id),
    addBot: () => void channel.members.add(current().bot.id),
    removeBot: () => leave(current().bot.id),
    remove: user => leave(user.id),
    archive: () => {
      channel.archived = true;
    },
    systemMessage(subtype, user, text) {
      const message = addMessage(core, channel, {
        author: { type: 'person', person: user.person },
        text,
        subtype,
      });
      return posted(message, announce(core, message));
    },
  };
}
