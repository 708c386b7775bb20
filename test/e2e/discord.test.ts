import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDiscordAdapter } from '../../src/adapters/discord/adapter.ts';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { type Bot, createBot } from '../../src/core/bot.ts';
import { createCustomTools } from '../../src/core/custom-tools.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state.ts';
import { createLog } from '../../src/log.ts';
import { createAgentLoop } from '../../src/runtime/agent-loop.ts';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import { createRuntime, type Runtime } from '../../src/runtime/server.ts';
import { customIdsOf } from '../fakes/discord/drivers/acts.ts';
import { createFakeDiscord, type FakeDiscord } from '../fakes/discord/fake-discord.ts';
import type { Message } from '../fakes/discord/state.ts';
import { createRecordingAdapter, type RecordingAdapter } from '../helpers/recording-adapter.ts';

const AGENT = 'name: shopper\nmodel: claude-sonnet-5-5\nsystem: You are a shopper.\n';
/** discord.js leaves five seconds between two identifies. */
const RECONNECT_MS = 20_000;

let dir: string;
let discord: FakeDiscord;
let runtime: Runtime;
let client: Anthropic;
let state: State;
let bot: Bot;
let other: RecordingAdapter;

/** The whole bot on the fake Discord, beside another platform. */
async function start(): Promise<void> {
  state = await openSqliteState(join(dir, 'state'));
  const log = createLog('silent');
  const settings = {
    token: discord.token,
    applicationId: discord.applicationId,
    apiUrl: discord.apiUrl,
    shards: 'auto' as const,
    messageContent: 'auto' as const,
    catchUpMs: 30 * 60_000,
    privateNotices: 'line' as const,
  };
  other = createRecordingAdapter('slack');
  bot = createBot({
    client,
    state,
    file: parseAgentFile(AGENT, 'agent.yml'),
    tools: createCustomTools([]),
    adapters: [
      createDiscordAdapter({ settings, state, log, now: discord.clock.now, minIntervalMs: 10 }),
      other,
    ],
    notices: undefined,
    limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
    log,
  });
  await bot.start();
}

async function halt(): Promise<void> {
  await bot.stop();
  await state.close();
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shopper-discord-'));
  discord = await createFakeDiscord({
    rateLimits: false,
    identifyWindowMs: 0,
    privileged: { messageContent: true },
  });
  const loop = createAgentLoop({ model: createOfflineModel() });
  runtime = await createRuntime({ dataDir: join(dir, 'runtime'), port: 0, loop, apiKey: 'key' });
  client = new Anthropic({ baseURL: runtime.url, apiKey: 'key', logLevel: 'off' });
  await start();
});

afterEach(async () => {
  await halt();
  await runtime.stop();
  await discord.stop();
  await rm(dir, { recursive: true, force: true });
});

function said(channelId: string): Message[] {
  if (!discord.state.channels.has(channelId)) return [];
  return discord
    .messages(channelId)
    .filter(
      message =>
        message.authorId === discord.botId && message.ephemeralFor === null && message.content !== '',
    );
}

/** Complete replies: no status, no Stop button, no quiet line. */
const replies = (channelId: string) =>
  said(channelId)
    .filter(({ content, components }) => components.length === 0 && !content.startsWith('-# '))
    .map(({ content }) => content);

const buttonOf = (message: Message, part: string) =>
  customIdsOf(message).find(id => id.includes(part)) ?? `no button ${part}`;

const words = (message: Message) => JSON.stringify([message.content, message.components]);

async function memories(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const store of client.beta.memoryStores.list()) {
    for await (const item of client.beta.memoryStores.memories.list(store.id, { view: 'full' })) {
      if (item.type === 'memory') found[`${store.name}${item.path}`] = item.content ?? '';
    }
  }
  return found;
}

/** The budgets that people told the agent, session by session. */
async function toldBudgets(): Promise<string[][]> {
  const told: string[][] = [];
  for await (const session of client.beta.sessions.list()) {
    const texts: string[] = [];
    const events = client.beta.sessions.events.list(session.id, { types: ['user.message'] });
    for await (const event of events) {
      if (event.type !== 'user.message') continue;
      for (const block of event.content) {
        if (block.type === 'text' && block.text.startsWith('My budget is ')) texts.push(block.text.slice(13));
      }
    }
    told.push(texts);
  }
  return told;
}

