import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { botSaid, createWorld, done, nthMessage, openReply, type World, working } from './harness.ts';
import { answerTo } from './interacting.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

/** discord.js leaves five seconds between two identifies. */
const IDENTIFY_MS = 15_000;

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

describe('what is delivered with less than Discord sends', () => {
  it.each(['channel', 'dm'] as const)('is a command all the same (%s)', async where => {
    await world.start();
    const { discord, ana, channel } = world;
    discord.gateway.leaveOut('INTERACTION_CREATE', OPTIONAL);
    const content = 'a line\n'.repeat(100);
    const file = { name: 'memory.md', mediaType: 'text/markdown', content };
    world.bot.onCommand = () => ({ type: 'export', sentence: 'Here it is.', file });
    const place = where === 'dm' ? discord.as(ana.id).dmChannel() : channel;
    const asked = discord.as(ana.id).slash(place.id, 'preferences', { path: ['export'] });
    expect((await answerTo(world, asked)).attachments.map(({ data }) => data.toString())).toEqual([content]);
  });

  it('is passed over where nothing can be made of it, and what follows is heard', async () => {
    await world.start();
    const { discord, ana, channel } = world;
    discord.gateway.leaveOut('INTERACTION_CREATE', ['data']);
    discord.as(ana.id).slash(channel.id, 'preferences', { path: ['view'] });
    discord.as(ana.id).dm('hello');
    expect((await nthMessage(world, 1)).text).toBe('hello');
    expect(world.logs).toContainEqual(expect.objectContaining({ event: 'discord.unreadable' }));
  });
});

const OPTIONAL = [
  'app_permissions',
  'attachment_size_limit',
  'authorizing_integration_owners',
  'channel',
  'context',
  'entitlements',
  'guild',
  'guild_locale',
  'locale',
];

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

  it('that Discord takes back are named in the log, and the bot returns once they hold again', async () => {
    await world.start();
    const { discord, ana } = world;
    const { token } = discord;
    discord.as(ana.id).dm('before');
    await nthMessage(world, 1);
    discord.resetToken('another.token.entirely');
    discord.gateway.drop();
    await discord.until(
      () => world.logs.find(({ event }) => event === 'discord.disconnected'),
      'the log line',
    );
    const [line] = world.logs.filter(({ event }) => event === 'discord.disconnected');
    expect(line).toMatchObject({ level: 'error' });
    expect(line?.text).toContain('DISCORD_TOKEN');
    discord.as(ana.id).dm('meanwhile');
    discord.resetToken(token);
    expect((await nthMessage(world, 2)).text).toBe('meanwhile');
  });

  it('never appear in the log', async () => {
    await world.start();
    expect(JSON.stringify(world.logs)).not.toContain(world.discord.token);
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
