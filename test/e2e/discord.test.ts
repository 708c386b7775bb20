import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOfflineModel } from '../../src/runtime/models/offline.ts';
import { customIdsOf } from '../fakes/discord/drivers/acts.ts';
import type { FakeDiscord } from '../fakes/discord/fake-discord.ts';
import type { Message } from '../fakes/discord/state.ts';
import { AGENT } from '../helpers/bench.ts';
import { createRecordingAdapter, type RecordingAdapter } from '../helpers/recording-adapter.ts';
import { openDiscord } from './on-discord.ts';
import { createWholeBot, type WholeBot } from './whole-bot.ts';

/** discord.js leaves five seconds between two identifies. */
const RECONNECT_MS = 20_000;

let discord: FakeDiscord;
let whole: WholeBot;
/** Another platform beside it. */
let other: RecordingAdapter;

beforeEach(async () => {
  const on = await openDiscord();
  discord = on.discord;
  const beside = {
    adapter() {
      other = createRecordingAdapter('slack');
      return other;
    },
    stop: async () => {},
  };
  whole = await createWholeBot([on, beside], { model: createOfflineModel(), agent: AGENT });
});

afterEach(() => whole.stop());

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

/** The budgets that people told the agent, session by session. */
async function toldBudgets(): Promise<string[][]> {
  const told: string[][] = [];
  for await (const session of whole.client.beta.sessions.list()) {
    const texts: string[] = [];
    const events = whole.client.beta.sessions.events.list(session.id, { types: ['user.message'] });
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
    const before = await whole.memories();
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
    expect(await whole.memories()).toEqual(before);

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
    await whole.bot.idle();
    await whole.halt();
    for (let round = 0; round < 8; round += 1) {
      for (const [index, { id }] of people.entries()) {
        discord.as(id).say(places[index] ?? '', `My budget is $${100 * (index + 1) + round}`);
      }
      discord.clock.advance(75_000);
    }
    await whole.start();
    await discord.until(() => places.some(place => replies(place).length > 1), 'an answer after the gap');
    await whole.halt();
    await whole.start();
    const expected = people.map((_, index) =>
      Array.from({ length: 8 }, (_, round) => `$${100 * (index + 1) + round}`),
    );
    // What was missed is still being fetched when the start is over.
    await vi.waitFor(async () => expect((await toldBudgets()).flat()).toHaveLength(40), 30_000);
    await whole.bot.idle();
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
      await whole.bot.idle();
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
    await whole.bot.idle();
    const two = as.say(second ?? '', `<@${discord.botId}> What is my shoe size?`).id;
    await discord.until(() => replies(two).length === 1, 'the second reply');
    expect(replies(two)[0]).toContain('9');

    const elsewhere = await other.say('What is my shoe size?', { user: ana.id });
    expect(elsewhere.final?.text).toContain("I don't know your sizes yet");
    const stores: string[] = [];
    for await (const store of whole.client.beta.memoryStores.list()) stores.push(store.id);
    expect(stores).toHaveLength(2);
  });
});
