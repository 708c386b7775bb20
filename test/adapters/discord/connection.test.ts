import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  answerWith,
  botSaid,
  createWorld,
  done,
  nthMessage,
  openReply,
  type World,
  working,
} from './harness.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const MINUTE = 60_000;
/** discord.js leaves five seconds between two identifies. */
const IDENTIFY_MS = 15_000;

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

describe('a connection that breaks', () => {
  const stages = ['before', 'status', 'text', 'end'] as const;
  it.each(['resumed', 'refused'] as const)(
    'leaves one reply each, wherever it breaks in a turn (%s)',
    async how => {
      await Promise.all(
        stages.map(async stage => {
          const own = await createWorld();
          await own.start();
          const { discord, ana } = own;
          const channelId = discord.as(ana.id).dmChannel().id;
          const drop = (at: string) => {
            if (at !== stage) return;
            if (how === 'refused') discord.gateway.refuseResumes(1);
            discord.gateway.drop();
          };
          // From here on the channel is one that is caught up with.
          discord.as(ana.id).dm('hello');
          await nthMessage(own, 1);
          discord.as(ana.id).dm('question');
          drop('before');
          const message = await nthMessage(own, 2);
          const { sink } = openReply(own, message);
          await discord.until(() => botSaid(own, channelId).includes('-# Thinking…'));
          drop('status');
          sink.show(working('Half'));
          await discord.until(() => botSaid(own, channelId).includes('Half'));
          drop('text');
          await sink.finish(done('Answer'));
          drop('end');
          sink.close();
          discord.as(ana.id).dm('last');
          expect((await nthMessage(own, 3)).text).toBe('last');
          expect(botSaid(own, channelId)).toEqual(['Answer']);
          await own.close();
        }),
      );
    },
  );

  it('goes on without the Message Content intent when Discord takes it away', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.state.app.privileged.messageContent = false;
    discord.gateway.refuseResumes(1);
    discord.gateway.drop();
    await discord.until(
      () => world.logs.some(({ fields }) => 'message_content' in fields && fields.message_content === false),
      'a connection without the intent',
      IDENTIFY_MS,
    );
    discord.as(ana.id).dm('still there?');
    expect((await nthMessage(world, 1)).text).toBe('still there?');
  });
});

describe('credentials', () => {
  it('are refused at start-up with a sentence that says what to do', async () => {
    const other = await createWorld({ settings: { token: 'wrong.token.here' } });
    await expect(other.start()).rejects.toThrow('DISCORD_TOKEN');
    await other.close();
  });

  it('survive a single 401: the log says so and the reply arrives', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.as(ana.id).dm('hello');
    const message = await nthMessage(world, 1);
    discord.faults.add({
      method: 'POST',
      route: '/channels/:channel/messages',
      effect: { type: 'status', status: 401, body: { message: '401: Unauthorized', code: 0 } },
    });
    const { sink } = openReply(world, message);
    await sink.finish(done('Here I am.'));
    sink.close();
    expect(botSaid(world, message.conversation.channel)).toEqual(['Here I am.']);
    expect(world.logs.filter(({ event }) => event === 'discord.unauthorized')).toHaveLength(1);
  });

  it('never appear in the log', async () => {
    await world.start();
    expect(JSON.stringify(world.logs)).not.toContain(world.discord.token);
  });
});

describe('edits and deletions', () => {
  it('stop the turn that is running, and an edit is answered afresh', async () => {
    await world.start();
    const { discord, ana, bot } = world;
    const sent = discord.as(ana.id).dm('blue shoes');
    await nthMessage(world, 1);
    bot.withdrawAnswer = 'running';
    discord.as(ana.id).edit(sent.id, 'red shoes');
    const edited = await nthMessage(world, 2);
    expect(edited).toMatchObject({ text: 'red shoes', conversation: bot.received[0]?.conversation });
    expect(edited.id).toMatch(new RegExp(`^${sent.id}:edited-\\d+$`));
    discord.as(ana.id).remove(sent.id);
    await discord.until(() => bot.withdrawn.length === 2);
    expect(bot.withdrawn.map(({ messageId }) => messageId)).toEqual([sent.id, edited.id]);
  });

  it('leave a finished answer alone, as do previews of links', async () => {
    await world.start();
    const { discord, ana, bot } = world;
    const sent = discord.as(ana.id).dm('look https://example.com');
    await nthMessage(world, 1);
    discord.world.unfurlLink(sent.channelId, sent.id, 'https://example.com');
    discord.as(ana.id).edit(sent.id, 'look at this https://example.com');
    await discord.until(() => bot.withdrawn.length === 1);
    discord.as(ana.id).dm('next');
    expect((await nthMessage(world, 2)).text).toBe('next');
  });
});

describe('shards', () => {
  it('serve DMs while a server on another shard keeps its lane busy', async () => {
    await world.close();
    world = await createWorld({ fake: { shards: 2, maxConcurrency: 2 } });
    const { discord, ana, bot } = world;
    const busy = discord.world.addGuild('Busy', { members: [ana.id], shard: [1, 2] });
    const place = discord.world.addChannel(busy.id, 'general');
    await world.start();
    expect(discord.gateway.connected(0) && discord.gateway.connected(1)).toBe(true);
    let release: () => void = () => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    bot.beforeReceive = async message => {
      if (message.conversation.audience === 'shared') await held;
    };
    for (let count = 0; count < 20; count += 1)
      discord.as(ana.id).say(place.id, `<@${discord.botId}> ${count}`);
    discord.as(ana.id).dm('quick');
    expect((await nthMessage(world, 1)).text).toBe('quick');
    release();
    await nthMessage(world, 21);
  });
});

describe('files', () => {
  it('are fetched with a fresh address when the first has expired', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.as(ana.id).dm('look', { files: [{ name: 'boots.png', contentType: 'image/png', data: 'png' }] });
    const [attachment] = (await nthMessage(world, 1)).attachments;
    if (attachment === undefined) throw new Error('no attachment');
    discord.clock.advance(25 * 60 * MINUTE);
    const bytes = await world.adapter.download(attachment, AbortSignal.timeout(5_000));
    expect(Buffer.from(bytes).toString()).toBe('png');
  });

  it('come from Discord alone', async () => {
    await world.start();
    const attachment = {
      name: 'a.png',
      mediaType: 'image/png',
      sizeBytes: 1,
      source: { url: 'https://evil.example/a.png', attachmentId: '1', channelId: '2', messageId: '3' },
    };
    await expect(world.adapter.download(attachment, AbortSignal.timeout(5_000))).rejects.toThrow(
      'not stored at Discord',
    );
    const file = {
      ...attachment,
      source: { ...attachment.source, url: 'http://cdn.discordapp.com.evil.example/a' },
    };
    await expect(world.adapter.download(file, AbortSignal.timeout(5_000))).rejects.toThrow(
      'not stored at Discord',
    );
  });
});
