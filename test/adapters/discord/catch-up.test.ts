import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../../helpers/gate.ts';
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

  it('answers what came since also where it may not say that something was too old', async () => {
    await world.start();
    const { discord, ana, channel } = world;
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    await nthMessage(world, 1);
    await world.halt();
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> one`);
    discord.clock.advance(31 * MINUTE);
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> two`);
    discord.faults.add({
      method: 'POST',
      route: '/channels/:channel/messages',
      effect: { type: 'status', status: 403, body: { message: 'Missing Permissions', code: 50013 } },
    });
    await world.restart();
    expect((await nthMessage(world, 1)).text).toBe('two');
  });

  it('looks first through the channels in which somebody says something now', async () => {
    await world.start();
    const { discord, ana, guild, channel } = world;
    const people = Array.from({ length: 11 }, (_, index) => discord.world.addUser(`Person ${index}`));
    for (const [index, { id }] of people.entries()) {
      discord.world.addMember(guild.id, id);
      discord.as(id).dm('hello');
      await nthMessage(world, index + 1);
    }
    await world.halt();
    // As many as are looked through at a time.
    const gates = Array.from({ length: 8 }, () => gate());
    for (const { opened } of gates) {
      const route = '/channels/:channel/messages';
      discord.faults.add({ method: 'GET', route, effect: { type: 'hold', until: opened } });
    }
    await world.restart(world.bot.successor());
    const looks = () => discord.journal.rest({ method: 'GET', route: '/channels/:channel/messages' });
    await discord.until(() => looks().length === 8, 'as many looks as there may be');
    const first = people[0]?.id ?? '';
    discord.as(first).dm('are you there?');
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> a sign that it has arrived`);
    await nthMessage(world, 1);
    gates[0]?.open();
    await discord.until(() => looks().length === 9, 'the next look');
    expect(looks().at(-1)?.path).toContain(discord.as(first).dmChannel().id);
    for (const { open } of gates) open();
    expect((await nthMessage(world, 2)).text).toBe('are you there?');
  });

  it('goes on with what comes in a channel whose past Discord fails to tell', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.as(ana.id).dm('hello');
    await nthMessage(world, 1);
    await world.halt();
    discord.as(ana.id).dm('missed');
    discord.faults.add({
      method: 'GET',
      route: '/channels/:channel/messages',
      times: 1_000_000,
      effect: { type: 'status', status: 500 },
    });
    await world.restart(world.bot.successor());
    discord.as(ana.id).dm('now');
    await discord.until(() => discord.journal.rest({ status: 500 }).length > 0, 'a look that fails');
    discord.clock.advance(2 * MINUTE);
    expect((await nthMessage(world, 1)).text).toBe('now');
    discord.faults.clear();
    expect((await nthMessage(world, 2)).text).toBe('missed');
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

describe('a message that cannot be taken in, though all else works', () => {
  beforeEach(async () => {
    await world.start();
    const { discord, ana } = world;
    discord.as(ana.id).dm('hello');
    await nthMessage(world, 1);
    world.bot.beforeReceive = async ({ text }) => {
      if (text === 'poison') throw new TypeError('text.split is not a function');
    };
  });

  it('does not hold up what others say after it, and its author is asked to send it again', async () => {
    const { discord, ana, ben, channel } = world;
    const poison = discord.as(ana.id).say(channel.id, `<@${discord.botId}> poison`);
    discord.as(ben.id).say(channel.id, `<@${discord.botId}> boots?`);
    expect((await nthMessage(world, 2)).text).toBe('boots?');
    const [told] = discord.messages(channel.id).filter(({ authorId }) => authorId === discord.botId);
    expect(told?.content).toContain('Something went wrong on my side. Please send that again');
    expect(told?.reference?.messageId).toBe(poison.id);
    expect(world.logs.filter(({ event }) => event === 'discord.delivery_failed')).toHaveLength(1);
    await world.restart(world.bot.successor());
    discord.as(ben.id).say(channel.id, `<@${discord.botId}> socks?`);
    expect((await nthMessage(world, 1)).text).toBe('socks?');
  });

  it('does not hold up what was missed after it either', async () => {
    const { discord, ana, bot } = world;
    await world.halt();
    discord.as(ana.id).dm('poison');
    discord.as(ana.id).dm('boots?');
    const next = bot.successor();
    next.beforeReceive = bot.beforeReceive;
    await world.restart(next);
    expect((await nthMessage(world, 1)).text).toBe('boots?');
  });
});

describe('what is noted of a message', () => {
  it('is written once, and not before a message is in the inbox that can be found again', async () => {
    await world.start();
    const { discord, ana, bot } = world;
    discord.as(ana.id).dm('hello');
    await nthMessage(world, 1);
    await world.restart(bot.successor());
    const written: string[] = [];
    for (const name of ['discord-taken', 'discord-spoke', 'discord-channel']) {
      const table = world.state.table(name);
      const { set, insert } = table;
      table.set = async (...given) => {
        written.push(name);
        await set(...given);
      };
      table.insert = async (...given) => {
        written.push(name);
        return insert(...given);
      };
    }
    let before: string[] | undefined;
    world.bot.beforeReceive = async () => {
      before = [...written];
    };
    discord.as(ana.id).dm('boots?');
    await nthMessage(world, 1);
    await world.halt();
    expect(before).toEqual([]);
    expect(written.sort()).toEqual(['discord-channel', 'discord-spoke', 'discord-taken']);
  });

  it('is made good after a crash, so that an edit finds its message', async () => {
    await world.start();
    const { discord, ana, bot } = world;
    discord.as(ana.id).dm('hello');
    await nthMessage(world, 1);
    bot.onMessage = () => {
      world.stateIsDown = true;
    };
    const sent = discord.as(ana.id).dm('blue shoes');
    await discord.until(() => world.stateIsDown);
    await world.halt();
    world.stateIsDown = false;
    await world.restart(bot.successor());
    world.bot.withdrawAnswer = 'running';
    discord.as(ana.id).edit(sent.id, 'red shoes');
    expect((await nthMessage(world, 1)).text).toBe('red shoes');
    expect(world.bot.withdrawn.map(({ messageId }) => messageId)).toEqual([sent.id]);
  });
});

describe('while the database fails over', () => {
  /** The bot writes to the same database. */
  function bound() {
    world.bot.beforeReceive = async () => {
      if (world.stateIsDown) throw new Error('the database does not answer');
    };
  }
  const delayed = () => world.logs.filter(({ event }) => event === 'discord.delivery_delayed');

  it('keeps what is written to the bot, and takes it in afterwards, in order', async () => {
    await world.start();
    bound();
    const { discord, ana, channel, bot } = world;
    world.stateIsDown = true;
    for (const text of ['one', 'two', 'three']) discord.as(ana.id).dm(text);
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> four`);
    await discord.until(() => delayed().length === 2, 'the log to say so');
    expect(delayed()[0]?.level).toBe('warn');
    expect(bot.received).toEqual([]);
    world.stateIsDown = false;
    await nthMessage(world, 4);
    const dms = bot.received.filter(({ conversation }) => conversation.audience === 'private');
    expect(dms.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  it('is found by the next process when this one stops meanwhile, though nobody wrote there before', async () => {
    await world.start();
    const { discord, ana, channel } = world;
    world.bot.beforeReceive = async () => {
      world.stateIsDown = true;
      throw new Error('the database does not answer');
    };
    discord.as(ana.id).dm('first words');
    await discord.until(() => world.stateIsDown);
    await world.halt();
    world.stateIsDown = false;
    await world.restart();
    expect((await nthMessage(world, 1)).text).toBe('first words');

    world.bot.beforeReceive = async () => {
      world.stateIsDown = true;
      throw new Error('the database does not answer');
    };
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> first mention`);
    await discord.until(() => world.stateIsDown);
    await world.halt();
    world.stateIsDown = false;
    await world.restart();
    expect((await nthMessage(world, 1)).text).toBe('first mention');
  });

  it('says that messages became too old in the meantime, and of no other', async () => {
    await world.start();
    const { discord, ana, bot } = world;
    const logged = (name: string) => world.logs.filter(({ event }) => event === name).length;
    bot.beforeReceive = async () => {
      world.stateIsDown = true;
      throw new Error('the database does not answer');
    };
    const dm = discord.as(ana.id).dm('one');
    discord.as(ana.id).dm('one more');
    await discord.until(() => logged('discord.delivery_delayed') > 0, 'the log to say so');
    discord.clock.advance(31 * MINUTE);
    await discord.until(() => logged('discord.delivery_failed') === 2, 'both to be given up');
    bot.beforeReceive = async () => {};
    world.stateIsDown = false;
    discord.as(ana.id).dm('two');
    expect((await nthMessage(world, 1)).text).toBe('two');
    await discord.until(() => botSaid(world, dm.channelId).length > 0, 'a note');
    expect(botSaid(world, dm.channelId)).toEqual([expect.stringContaining('missed 2 messages')]);
    await world.restart(bot.successor());
    discord.as(ana.id).dm('three');
    expect((await nthMessage(world, 1)).text).toBe('three');
    expect(botSaid(world, dm.channelId)).toHaveLength(1);
  });

  it('misses nothing that was answered, however little was noted of it', async () => {
    await world.start();
    const { discord, ana } = world;
    const dm = discord.as(ana.id).dm('hello');
    await nthMessage(world, 1);
    discord.as(ana.id).dm('one');
    discord.as(ana.id).dm('two');
    await nthMessage(world, 3);
    let tried = false;
    world.bot.beforeReceive = async () => {
      tried = true;
      throw new Error('the database does not answer');
    };
    discord.as(ana.id).dm('three');
    await discord.until(() => tried);
    await world.halt();
    // As a process leaves it that could not write down how far it was.
    await world.state.table('discord-channel').set(dm.channelId, { guildId: null, lastId: dm.id });
    discord.clock.advance(31 * MINUTE);
    await world.restart();
    discord.as(ana.id).dm('now');
    expect((await nthMessage(world, 1)).text).toBe('now');
    expect(botSaid(world, dm.channelId)).toEqual([expect.stringContaining('missed a message')]);
  });
});
