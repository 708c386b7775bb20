import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerWith, botSaid, createWorld, nthMessage, type World } from './harness.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const MINUTE = 60_000;

describe('after being offline', () => {
  it('answers 40 missed messages over DMs and threads once each, in order, also with a restart in the middle', async () => {
    await world.start();
    const { discord, guild, channel } = world;
    answerWith(world, message => `re: ${message.text}`);
    const people = Array.from({ length: 5 }, (_, index) => discord.world.addUser(`Person ${index}`));
    const places: string[] = [];
    for (const [index, person] of people.entries()) {
      discord.world.addMember(guild.id, person.id);
      const sent =
        index % 2 === 0
          ? discord.as(person.id).dm('hello')
          : discord.as(person.id).say(channel.id, `<@${discord.botId}> hello`);
      const place = index % 2 === 0 ? sent.channelId : sent.id;
      await discord.until(() => botSaid(world, place).includes('re: hello'));
      places.push(place);
    }
    await world.halt();
    for (let round = 0; round < 8; round += 1) {
      for (const [index, person] of people.entries()) {
        discord.as(person.id).say(places[index] ?? '', `missed ${index}.${round}`);
      }
      discord.clock.advance(75_000);
    }

    // The first process after the gap dies when it has taken in a part of it.
    await world.restart();
    const taken: string[] = [];
    const first = world.bot;
    await discord.until(() => first.received.length >= 13);
    await world.halt();
    taken.push(...first.received.map(({ text }) => text));
    await world.restart();
    const second = world.bot;
    discord.as(people[0]?.id ?? '').dm('now');
    await discord.until(() => second.received.some(({ text }) => text === 'now'));
    await discord.until(() => new Set([...taken, ...second.received.map(({ text }) => text)]).size === 41);
    taken.push(...second.received.map(({ text }) => text));
    expect(taken).toHaveLength(41);
    for (const index of people.keys()) {
      const own = taken.filter(text => text.startsWith(`missed ${index}.`));
      expect(own).toEqual(Array.from({ length: 8 }, (_, round) => `missed ${index}.${round}`));
    }
  });

  it('finds a missed mention in a channel where the bot was talked to before', async () => {
    await world.start();
    const { discord, ana, channel } = world;
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> first`);
    await nthMessage(world, 1);
    await world.halt();
    discord.as(ana.id).say(channel.id, 'not for the bot');
    const missed = discord.as(ana.id).say(channel.id, `<@${discord.botId}> second`);
    await world.restart();
    const message = await nthMessage(world, 1);
    expect([message.text, message.conversation.channel]).toEqual(['second', missed.id]);
  });

  it('says once, in one note, that messages were too old to answer', async () => {
    await world.start();
    const { discord, ana } = world;
    const dm = discord.as(ana.id).dm('hello');
    await nthMessage(world, 1);
    await world.halt();
    discord.as(ana.id).dm('one');
    discord.as(ana.id).dm('two');
    discord.clock.advance(31 * MINUTE);
    discord.as(ana.id).dm('three');
    await world.restart();
    expect((await nthMessage(world, 1)).text).toBe('three');
    await world.restart();
    discord.as(ana.id).dm('four');
    expect((await nthMessage(world, 1)).text).toBe('four');
    const notes = botSaid(world, dm.channelId);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('missed 2 messages');
  });

  it('fetches what a refused resume lost, and needs nothing when it resumes', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.as(ana.id).dm('hello');
    await nthMessage(world, 1);
    const fetches = () =>
      discord.journal.rest({ method: 'GET', route: '/channels/:channel/messages' }).length;

    discord.gateway.drop();
    discord.as(ana.id).dm('resumed');
    expect((await nthMessage(world, 2)).text).toBe('resumed');
    expect(fetches()).toBe(0);

    discord.gateway.refuseResumes(1);
    discord.gateway.drop();
    discord.as(ana.id).dm('lost');
    expect((await nthMessage(world, 3)).text).toBe('lost');
    expect(fetches()).toBeGreaterThan(0);
    discord.as(ana.id).dm('after');
    expect((await nthMessage(world, 4)).text).toBe('after');
  });
});
