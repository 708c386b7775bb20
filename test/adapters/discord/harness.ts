import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDiscordAdapter } from '../../../src/adapters/discord/adapter.ts';
import type { DiscordSettings } from '../../../src/adapters/discord/settings.ts';
import type { BotPort, ChatAdapter, Reply, ReplySink } from '../../../src/core/adapter.ts';
import {
  type Command,
  type Conversation,
  conversationKey,
  type Json,
  type Message,
} from '../../../src/core/message.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import type { State } from '../../../src/core/state.ts';
import type { PreferencesView } from '../../../src/core/views.ts';
import type { Log } from '../../../src/log.ts';
import {
  createFakeDiscord,
  type FakeDiscord,
  type FakeDiscordOptions,
} from '../../fakes/discord/fake-discord.ts';
import type { Channel, Guild, User } from '../../fakes/discord/state.ts';

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  event: unknown;
  text: string;
  fields: object;
}

/** A bot that remembers what it was given and answers as the test says. */
export interface ScriptedBot extends BotPort {
  readonly received: Message[];
  readonly commands: Command[];
  readonly interrupted: Conversation[];
  readonly withdrawn: { conversation: Conversation; messageId: string }[];
  /** What /preferences and its buttons are answered with. */
  onCommand: (command: Command) => PreferencesView;
  withdrawAnswer: 'waiting' | 'running' | 'answered';
  /** Runs for each message that is not a duplicate. */
  onMessage: (message: Message) => void;
  /** Called before a message is taken in. */
  beforeReceive: (message: Message) => Promise<void>;
}

export function createScriptedBot(onChange: () => void = () => {}): ScriptedBot {
  const seen = new Set<string>();
  const known = new Set<string>();
  const bot: ScriptedBot = {
    received: [],
    commands: [],
    interrupted: [],
    withdrawn: [],
    onCommand: () => ({
      type: 'memory',
      sections: [],
      notices: 'private',
      noticesAreDefault: true,
      paused: false,
      privateHere: null,
    }),
    withdrawAnswer: 'answered',
    onMessage: () => {},
    beforeReceive: async () => {},
    async receive(message) {
      await bot.beforeReceive(message);
      const id = `${conversationKey(message.conversation)}/${message.id}`;
      if (seen.has(id)) return 'duplicate';
      seen.add(id);
      known.add(conversationKey(message.conversation));
      bot.received.push(message);
      onChange();
      bot.onMessage(message);
      return 'accepted';
    },
    async command(command) {
      bot.commands.push(command);
      onChange();
      return bot.onCommand(command);
    },
    async interrupt(conversation) {
      bot.interrupted.push(conversation);
      onChange();
      return known.has(conversationKey(conversation));
    },
    async withdraw(conversation, messageId) {
      bot.withdrawn.push({ conversation, messageId });
      onChange();
      return bot.withdrawAnswer;
    },
    knows: async conversation => known.has(conversationKey(conversation)),
    prepare: async () => {},
  };
  return bot;
}

export interface World {
  discord: FakeDiscord;
  guild: Guild;
  channel: Channel;
  ana: User;
  ben: User;
  bot: ScriptedBot;
  adapter: ChatAdapter;
  state: State;
  logs: LogLine[];
  start(): Promise<void>;
  /** Another process on the same state: new adapter, new bot. */
  restart(): Promise<void>;
  /** Takes the adapter down as stop() does, and keeps the state. */
  halt(): Promise<void>;
  close(): Promise<void>;
}

export interface WorldOptions {
  fake?: FakeDiscordOptions;
  settings?: Partial<DiscordSettings>;
  now?: () => number;
  minIntervalMs?: number;
  patienceMs?: number;
}

/** A server with a text channel and two people, a scripted bot, and the adapter between them. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const discord = await createFakeDiscord({
    rateLimits: false,
    identifyWindowMs: 0,
    privileged: { messageContent: true },
    ...options.fake,
  });
  const ana = discord.world.addUser('Ana');
  const ben = discord.world.addUser('Ben');
  const guild = discord.world.addGuild('Shop', { members: [ana.id, ben.id] });
  const channel = discord.world.addChannel(guild.id, 'general');
  const dir = await mkdtemp(join(tmpdir(), 'discord-'));
  const state = await openSqliteState(dir);
  const logs: LogLine[] = [];
  const log = recordingLog(logs, () => discord.journal.touch());
  const now = options.now ?? discord.clock.now;

  const build = (): ChatAdapter =>
    createDiscordAdapter({
      settings: {
        token: discord.token,
        applicationId: discord.applicationId,
        apiUrl: discord.apiUrl,
        shards: 'auto',
        messageContent: 'auto',
        catchUpMs: 30 * 60_000,
        privateNotices: 'line',
        ...options.settings,
      },
      state,
      log,
      now,
      minIntervalMs: options.minIntervalMs ?? 5,
      patienceMs: options.patienceMs ?? 50,
    });
  const touch = () => discord.journal.touch();
  const world: World = {
    discord,
    guild,
    channel,
    ana,
    ben,
    bot: createScriptedBot(touch),
    adapter: build(),
    state,
    logs,
    start: () => world.adapter.start(world.bot),
    async restart() {
      await world.adapter.stop();
      world.bot = createScriptedBot(touch);
      world.adapter = build();
      await world.adapter.start(world.bot);
    },
    halt: () => world.adapter.stop(),
    async close() {
      await world.adapter.stop();
      await discord.stop();
      await state.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return world;
}

function recordingLog(lines: LogLine[], onLine: () => void): Log {
  const at = (level: LogLine['level']) => (fields: object, text?: string) => {
    lines.push({ level, event: 'event' in fields ? fields.event : undefined, text: text ?? '', fields });
    onLine();
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as Log;
}

/** The newest message the bot was given, once there are so many. */
export async function nthMessage(world: World, count: number): Promise<Message> {
  // discord.js leaves five seconds between two identifies, which some tests have to sit out.
  return world.discord.until(() => world.bot.received[count - 1], `message ${count}`, 15_000);
}

export interface OpenReply {
  sink: ReplySink;
  /** What the sink saved last. */
  handle(): Json;
}

export function openReply(world: World, message: Message, resume: Json = null): OpenReply {
  let handle: Json = resume;
  const sink = world.adapter.openReply(message, resume, async saved => {
    handle = saved;
  });
  return { sink, handle: () => handle };
}

export const working = (text: string, status: string | null = null): Reply => ({
  state: 'working',
  text,
  status,
  activities: [],
});

export const done = (text: string): Reply => ({ state: 'done', text, status: null, activities: [] });

/** Replies to every message with the same text, as a turn would. */
export function answerWith(world: World, text: (message: Message) => string): void {
  world.bot.onMessage = message => {
    const { sink } = openReply(world, message);
    void sink.finish(done(text(message))).then(() => sink.close());
  };
}

/** What the bot has written in a channel, oldest first. */
export function botSaid(world: World, channelId: string): string[] {
  const { discord } = world;
  if (!discord.state.channels.has(channelId)) return [];
  return discord
    .messages(channelId)
    .filter(message => message.authorId === discord.botId && message.content !== '')
    .map(message => message.content);
}
