import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDiscordAdapter } from '../../../src/adapters/discord/adapter.ts';
import type { Persona } from '../../../src/adapters/discord/commands.ts';
import type { DiscordSettings } from '../../../src/adapters/discord/connection/settings.ts';
import type { BotPort, ChatAdapter, ReplySink } from '../../../src/core/adapter.ts';
import type { Json, Message } from '../../../src/core/message.ts';
import { FIELDS } from '../../../src/core/preferences/field-rules.ts';
import { openSqliteState } from '../../../src/core/state/sqlite.ts';
import type { State, Table } from '../../../src/core/state/state.ts';
import type { Notice } from '../../../src/core/views.ts';
import type { Log } from '../../../src/log.ts';
import {
  createFakeDiscord,
  type FakeDiscord,
  type FakeDiscordOptions,
} from '../../fakes/discord/fake-discord.ts';
import type { Channel, Guild, User } from '../../fakes/discord/state.ts';
import { createScriptedBot, done, reply, type ScriptedBot } from '../scripted-bot.ts';

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  event: unknown;
  text: string;
  fields: object;
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
  /** While it is true, the database takes and gives nothing. */
  stateIsDown: boolean;
  /** Stands between adapter and bot, for tests that look in there. */
  port: (bot: ScriptedBot) => BotPort;
  start(): Promise<void>;
  /** Another process on the same state: new adapter, new bot. */
  restart(bot?: ScriptedBot): Promise<void>;
  /** A process beside this one on the same state, which answers and is not connected. */
  worker(): Promise<ChatAdapter>;
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
  formWaitMs?: number;
}

/** A server with a text channel and two people, a scripted bot, and the adapter between them. */
/** As the shopper's agent.yml has it. */
export const PERSONA: Persona = { name: 'shopper', fields: FIELDS };

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
      persona: PERSONA,
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
      state: breakable(state, () => world.stateIsDown),
      log,
      now,
      minIntervalMs: options.minIntervalMs ?? 5,
      patienceMs: options.patienceMs ?? 50,
      reconnectMs: 100,
      retryMs: 5,
      ...(options.formWaitMs === undefined ? {} : { formWaitMs: options.formWaitMs }),
    });
  const workers: ChatAdapter[] = [];
  const world: World = {
    discord,
    guild,
    channel,
    ana,
    ben,
    bot: createScriptedBot(),
    adapter: build(),
    state,
    logs,
    stateIsDown: false,
    port: bot => bot,
    start: () => world.adapter.start(world.port(world.bot)),
    async restart(bot = createScriptedBot()) {
      await world.adapter.stop();
      world.bot = bot;
      world.adapter = build();
      await world.adapter.start(world.port(world.bot));
    },
    async worker() {
      const worker = build();
      workers.push(worker);
      await worker.start(createScriptedBot(), 'send');
      return worker;
    },
    halt: () => world.adapter.stop(),
    async close() {
      await Promise.all(workers.map(worker => worker.stop()));
      await world.adapter.stop();
      await discord.stop();
      await state.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return world;
}

function breakable(state: State, isDown: () => boolean): State {
  const up = () => {
    if (isDown()) throw new Error('the database does not answer');
  };
  return {
    ...state,
    table<T>(name: string): Table<T> {
      const table = state.table<T>(name);
      return {
        ...table,
        async get(...given) {
          up();
          return table.get(...given);
        },
        async set(...given) {
          up();
          return table.set(...given);
        },
        async insert(...given) {
          up();
          return table.insert(...given);
        },
        async delete(...given) {
          up();
          return table.delete(...given);
        },
      };
    },
  };
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

export const working = (text: string, status: string | null = null) => reply(text, { status });

export { done };

/** Replies to every message with the same text, as a turn would. */
export function answerWith(world: World, text: (message: Message) => string): void {
  world.bot.onMessage = message => {
    const { sink } = openReply(world, message);
    const finished = sink.finish(done(text(message)));
    // An adapter that is stopped leaves the rest of a reply to the next one.
    void finished.catch(() => {}).then(() => sink.close());
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

/** One change to tell of. */
export const notice: Notice = {
  id: 'notice-1',
  changes: [
    {
      memoryId: 'mem_1',
      path: '/sizes.md',
      operation: 'created',
      lines: [{ type: 'added', text: 'shoe size: 9' }],
    },
  ],
};