describe('the shopper on Discord', () => {
  it('answers a mention in a thread, remembers, shows what it noted, undoes it, and /preferences agrees', async () => {
    const ana = discord.world.addUser('Ana');
    const guild = discord.world.addGuild('Shop', { members: [ana.id] });
    const channel = discord.world.addChannel(guild.id, 'general');
    const as = discord.as(ana.id);

    const { id: thread } = as.say(channel.id, `<@${discord.botId}> My budget is $120`);
    await discord.until(() => replies(thread).length === 1, 'the reply');
    await discord.until(
      () => said(thread).some(({ content }) => content.includes('updated my memory')),
      'the line',
    );
    const before = await memories();
    expect(Object.values(before).join()).toContain('$120');

    as.say(thread, 'I wear size 9 shoes');
    await discord.until(() => replies(thread).length === 2, 'the second reply');
    const line = await discord.until(
      () => said(thread).filter(({ content }) => content.includes('updated my memory'))[1],
      'the second line',
    );
    // The reply was one message that grew: a status first, text later.
    const second = said(thread).find(({ content }) => content === replies(thread)[1]);
    expect(second?.history.length).toBeGreaterThan(1);
    expect(second?.history[0]?.content).toMatch(/^-# /);

    as.press(line.id, buttonOf(line, ':notice:'));
    const opened = await discord.until(
      () =>
        as
          .sees(thread)
          .find(({ ephemeralFor, content }) => ephemeralFor === ana.id && content.includes('shoe size: 9')),
      'the notice',
    );
    as.press(opened.id, buttonOf(opened, ':undo:'));
    await discord.until(() => opened.content.includes('Undone'), 'the undo');
    expect(await memories()).toEqual(before);

    const asked = as.slash(thread, 'preferences', { path: ['view'] });
    const shown = await discord.until(() => {
      const message = discord.channel(thread).messages.get(asked.answer?.messageId ?? '');
      return message !== undefined && message.components.length > 0 && message;
    }, '/preferences');
    expect(shown.ephemeralFor).toBe(ana.id);
    expect(words(shown)).toContain('120');
    expect(words(shown)).not.toContain('shoe size');
  });

  it('answers 40 messages missed in ten minutes once each, in order, with a restart in the middle', async () => {
    const guild = discord.world.addGuild('Shop');
    const channel = discord.world.addChannel(guild.id, 'general');
    const people = Array.from({ length: 5 }, (_, index) => discord.world.addUser(`Person ${index}`));
    const places: string[] = [];
    for (const [index, { id }] of people.entries()) {
      discord.world.addMember(guild.id, id);
      const sent =
        index % 2 === 0
          ? discord.as(id).dm('Hello')
          : discord.as(id).say(channel.id, `<@${discord.botId}> Hello`);
      const place = index % 2 === 0 ? sent.channelId : sent.id;
      await discord.until(() => replies(place).length === 1, 'a first reply');
      places.push(place);
    }
    await bot.idle();
    await halt();
    for (let round = 0; round < 8; round += 1) {
      for (const [index, { id }] of people.entries()) {
        discord.as(id).say(places[index] ?? '', `My budget is $${100 * (index + 1) + round}`);
      }
      discord.clock.advance(75_000);
    }
    await start();
    await discord.until(() => places.some(place => replies(place).length > 1), 'an answer after the gap');
    await halt();
    await start();
    const expected = people.map((_, index) =>
      Array.from({ length: 8 }, (_, round) => `$${100 * (index + 1) + round}`),
    );
    // What was missed is still being fetched when the start is over.
    await vi.waitFor(async () => expect((await toldBudgets()).flat()).toHaveLength(40), 30_000);
    await bot.idle();
    expect((await toldBudgets()).sort()).toEqual(expected);
    for (const place of places) expect(new Set(replies(place)).size).toBe(replies(place).length);
  });

  it.each(['resumed', 'refused'] as const)(
    'gives one reply each when the gateway drops at any moment (%s)',
    async how => {
      const ana = discord.world.addUser('Ana');
      discord.world.addGuild('Shop', { members: [ana.id] });
      const place = discord.as(ana.id).dmChannel().id;
      const drop = () => {
        if (how === 'refused') discord.gateway.refuseResumes(1);
        discord.gateway.drop();
      };
      discord.as(ana.id).dm('Hello');
      await discord.until(() => replies(place).length === 1, 'a first reply');
      const stages: [string, () => boolean][] = [
        ['before it is taken', () => true],
        ['while it works', () => said(place).length > replies(place).length],
        ['when it is answered', () => replies(place).length === 4],
      ];
      for (const [index, [stage, reached]] of stages.entries()) {
        discord.as(ana.id).dm(`My budget is $${index + 1}00`);
        await discord.until(reached, stage);
        drop();
        await discord.until(
          () => replies(place).length === index + 2,
          `the reply when it dropped ${stage}`,
          RECONNECT_MS,
        );
        await discord.until(() => discord.gateway.connected(), 'the connection', RECONNECT_MS);
      }
      await bot.idle();
      expect(replies(place)).toHaveLength(stages.length + 1);
    },
    90_000,
  );

  it('knows one person on two servers as one, and the same id on another platform as another', async () => {
    const ana = discord.world.addUser('Ana');
    const [first, second] = ['Shop', 'Club'].map(name => {
      const guild = discord.world.addGuild(name, { members: [ana.id] });
      return discord.world.addChannel(guild.id, 'general').id;
    });
    const as = discord.as(ana.id);
    const one = as.say(first ?? '', `<@${discord.botId}> I wear size 9 shoes`).id;
    await discord.until(() => replies(one).length === 1, 'the first reply');
    await bot.idle();
    const two = as.say(second ?? '', `<@${discord.botId}> What is my shoe size?`).id;
    await discord.until(() => replies(two).length === 1, 'the second reply');
    expect(replies(two)[0]).toContain('9');

    const elsewhere = await other.say('What is my shoe size?', { user: ana.id });
    expect(elsewhere.final?.text).toContain("I don't know your sizes yet");
    const stores: string[] = [];
    for await (const store of client.beta.memoryStores.list()) stores.push(store.id);
    expect(stores).toHaveLength(2);
  });
});
